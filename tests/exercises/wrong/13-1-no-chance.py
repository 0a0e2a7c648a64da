# says: clients that failed together come back together.
def equal_jitter(retry, base=0.1, cap=0.8):
    return 0.75 * min(cap, base * 2 ** min(retry - 1, 30))
