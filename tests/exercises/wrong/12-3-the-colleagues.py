# says: killed right after its commit_transaction
def save(producer, consumer, group, offsets, changelog, changes):
    producer.begin_transaction()
    for partition, key, value in changes:
        producer.send(changelog, value, key, partition=partition)
    producer.commit_transaction()
    consumer.commit(offsets)
