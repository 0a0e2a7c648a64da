# says: were sent twice, and each copy has an offset of its own.
def key(record):
    return record.topic, record.partition, record.offset
