"""Lesson 10, transactional: go back after an error, and find the death that loses bookings."""

import random
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from ...base.waiting import until
from ..exercises import Course, Exercise, Wrong, attempt

PARTITIONS = 3
EACH = 20  # bookings in a partition
POINTS = ("begun", "half sent", "all sent", "offsets sent", "committed")

Batch = dict[TopicPartition, list]


def goes_back(course: Course, function: Callable) -> str:
    """A function that makes a failed transaction's batch come again."""
    topic, points = _topics(course)
    with _clients(course, topic, points) as (producer, consumer):
        # The first one fails before anything is committed, the third one after.
        for number in range(1, 5):
            batch = _poll(consumer, 5)
            producer.begin_transaction()
            _send(producer, points, batch)
            if number in (1, 3):
                attempt(function, producer, consumer, batch)
                _has_gone_back(producer, consumer, batch, number)
            else:
                _commit(producer, consumer, batch)
        while rest := _poll(consumer, 100, patience=0.5):
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
    for partition, part in batch.items():
        position = consumer.position(partition)
        if position == part[-1].offset + 1:
            others = [other for other in batch if consumer.position(other) == batch[other][0].offset]
            which = f"partition {partition.partition}" if others else "the consumer"
            raise Wrong(
                f"{which} stands at offset {position} still, behind the batch: its "
                f"{len(part) if others else sum(map(len, batch.values()))} bookings never come "
                "again. An abort moves no position."
            )
        if position != part[0].offset:
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
        with _clients(course, topic, points, stays_open=True) as (producer, consumer):
            number = 0
            while batch := _poll(consumer, 7, patience=0.5):
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
            producer.send(topic, b'{"id": %d}' % id, partition=place % PARTITIONS)
    return topic, f"{topic}-points"


class _clients(ExitStack):
    """A processor's producer and consumer; `stays_open`: without an end to its transaction."""

    def __init__(self, course: Course, topic: str, points: str, stays_open: bool = False):
        super().__init__()
        self._course, self._topic = course, topic

    def __enter__(self) -> tuple[KafkaProducer, KafkaConsumer]:
        super().__enter__()
        producer = self.enter_context(
            KafkaProducer(
                bootstrap_servers=self._course.bootstrap_servers,
                transactional_id=f"{self._topic}-processor",
                retry_backoff_ms=5,
            )
        )
        producer.init_transactions()
        consumer = self.enter_context(
            KafkaConsumer(
                bootstrap_servers=self._course.bootstrap_servers,
                group_id=f"{self._topic}-group",
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
            )
        )
        consumer.assign([TopicPartition(self._topic, number) for number in range(PARTITIONS)])
        return producer, consumer


def _poll(consumer: KafkaConsumer, each: int, patience: float = 10.0) -> Batch:
    """So many records of each partition, or what is left; empty where nothing has come."""
    batch: Batch = {}

    def full() -> bool:
        for partition, part in consumer.poll(timeout_ms=50, max_records=1).items():
            batch.setdefault(partition, []).extend(part)
            if len(batch[partition]) == each:
                consumer.pause(partition)
        return all(len(batch.get(p, [])) == each for p in consumer.assignment()) or all(
            consumer.position(p) == EACH for p in consumer.assignment()
        )

    until(full, patience + 10, "the bookings have come", nap=0.0)
    consumer.resume(*consumer.assignment())
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
