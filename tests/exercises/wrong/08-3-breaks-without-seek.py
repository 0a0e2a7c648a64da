# says: of 120 bookings are never checked in
def check_in(consumer, service):
    for records in consumer.poll(timeout_ms=1_000).values():
        for record in records:
            try:
                service(record)
            except ConnectionError:
                break
    consumer.commit()
