"""Lesson 14, dead letter queue: which errors are permanent, and when a printer stops by itself."""

import json
import random
from collections.abc import Callable, Iterator

from kafka.errors import KafkaTimeoutError, NotEnoughReplicasError

from ..exercises import Course, Exercise, Wrong, attempt

LAST, LIMIT = 100, 10


class SeatMapError(Exception):
    """An error of a library that nobody has seen yet."""


def tells_apart(course: Course, function: Callable) -> str:
    """A function that says whether an error is permanent."""
    errors = [(error, False) for error in _that_pass()] + [
        (error, True) for error in _of_the_bytes()
    ]
    for error, permanent in errors:
        answer = attempt(function, error)
        if answer not in (True, False):
            raise Wrong(f"it must return True or False, not {str(answer)[:80]!r}.")
        if answer == permanent:
            continue
        name = f"{type(error).__name__} ({str(error)[:60]})"
        if permanent:
            raise Wrong(
                f"{name} hangs on the bytes alone. If the program waits, the same bytes raise it "
                "again, and its partition would stand still for ever."
            )
        raise Wrong(
            f"{name} says nothing about this booking, and may pass. A letter for each booking that "
            "meets it fills the queue with good bookings."
        )
    return f"right for {len(errors)} errors, also for one that you did not know."


def _of_the_bytes() -> Iterator[Exception]:
    """Errors that reading some values really raises."""
    readings: list[Callable] = [
        lambda: json.loads(b'{"id": 7, "departure": "2013-'),
        lambda: json.loads(b"\xff\xfe{}\xff"),
        lambda: json.loads(b"[" * 100_000),
        lambda: json.loads(None),
        lambda: json.loads(b"[7]")["departure"],
        lambda: json.loads(b"{}")["departure"],
        lambda: json.loads(b"[]")[0],
        lambda: int(json.loads(b'{"id": "seven"}')["id"]),
    ]
    for reading in readings:
        try:
            reading()
        except Exception as error:
            yield error
        else:
            raise AssertionError("This value can be read")


def _that_pass() -> list[Exception]:
    return [
        ConnectionRefusedError(111, "Connection refused"),
        TimeoutError("The database has not answered within 5 s"),
        OSError(28, "No space left on device"),
        KafkaTimeoutError("Expiring 1 record(s): 1500 ms have passed"),
        NotEnoughReplicasError("Fewer in-sync replicas than required"),
        RuntimeError("The pool of connections is closed"),
        SeatMapError("E1047"),
    ]


def pulls_the_brake(course: Course, function: Callable) -> str:
    """A function that says whether too many of the last hundred are bad."""
    histories = [
        ([], "no booking yet"),
        ([True], "the first booking is bad: there were only 1"),
        ([True] * LIMIT, f"there were only {LIMIT}, all bad"),
        ([True] * (LIMIT + 1), f"there were only {LIMIT + 1}, all bad"),
    ]
    for count in (LIMIT, LIMIT + 1):
        last = [True] * count + [False] * (LAST - count)
        random.shuffle(last)
        before = random.randint(500, 2_000)
        told = f"{count} of the last hundred are bad, and before them none of {before:,}"
        histories.append(([False] * before + last, told))
        before = random.randint(100, 400)
        told = f"{count} of the last hundred are bad, and before them all of {before:,}"
        histories.append(([True] * before + last, told))
    for history, told in histories:
        answer = attempt(function, list(history))
        if answer not in (True, False):
            raise Wrong(f"it must return True or False, not {str(answer)[:80]!r}.")
        wanted = sum(history[-LAST:]) > LIMIT
        if answer != wanted:
            raise Wrong(
                f"{told}: it {'goes on' if wanted else 'stops'}. Of the last hundred, more than "
                "ten are too many, and no others count."
            )
    return f"right for {len(histories)} histories, also at ten and eleven, and for the first few."


EXERCISES = {
    1: Exercise(
        tells_apart,
        "Name those that are permanent: what json.loads, a key or an index, and int raise. "
        "An error that you did not name may pass.",
    ),
    2: Exercise(
        pulls_the_brake,
        "bad[-100:] are the last hundred, or all where there are fewer. True counts as 1.",
    ),
}
