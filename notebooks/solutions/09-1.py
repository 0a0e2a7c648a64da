def send_texts(consumer, send):
    """Sends a text for each message of the next poll, and commits what is sent."""
    for records in consumer.poll(timeout_ms=1_000).values():
        for record in records:
            send(record)
    consumer.commit()  # behind the whole batch, all of which is sent now
