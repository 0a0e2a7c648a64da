"""The one way to wait: for a condition, with a limit."""

import time
from collections.abc import Callable
from typing import TypeVar

from .errors import NotInTime

Answer = TypeVar("Answer")
NAP = 0.02  # seconds between two looks


def until(
    condition: Callable[[], Answer],
    timeout: float,
    what: str,
    *,
    passing: tuple[type[Exception], ...] = (),
    nap: float = NAP,
) -> Answer:
    """The first true answer of ``condition()``, asked every `nap` seconds.

    `what` ends the sentence "Waited 20 s in vain until …". An error of a kind in `passing` counts
    as "not yet". Raises NotInTime after `timeout` seconds, from the last such error where there was
    one, and at once what else `condition` raises. Asks once more after the time is over, so that a
    machine that slept is not blamed for it.
    """
    limit = time.monotonic() + timeout
    while True:
        last = time.monotonic() > limit
        reason = None
        try:
            if answer := condition():
                return answer
        except passing as error:
            reason = error
        if last:
            raise NotInTime(f"Waited {timeout:g} s in vain until {what}") from reason
        time.sleep(nap)
