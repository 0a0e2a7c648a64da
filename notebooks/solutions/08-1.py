def repeated(crash, every):
    """How many messages are done again after the restart."""
    committed = (crash - 1) // every * every  # the commit after message `crash` was not made
    return crash - committed
