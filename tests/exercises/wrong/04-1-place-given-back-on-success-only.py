# says: send_all had not come back after
def send_all(producer, topic, values, bound):
    places, delivered, failed = threading.Semaphore(bound), [], []

    def on_success(_, value):
        delivered.append(value)
        places.release()

    for value in values:
        places.acquire()
        try:
            future = producer.send(topic, value)
        except Exception:
            failed.append(value)
            continue
        future.add_callback(lambda metadata, value=value: on_success(metadata, value))
        future.add_errback(lambda _, value=value: failed.append(value))
    producer.flush()
    return delivered, failed
