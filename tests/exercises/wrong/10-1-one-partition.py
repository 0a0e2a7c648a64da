# says: behind the batch: its 5 bookings never come again
def after_an_error(producer, consumer, batch):
    producer.abort_transaction()
    partition, part = next(iter(batch.items()))
    consumer.seek(partition, part[0].offset)
