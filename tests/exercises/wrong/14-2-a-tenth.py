# says: more than ten are too many
def should_stop(bad):
    """bad: of each booking so far, in order, whether it was; the newest is the last."""
    return sum(bad[-100:]) >= 10
