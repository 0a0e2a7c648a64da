def windows_of(at, size, step):
    """The begins of all windows that hold the event time `at`, in ms."""
    last = at - at % step
    return list(range(last, at - size, -step))
