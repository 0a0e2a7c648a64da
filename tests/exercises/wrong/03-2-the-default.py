# says: when two brokers have died, with a single copy
min_insync_replicas = 1
