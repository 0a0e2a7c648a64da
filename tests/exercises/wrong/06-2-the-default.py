# says: nobody had its partition: the session timeout is 45 s
settings = dict(heartbeat_interval_ms=500)
