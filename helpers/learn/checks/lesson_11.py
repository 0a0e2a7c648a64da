"""Lesson 11, stateless processing: a commit that waits for every answer, and the balance."""

import random
from collections import Counter
from collections.abc import Callable

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from ...base.waiting import until
from ..exercises import Course, Exercise, Wrong, attempt

PARTITIONS = 3
EACH = 5  # messages in a partition
LIMIT = 300  # bytes that the next topic takes
SENDING = {
    # As in the lesson: an idempotent producer would refuse all that comes after a refused message.
    "enable_idempotence": False,
    "max_in_flight_requests_per_connection": 1,
    # Each message travels alone. Where a batch is split, flush raises an UnknownError now and then,
    # and whoever does not ask would pass by luck.
    "batch_size": 1,
}

Place = tuple[str, int, int]


def hands_over(course: Course, function: Callable) -> str:
    """A function that sends messages on, and commits only what was taken."""
    topic = course.topic("hand-over", partitions=PARTITIONS, replicas=[2, 3, 1])
    last = PARTITIONS * EACH - 1
    # None is too large, then the first one, one in the middle, the last one.
    for round_, large in enumerate([-1, 0, random.randint(3, last - 3), last]):
        following = course.topic("handed-over", max_message_bytes=LIMIT)
        with (
            KafkaProducer(bootstrap_servers=course.bootstrap_servers, **SENDING) as producer,
            KafkaConsumer(
                bootstrap_servers=course.bootstrap_servers,
                group_id=f"{following}-group",
                enable_auto_commit=False,
                auto_offset_reset="earliest",
            ) as consumer,
        ):
            _tried(course, function, producer, consumer, topic, following, round_, large)
    return (
        f"{last + 1} messages were sent on and committed; and with one that was too large, first, "
        "in the middle or last, nothing was committed and its error was raised."
    )


def _tried(
    course: Course,
    function: Callable,
    producer: KafkaProducer,
    consumer: KafkaConsumer,
    topic: str,
    following: str,
    round_: int,
    large: int,
) -> None:
    """One round of hands_over, in which that message is too large (-1: none is)."""
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    if round_ == 0:
        for number in range(PARTITIONS * EACH):
            producer.send(topic, b"%d" % number, partition=number % PARTITIONS)
        producer.flush()
    consumer.assign(partitions)
    messages = _polled(consumer)
    if large >= 0:
        messages[large] = messages[large]._replace(value=b"x" * 2 * LIMIT)
    raised = attempt(_quiet(function), producer, consumer, following, messages)
    committed = sum(consumer.committed(partition) or 0 for partition in partitions)
    stored = Counter(record.value for record in course.records(following))
    if large < 0:
        if isinstance(raised, KafkaError):
            raise Wrong(f"nothing had failed, and it raised {type(raised).__name__}.")
        if missing := Counter(message.value for message in messages) - stored:
            raise Wrong(f"{missing.total()} of {len(messages)} messages were not sent on.")
        if committed != len(messages):
            raise Wrong(
                f"all {len(messages)} were sent on, and {committed} are committed: the next reader "
                "sends the others again."
            )
        return
    if committed:
        raise Wrong(
            f"message {large + 1} of {len(messages)} was too large for the next topic, and "
            f"{committed} are committed: it is lost. Does each message have its answer before the "
            "commit?"
        )
    if not isinstance(raised, KafkaError):
        raise Wrong(
            f"message {large + 1} of {len(messages)} failed, nothing is committed, and nobody is "
            "told: its error must be raised."
        )


def _quiet(function: Callable) -> Callable:
    """The same function, which returns a client's error: it is what the exercise asks for."""

    def call(*args: object) -> object:
        try:
            return function(*args)
        except KafkaError as error:
            return error

    call.__name__ = getattr(function, "__name__", "it")
    return call


def _polled(consumer: KafkaConsumer) -> list:
    """All messages of the topic, of one partition after the other in turn."""
    found: list = []

    def complete() -> bool:
        found.extend(sum(consumer.poll(timeout_ms=100).values(), []))
        return len(found) == PARTITIONS * EACH

    until(complete, 10, "the messages have come", nap=0.0)
    return sorted(found, key=lambda message: (message.offset, message.partition))


def finds_the_lost(course: Course, function: Callable) -> str:
    """A function that says which places came in and are nowhere."""
    for gone in (0, 1, random.randint(2, 9)):
        places = [("raw", random.randrange(3), offset) for offset in random.sample(range(999), 60)]
        missing = set(random.sample(places, gone))
        there = [place for place in places if place not in missing]
        random.shuffle(there)
        parts = [there[:30], there[30:42], there[42:]]
        # What a restart repeats: as many as are gone, so that the sums are right, or more.
        parts = [part + random.sample(part, max(gone, 3)) for part in parts]
        answer = attempt(function, list(places), *(list(part) for part in parts))
        if not isinstance(answer, set | frozenset | list | tuple):
            raise Wrong(f"it must return a set of places, not {str(answer)[:80]}.")
        _compared(set(answer), missing, set(parts[1]), len(places))
    return "right with none, with one and with several lost, though some stand there twice."


def _compared(answer: set[Place], missing: set[Place], left_out: set[Place], count: int) -> None:
    if wrong := answer - missing:
        what = "left out, which is no loss" if wrong <= left_out else "there"
        raise Wrong(f"it found {len(wrong)} places too many of {count}: they were {what}.")
    if unseen := missing - answer:
        raise Wrong(
            f"{len(missing)} of {count} places are nowhere, and it did not find {len(unseen)} of "
            "them. Others stand there twice, so the sums may be right."
        )


EXERCISES = {
    1: Exercise(
        hands_over,
        "send returns a future. future.get(timeout=…) waits for the answer and raises an error; "
        "keep all futures, and ask each before the commit.",
    ),
    2: Exercise(
        finds_the_lost,
        "Sets know no repetition: what came in, less what was routed, left out or rejected.",
    ),
}
