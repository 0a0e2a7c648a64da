# says: lets one partition close the others
def watermark(seen, now, bound, patience):
    active = [time for time, heard in seen.values() if now - heard <= patience]
    return max(active) - bound if active else None
