# Longer than the pause and a heartbeat together, shorter than what a dead one may cost.
settings = dict(session_timeout_ms=3_500, heartbeat_interval_ms=500)
