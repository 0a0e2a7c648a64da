# says: are committed: the next reader does the others again
def check_in(consumer, service):
    for partition, records in consumer.poll(timeout_ms=1_000).items():
        for record in records:
            try:
                service(record)
            except ConnectionError:
                consumer.seek(partition, record.offset)
                break
