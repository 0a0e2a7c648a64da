# says: end minus position: that is what the reader feels
def lag(consumer, partition):
    return consumer.end_offsets([partition])[partition] - consumer.position(partition)
