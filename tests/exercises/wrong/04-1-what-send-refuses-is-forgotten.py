# says: are too large for `send`, which raises: those failed, too.
def send_all(producer, topic, values, bound):
    places, delivered, failed = threading.Semaphore(bound), [], []
    for value in values:
        places.acquire()
        try:
            future = producer.send(topic, value)
        except Exception:
            places.release()
            continue
        future.add_both(lambda _: places.release())
        future.add_callback(lambda _, value=value: delivered.append(value))
        future.add_errback(lambda _, value=value: failed.append(value))
    producer.flush()
    return delivered, failed
