# says: fills the queue with good bookings
def is_permanent(error):
    """True: a letter. False: it may pass, so try again later."""
    return not isinstance(error, (OSError, RuntimeError))
