# says: of 3 partitions, 3 stand behind the batch still
def after_an_error(producer, consumer, batch):
    producer.abort_transaction()
