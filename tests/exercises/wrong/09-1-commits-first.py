# says: of its texts were never sent.
def send_texts(consumer, send):
    polled = consumer.poll(timeout_ms=1_000)
    consumer.commit()
    for records in polled.values():
        for record in records:
            send(record)
