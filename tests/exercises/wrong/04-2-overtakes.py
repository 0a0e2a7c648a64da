# says: failed again, and message
def send_again(producer, topic, failed):
    left = []
    for n, key, value in sorted(failed):
        try:
            producer.send(topic, key=key, value=value).get(timeout=10)
        except Exception:
            left.append((n, key, value))
    return left
