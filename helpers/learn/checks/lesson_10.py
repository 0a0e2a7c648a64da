"""Lesson 10, transactional: go back after an error, and find the death that loses bookings."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from ...base.waiting import until
from ..exercises import Course, Exercise, Wrong, attempt

PARTITIONS = 3
EACH = 8  # bookings in a partition
POINTS = ("begun", "half sent", "all sent", "offsets sent", "committed")

Batch = dict[TopicPartition, list]


def goes_back(course: Course, function: Callable) -> str:
    """A function that makes a failed transaction's batch come again."""
    topic, points = _topics(course)
    with _clients(course, topic) as (producer, consumer):
        # The first one fails before anything is committed, the third one after.
        for number in range(1, 5):
            batch = _poll(consumer)
            producer.begin_transaction()
            _send(producer, points, batch)
            if number in (1, 3):
                attempt(function, producer, consumer, batch)
                _has_gone_back(producer, consumer, batch, number)
            else:
                _commit(producer, consumer, batch)
        while rest := _poll(consumer):
            producer.begin_transaction()
            _send(producer, points, rest)
            _commit(producer, consumer, rest)
    lost, twice = _books(course, points)
    if lost or twice:
        raise Wrong(
            f"two transactions failed, and in the end {lost} of {PARTITIONS * EACH} bookings have "
            f"no points, and {twice} have them twice."
        )
    return (
        "two transactions failed, each with bookings of three partitions, and in the end all "
        f"{PARTITIONS * EACH} bookings have their points, once."
    )


def _has_gone_back(
    producer: KafkaProducer, consumer: KafkaConsumer, batch: Batch, number: int
) -> None:
    try:
        producer.begin_transaction()
        producer.abort_transaction()
    except KafkaError:
        raise Wrong(
            "the next begin_transaction raises: the failed transaction is still open, with the "
            "points that were sent in it."
        ) from None
    if left := [p for p, part in batch.items() if consumer.position(p) > part[-1].offset]:
        raise Wrong(
            f"of {len(batch)} partitions, {len(left)} stand behind the batch still, and "
            f"{sum(len(batch[p]) for p in left)} bookings never come again. An abort moves no "
            "position."
        )
    for partition, part in batch.items():
        if (position := consumer.position(partition)) != part[0].offset:
            raise Wrong(
                f"transaction {number}: partition {partition.partition} stands at offset "
                f"{position}; the batch began at {part[0].offset}."
            )


def dies_there(course: Course, answer: object) -> str:
    """The death at which a commit outside of the transaction loses bookings."""
    if answer not in POINTS:
        raise Wrong(f"it must be one of {', '.join(POINTS)}, not {str(answer)[:80]!r}.")
    topic, points = _topics(course)
    for dies in (answer, None):  # the second process goes on to the end
        with _clients(course, topic) as (producer, consumer):
            number = 0
            while batch := _poll(consumer):
                number += 1
                if _turn(producer, consumer, points, batch, dies if number == 2 else ""):
                    break
    lost, twice = _books(course, points)
    told = f"it died there in its second transaction: {lost} bookings without points, {twice} twice"
    if not lost:
        raise Wrong(
            f"{told}. "
            + (
                "The group's offset was not committed yet, so the same bookings came again."
                if answer in POINTS[:3]
                else "The transaction was committed by then."
            )
        )
    return f"{told}. The offsets were committed, and the points were aborted."


def _turn(
    producer: KafkaProducer, consumer: KafkaConsumer, points: str, batch: Batch, dies: str
) -> bool:
    """A transaction with the mistake in it. True where the process dies on the way."""
    records = sum(batch.values(), [])
    if dies == "begun":
        return True
    producer.begin_transaction()
    _send(producer, points, {None: records[: len(records) // 2]})
    if dies == "half sent":
        return True
    _send(producer, points, {None: records[len(records) // 2 :]})
    if dies == "all sent":
        return True
    consumer.commit(_behind(batch))
    if dies == "offsets sent":
        return True
    producer.commit_transaction()
    return dies == "committed"


def _topics(course: Course) -> tuple[str, str]:
    """Bookings in each of three partitions, and a topic for their points."""
    topic = course.topic("exercise", partitions=PARTITIONS, outputs=["points"])
    with KafkaProducer(bootstrap_servers=course.bootstrap_servers) as producer:
        ids = random.sample(range(10_000), PARTITIONS * EACH)
        for place, id in enumerate(ids):
            # Each a batch of its own, so that one fetch does not bring all.
            producer.send(topic, b'{"id": %d}' % id, partition=place % PARTITIONS).get(timeout=10)
    return topic, f"{topic}-points"


@contextmanager
def _clients(course: Course, topic: str) -> Iterator[tuple[KafkaProducer, KafkaConsumer]]:
    """A processor's producer and consumer; what was open under its name is aborted."""
    servers = course.bootstrap_servers
    reading = {"group_id": f"{topic}-group", "isolation_level": "read_committed"}
    reading |= {"enable_auto_commit": False, "auto_offset_reset": "earliest"}
    reading |= {"max_partition_fetch_bytes": 1}  # a record of each partition
    name = f"{topic}-processor"
    with (
        KafkaProducer(
            bootstrap_servers=servers, transactional_id=name, retry_backoff_ms=5
        ) as producer,
        KafkaConsumer(bootstrap_servers=servers, **reading) as consumer,
    ):
        producer.init_transactions()
        consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
        yield producer, consumer


def _poll(consumer: KafkaConsumer) -> Batch:
    """Some records of each partition in which some are left; empty at the end."""
    batch: Batch = {}

    def enough() -> bool:
        for partition, part in consumer.poll(timeout_ms=100).items():
            batch.setdefault(partition, []).extend(part)
        return all(p in batch or consumer.position(p) == EACH for p in consumer.assignment())

    until(enough, 10, "the bookings have come", nap=0.0)
    return batch


def _send(producer: KafkaProducer, points: str, batch: Batch) -> None:
    futures = [producer.send(points, record.value) for part in batch.values() for record in part]
    for future in futures:
        future.get(timeout=10)


def _behind(batch: Batch) -> dict:
    return {p: OffsetAndMetadata(part[-1].offset + 1, "", -1) for p, part in batch.items()}


def _commit(producer: KafkaProducer, consumer: KafkaConsumer, batch: Batch) -> None:
    producer.send_offsets_to_transaction(_behind(batch), consumer.group_metadata())
    producer.commit_transaction()


def _books(course: Course, points: str) -> tuple[int, int]:
    """How many bookings have no points, and how many have them more than once."""
    times = Counter(course.stored_ids(points, isolation_level="read_committed"))
    return PARTITIONS * EACH - len(times), sum(number > 1 for number in times.values())


EXERCISES = {
    1: Exercise(
        goes_back,
        "Two things: end the transaction (abort_transaction), and set the position of every "
        "partition in the batch back to its first record (consumer.seek).",
    ),
    2: Exercise(
        dies_there,
        "Which of the two is kept when it dies between them: what consumer.commit has committed, "
        "or what the transaction has not?",
    ),
}
