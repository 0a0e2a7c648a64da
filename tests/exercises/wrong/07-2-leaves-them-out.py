# says: it says nothing of partition
def start_at(consumer, partitions, milliseconds):
    found = consumer.offsets_for_times(dict.fromkeys(partitions, milliseconds))
    return {partition: each.offset for partition, each in found.items() if each}
