def start_at(consumer, partition, moment):
    """Sets the position to the first message at `moment` (seconds since 1970) or later."""
    found = consumer.offsets_for_times({partition: int(moment * 1_000)})[partition]
    if found is None:  # no such message yet: what comes from now on is later
        consumer.seek_to_end(partition)
    else:
        consumer.seek(partition, found.offset)
