# says: of its texts were never sent.
def send_texts(consumer, send):
    try:
        for records in consumer.poll(timeout_ms=1_000).values():
            for record in records:
                send(record)
    finally:
        consumer.commit()
