def start_at(consumer, partitions, milliseconds):
    found = consumer.offsets_for_times(dict.fromkeys(partitions, milliseconds))
    ends = consumer.end_offsets(partitions)  # where no message is so late
    return {each: found[each].offset if found[each] else ends[each] for each in partitions}
