def is_permanent(error):
    """True: a letter. False: it may pass, so try again later."""
    # What is wrong with the bytes. Whatever else there is, known or not, may pass.
    return isinstance(error, (ValueError, TypeError, LookupError, RecursionError))
