# says: The group's offset was not committed yet
dies = "all sent"
