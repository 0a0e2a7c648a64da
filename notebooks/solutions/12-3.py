def save(producer, consumer, group, offsets, changelog, changes):
    producer.begin_transaction()
    for partition, key, value in changes:
        producer.send(changelog, value, key, partition=partition)
    producer.send_offsets_to_transaction(offsets, group)  # they count with the changes
    producer.commit_transaction()  # raises if one of the sends has failed
