# says: killed right after its commit:
def save(producer, consumer, group, offsets, changelog, changes):
    consumer.commit(offsets)
    producer.begin_transaction()
    for partition, key, value in changes:
        producer.send(changelog, value, key, partition=partition)
    producer.commit_transaction()
