# says: that is more than 35. What repeats in a batch is stored once
settings = dict(linger_ms=0, compression_type="gzip")
