# says: for a time after the last message, start_at
def start_at(consumer, partition, moment):
    found = consumer.offsets_for_times({partition: int(moment * 1_000)})[partition]
    consumer.seek(partition, found.offset)
