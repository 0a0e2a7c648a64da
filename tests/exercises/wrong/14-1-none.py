# says: its partition would stand still for ever
def is_permanent(error):
    """True: a letter. False: it may pass, so try again later."""
    return False
