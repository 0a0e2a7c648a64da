# says: messages were in flight at once, and
def send_all(producer, topic, values, bound):
    delivered, failed = [], []
    for value in values:
        try:
            future = producer.send(topic, value)
        except Exception:
            failed.append(value)
            continue
        future.add_callback(lambda _, value=value: delivered.append(value))
        future.add_errback(lambda _, value=value: failed.append(value))
    producer.flush()
    return delivered, failed
