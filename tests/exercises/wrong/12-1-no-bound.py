# says: promises too much: messages may be out of order
def watermark(seen, now, bound, patience):
    active = [time for time, heard in seen.values() if now - heard <= patience]
    return min(active) if active else None
