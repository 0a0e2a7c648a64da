# says: are committed: the next reader sends the others again
def send_texts(consumer, send):
    for records in consumer.poll(timeout_ms=1_000).values():
        for record in records:
            send(record)
