# says: watermark ended with ValueError
def watermark(seen, now, bound, patience):
    return min(time for time, heard in seen.values() if now - heard <= patience) - bound
