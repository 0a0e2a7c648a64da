def repeated(killed, every):
    """How many messages are done again after the restart."""
    committed = (killed - 1) // every * every  # the commit after message `killed` was not made
    return killed - committed
