# says: the failed transaction is still open
def after_an_error(producer, consumer, batch):
    for partition, part in batch.items():
        consumer.seek(partition, part[0].offset)
