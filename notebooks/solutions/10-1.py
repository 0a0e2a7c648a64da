def after_an_error(producer, consumer, batch):
    producer.abort_transaction()  # nothing of it counts
    for partition, part in batch.items():
        consumer.seek(partition, part[0].offset)  # an abort moves no position
