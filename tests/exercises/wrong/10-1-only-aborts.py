# says: behind the batch: its 15 bookings never come again
def after_an_error(producer, consumer, batch):
    producer.abort_transaction()
