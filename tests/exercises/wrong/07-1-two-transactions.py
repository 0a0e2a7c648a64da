# says: a reader died in the middle: 0 of
def save_tickets(store, old, new, tickets):
    with store:
        moved = store.execute("UPDATE places SET place = ? WHERE place = ?", [new, old])
    if moved.rowcount == 1:
        with store:
            store.executemany("INSERT INTO tickets VALUES (?)", tickets)
