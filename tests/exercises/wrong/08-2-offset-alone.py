# says: have no ticket: their key was taken. Each partition counts its offsets from 0
def key(record):
    return record.offset
