# says: A poll that returns nothing says that nothing has arrived yet
def read_all(consumer, partition):
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    values = []
    while records := consumer.poll(timeout_ms=200).get(partition):
        values += [record.value for record in records]
    return values
