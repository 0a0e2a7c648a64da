# says: hold it, too: windows overlap
def windows_of(at, size, step):
    last = at - at % step
    return [last - number * step for number in range(size // step)]
