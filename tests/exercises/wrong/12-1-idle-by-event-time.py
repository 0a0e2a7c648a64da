# says: it returned None. Of the partitions
def watermark(seen, now, bound, patience):
    active = [time for time, heard in seen.values() if now - time <= patience]
    return min(active) - bound if active else None
