# says: are neither stored nor returned
def send_again(producer, topic, failed):
    left, waiting = [], set()
    for n, key, value in sorted(failed):
        if key in waiting:
            continue
        try:
            producer.send(topic, key=key, value=value).get(timeout=10)
        except Exception:
            left.append((n, key, value))
            waiting.add(key)
    return left
