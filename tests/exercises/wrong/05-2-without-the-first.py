# says: 6 partitions, at random: it says 1.7
def per_batch(rate, linger_ms, partitions, sticky):
    come = rate * linger_ms / 1_000
    return come if sticky else come / partitions
