def lag(consumer, partition):
    """How many messages the consumer's group is behind, as a tool outside of it counts."""
    end = consumer.end_offsets([partition])[partition]
    return end - consumer.committed(partition)
