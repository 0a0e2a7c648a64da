# says: keys have another relay. After a restart some events would be taken by two
def relay_of(key, relays):
    return hash(key) % relays
