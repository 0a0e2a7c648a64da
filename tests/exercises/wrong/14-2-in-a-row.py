# says: of the last hundred are bad, and before them none
def should_stop(bad):
    """bad: of each booking so far, in order, whether it was; the newest is the last."""
    return len(bad) > 10 and all(bad[-11:])
