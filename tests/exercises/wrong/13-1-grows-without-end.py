# says: equal_jitter ended with OverflowError
def equal_jitter(retry, base=0.1, cap=0.8):
    half = min(cap, base * 2 ** (retry - 1)) / 2
    return half + random.uniform(0, half)
