# says: It is killed before that commit: the last one was made an interval earlier.
def repeated(killed, every):
    return killed % every
