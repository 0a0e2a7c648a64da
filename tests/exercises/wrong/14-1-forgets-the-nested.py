# says: RecursionError (maximum recursion depth exceeded
def is_permanent(error):
    """True: a letter. False: it may pass, so try again later."""
    return isinstance(error, (ValueError, TypeError, LookupError))
