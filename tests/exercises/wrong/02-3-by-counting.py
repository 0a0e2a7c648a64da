# says: a partition that ends with a mark of Kafka's own
def read_all(consumer, partition):
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    beginning = consumer.beginning_offsets([partition])[partition]
    end = consumer.end_offsets([partition])[partition]
    values = []
    while len(values) < end - beginning:
        for record in consumer.poll(timeout_ms=500).get(partition, []):
            values.append(record.value)
    return values
