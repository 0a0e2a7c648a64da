# says: No answer comes back, so no failure is noticed, and no retry is made.
settings = dict(acks=0, retries=5)
