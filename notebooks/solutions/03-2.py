# One dead: two are left, and that is enough. Two dead: one is left, and bookings are refused.
min_insync_replicas = 2
