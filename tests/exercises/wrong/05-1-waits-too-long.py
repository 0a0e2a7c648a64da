# says: that is too late. How long does the first of a batch wait?
settings = dict(linger_ms=150, compression_type="gzip")
