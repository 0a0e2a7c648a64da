# says: It is killed before that commit: the last one was made an interval earlier.
def repeated(crash, every):
    return crash % every
