# says: What it has done, and not noted, it does again.
def count_seat(db, event_id, flight):
    if not db.execute("SELECT 1 FROM seen WHERE event_id = ?", [event_id]).fetchone():
        with db:
            db.execute("INSERT OR IGNORE INTO seats VALUES (?, 0)", [flight])
            db.execute("UPDATE seats SET sold = sold + 1 WHERE flight = ?", [flight])
        with db:
            db.execute("INSERT INTO seen VALUES (?)", [event_id])
