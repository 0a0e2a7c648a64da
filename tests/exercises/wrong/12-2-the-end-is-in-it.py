# says: its end is not part of it
def windows_of(at, size, step):
    last = at - at % step
    return [
        begin for begin in range(last - size, last + 1) if begin % step == 0 and begin + size >= at
    ]
