# says: hold it, too: windows overlap
def windows_of(at, size, step):
    return [at - at % size]
