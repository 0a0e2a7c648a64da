# says: of 120 bookings are never checked in
def check_in(consumer, service):
    try:
        for partition, records in consumer.poll(timeout_ms=1_000).items():
            for record in records:
                try:
                    service(record)
                except ConnectionError:
                    consumer.seek(partition, record.offset)
                    return  # the positions of the others are behind their messages
    finally:
        consumer.commit()
