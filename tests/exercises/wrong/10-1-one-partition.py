# says: of 3 partitions, 2 stand behind the batch still
def after_an_error(producer, consumer, batch):
    producer.abort_transaction()
    partition, part = next(iter(batch.items()))
    consumer.seek(partition, part[0].offset)
