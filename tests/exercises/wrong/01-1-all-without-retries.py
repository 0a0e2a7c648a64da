# says: The producer is told what failed, but nobody sends it again.
settings = dict(acks="all", retries=0)
