def equal_jitter(retry, base=0.1, cap=0.8):
    """Seconds to wait before that retry (1, 2, 3, …)."""
    half = min(cap, base * 2 ** min(retry - 1, 30)) / 2
    return half + random.uniform(0, half)
