# says: departures are missing
def save(producer, consumer, group, offsets, changelog, changes):
    producer.begin_transaction()
    for partition, key, value in changes:
        producer.send(changelog, value, key, partition=partition)
    consumer.commit(offsets)
    producer.commit_transaction()
