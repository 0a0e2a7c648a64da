# says: 6 partitions, at random: it says 11.0
def per_batch(rate, linger_ms, partitions, sticky):
    return 1 + rate * linger_ms / 1_000
