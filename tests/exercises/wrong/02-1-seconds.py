# says: Kafka counts times in milliseconds since 1970
def start_at(consumer, partition, moment):
    found = consumer.offsets_for_times({partition: int(moment)})[partition]
    consumer.seek(partition, found.offset)
