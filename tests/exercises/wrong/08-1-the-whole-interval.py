# says: The last commit was made after message
def repeated(killed, every):
    return every
