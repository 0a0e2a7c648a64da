# says: that is more than 35. What repeats in a batch is stored once
settings = dict(linger_ms=40, compression_type=None)
