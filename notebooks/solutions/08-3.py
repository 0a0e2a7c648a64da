def check_in(consumer, service):
    """Checks in what the next poll hands out, and commits what is done."""
    for partition, records in consumer.poll(timeout_ms=1_000).items():
        for record in records:
            try:
                service(record)
            except ConnectionError:
                consumer.seek(partition, record.offset)  # the next poll begins there
                break  # of this partition only
    consumer.commit()  # now each position is behind what is done, and before what is not
