# says: 10 of the last hundred are bad, and before them all
def should_stop(bad):
    """bad: of each booking so far, in order, whether it was; the newest is the last."""
    return sum(bad) > max(10, len(bad) / 10)
