# says: the last heartbeat may be 2 s old when a member stands still
settings = dict(session_timeout_ms=3_500, heartbeat_interval_ms=2_000)
