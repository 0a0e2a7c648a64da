"""Lesson 12, stateful processing: a watermark, hopping windows, and a save that survives a kill."""

import random
from collections import Counter
from collections.abc import Callable

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from ...base.waiting import until
from ..exercises import Course, Exercise, Wrong, attempt

HOUR = 3_600_000  # ms
PARTITIONS = 2
EACH = 4  # departures in a partition
BATCH = 2  # of each partition in a batch
TRIALS = 8  # kills, and a run without one
AIRPORTS = (b"EWR", b"JFK", b"LGA")


def watermark_of_all(course: Course, function: Callable) -> str:
    """A function that says the watermark of several partitions."""
    for partitions in (1, 3, 3, 4, 5):
        now = random.randint(300, 400_000) * HOUR
        bound, patience = random.randint(1, 90) * 60_000, random.randint(2, 30) * 60_000
        # Each was heard of just in time; but one, far behind the others, just too long ago.
        seen = {n: (now - (n + 1) * HOUR, now - patience + n) for n in range(partitions)}
        if partitions > 1:
            seen[partitions - 1] = (now - 200 * HOUR, now - patience - 1)
        numbers = list(seen)
        random.shuffle(numbers)
        seen = {n: seen[n] for n in numbers}
        _compare(function, seen, now, bound, patience)
    idle = {n: (now - n, now - patience - 1 - n) for n in range(3)}
    if (answer := attempt(function, idle, now, bound, patience)) is not None:
        raise Wrong(f"all three partitions are idle, and it returned {str(answer)[:40]}, not None.")
    return "the smallest of those that are not idle, less the bound; None where all are."


def _compare(function: Callable, seen: dict, now: int, bound: int, patience: int) -> None:
    active = [time for time, heard in seen.values() if now - heard <= patience]
    wanted = min(active) - bound
    answer = attempt(function, dict(seen), now, bound, patience)
    if answer == wanted:
        return
    why = {
        max(active) - bound: "That is the largest: it lets one partition close the others' windows",
        min(time for time, _ in seen.values())
        - bound: "That waits for an idle partition, and may wait for ever",
        min(active): "That promises too much: messages may be out of order by the bound",
    }.get(answer, "Of the partitions that were heard of lately the smallest counts, less the bound")
    raise Wrong(
        f"of {len(seen)} partitions, {len(active)} not idle, it returned "
        f"{_hours(answer, wanted)}. {why}."
    )


def _hours(answer: object, wanted: int) -> str:
    if not isinstance(answer, int | float):
        return f"{str(answer)[:40]}"
    off = (answer - wanted) / HOUR
    return f"a watermark that is {abs(off):,.1f} hours too {'high' if off > 0 else 'low'}"


def windows_that_hold(course: Course, function: Callable) -> str:
    """A function that says in which hopping windows an event is."""
    tried = 0
    for size, step in [(60, 60), (60, 15), (60, 20), (10, 5), (50, 20), (7, 3)]:
        for at in (random.randint(500, 5_000), random.randint(10, 90) * step):
            wanted = [
                begin
                for begin in range(at - at % step - 2 * size, at + size, 1)
                if begin % step == 0 and begin <= at < begin + size
            ]
            answer = attempt(function, at, size, step)
            try:
                got = sorted(answer)
            except TypeError:
                raise Wrong(f"it must return a list of begins, not {str(answer)[:80]}.") from None
            tried += 1
            if got != wanted:
                raise Wrong(_of_windows(at, size, step, got, wanted))
    return f"right for {tried} events, also at a window's first moment."


def _of_windows(at: int, size: int, step: int, got: list, wanted: list) -> str:
    head = f"at {at}, with size {size} and step {step}, it returned {str(got)[:80]}"
    if ended := [begin for begin in got if begin + size <= at]:
        return (
            f"{head}: the window that begins at {ended[0]} ends at {ended[0] + size}, and its end "
            "is not part of it."
        )
    if late := [begin for begin in got if begin > at]:
        return f"{head}: the window that begins at {late[0]} has not begun yet."
    if odd := [begin for begin in got if begin % step]:
        return f"{head}: no window begins at {odd[0]}, which is no multiple of the step."
    if len(set(got)) < len(got):
        return f"{head}: one of them twice."
    return f"{head}: {sorted(set(wanted) - set(got))} hold it, too: windows overlap."


class Killed(BaseException):
    """What ends a learner's function after a call, as SIGKILL would."""


class Dying:
    """A client that is killed after call number `last`, of all that are noted in `calls`."""

    def __init__(self, client: object, calls: list[str], last: int):
        self._client, self._calls, self._last = client, calls, last

    def __getattr__(self, name: str) -> object:
        real = getattr(self._client, name)

        def call(*args: object, **named: object) -> object:
            answer = real(*args, **named)
            self._calls.append(name)
            if len(self._calls) == self._last:
                if name == "send":
                    self._client.flush()  # it is with the brokers when the program dies
                raise Killed
            return answer

        return call if callable(real) else real


def saves_as_one(course: Course, function: Callable) -> str:
    """A function that saves changes and offsets together: killed after each of its calls."""
    departures = course.topic("save", partitions=PARTITIONS)
    keys = [random.choice(AIRPORTS) for _ in range(PARTITIONS * EACH)]
    with KafkaProducer(bootstrap_servers=course.bootstrap_servers) as producer:
        for place, key in enumerate(keys):
            producer.send(departures, b"{}", key, partition=place % PARTITIONS)
    changelog = course.topic("save-changelog", partitions=TRIALS * PARTITIONS)
    counter = _Counter(course, departures, changelog, keys)
    calls: list[str] = []
    counter.check(function, 0, calls)
    if not calls:
        raise Wrong("it calls nothing of the producer and of the consumer.")
    # Of the sends in a row the last one is enough.
    ends = [
        number
        for number, call in enumerate(calls, start=1)
        if call != "send" or calls[number : number + 1] != ["send"]
    ]
    for trial, last in enumerate(ends[: TRIALS - 1], start=1):
        counter.check(function, trial, [], last)
    return (
        f"killed {len(ends)} times, after each kind of call, restored and gone on, and each time "
        f"all {len(keys)} departures are counted, once."
    )


class _Counter:
    """A counter of departures with a changelog; each trial has partitions of that for itself."""

    def __init__(self, course: Course, departures: str, changelog: str, keys: list[bytes]):
        self._servers, self._changelog = course.bootstrap_servers, changelog
        self._departures = [TopicPartition(departures, n) for n in range(PARTITIONS)]
        self._keys = [keys[n::PARTITIONS] for n in range(PARTITIONS)]

    def check(self, function: Callable, trial: int, calls: list[str], last: int = 0) -> None:
        """Counts all, with a kill after that call in the second batch (0: none).

        Raises Wrong for counts that are wrong in the end.
        """
        died = self._run(function, trial, calls, last)
        if died:
            self._run(function, trial, [], 0)
        truth = Counter((n, key) for n, keys in enumerate(self._keys) for key in keys)
        counts = self._restored(trial)
        missing, double = sum((truth - counts).values()), sum((counts - truth).values())
        if missing or double:
            what = [f"{missing} of {truth.total()} departures are missing"] * bool(missing)
            what += [f"{double} are counted twice"] * bool(double)
            how = f"killed right after its {calls[-1]}" if died else "never killed"
            raise Wrong(
                f"{how}: {' and '.join(what)}. The changes and the offsets must count together, or "
                "not at all."
            )

    def _run(self, function: Callable, trial: int, calls: list[str], last: int) -> bool:
        """Counts from the committed offsets on; whether it was killed."""
        name = f"{self._changelog}-{trial}"
        own = {"bootstrap_servers": self._servers, "isolation_level": "read_committed"}
        sending = {"bootstrap_servers": self._servers, "transactional_id": name}
        with (
            KafkaProducer(**sending, retry_backoff_ms=5) as producer,
            KafkaConsumer(group_id=name, enable_auto_commit=False, **own) as consumer,
        ):
            producer.init_transactions()
            consumer.assign(self._departures)
            places = [consumer.committed(p) or 0 for p in self._departures]
            state = self._restored(trial)
            for number in range(EACH):
                offsets, changes = {}, {}
                for n, keys in enumerate(self._keys):
                    for key in keys[places[n] : places[n] + BATCH]:
                        places[n] += 1
                        state[n, key] += 1
                        changes[n, key] = state[n, key]
                        offsets[self._departures[n]] = OffsetAndMetadata(places[n], "", -1)
                if not offsets:
                    break
                for partition, offset in offsets.items():
                    consumer.seek(partition, offset.offset)  # as after a poll
                noted = calls if number == 1 else []
                clients = [
                    Dying(each, noted, last * (number == 1)) for each in (producer, consumer)
                ]
                output = [
                    (n + trial * PARTITIONS, key, b"%d" % count)
                    for (n, key), count in changes.items()
                ]
                group = consumer.group_metadata()
                try:
                    attempt(function, *clients, group, offsets, self._changelog, output)
                except Killed:
                    return True
        return False

    def _restored(self, trial: int) -> Counter:
        """The last count of each key in the trial's part of the changelog."""
        logs = {
            TopicPartition(self._changelog, n + trial * PARTITIONS): n for n in range(PARTITIONS)
        }
        own = {"isolation_level": "read_committed", "fetch_max_wait_ms": 10}
        state: Counter = Counter()
        with KafkaConsumer(
            bootstrap_servers=self._servers, auto_offset_reset="earliest", **own
        ) as consumer:
            consumer.assign(list(logs))

            def at_the_end() -> bool:
                for log, records in consumer.poll(timeout_ms=100).items():
                    for record in records:
                        state[logs[log], record.key] = int(record.value)
                ends = {log: consumer.highwater(log) for log in logs}
                return all(e is not None and consumer.position(log) >= e for log, e in ends.items())

            until(at_the_end, 10, "the changelog is read", nap=0.0)
        return state


EXERCISES = {
    1: Exercise(
        watermark_of_all,
        "Which partitions count: compare `now` with when each was heard of last, by `patience`. Of "
        "their event times take the smallest, and take off the bound.",
    ),
    2: Exercise(
        windows_that_hold,
        "The last one begins at `at - at % step`. The ones before it begin a step earlier each, as "
        "long as their end is still behind `at`.",
    ),
    3: Exercise(
        saves_as_one,
        "What is kept when it dies between commit_transaction and consumer.commit? The producer "
        "can put offsets into its transaction.",
    ),
}
