"""Lesson 15, outbox: a relay for each key, a seat counted once, and which pattern is for what."""

import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from numbers import Integral
from pathlib import Path

import cloudpickle

from ... import flights
from ...base import places
from ..exercises import Course, Exercise, Wrong, attempt

ELSEWHERE = """
import json, pickle, sys
function, keys, relays = pickle.load(sys.stdin.buffer)
print(json.dumps([int(function(key, relays)) for key in keys]))
"""


def takes_the_same_keys(course: Course, function: Callable) -> str:
    """A function that says which relay takes a key."""
    keys = sorted({booking["flight"] for booking in flights.bookings(2_000)})
    keys = random.sample(keys, 300)
    relays = random.randint(3, 5)
    answers = [attempt(function, key, relays) for key in keys]
    for key, answer in zip(keys, answers):
        if not isinstance(answer, Integral) or not 0 <= answer < relays:
            raise Wrong(
                f"for {key} and {relays} relays it returned {str(answer)[:80]}, which is no whole "
                f"number from 0 to {relays - 1}: nobody would take its events."
            )
    for seed in ("1", "2"):  # Python's hash() of a str begins with another one in each process
        others = _in_another_process(function, keys, relays, seed)
        if differ := sum(a != b for a, b in zip(answers, others)):
            raise Wrong(
                f"in another process {differ} of {len(keys)} keys have another relay. After a "
                "restart some events would be taken by two, and some by none."
            )
    shares = Counter(answers)
    least = min(shares[number] for number in range(relays))
    if least < len(keys) / relays / 3:
        raise Wrong(
            f"of {len(keys)} keys, relay by relay, {_shares(shares, relays)} are taken: one has "
            "far less to do than the others."
        )
    return (
        f"{len(keys)} keys are shared by {relays} relays as {_shares(shares, relays)}, and in "
        "another process as well. Each one takes its keys in order."
    )


def _shares(shares: Mapping[int, int], relays: int) -> str:
    return ", ".join(str(shares[number]) for number in range(relays))


def _in_another_process(function: Callable, keys: list, relays: int, seed: str) -> list[int]:
    env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(places.ROOT)}
    result = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        input=cloudpickle.dumps((function, keys, relays)),
        env=env,
        capture_output=True,
        timeout=30,
    )
    if result.returncode:
        last = (result.stderr.decode().strip().splitlines() or ["it said nothing"])[-1]
        raise Wrong(f"in another process it ended with {last}.")
    return json.loads(result.stdout)


class Killed(BaseException):
    """No Exception, so that no handler of the learner's takes it for one of its own."""


class Mortal(sqlite3.Connection):
    """A connection whose program is killed before its statement, or commit, number `last`."""

    last = 0
    count = 0

    def execute(self, *args: object) -> sqlite3.Cursor:
        self.step()
        return super().execute(*args)

    def cursor(self, *_: object) -> sqlite3.Cursor:
        return super().cursor(factory=MortalCursor)

    def commit(self) -> None:
        self.step()
        super().commit()

    def step(self) -> None:
        self.count += 1
        if self.count == self.last:
            raise Killed


class MortalCursor(sqlite3.Cursor):
    def execute(self, *args: object) -> sqlite3.Cursor:
        self.connection.step()
        return super().execute(*args)


TABLES = """
CREATE TABLE seen (event_id PRIMARY KEY);
CREATE TABLE seats (flight PRIMARY KEY, sold);
"""
MOST = 30  # statements that an answer may need


def counts_once(course: Course, function: Callable) -> str:
    """A function that counts a seat, once for each event."""
    flight, event = random.choice(flights.bookings(50))["flight"], random.randint(1, 999)
    with tempfile.TemporaryDirectory() as folder:
        for last in range(1, MOST):
            file = Path(folder) / f"{last}.db"
            with sqlite3.connect(file) as db:
                db.executescript(TABLES)
            db.close()
            killed = _call(file, function, f"booked-{event}", flight, last)
            # It comes again, as it was not committed; and once more, as the relay sent it twice.
            for again in (event, event, event + 1):
                _call(file, function, f"booked-{again}", flight)
            sold = _sold(file, flight)
            where = (
                f"killed before its statement {last} and called again" if killed else "not killed"
            )
            if sold < 2:
                raise Wrong(
                    f"{where}, it has counted {sold} of 2 seats. What it has noted as seen, and "
                    "not done, it never does."
                )
            if sold > 2:
                raise Wrong(
                    f"{where}, it has counted {sold} seats for 2. What it has done, and not noted, "
                    "it does again."
                )
            if not killed:
                return f"killed at {last - 1} places and called again, it counts each seat once."
    raise Wrong(f"it makes more than {MOST} statements for one seat.")


def _call(file: Path, function: Callable, event: str, flight: str, last: int = 0) -> bool:
    """Calls it with a connection of its own; whether it was killed."""
    db = sqlite3.connect(file, factory=Mortal)
    db.last = last
    try:
        attempt(function, db, event, flight)
        return False
    except Killed:
        return True
    finally:
        db.close()  # what is not committed is gone


def _sold(file: Path, flight: str) -> int:
    db = sqlite3.connect(file)
    row = db.execute("SELECT sold FROM seats WHERE flight = ?", [flight]).fetchone()
    db.close()
    return row[0] if row else 0


RIGHT = {"a": [{1}], "b": [{3}], "c": [{8, 13, 14}], "d": [{10}], "e": [{15}, {8, 15}]}
# Of a scenario: what to think of, where a lesson is missing (+) or too much (-); and else.
REASONS = {
    "a": {0: "a lost position is replaced in five seconds, so what costs least is enough"},
    "b": {
        1: "without an answer, a booking may vanish in silence",
        4: "callbacks are for many at once; here one waits for the answer before the next",
        0: "which send comes back only when the brokers have answered?",
    },
    "c": {
        9: "with the commit first, a crash leaves bookings without a ticket",
        10: "a printer's database is no part of Kafka's transaction",
        8: "after a crash no ticket may be missing, and one too many is refused",
        13: "the pricing service will be back: somebody must ask again, and not at once",
        14: "garbage never becomes a booking, however often one tries: it must go aside",
        0: "a crash, an outage that passes, a message that never will: one lesson for each",
    },
    "d": {
        8: "a repeated move adds points twice, and a topic can't refuse it",
        9: "a crash would lose points",
        0: "what is read and what is written, both in Kafka, must count together",
    },
    "e": {
        10: "a database is no part of Kafka's transaction",
        0: "two systems must agree, and a crash may come between two writes",
    },
}


def chooses(course: Course, choices: object) -> str:
    """A dict scenario -> numbers of lessons."""
    if not isinstance(choices, Mapping) or set(choices) != set(RIGHT):
        raise Wrong(f"the answer is a dict with the keys {', '.join(RIGHT)}.")
    for name, right in RIGHT.items():
        given = _numbers(name, choices[name])
        if given in right:
            continue
        missing, more = sorted(right[0] - given), sorted(given - right[-1])
        reasons = REASONS[name]
        why = next((reasons[n] for n in [*more, *missing] if n in reasons), reasons[0])
        words = "one is missing" if missing and not more else "not quite"
        raise Wrong(f"{name}, {words}: {why}.")
    return "each service has what it needs, and nothing that it pays for in vain."


def _numbers(name: str, choice: object) -> set[int]:
    numbers = {choice} if isinstance(choice, int) else choice
    if not isinstance(numbers, (set, list, tuple, frozenset)) or not all(
        isinstance(number, int) for number in numbers
    ):
        raise Wrong(f"{name} needs the numbers of lessons, such as {{3}}, not {str(choice)[:80]}.")
    return set(numbers)


EXERCISES = {
    1: Exercise(
        takes_the_same_keys,
        "A hash of the key's bytes, and the remainder. Python's hash() of a str is another one in "
        "each process; zlib.crc32 is not.",
    ),
    2: Exercise(
        counts_once,
        "What if it is killed between the two transactions? Make them one.",
    ),
    3: Exercise(
        chooses,
        "For each service: what may be lost, what may be repeated, who waits for an answer, and "
        "what is outside of Kafka? Then look for the row of the table. One of them needs three.",
    ),
}
