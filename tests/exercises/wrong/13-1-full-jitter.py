# says: half of which is certain, and it returned
def equal_jitter(retry, base=0.1, cap=0.8):
    return random.uniform(0, min(cap, base * 2 ** min(retry - 1, 30)))
