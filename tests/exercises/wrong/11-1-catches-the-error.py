# says: nobody is told: its error must be raised
def hand_over(producer, consumer, topic, messages):
    try:
        for message in messages:
            producer.send(topic, message.value, key=message.key).get(timeout=150)
        consumer.commit()
    except Exception:
        return  # the next start begins there again
