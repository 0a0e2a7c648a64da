# says: after_an_error ended with
def after_an_error(producer, consumer, batch):
    producer.abort_transaction()
    for partition in batch:
        consumer.seek(partition, consumer.committed(partition))
