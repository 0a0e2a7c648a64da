def send_again(producer, topic, failed):
    """Sends them in the order of each key; what is left."""
    left, waiting = [], set()
    for n, key, value in sorted(failed):
        if key not in waiting:  # else it would overtake one that is still not stored
            try:
                producer.send(topic, key=key, value=value).get()
                continue
            except Exception:
                waiting.add(key)
        left.append((n, key, value))
    return left
