# says: commit() commits the positions of all partitions
def send_texts(consumer, send):
    for records in consumer.poll(timeout_ms=1_000).values():
        for record in records:
            send(record)
            consumer.commit()
