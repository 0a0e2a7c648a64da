def read_all(consumer, partition):
    """The values of all messages that are in the partition now."""
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    end = consumer.end_offsets([partition])[partition]
    values = []
    # The position moves over offsets that hold no message, too, and an empty poll says nothing.
    while consumer.position(partition) < end:
        for record in consumer.poll(timeout_ms=1_000).get(partition, []):
            values.append(record.value)
    return values
