def save_tickets(store, old, new, tickets):
    with store:  # one transaction
        moved = store.execute("UPDATE places SET place = ? WHERE place = ?", [new, old])
        if moved.rowcount == 1:
            store.executemany("INSERT INTO tickets VALUES (?)", tickets)
