# says: What the leader had confirmed and not passed on yet dies with it
settings = dict(acks=1, retries=10)
