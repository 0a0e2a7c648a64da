# says: one has far less to do than the others
def relay_of(key, relays):
    return len(key) % relays
