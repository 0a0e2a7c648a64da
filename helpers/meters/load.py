"""A paced load, and variants that take turns."""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from typing import TypeVar

from tqdm import auto

from ..base.widgets import view

Step = TypeVar("Step")
Variant = TypeVar("Variant")
MOST = 1e9  # messages per second, and seconds
NAP = 0.001  # seconds; shorter waits are not worth going to sleep for
LONG = 2  # seconds; from here on a learner is shown that something goes on
BAR = "{percentage:3.0f}% {bar} {remaining} left"
IN_NOTEBOOK = auto.notebook_tqdm is not auto.std_tqdm


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

    Raises ValueError unless `rate` (messages per second) and `seconds` are positive, and no more
    than a billion.
    """
    if not (0 < rate <= MOST and 0 < seconds <= MOST):
        raise ValueError(
            f"rate and seconds must be positive, up to a billion, not {rate} and {seconds}"
        )
    plan = range(round(rate * seconds))
    with _watched(plan) if seconds >= LONG else nullcontext(plan) as steps:
        start = clock()
        for n in steps:
            due = start + n / rate
            sleep_until(due, clock, sleep)
            yield n, due


def sleep_until(
    moment: float,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Returns at that moment on `clock`, never before; at once where it has passed."""
    while (ahead := moment - clock()) > 0:
        # Sleeping lets the client's own thread work. The system wakes a sleeper late, so sleep a
        # little less.
        sleep(max(ahead - NAP / 4, NAP / 10))


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
    with _watched(plan) as steps:
        yield from steps


@contextmanager
def _watched(plan: Sequence[Step]) -> Iterator[Iterable[Step]]:
    """The plan's steps, with a progress bar where somebody can see it, until the block is left."""
    if threading.current_thread() is not threading.main_thread():
        yield plan
        return
    bar = auto.tqdm(
        plan,
        file=sys.stderr,
        leave=False,
        bar_format=BAR,
        mininterval=0.5,
        miniters=1,  # a guess would stay silent for long after a burst
        # None: not where stderr is a file. What a notebook displays is up to _show.
        **({"display": False} if IN_NOTEBOOK else {"disable": None}),
    )
    end = _show(bar) if IN_NOTEBOOK else bar.close
    try:
        yield bar
    finally:
        end()


def _show(bar: auto.tqdm) -> Callable[[], None]:
    """Shows a notebook's bar below its cell. Returns what takes it away, and leaves nothing there.

    tqdm alone would leave a bar that did not get to its end, and the text of one that did.
    """
    from IPython import get_ipython
    from IPython.display import display

    # No text: that is for those who see no widgets, as in a notebook that was saved.
    place = display(view(bar.container), raw=True, display_id=True)
    ending = ExitStack()  # which happens once
    ending.callback(place.update, {}, raw=True)
    for widget in (bar.container, *bar.container.children):
        ending.callback(widget.close)
    ending.callback(bar.close)
    # Also when the cell ends: an error's traceback may hold on to the loop, and so to the bar.
    events, end_of_cell = get_ipython().events, lambda result: ending.close()
    events.register("post_run_cell", end_of_cell)
    ending.callback(events.unregister, "post_run_cell", end_of_cell)
    return ending.close
