# says: waits for an idle partition
def watermark(seen, now, bound, patience):
    return min(time for time, _ in seen.values()) - bound
