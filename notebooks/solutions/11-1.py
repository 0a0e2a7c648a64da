def hand_over(producer, consumer, topic, messages):
    futures = []
    for message in messages:
        futures.append(producer.send(topic, message.value, key=message.key))
    for future in futures:
        future.get(timeout=150)  # raises, so nothing is committed
    consumer.commit()
