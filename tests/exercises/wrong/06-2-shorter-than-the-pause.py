# says: it is over the session timeout of 1.5 s, and out
settings = dict(session_timeout_ms=1_500, heartbeat_interval_ms=300)
