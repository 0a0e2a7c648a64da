"""Lesson 06, consumer group: handing over what is done, and time-outs that fit."""

import random
import time
from collections.abc import Callable

import psutil
from kafka import (
    AsyncConsumerRebalanceListener,
    ConsumerRebalanceListener,
    KafkaConsumer,
    KafkaProducer,
    TopicPartition,
)
from kafka.errors import KafkaConfigurationError

from ...base.errors import NotInTime, WorkerFailed
from ...workers import Worker
from ..exercises import Course, Exercise, Wrong

EACH = 20  # records in a partition
PAUSE = 2.0  # seconds for which a member stands still
WITHIN = 5.0  # seconds after which somebody else must read what a dead one had
NAMES = ("session_timeout_ms", "heartbeat_interval_ms", "max_poll_interval_ms")


def hands_over(course: Course, function: Callable) -> str:
    """A listener's function that commits what is done in partitions that are revoked."""
    topic = course.topic("handover", partitions=4)
    given, half, kept, untouched = (TopicPartition(topic, number) for number in range(4))
    settings = {"bootstrap_servers": course.bootstrap_servers}
    with KafkaProducer(**settings) as producer:
        for number in range(4 * EACH):
            producer.send(topic, b"%d" % number, partition=number % 4)
    done: dict[TopicPartition, int] = {}
    said: list[Exception] = []

    class Listener(AsyncConsumerRebalanceListener):
        async def on_partitions_assigned(self, assigned):
            pass

        async def on_partitions_revoked(self, revoked):
            try:
                await function(consumer, [given, half, untouched], done)
            except Exception as error:
                said.append(error)

    own = {"group_id": f"{topic}-group", "auto_offset_reset": "earliest"}
    consumer = KafkaConsumer(**settings, **own, enable_auto_commit=False)
    try:
        consumer.subscribe([topic], listener=Listener())
        consumer.partitions_for_topic(topic)
        read = 0
        while read < 4 * EACH:  # so every position is at the end
            read += sum(map(len, consumer.poll(timeout_ms=500).values()))
        done |= {each: random.randint(2, EACH - 2) for each in (given, half, kept)}
        wanted = {given: done[given], half: done[half], untouched: None}
        stays = done[kept]
    finally:
        consumer.close()  # revokes
    if said:
        raise Wrong(f"it raised {type(said[0]).__name__}: {said[0]}")
    with KafkaConsumer(**settings, group_id=own["group_id"]) as consumer:
        for partition, offset in wanted.items():
            _expect(consumer.committed(partition), offset, partition.partition)
    if given in done or half in done:
        raise Wrong(
            "it committed, but done still holds a partition that was revoked. With the next commit "
            "this member would set it back, and somebody would do again what the new member did."
        )
    if done != {kept: stays}:
        raise Wrong(
            "done has lost, or changed, what it held of the partition that this member keeps."
        )
    return (
        f"committed {wanted[given]} and {wanted[half]} of {EACH} read, nothing for the partition "
        "in which nothing was done, and forgot all three."
    )


def _expect(committed: int | None, wanted: int | None, partition: int) -> None:
    if committed == wanted:
        return
    if wanted is None:
        raise Wrong(
            f"partition {partition}: nothing was done there, and {committed} is committed. All "
            "before that is left out."
        )
    what = f"partition {partition}: {wanted} records are done, and {committed} is committed"
    if committed is None or committed < wanted:
        raise Wrong(f"{what}. The next member does again what is between.")
    more = "1 that is" if committed - wanted == 1 else f"{committed - wanted} that are"
    raise Wrong(f"{what}. The next member begins there, and {more} not done is left out.")


def time_outs(course: Course, answer: object) -> str:
    """Settings of members that may stand still for a moment, and are replaced soon."""
    if not isinstance(answer, dict) or not answer or set(answer) - set(NAMES):
        raise Wrong(f"it must be a dict of some of these: {', '.join(NAMES)}.")
    for name, value in answer.items():
        if not isinstance(value, int) or value <= 0:
            raise Wrong(f"{name} must be a number of milliseconds, not {str(value)[:80]}.")
    try:
        KafkaConsumer(
            bootstrap_servers=course.bootstrap_servers, group_id="trial", **answer
        ).close()
    except KafkaConfigurationError as error:
        raise Wrong(f"kafka-python refuses it: {error}.") from None
    heartbeat = answer.get("heartbeat_interval_ms", 3_000) / 1_000
    session = answer.get("session_timeout_ms", 45_000) / 1_000
    topic = course.topic("time-outs", partitions=2)
    order = (course.bootstrap_servers, topic, f"{topic}-group", answer)
    with Worker(_member, *order, name="one") as one, Worker(_member, *order, name="other") as other:
        try:
            for worker in (one, other):
                worker.wait_for(lambda told: told and told[-1][1:] == ("has", 1))
        except WorkerFailed as failure:
            raise Wrong(f"no group came of it: {str(failure).splitlines()[-1]}") from None
        before = len(other.told)
        process = psutil.Process(one.pid)
        process.suspend()
        time.sleep(PAUSE)  # what the exercise is about, and no waiting for something
        process.resume()
        if heartbeat + PAUSE > session:
            raise Wrong(
                f"the last heartbeat may be {heartbeat:g} s old when a member stands still. "
                f"{PAUSE:g} s later it is over the session timeout of {session:g} s, and out."
            )
        if len(other.told) > before:
            raise Wrong("a member stood still for two seconds, and was thrown out.")
        died = one.kill()
        try:
            other.wait_for(lambda told: told[-1][1:] == ("has", 2), timeout=WITHIN)
        except NotInTime:
            raise Wrong(
                f"one member was killed, and {WITHIN:g} s later nobody had its partition: the "
                f"session timeout is {session:g} s."
            ) from None
        took = other.told[-1][0] - died
    return (
        f"a member stood still for {PAUSE:g} s and stayed; one was killed, and {took:.1f} s later "
        "another one had its partition."
    )


def _member(tell, stopping, servers, topic, group, settings) -> None:
    """A member that tells how many partitions it has, each time it is assigned some."""

    class Listener(ConsumerRebalanceListener):
        def on_partitions_assigned(self, assigned):
            tell("has", len(consumer.assignment()))

        def on_partitions_revoked(self, revoked):
            pass

    with KafkaConsumer(bootstrap_servers=servers, group_id=group, **settings) as consumer:
        consumer.subscribe([topic], listener=Listener())
        consumer.partitions_for_topic(topic)
        while not stopping():
            consumer.poll(timeout_ms=500)


EXERCISES = {
    1: Exercise(
        hands_over,
        "await consumer.commit_async takes a dict: TopicPartition -> OffsetAndMetadata(offset, '', "
        "-1). Without it, it commits the positions, which are behind all that poll has given.",
    ),
    2: Exercise(
        time_outs,
        "A member is out when the coordinator has heard nothing for the session timeout. How old "
        "can its last heartbeat be when it stands still?",
    ),
}
