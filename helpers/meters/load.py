"""A paced load, and variants that take turns."""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

Variant = TypeVar("Variant")
NAP = 0.001  # seconds; shorter waits are not worth going to sleep for
LONG = 2  # seconds; from here on a learner is shown that something goes on


def paced(
    rate: float,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[tuple[int, float]]:
    """Yields ``(n, due)`` for n = 0, 1, …: message n is due at start + n / rate, on `clock`.

    Never early. A program that falls behind gets the overdue messages at once, one after the other,
    so that a latency measured from `due` holds the wait of every message that a stall delayed, not
    only of the one that met it. (Leaving those out is called coordinated omission: Gil Tene, "How
    NOT to Measure Latency".) Shows a progress bar if it takes long (in the main thread only: a
    notebook can't tell which cell another thread's bar belongs to).

    Raises ValueError unless `rate` (messages per second) and `seconds` are positive.
    """
    if not (rate > 0 and seconds > 0):
        raise ValueError(f"rate and seconds must be positive, not {rate} and {seconds}")
    hidden = seconds < LONG or threading.current_thread() is not threading.main_thread()
    # None: a bar where somebody can see it.
    plan = tqdm(
        range(round(rate * seconds)),
        leave=False,
        file=sys.stderr,
        disable=hidden or None,
        mininterval=0.5,
    )
    start = clock()
    for n in plan:
        due = start + n / rate
        while (ahead := due - clock()) > 0:
            # Sleeping lets the client's own thread work. The system wakes a sleeper late, so sleep
            # a little less.
            sleep(max(ahead - NAP / 4, NAP / 10))
        yield n, due


def alternating(variants: Iterable[Variant], rounds: int) -> Iterator[tuple[int, Variant]]:
    """Yields ``(round, variant)``: every variant in every round, in an order that rotates.

    (ABC, BCA, CAB.) So whatever changes on the machine meanwhile hits all variants alike. Shows a
    progress bar.
    """
    variants = list(variants)
    plan = [
        (n, variants[(n + shift) % len(variants)])
        for n in range(rounds)
        for shift in range(len(variants))
    ]
    yield from tqdm(plan, leave=False, file=sys.stderr, disable=None)
