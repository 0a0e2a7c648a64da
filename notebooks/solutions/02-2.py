def lag(consumer, partition):
    """How many messages the consumer's group is behind, as Kafka's tools count."""
    end = consumer.end_offsets([partition])[partition]
    return end - consumer.committed(partition)
