"""Lesson 02, simple consumer: begin at a time, tell the lag, and end where the log ended."""

import random
import time
from collections.abc import Callable

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from ..exercises import Course, Exercise, Wrong, attempt

HOUR = 3_600_000  # milliseconds


def starts_at(course: Course, function: Callable) -> str:
    """A function that sets a consumer's position by a time."""
    partition = TopicPartition(course.topic("times"), 0)
    times = [round(1_000 * time.time()) - HOUR]
    for _ in range(random.randint(200, 400)):
        times.append(times[-1] + random.randint(10, 20_000))
    with KafkaProducer(bootstrap_servers=course.bootstrap_servers) as producer:
        for stamp in times:
            producer.send(partition.topic, b"a position", timestamp_ms=stamp)
    places = random.sample(range(20, len(times) - 20), 3)
    with KafkaConsumer(bootstrap_servers=course.bootstrap_servers) as consumer:
        consumer.assign([partition])
        for place in places:
            # Where it stood before must not be where it is to go.
            consumer.seek(partition, random.choice([0, place // 2]))
            attempt(function, consumer, partition, (times[place] - 5) / 1_000)
            _is_there(times, place, consumer.position(partition))
        consumer.seek(partition, 0)
        try:
            attempt(function, consumer, partition, times[-1] / 1_000 + 60)
        except Wrong as wrong:
            raise Wrong(
                f"for a time after the last message, {wrong} offsets_for_times has no offset then: "
                "where should a reader wait for what comes later?"
            ) from None
        if (reached := consumer.position(partition)) != len(times):
            raise Wrong(
                f"for a time after the last message, the position is {reached:,}, not the end, "
                f"{len(times):,}: messages would come that are older."
            )
    return f"it found the first message of each time, and the end ({len(times):,}) for a later one."


def _is_there(times: list[int], place: int, reached: int) -> None:
    wanted = f"the first message at that time or later has offset {place:,}"
    if reached == place:
        return
    if reached == 0:
        raise Wrong(
            f"{wanted}, and the position is 0. Kafka counts times in milliseconds since 1970; in "
            "seconds, any time is one of January 1970."
        )
    if reached == place // 2:
        raise Wrong(f"{wanted}, and the position is still {reached:,}, where it was before.")
    seconds = abs(times[min(reached, len(times) - 1)] - times[place]) / 1_000
    side = "before" if reached < place else "after"
    raise Wrong(f"{wanted}; the position is {reached:,}, a message {seconds:,.1f} s {side} it.")


def tells_the_lag(course: Course, function: Callable) -> str:
    """A function that returns a group's lag in a partition as monitoring tools count it."""
    told = []
    for ahead in (True, False):  # is the reader ahead of what it has committed?
        partition = TopicPartition(course.topic("lag"), 0)
        end = random.randint(300, 900)
        low, high = sorted(random.sample(range(10, end - 10), 2))
        committed, position = (low, high) if ahead else (high, low)
        _fill(course, partition, [b"a position"] * end)
        with KafkaConsumer(
            bootstrap_servers=course.bootstrap_servers,
            group_id=f"{partition.topic}-group",
            enable_auto_commit=False,
        ) as consumer:
            consumer.assign([partition])
            consumer.commit({partition: OffsetAndMetadata(committed, "", -1)})
            consumer.seek(partition, position)
            answer = attempt(function, consumer, partition)
            _is_lag(answer, committed, position, end)
            if consumer.position(partition) != position:
                raise Wrong(
                    f"the number is right, but the reader's position was {position:,} and is "
                    f"{consumer.position(partition):,} now: asking must not move a reader."
                )
        told.append(f"{answer:,}")
    return f"{' and '.join(told)} messages, as Kafka's own tools say."


def _is_lag(answer: object, committed: int, position: int, end: int) -> None:
    named = f"committed {committed:,}, position {position:,}, end {end:,}"
    if answer == end - committed:
        return
    if answer == end - position:
        raise Wrong(
            f"with {named} it returned {answer:,}, end minus position: that is what the reader "
            "feels. A tool outside of it knows only what is committed."
        )
    if answer == position - committed:
        raise Wrong(f"with {named} it returned {answer:,}: what would be read again, not the lag.")
    raise Wrong(f"with {named} it returned {str(answer)[:80]}; the lag is {end - committed:,}.")


class _Hesitant(KafkaConsumer):
    """A consumer whose every other poll comes back with nothing, the first one too: as on a slow
    network, but the same each time, so that no wrong answer is taken by luck."""

    _polls = 0

    def poll(self, *args: object, **settings: object) -> dict:
        self._polls += 1
        return {} if self._polls % 2 else super().poll(*args, **settings)


def reads_all(course: Course, function: Callable) -> str:
    """A function that returns the values of all that is in a partition, and comes to an end."""
    read = 0
    for what, deleted, commits in [
        ("a full partition", 0, False),
        ("a partition whose oldest messages are deleted", random.randint(20, 60), False),
        ("a partition that ends with a mark of Kafka's own, as transactions leave it", 0, True),
        ("an empty partition", None, False),
    ]:
        partition = TopicPartition(course.topic("all"), 0)
        count = 0 if deleted is None else random.randint(100, 300)
        values = [b"%d" % random.randrange(10**9) for _ in range(count)]
        _fill(course, partition, values, f"{partition.topic}-writer" if commits else None)
        if deleted:
            with KafkaAdminClient(bootstrap_servers=course.bootstrap_servers) as admin:
                admin.delete_records({partition: deleted})
        with _Hesitant(bootstrap_servers=course.bootstrap_servers) as consumer:
            try:
                answer = attempt(function, consumer, partition, seconds=3)
            except Wrong as wrong:
                raise Wrong(f"{what}: {wrong}") from None
        wanted = values[deleted or 0 :]
        if answer is None or list(answer) != wanted:
            got = "nothing" if answer is None else f"{len(list(answer)):,}"
            raise Wrong(
                f"{what}: it returned {got} of {len(wanted):,} messages. A poll that returns "
                "nothing says that nothing has arrived yet, not that nothing is there."
            )
        read += len(wanted)
    return f"all {read:,} messages of four partitions, and it ended each time."


def _fill(course: Course, partition: TopicPartition, values: list, writer: str | None = None):
    settings = {"transactional_id": writer} if writer else {}
    with KafkaProducer(bootstrap_servers=course.bootstrap_servers, **settings) as producer:
        if writer:
            producer.init_transactions()
            producer.begin_transaction()
        for value in values:
            producer.send(partition.topic, value)
        if writer:
            producer.commit_transaction()


EXERCISES = {
    1: Exercise(
        starts_at,
        "consumer.offsets_for_times({partition: milliseconds}) gives the first message at that "
        "time or later, or None. Which time are your seconds, in milliseconds?",
    ),
    2: Exercise(
        tells_the_lag,
        "A tool sees what the brokers know: consumer.committed(partition), and "
        "consumer.end_offsets([partition]), a dict.",
    ),
    3: Exercise(
        reads_all,
        "Ask for the end before you read (end_offsets), and stop when the position has reached "
        "it. Counting messages will not do: not every offset holds one.",
    ),
}
