# says: offsets_for_times has None
def start_at(consumer, partitions, milliseconds):
    found = consumer.offsets_for_times(dict.fromkeys(partitions, milliseconds))
    return {partition: each.offset for partition, each in found.items()}
