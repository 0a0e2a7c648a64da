# says: the first booking is bad: there were only 1: it stops
def should_stop(bad):
    """bad: of each booking so far, in order, whether it was; the newest is the last."""
    last = bad[-100:]
    return sum(last) > len(last) / 10
