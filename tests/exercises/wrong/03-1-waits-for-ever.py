# says: tell had not come back after 5 s
from kafka.errors import KafkaTimeoutError


def tell(future):
    try:
        future.get()
        return "booked"
    except KafkaTimeoutError:
        return "unknown"
    except Exception:
        return "failed"
