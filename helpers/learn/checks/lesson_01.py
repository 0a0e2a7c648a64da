"""Lesson 01, fire-and-forget: settings that lose nothing, and what a sender knows of its losses."""

import json
import random
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError

from ... import clients
from ...base.errors import WorkerFailed
from ...experiment import kill_leader
from ..exercises import Course, Exercise, Wrong, attempt

LEADER = 2
PATIENCE = 8.0  # seconds until a producer must be done, a change of leaders included
LIMIT = 600  # bytes that a message may have in the topic that refuses larger ones


class Draw(NamedTuple):
    """What a sender has: its messages and their futures. And what it can't see: the rest."""

    sent: list[tuple[int, object]]  # id, future
    failed: set[int]  # the sender was told
    waiting: set[int]  # in the producer; their futures are not done
    stored: set[int]


def loses_nothing(course: Course, settings: object) -> str:
    """Settings of a producer under which the death of a leader loses no message."""
    if not isinstance(settings, dict):
        raise Wrong(f"the answer must be a dict of settings, not {str(settings)[:80]}.")
    servers = course.bootstrap_servers
    # As KafkaProducer understands them; raises Wrong with what it says against them.
    with attempt(KafkaProducer, **{"bootstrap_servers": servers} | settings) as producer:
        acks, retries = producer.config["acks"], producer.config["retries"]
    if acks not in (0, 1, -1):
        raise Wrong(f'acks must be 0, 1 or "all", not {acks!r}.')
    note = "x" * random.randint(20, 200)

    def produce(run, **settings):
        producer = KafkaProducer(**{"bootstrap_servers": servers} | settings)
        producer.partitions_for(run.topic)
        for n, due in run.feed:
            value = json.dumps({"id": n, "note": note}).encode()
            run.sent(n, due, producer.send(run.topic, value))
        with suppress(KafkaTimeoutError):  # some settings never get it done
            producer.flush(timeout=PATIENCE)
        clients.abandon(producer)

    stream = course.experiment(produce, name="settings", replicas=[LEADER, 3, 1])
    pace = {"rate": random.randint(700, 1500), "seconds": 1.2}
    death = kill_leader(at=random.uniform(0.4, 0.7))
    try:
        runs = stream.measure({"yours": settings}, **pace, faults=[death])
    except WorkerFailed as failed:
        why = str(failed).splitlines()[-1]
        raise Wrong(
            f"a producer with these settings did not get its messages sent: {why}."
        ) from None
    [recording] = runs["yours"]
    return _verdict(acks, retries, recording.counts(), runs.errors()["yours"])


def _verdict(acks: int, retries: float, counts: dict[str, int], errors: dict[str, int]) -> str:
    """What the settings are worth. Raises Wrong also for those that lost nothing by luck."""
    sent, lost, silent = counts["sent"], counts["lost"], counts["silently_lost"]
    some = "all" if silent == lost else f"{silent:,}" if silent else "none"
    found = f"{lost:,} of {sent:,} messages are lost, {some} of them without an error"
    if not lost:
        found = "nothing is lost this time, but that was luck"
    if acks == 0:
        again = "" if retries == 0 else ", and no retry is made"
        raise Wrong(f"with acks=0, {found}. No answer comes back, so no failure is noticed{again}.")
    if acks == 1:
        raise Wrong(
            f"with acks=1, {found}. What the leader had confirmed and not passed on yet dies with "
            "it, and no retry is made for what was confirmed."
        )
    if retries == 0:
        raise Wrong(
            f"with retries=0, {found}. The producer is told what failed, but nobody sends it again."
        )
    if lost:
        told = ", ".join(f"{count:,} times {error}" for error, count in errors.items())
        raise Wrong(
            f"{found} ({told or 'no error was told'}): the producer has given up, or is stuck."
        )
    twice = counts["duplicated"]
    more = f" ({twice:,} of them twice: enable_idempotence=True prevents that)" if twice else ""
    return f"the leader died, and all {sent:,} messages are stored{more}."


def known_failures(course: Course, function: Callable) -> str:
    """From the sender's side alone: the ids of the messages that it knows have failed."""
    lost, told = _compare(course, function, acks=0)
    refused, known = _compare(course, function, acks=1)
    return (
        f"with acks=1, {refused} messages are lost, and the futures tell of {known}. With acks=0, "
        f"{lost} are lost, and the futures tell of {told or 'none'}: that is silent loss."
    )


def _compare(course: Course, function: Callable, acks: int) -> tuple[int, int]:
    """How many messages of a new draw were lost, and of how many the sender was told.

    Raises Wrong where the function does not name those of which the sender was told.
    """
    with KafkaProducer(
        bootstrap_servers=course.bootstrap_servers,
        acks=acks,
        retries=0,
        enable_idempotence=False,
        linger_ms=60_000,  # so a message stays in the producer until it is flushed
    ) as producer:
        draw = _draw(course, producer)
        named = _ids(attempt(function, list(draw.sent), seconds=5), draw)
    sent = {id for id, _ in draw.sent} - draw.waiting
    begin = f"with acks={acks} it names"
    if wrong := named & draw.stored - draw.failed:
        raise Wrong(f"{begin} {_few(wrong)}, whose futures are done, but without an error.")
    if wrong := named & sent - draw.failed:
        raise Wrong(
            f"{begin} {_few(wrong)}, of which the program was told no error. They are lost, but "
            "only who reads the topic can find that out: a sender has nothing but its futures."
        )
    if wrong := named & draw.waiting:
        raise Wrong(
            f"{begin} {_few(wrong)}, whose futures are not done: they still wait in the producer, "
            "and nobody knows yet what becomes of them."
        )
    if wrong := draw.failed - named:
        raise Wrong(f"with acks={acks} it leaves out {_few(wrong)}, whose futures hold an error.")
    return len(sent - draw.stored), len(draw.failed)


def _draw(course: Course, producer: KafkaProducer) -> Draw:
    """Sends messages of which the topic refuses some, and some that don't leave the producer."""
    topic = course.topic("refuses", max_message_bytes=LIMIT)
    ids = random.sample(range(1_000_000), random.randint(30, 50))
    refused = set(random.sample(ids[5:-5], random.randint(4, 9)))
    waiting = set(ids[-random.randint(2, 5) :])
    sent = []
    for id in ids:
        note = "x" * (2 * LIMIT if id in refused else 20)
        sent.append((id, producer.send(topic, json.dumps({"id": id, "note": note}).encode())))
        if id not in waiting:
            producer.flush(timeout=10)  # one by one: a refused message fails all of its batch
    failed = {id for id, future in sent if future.failed()}
    return Draw(sent, failed, waiting, set(course.stored_ids(topic, settled_for=0.3)))


def _ids(answer: object, draw: Draw) -> set[int]:
    known = {id for id, _ in draw.sent}
    if not isinstance(answer, Iterable) or isinstance(answer, (str, bytes)):
        raise Wrong(f"it must return a list of ids, and returned {str(answer)[:80]}.")
    answer = attempt(list, answer)  # which a generator works out only now
    if strangers := [one for one in answer if not isinstance(one, int) or one not in known]:
        raise Wrong(
            f"it must return ids of messages that were sent, and returned {str(strangers[0])[:80]}."
        )
    return set(answer)


def _few(ids: set[int]) -> str:
    """``3 messages (17, 203 …)``"""
    first = ", ".join(str(id) for id in sorted(ids)[:2])
    more = " …" if len(ids) > 2 else ""
    return f"{len(ids)} message{'s' * (len(ids) > 1)} ({first}{more})"


EXERCISES = {
    1: Exercise(
        loses_nothing,
        "Two things are needed: an answer that is worth something when the leader dies, and "
        "somebody who sends again what got no answer.",
    ),
    2: Exercise(
        known_failures,
        "A future is not done yet, or done with a result, or done with an error. Which of the "
        "three says that a message has failed? (future.is_done, future.exception)",
    ),
}
