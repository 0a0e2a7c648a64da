def watermark(seen, now, bound, patience):
    """The watermark of all, or None where all partitions are idle. All times in ms."""
    active = [time for time, heard in seen.values() if now - heard <= patience]
    return min(active) - bound if active else None
