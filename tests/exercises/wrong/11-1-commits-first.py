# says: are committed: it is lost. Does each message have its answer
def hand_over(producer, consumer, topic, messages):
    futures = [producer.send(topic, message.value, key=message.key) for message in messages]
    consumer.commit()
    for future in futures:
        future.get(timeout=150)
