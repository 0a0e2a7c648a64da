def per_batch(rate, linger_ms, partitions, sticky):
    """Messages in a batch, in the mean."""
    come = rate * linger_ms / 1_000
    return 1 + (come if sticky else come / partitions)
