# says: messages would be done again that are older
def start_at(consumer, partitions, milliseconds):
    found = consumer.offsets_for_times(dict.fromkeys(partitions, milliseconds))
    return {partition: each.offset if each else 0 for partition, each in found.items()}
