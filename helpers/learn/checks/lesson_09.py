"""Lesson 09, at-most-once: a commit that is not too early, and what auto-commit makes of an end."""

from collections import Counter
from collections.abc import Callable
from contextlib import closing, nullcontext, suppress

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from ..exercises import Course, Exercise, Wrong, attempt

PARTITIONS = 3
EACH = 40  # messages of a partition
ALL, POLLED, SENT = 800, 500, 337


class _Crash(BaseException):
    """No Exception, so that no handler of the learner's takes it for one of its own."""


def _filled(course: Course, name: str, partitions: int, count: int) -> list[TopicPartition]:
    # One leader, so that a poll hands out messages of several partitions.
    topic = course.topic(name, partitions=partitions, replicas=[2, 3, 1])
    with KafkaProducer(bootstrap_servers=course.bootstrap_servers) as producer:
        for n in range(count):
            producer.send(topic, b"%d" % n, partition=n % partitions)
    return [TopicPartition(topic, number) for number in range(partitions)]


def sends_all(course: Course, function: Callable) -> str:
    """A function that sends what a poll hands out, and commits what it has sent."""
    partitions = _filled(course, "texts", PARTITIONS, PARTITIONS * EACH)
    settings = {"group_id": f"{partitions[0].topic}-group", "auto_offset_reset": "earliest"}
    settings |= {"enable_auto_commit": False, "bootstrap_servers": course.bootstrap_servers}
    sent: Counter[tuple[int, int]] = Counter()
    # In the first, the second and the third partition of a batch; then no more.
    for crash in [EACH // 2, EACH + EACH // 2, 2 * EACH + EACH // 2, None, None]:
        left = crash

        def send(record) -> None:
            nonlocal left
            if left == 0:
                raise _Crash
            sent[record.partition, record.offset] += 1
            left = left - 1 if left else left

        with KafkaConsumer(**settings) as consumer:
            consumer.assign(partitions)
            with suppress(_Crash):
                attempt(function, consumer, send)
            committed = {each: consumer.committed(each) or 0 for each in partitions}
        _not_too_far(committed, sent)
    if lost := PARTITIONS * EACH - len(sent):
        raise Wrong(
            f"{lost} of {PARTITIONS * EACH} texts were not sent when no crash came any more."
        )
    if (done := sum(committed.values())) < PARTITIONS * EACH:
        raise Wrong(
            f"all is sent, but only {done} of {PARTITIONS * EACH} are committed: the next reader "
            "sends the others again, for ever."
        )
    again = sent.total() - len(sent)
    return f"three crashes, 0 of {len(sent)} texts lost, {again} sent twice."


def _not_too_far(committed: dict[TopicPartition, int], sent: Counter) -> None:
    for partition, offset in committed.items():
        missing = [n for n in range(offset) if not sent[partition.partition, n]]
        if missing:
            raise Wrong(
                f"after a crash, partition {partition.partition} is committed up to {offset}, and "
                f"{len(missing)} of its texts were never sent. commit() commits the positions of "
                "all partitions: behind everything that poll has handed out."
            )


def tells_the_texts(course: Course, function: Callable) -> str:
    """A function that says how many texts are sent, by how one reads and how the program ends."""
    for style in ("poll", "iterator"):
        for ending in ("killed", "with", "close"):
            answer, sent = attempt(function, style, ending), _run(course, style, ending)
            if answer == sent:
                continue
            why = {
                "killed": "Nobody commits at a kill, and no interval was over before.",
                "with": "After an exception, with closes without a commit.",
                "close": "close() commits the positions: poll has moved them behind all that it "
                "handed out, the iterator only behind the message in work.",
            }[ending]
            raise Wrong(
                f'for "{style}" and "{ending}" it returned {str(answer)[:80]}; tried just now, '
                f"{sent:,} texts were sent. {why}"
            )
    return "right for all six; each was tried just now."


def _run(course: Course, style: str, ending: str) -> int:
    """The texts sent, with one end after SENT of them."""
    (partition,) = _filled(course, f"{style}-{ending}", 1, ALL)
    settings = {"group_id": f"{partition.topic}-group", "auto_offset_reset": "earliest"}
    settings |= {"bootstrap_servers": course.bootstrap_servers, "consumer_timeout_ms": 2_000}
    consumer, sent = KafkaConsumer(**settings), 0
    consumer.assign([partition])
    how = {"killed": nullcontext(consumer), "with": consumer, "close": closing(consumer)}[ending]
    with suppress(_Crash), how:
        for _ in consumer if style == "iterator" else _polled(consumer):
            if sent == SENT:
                raise _Crash
            sent += 1
    consumer.close(autocommit=False)  # nothing where it is closed; what a kill leaves is the same
    with KafkaConsumer(**settings, enable_auto_commit=False) as another:
        return sent + ALL - (another.committed(partition) or 0)


def _polled(consumer: KafkaConsumer):
    while records := consumer.poll(timeout_ms=2_000, max_records=POLLED):
        for each in records.values():
            yield from each


EXERCISES = {
    1: Exercise(
        sends_all,
        "poll hands out messages of several partitions at once. When are all of them sent? Or "
        "commit a partition by itself: commit({partition: OffsetAndMetadata(offset, '', -1)}).",
    ),
    2: Exercise(
        tells_the_texts,
        "Where does the restarted program begin? At 0 where nothing was committed; else at the "
        "position: behind 500 messages with poll, behind the message in work with the iterator.",
    ),
}
