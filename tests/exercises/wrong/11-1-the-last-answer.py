# says: are committed: it is lost. Does each message have its answer
def hand_over(producer, consumer, topic, messages):
    for message in messages:
        future = producer.send(topic, message.value, key=message.key)
    producer.flush()
    future.get(timeout=150)
    consumer.commit()
