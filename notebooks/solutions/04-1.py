def send_all(producer, topic, values, bound):
    """Two lists: the values that were delivered, and those that failed."""
    places, delivered, failed = threading.Semaphore(bound), [], []
    for value in values:
        places.acquire()
        try:
            future = producer.send(topic, value)
        except Exception:  # it never was in flight
            places.release()
            failed.append(value)
            continue
        future.add_both(lambda _: places.release())
        future.add_callback(lambda _, value=value: delivered.append(value))
        future.add_errback(lambda _, value=value: failed.append(value))
    producer.flush()
    return delivered, failed
