def count_seat(db, event_id, flight):
    with db:  # one transaction: both, or neither
        if db.execute("INSERT OR IGNORE INTO seen VALUES (?)", [event_id]).rowcount:
            db.execute("INSERT OR IGNORE INTO seats VALUES (?, 0)", [flight])
            db.execute("UPDATE seats SET sold = sold + 1 WHERE flight = ?", [flight])
