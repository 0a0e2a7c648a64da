# says: a second reader came later with the same batch
def save_tickets(store, old, new, tickets):
    with store:
        store.executemany("INSERT INTO tickets VALUES (?)", tickets)
        store.execute("UPDATE places SET place = ?", [new])
