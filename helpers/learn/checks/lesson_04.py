"""Lesson 04, asynchronous send: a bound that holds, and sending again in order."""

import math
import random
import threading
from collections import Counter
from collections.abc import Callable

from kafka import KafkaProducer
from kafka.future import Future

from ..exercises import Course, Exercise, Wrong, attempt

REFUSED, TOO_LARGE = 2_000, 20_000  # bytes: by the broker, and by the producer itself
LIMITS = {"max_message_bytes": 1_000}  # of the topic
SETTINGS = {
    "max_request_size": 10_000,
    # Each message travels alone: a batch that is too large for the topic would be split, and its
    # answers come in another order. (Lesson 05 shows it.)
    "batch_size": 1,
    "enable_idempotence": False,
}
SECONDS = 15.0


class _Counting(KafkaProducer):
    """Counts how many messages are in flight."""

    def __init__(self, **settings: object):
        super().__init__(**settings)
        self._lock = threading.Lock()
        self.flying = self.most = 0

    def send(self, *args: object, **named: object) -> Future:
        future = super().send(*args, **named)
        with self._lock:
            self.flying += 1
            self.most = max(self.most, self.flying)
        return future.add_both(self._landed)

    def _landed(self, _: object) -> None:
        with self._lock:
            self.flying -= 1


def sends_all(course: Course, function: Callable) -> str:
    """A function that sends all, some at once, and tells what became of each."""
    topic = course.topic("all", **LIMITS)
    bound = random.randint(5, 15)
    values = [b"%d" % number for number in random.sample(range(10**9), 300)]
    # Of each kind twice as many as there are places, so that a place that gets lost is missed.
    for place in range(4 * bound):
        values[place] = values[place].ljust(TOO_LARGE if place % 2 else REFUSED, b".")
    bad, good = set(values[: 4 * bound]), set(values[4 * bound :])
    random.shuffle(values)
    with _Counting(bootstrap_servers=course.bootstrap_servers, **SETTINGS) as producer:
        answer = attempt(function, producer, topic, list(values), bound, seconds=SECONDS)
        most, open_ = producer.most, producer.flying
    if not isinstance(answer, tuple) or [type(each) for each in answer] != [list, list]:
        raise Wrong(f"it must return two lists, not {str(answer)[:80]}.")
    if most > bound:
        raise Wrong(f"{most} messages were in flight at once, and {bound} may be.")
    if open_:
        raise Wrong(f"it returned while {open_} messages were in flight: their fate is not known.")
    delivered, failed = map(Counter, answer)
    missing = Counter(values) - delivered - failed
    if missing:
        large = sum(len(value) == TOO_LARGE for value in missing)
        raise Wrong(
            f"{len(missing)} of {len(values)} values are in neither list; {large} of them are too "
            "large for `send`, which raises: those failed, too."
        )
    if set(delivered) != good or set(failed) != bad or (delivered + failed) != Counter(values):
        raise Wrong(
            f"{len(good)} were delivered and {len(bad)} failed, each once; the lists hold "
            f"{delivered.total()} and {failed.total()}, not all in the right one."
        )
    return f"{len(good)} delivered, {len(bad)} failed, and never more than {most} in flight."


def sends_again(course: Course, function: Callable) -> str:
    """A function that sends again what has failed, in the order of each key."""
    topic = course.topic("again", partitions=3, **LIMITS)
    keys = [b"UA%d" % number for number in random.sample(range(1000), 8)]
    dealt = random.sample(8 * keys, 60)  # each key four times at least
    by_key = dict(enumerate(dealt, 1_000))
    # One message of each of two keys will not get through, and others of that key come after it.
    blocked = {}
    for key in random.sample(keys, 2):
        of_key = [n for n in by_key if by_key[n] == key]
        blocked[key] = of_key[len(of_key) // 2]
    wanted = {n for n, key in by_key.items() if n >= blocked.get(key, math.inf)}
    failed = [
        (n, key, (b'{"id":%d}' % n).ljust(REFUSED if n == blocked.get(key) else 0))
        for n, key in by_key.items()
    ]
    random.shuffle(failed)
    with KafkaProducer(bootstrap_servers=course.bootstrap_servers, **SETTINGS) as producer:
        answer = attempt(function, producer, topic, list(failed), seconds=SECONDS)
    last: dict[bytes, int] = {}
    stored = course.stored_ids(topic)
    for n in stored:
        if n < last.get(key := by_key[n], -1):
            raise Wrong(f"of {key.decode()}, message {last[key]} is stored before message {n}.")
        last[key] = n
    for key, n in blocked.items():
        if last.get(key, -1) > n:
            raise Wrong(
                f"of {key.decode()}, message {n} failed again, and message {last[key]} is stored: "
                "it has overtaken it."
            )
    try:
        left = [n for n, _, _ in answer]
    except (TypeError, ValueError):
        raise Wrong(f"it must return tuples (n, key, value), not {str(answer)[:80]}.") from None
    if lost := wanted - set(left):
        raise Wrong(f"{len(lost)} messages are neither stored nor returned, such as {min(lost)}.")
    if sorted(left + stored) != sorted(by_key):
        raise Wrong(
            f"{len(wanted)} of {len(failed)} can't be stored in order; it returned {len(left)}, "
            f"and {len(stored)} are stored."
        )
    return f"{len(stored)} stored, each key in its order; {len(left)} are still to be sent."


EXERCISES = {
    1: Exercise(
        sends_all,
        "The lesson's send_bounded raises what `send` raises. Where does such a value belong? And "
        "when is the last answer there?",
    ),
    2: Exercise(
        sends_again,
        "What is sorted by n is in the order of each key, too. When one has failed again, which "
        "others must wait? `send(...).get()` tells before the next one goes.",
    ),
}
