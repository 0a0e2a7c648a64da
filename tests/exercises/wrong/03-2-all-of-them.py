# says: when one broker has died: all stands still
min_insync_replicas = 3
