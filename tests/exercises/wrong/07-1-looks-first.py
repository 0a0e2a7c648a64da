# says: another reader saved the same batch after this one had looked
def save_tickets(store, old, new, tickets):
    [place] = store.execute("SELECT place FROM places").fetchone()
    if place == old:
        with store:
            store.execute("UPDATE places SET place = ?", [new])
            store.executemany("INSERT INTO tickets VALUES (?)", tickets)
