# says: 6 partitions, sticky: it says 4.3
def per_batch(rate, linger_ms, partitions, sticky):
    return 1 + rate * linger_ms / 1_000 / partitions
