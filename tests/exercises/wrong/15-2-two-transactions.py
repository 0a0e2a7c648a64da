# says: What it has noted as seen, and not done, it never does.
def count_seat(db, event_id, flight):
    with db:
        new = db.execute("INSERT OR IGNORE INTO seen VALUES (?)", [event_id]).rowcount
    if new:
        with db:
            db.execute("INSERT OR IGNORE INTO seats VALUES (?, 0)", [flight])
            db.execute("UPDATE seats SET sold = sold + 1 WHERE flight = ?", [flight])
