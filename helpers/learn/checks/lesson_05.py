"""Lesson 05, batching: settings for small files and quick answers, and how full a batch is."""

from collections.abc import Callable, Mapping

import numpy as np
from kafka import KafkaProducer
from kafka.partitioner.sticky import StickyPartitioner

from ... import flights, meters
from ..exercises import Course, Exercise, Wrong, attempt

RATE = 500  # messages per second
SECONDS = 1.0
TRIES = 3  # as a busy machine sends and answers late now and then: many at once, in large batches
BYTES, MS = 35, 80.0
STAMPED = {"message_timestamp_type": "LogAppendTime"}  # so all of a batch have the same timestamp
CLOSE = 0.3  # of what was measured
CASES = [  # linger_ms, partitions, sticky
    (40, 1, False),
    (20, 6, False),
    (40, 6, True),
]


def _send(course: Course, topic: str, **settings: object) -> np.ndarray:
    """Sends at RATE; how long each answer took, in milliseconds since it was due."""
    values = [
        flights.as_json({**booking, "id": n}) for n, booking in enumerate(flights.bookings(1_000))
    ]
    latencies = meters.Latencies()
    with KafkaProducer(bootstrap_servers=course.bootstrap_servers, **settings) as producer:
        producer.send(topic, values[0]).get(timeout=10)  # connects
        for n, due in meters.paced(RATE, SECONDS):
            producer.send(topic, values[n]).add_callback(latencies.done, due)
        producer.flush()
    return 1_000 * latencies.seconds()


def packs(course: Course, settings: object) -> str:
    """Settings under which files are small and answers quick."""
    if not isinstance(settings, Mapping):
        raise Wrong(f"the answer must be a dict of settings, not {str(settings)[:80]}.")
    if others := sorted(set(settings) - {"linger_ms", "compression_type", "batch_size"}):
        raise Wrong(f"only linger_ms, compression_type and batch_size count, not {others[0]}.")
    waited = np.inf
    for _ in range(TRIES):
        topic = course.topic("packs")
        latencies = attempt(_send, course, topic, **settings)
        waited = min(waited, float(np.percentile(latencies, 95)))
        if waited <= MS:
            break
    size = course.disk_bytes(topic) / (RATE * SECONDS + 1)
    measured = f"{size:.0f} bytes a booking, and 95 of 100 answered within {waited:.0f} ms"
    if size > BYTES and waited > MS:
        raise Wrong(f"{measured}: too large, and too late.")
    if size > BYTES:
        raise Wrong(
            f"{measured}: that is more than {BYTES}. What repeats in a batch is stored once, if "
            "there is a batch, and if it is compressed."
        )
    if waited > MS:
        raise Wrong(f"{measured}: that is too late. How long does the first of a batch wait?")
    return f"{measured}."


def _per_batch(course: Course, linger_ms: float, partitions: int, sticky: bool) -> float:
    """How many messages are in a batch, on average."""
    topic = course.topic("batches", partitions=partitions, **STAMPED)
    settings = {"partitioner": StickyPartitioner()} if sticky else {}
    _send(course, topic, linger_ms=linger_ms, **settings)
    records = course.records(topic)
    return len(records) / len({(record.partition, record.timestamp) for record in records})


def knows_batches(course: Course, function: Callable) -> str:
    """A function that tells how many messages are in a batch."""
    told = []
    for linger_ms, partitions, sticky in CASES:
        answer = attempt(function, RATE, linger_ms, partitions, sticky)
        what = (
            f"{RATE} per second, linger_ms={linger_ms}, {partitions} "
            f"partition{'s' * (partitions > 1)}, {'sticky' if sticky else 'at random'}"
        )
        if not isinstance(answer, (int, float)):
            raise Wrong(f"{what}: it must return a number, not {str(answer)[:80]}.")
        for _ in range(TRIES):
            measured = _per_batch(course, linger_ms, partitions, sticky)
            if abs(answer - measured) <= CLOSE * measured:
                break
        else:
            raise Wrong(
                f"{what}: it says {answer:.1f}, and {measured:.1f} were in a batch. Which messages "
                "come to the same batch while it waits? And which one opened it?"
            )
        told.append(f"{answer:.1f} ({measured:.1f})")
    return f"in a batch, as calculated (and as measured): {', '.join(told)}."


EXERCISES = {
    1: Exercise(
        packs,
        "Both settings are needed. A batch of one hardly shrinks; a batch that waits for 100 ms "
        "answers its first message after 100 ms.",
    ),
    2: Exercise(
        knows_batches,
        "While it waits, rate x linger_ms / 1,000 messages come. With a partition chosen at "
        "random for each, which share of them comes to this batch?",
    ),
}
