from kafka.errors import KafkaError, MessageSizeTooLargeError, NotEnoughReplicasError


def tell(future):
    """What to tell the passenger: "booked", "failed" or "unknown"."""
    try:
        future.get(timeout=3)
        return "booked"
    except (MessageSizeTooLargeError, NotEnoughReplicasError):
        return "failed"  # a broker said no: nothing is stored
    except KafkaError:
        return "unknown"  # nobody said anything
