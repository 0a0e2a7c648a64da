# In 40 ms come 20 messages: enough for gzip, and no answer takes longer than 50 ms or so.
settings = dict(linger_ms=40, compression_type="gzip")
