# says: The last commit was made after message
def repeated(crash, every):
    return every
