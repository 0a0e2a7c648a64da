"""Lesson 07, manual assignment: tickets and place together, and where to go on after a restore."""

import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from ..exercises import Course, Exercise, Wrong, attempt

WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")
DEATHS = 4  # statements before which a reader dies, one after the other
HOUR = 3_600_000  # milliseconds


class _Killed(BaseException):
    """The reader's end in the middle; no Exception, so that no handler of the learner's has it."""


class _Cursor(sqlite3.Cursor):
    """Lets something happen right before a statement that writes."""

    def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        self._before(statement)
        return super().execute(statement, *values)

    def executemany(self, statement: str, *values: object) -> sqlite3.Cursor:
        self._before(statement)
        return super().executemany(statement, *values)

    def _before(self, statement: str) -> None:
        if statement.lstrip().upper().startswith(WRITES):
            self.connection.before_a_write()


class _Store(sqlite3.Connection):
    """A reader's connection to the store."""

    happens: Callable[[], None] | None = None
    after = 0  # so many writes

    def cursor(self, factory: type = _Cursor) -> sqlite3.Cursor:
        return super().cursor(factory)

    def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        return self.cursor().execute(statement, *values)

    def executemany(self, statement: str, *values: object) -> sqlite3.Cursor:
        return self.cursor().executemany(statement, *values)

    def before_a_write(self) -> None:
        if self.happens and self.after == 0:
            self.happens()
        self.after -= 1


def saves_together(course: Course, function: Callable) -> str:
    """A function that saves tickets and place together, if the place is where it was."""
    with tempfile.TemporaryDirectory() as folder:
        _alone(Path(folder) / "alone.db", function)
        _one_after_the_other(Path(folder) / "late.db", function)
        _in_between(Path(folder) / "between.db", function)
        for writes in range(DEATHS):
            _killed(Path(folder) / f"killed-{writes}.db", function, writes)
    return (
        "each booking has one ticket: of two readers, one behind the other and in between, and "
        "wherever one dies."
    )


def _opened(file: Path, place: int = 0) -> _Store:
    store = sqlite3.connect(file, timeout=0.2, factory=_Store)
    with store:
        store.execute("CREATE TABLE IF NOT EXISTS places (place)")
        store.execute("CREATE TABLE IF NOT EXISTS tickets (booking)")
        if not store.execute("SELECT * FROM places").fetchall():
            store.execute("INSERT INTO places VALUES (?)", [place])
    return store


def _batch(old: int) -> tuple[int, int, list[tuple[str]]]:
    new = old + random.randint(5, 20)
    return old, new, [(f"booking {n}",) for n in range(old, new)]


def _found(file: Path) -> tuple[int, int, int]:
    """The place, the tickets, and for how many bookings they are; of what is committed."""
    with closing(sqlite3.connect(file)) as store:
        [place] = store.execute("SELECT place FROM places").fetchone()
        counts = store.execute("SELECT count(*), count(DISTINCT booking) FROM tickets").fetchone()
    return place, *counts


def _alone(file: Path, function: Callable) -> None:
    """A reader that nobody disturbs."""
    old, new, tickets = _batch(random.randint(50, 90))
    with closing(_opened(file, old)) as store:
        attempt(function, store, old, new, tickets)
    place, count, _ = _found(file)
    if (place, count) != (new, len(tickets)):
        raise Wrong(
            f"one reader alone saved {len(tickets)} tickets and the place {new}: in the store are "
            f"{count} tickets and the place {place}. Has the transaction been committed?"
        )


def _one_after_the_other(file: Path, function: Callable) -> None:
    """A second reader comes too late with the same batch."""
    old, new, tickets = _batch(random.randint(50, 90))
    with closing(_opened(file, old)) as first, closing(_opened(file)) as second:
        attempt(function, first, old, new, tickets)
        with suppress(Wrong):  # to raise is a way to refuse
            attempt(function, second, old, new, tickets)
        second.commit()  # what is left open would be committed with the next batch
    _each_once(file, new, tickets, "a second reader came later with the same batch")


def _in_between(file: Path, function: Callable) -> None:
    """Another reader saves the same batch right before this one writes."""
    old, new, tickets = _batch(random.randint(50, 90))

    def other_is_quicker() -> None:
        if not mine.in_transaction:  # which holds the others up
            with closing(_opened(file)) as other, other:
                other.executemany("INSERT INTO tickets VALUES (?)", tickets)
                other.execute("UPDATE places SET place = ?", [new])

    with closing(_opened(file, old)) as mine:
        mine.happens, mine.after = other_is_quicker, 0
        with suppress(Wrong):
            attempt(function, mine, old, new, tickets)
        mine.commit()
    when = "another reader saved the same batch after this one had looked, and before it wrote"
    _each_once(file, new, tickets, when)


def _each_once(file: Path, new: int, tickets: list, when: str) -> None:
    place, count, bookings = _found(file)
    if count > bookings:
        raise Wrong(
            f"{when}: {bookings} bookings have {count} tickets. The place must move only from "
            "where this reader found it, in the statement that moves it; else nothing may stay."
        )
    if (place, count) != (new, len(tickets)):
        raise Wrong(f"{when}: {count} of {len(tickets)} tickets, and the place {place}, not {new}.")


def _killed(file: Path, function: Callable, writes: int) -> None:
    """A reader that dies before one of its writes, and the next one."""
    old, new, tickets = _batch(random.randint(50, 90))

    def dies() -> None:
        raise _Killed

    with closing(_opened(file, old)) as store:
        store.happens, store.after = dies, writes
        with suppress(_Killed):
            attempt(function, store, old, new, tickets)
        store.rollback()  # as the database does for a client that is gone
    place, count, _ = _found(file)
    if (place, count) not in ((old, 0), (new, len(tickets))):
        raise Wrong(
            f"a reader died in the middle: {count} of {len(tickets)} tickets are in the store, and "
            f"the place is {place} ({old} before, {new} afterwards). Both must be one transaction."
        )


def goes_on_at(course: Course, function: Callable) -> str:
    """A function that says where each partition goes on at a time."""
    topic = course.topic("times", partitions=3)
    partitions = [TopicPartition(topic, number) for number in range(3)]
    first = round(1_000 * time.time()) - HOUR
    counts = [random.randint(150, 250), random.randint(40, 90), 0]
    times = [[first + 1_000 * n for n in range(count)] for count in counts]
    with KafkaProducer(bootstrap_servers=course.bootstrap_servers) as producer:
        for partition, own in zip(partitions, times, strict=True):
            for stamp in own:
                producer.send(topic, b"x", partition=partition.partition, timestamp_ms=stamp)
    late = random.randint(counts[1] + 5, counts[0] - 5)
    soon = random.randint(5, counts[1] - 5)
    with KafkaConsumer(bootstrap_servers=course.bootstrap_servers) as consumer:
        for place, wanted in [(soon, [soon, soon, 0]), (late, [late, counts[1], 0])]:
            try:
                answer = attempt(function, consumer, partitions, first + 1_000 * place - 500)
            except Wrong as wrong:
                raise Wrong(
                    f"with partitions that have no message so late, {wrong} For those, "
                    "offsets_for_times has None. Where does what is still to come begin?"
                ) from None
            _are_places(answer, dict(zip(partitions, wanted, strict=True)), counts)
    return f"of {sum(counts):,} messages in three partitions, those are read again, and no others."


def _are_places(answer: object, wanted: dict[TopicPartition, int], counts: list[int]) -> None:
    if not isinstance(answer, Mapping):
        raise Wrong(f"it must return a dict, not {str(answer)[:80]}.")
    for partition, place in wanted.items():
        end, number = counts[partition.partition], partition.partition
        what = f"partition {number} (end {end})"
        if partition not in answer:
            raise Wrong(
                f"it says nothing of {what}, which has no message so late: its reader would go on "
                "where the restored store says."
            )
        if type(answer[partition]) is not int:
            raise Wrong(
                f"{what}: what is stored is an offset, a number, not {str(answer[partition])[:80]}."
            )
        if answer[partition] == place:
            continue
        if place == end:
            raise Wrong(
                f"{what} has no message so late, and it says {answer[partition]}, not {place}: "
                "messages would be done again that are older."
            )
        raise Wrong(
            f"{what}: the first message at that time or later has offset {place}, and it says "
            f"{answer[partition]}."
        )


EXERCISES = {
    1: Exercise(
        saves_together,
        "Let the statement itself look: UPDATE … WHERE place = ? has rowcount 0 where the place "
        "has moved. Then leave nothing behind: do it first, or roll back.",
    ),
    2: Exercise(
        goes_on_at,
        "offsets_for_times takes a dict and returns one; its values have a field offset, or are "
        "None. consumer.end_offsets(partitions) is a dict as well.",
    ),
}
