# says: the first message at that time or later has offset
def start_at(consumer, partition, moment):
    found = consumer.offsets_for_times({partition: int(moment * 1_000)})[partition]
    consumer.seek(partition, found.offset - 1)
