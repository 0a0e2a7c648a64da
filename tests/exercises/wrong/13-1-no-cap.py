# says: the longest wait is 0.8 s, and it returned
def equal_jitter(retry, base=0.1, cap=0.8):
    half = base * 2 ** min(retry - 1, 30) / 2
    return half + random.uniform(0, half)
