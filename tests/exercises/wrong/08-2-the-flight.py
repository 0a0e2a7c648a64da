# says: have no ticket: their key was taken.
def key(record):
    return flights.from_json(record.value)["flight"]
