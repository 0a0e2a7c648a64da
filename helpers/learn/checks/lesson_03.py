"""Lesson 03, synchronous send: what to tell a passenger, and how many replicas must be in sync."""

import random
import time
from collections.abc import Callable
from contextlib import suppress

from kafka import KafkaProducer
from kafka.errors import KafkaError, NotEnoughReplicasError

from ...base.waiting import until
from ..exercises import Course, Exercise, Wrong, attempt

LEADER = 2
LIMIT = 600  # bytes that a message may have in the topic that refuses larger ones
PATIENCE = 5.0  # seconds that an answer may take
WORDS = ("booked", "failed", "unknown")


def tells(course: Course, function: Callable) -> str:
    """A function that says what became of a booking, from its future."""
    # One replica: nobody else can lead meanwhile, and give the answer.
    topic = course.topic("fates", replicas=[LEADER], min_insync_replicas=1, max_message_bytes=LIMIT)
    settings = {"bootstrap_servers": course.bootstrap_servers, "enable_idempotence": False}
    with (
        KafkaProducer(**settings) as patient,
        KafkaProducer(**settings, retries=0, request_timeout_ms=1_000) as hasty,
    ):
        for producer in (patient, hasty):
            producer.send(topic, b"connects").get(timeout=10)
        kinds = ["booked"] * random.randint(1, 2) + ["failed"] * random.randint(1, 2)
        random.shuffle(kinds)
        for kind in ["booked", *kinds]:
            value = b"x" * (2 * LIMIT if kind == "failed" else random.randint(20, 200))
            _expect(function, patient.send(topic, value), kind)
        course.cluster.pause(LEADER)
        try:
            # The first has no answer yet, and the second one's time is up.
            waiting = patient.send(topic, b"waits")
            expired = hasty.send(topic, b"expires")
            _expect(function, waiting, "unknown")
            with suppress(KafkaError):
                expired.get(timeout=10)
            _expect(function, expired, "unknown")
        finally:
            course.cluster.heal()
        offset = waiting.get(timeout=10).offset
    return (
        "booked, failed and unknown, each where it is due. The one without an answer was stored "
        f"after all, at offset {offset}."
    )


def _expect(function: Callable, future: object, wanted: str) -> None:
    begin = time.monotonic()
    said = attempt(function, future, seconds=PATIENCE)
    took = time.monotonic() - begin
    if said == wanted:
        return
    of = {
        "booked": "of a booking that is stored",
        "failed": "of one that the broker refused because it is too large",
        "unknown": "of one without an answer, after so long",
    }[wanted]
    if said not in WORDS:
        raise Wrong(f'{of}, it said {str(said)[:80]!r}, which is none of "{", ".join(WORDS)}".')
    why = {
        ("unknown", "failed"): "No answer is no refusal: the broker may have stored it, and then a "
        "passenger who tries again has two seats.",
        ("unknown", "booked"): "Nobody has confirmed it.",
        (
            "failed",
            "unknown",
        ): "The broker said why it did not store it: this booking is not there.",
        ("failed", "booked"): "Its future holds an error.",
        ("booked", "unknown"): f"The answer was there after a moment (it waited {took:.1f} s).",
        ("booked", "failed"): "Its future holds an offset.",
    }[wanted, said]
    raise Wrong(f"{of}, it said {said!r}. {why}")


def in_sync(course: Course, answer: object) -> str:
    """min.insync.replicas for three replicas, of which one may die."""
    if not isinstance(answer, int) or not 1 <= answer <= 3:
        raise Wrong(f"it must be 1, 2 or 3, not {str(answer)[:80]}.")
    topic = course.topic("left", replicas=[LEADER, 3, 1], min_insync_replicas=answer)
    fates = {}
    # The leader answers such a question within two seconds, or has not heard yet who is missing.
    settings = {"request_timeout_ms": 2_000, "retries": 0, "enable_idempotence": False}
    with KafkaProducer(bootstrap_servers=course.bootstrap_servers, **settings) as producer:
        producer.send(topic, b"connects").get(timeout=10)
        try:
            for what, broker, left in [("one", 3, {LEADER, 1}), ("two", 1, {LEADER})]:
                course.cluster.pause(broker)
                course.cluster.wait_for_in_sync_set(topic, left)
                fates[what] = until(lambda: _fate(producer, topic), 20, "the leader has decided")
        finally:
            course.cluster.heal()
    one, two = fates.values()
    if not one.startswith("confirmed"):
        raise Wrong(
            f"with {answer}, a booking is {one} when one broker has died: all stands still."
        )
    if two.startswith("confirmed"):
        raise Wrong(
            f"with {answer}, a booking is {two} when two brokers have died, with a single copy."
        )
    return f"when one broker has died, a booking is {one}; when two have died, it is {two}."


def _fate(producer: KafkaProducer, topic: str) -> str:
    """What becomes of a message; "" where nobody has decided."""
    try:
        producer.send(topic, b"%d" % random.randrange(10**9)).get(timeout=10)
        return "confirmed"
    except NotEnoughReplicasError:
        return "refused (NotEnoughReplicasError)"
    except KafkaError:
        return ""


EXERCISES = {
    1: Exercise(
        tells,
        "Three ways out of future.get(timeout=…): it returns; it raises what a broker refused "
        "(MessageSizeTooLargeError, NotEnoughReplicasError); it raises anything else.",
    ),
    2: Exercise(
        in_sync,
        "With one broker dead, two replicas are left, and with two dead, one. Which of the two "
        "must still be enough?",
    ),
}
