"""Lesson 08, at-least-once: what is repeated, a ticket's key, and a commit that skips nothing."""

import random
from collections import Counter
from collections.abc import Callable, Hashable

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from ... import flights
from ..exercises import Course, Exercise, Wrong, attempt

PARTITIONS = 3
BOOKINGS = 120


def counts_the_repeated(course: Course, function: Callable) -> str:
    """A function that says how many messages are done again after a crash."""
    every = [1, *random.sample(range(2, 300), 5)]
    # Just at a commit, just behind one, and anywhere.
    pairs = [(each * random.randint(1, 9), each) for each in every]
    pairs += [(crash + 1, each) for crash, each in pairs]
    pairs += [(random.randint(1, 2_000), each) for each in every]
    for crash, each in pairs:
        answer, wanted = attempt(function, crash, each), _repeated(crash, each)
        if answer != wanted:
            why = (
                "It is killed before that commit: the last one was made an interval earlier."
                if crash % each == 0
                else f"The last commit was made after message {crash - wanted:,}."
            )
            raise Wrong(
                f"killed right after message {crash:,}, a commit after every {each:,}: it returned "
                f"{str(answer)[:80]}, and {wanted:,} are done again. {why}"
            )
    return f"right for {len(pairs)} pairs, also where the crash comes in place of a commit."


def _repeated(crash: int, every: int) -> int:
    """By going through the messages."""
    committed = 0
    for message in range(1, crash):
        if message % every == 0:
            committed = message
    return crash - committed


def _filled(course: Course, name: str, again: int = 0) -> str:
    """A topic of bookings, of which so many are sent a second time, into any partition."""
    # One leader, so that a poll hands out messages of several partitions.
    topic = course.topic(name, partitions=PARTITIONS, replicas=[2, 3, 1])
    numbers = random.sample(range(1_000, 9_000), BOOKINGS)
    # Few flights, so that several bookings are of the same one.
    events = [
        {**booking, "id": number}
        for booking, number in zip(flights.bookings(20) * (BOOKINGS // 20), numbers)
    ]
    with KafkaProducer(bootstrap_servers=course.bootstrap_servers) as producer:
        for n, event in enumerate([*events, *random.sample(events, again)]):
            producer.send(topic, flights.as_json(event), partition=n % PARTITIONS)
    return topic


def tells_tickets_apart(course: Course, function: Callable) -> str:
    """A function that returns the ticket's key of a record."""
    again = random.randint(10, 20)
    records = course.records(_filled(course, "keys", again))
    tickets: dict[Hashable, int] = {}
    printed = Counter()
    # Some are read twice, as after a crash.
    for record in [*records, *random.sample(records, 30)]:
        key = attempt(function, record)
        try:
            new = key not in tickets
        except TypeError:
            raise Wrong(
                f"a key must be hashable, as a number or a tuple; {key!r} is not."
            ) from None
        if new:
            tickets[key] = 1
            printed[flights.from_json(record.value)["id"]] += 1
    missing, double = BOOKINGS - len(printed), sum(printed.values()) - len(printed)
    if missing:
        raise Wrong(
            f"{missing} of {BOOKINGS} bookings have no ticket: their key was taken. Each partition "
            "counts its offsets from 0, and a flight has many bookings."
        )
    if double:
        raise Wrong(
            f"{double} tickets too many: {again} bookings were sent twice, and each copy has an "
            "offset of its own. What do the copies share?"
        )
    return (
        f"{BOOKINGS} tickets for {BOOKINGS} bookings, though {again} were sent twice and 30 "
        "records were read twice."
    )


def checks_all_in(course: Course, function: Callable) -> str:
    """A function that works off what a poll hands out, with a service that fails now and then."""
    topic = _filled(course, "check-in")
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    records = course.records(topic)
    wanted = {flights.from_json(record.value)["id"] for record in records}
    last = Counter(record.partition for record in records)
    calls, done = Counter(), Counter()
    # One in each partition, far from both ends.
    failing = {
        flights.from_json(record.value)["id"]
        for record in records
        if record.offset == 10 + 5 * record.partition
    }

    def service(record) -> None:
        number = flights.from_json(record.value)["id"]
        calls[number] += 1
        if number in failing and calls[number] <= 2:
            raise ConnectionError("the check-in service does not answer")
        done[number] += 1

    settings = {"group_id": f"{topic}-group", "auto_offset_reset": "earliest"}
    settings |= {"enable_auto_commit": False}
    for _ in range(4):
        # A new one each time: what it has not committed, it forgets.
        with KafkaConsumer(bootstrap_servers=course.bootstrap_servers, **settings) as consumer:
            consumer.assign(partitions)
            for _ in range(3):
                attempt(function, consumer, service)
            committed = {p: consumer.committed(p) or 0 for p in partitions}
        if all(offset == last[p.partition] for p, offset in committed.items()):
            break
    if lost := len(wanted - set(done)):
        skipped = len((wanted - set(done)) & failing)
        raise Wrong(
            f"{lost} of {BOOKINGS} bookings are never checked in ({skipped} of them failed at "
            "first), and all is committed. A commit says that all before it is done: an offset has "
            "no holes."
            if all(offset == last[p.partition] for p, offset in committed.items())
            else f"{lost} of {BOOKINGS} bookings were not checked in after 12 calls: "
            f"committed are {', '.join(f'{each:,}' for each in committed.values())} of "
            f"{', '.join(f'{last[p.partition]:,}' for p in partitions)}."
        )
    if any(offset != last[p.partition] for p, offset in committed.items()):
        raise Wrong(
            f"all are checked in, but only {sum(committed.values())} of {BOOKINGS} are committed: "
            "the next reader does the others again, for ever."
        )
    again = sum(done.values()) - len(done)
    return f"all {BOOKINGS} checked in, though the service failed six times; {again} of them twice."


EXERCISES = {
    1: Exercise(
        counts_the_repeated,
        "The last commit was made before message number `crash`. With every = 100: what is "
        "repeated for 99, 100, 101?",
    ),
    2: Exercise(
        tells_tickets_apart,
        "record.offset, record.partition and record.topic name a message. Which part of "
        "flights.from_json(record.value) names the booking?",
    ),
    3: Exercise(
        checks_all_in,
        "At an error, seek(partition, record.offset) and break: then the position of this "
        "partition is the failed message. Where may commit() stand?",
    ),
}
