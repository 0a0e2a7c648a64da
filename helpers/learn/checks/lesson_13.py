"""Lesson 13, retry with backoff: a wait of which half is certain, retries that keep the order."""

import random
from collections import deque
from collections.abc import Callable
from statistics import mean

from ..exercises import Course, Exercise, Wrong, attempt

DRAWN = 400
ROUNDS = 40
STEPS = 60


def waits_by_equal_jitter(course: Course, function: Callable) -> str:
    """A function of retry, base and cap whose wait is half certain and half chance."""
    cases = [(retry, 0.1, 0.8) for retry in (1, 2, 3, 4, 5)]
    cases += [(retry, random.uniform(0.2, 2), random.uniform(20, 60)) for retry in (1, 3, 40)]
    for retry, base, cap in [*cases, (5_000, 0.1, 0.8)]:
        longest = min(cap, base * 2 ** min(retry - 1, 30))
        drawn = [attempt(function, retry, base, cap) for _ in range(DRAWN)]
        if strange := [wait for wait in drawn if not isinstance(wait, int | float)]:
            raise Wrong(f"it must return seconds, as a number, not {str(strange[0])[:80]!r}.")
        least, most, middle = min(drawn), max(drawn), mean(drawn)
        where = (
            f"retry {retry:,}, base {base:.3g}, cap {cap:.3g}: the longest wait is {longest:.3g} s"
        )
        if most > longest * 1.000001:
            raise Wrong(f"{where}, and it returned {most:.3g}.")
        if least < longest * 0.499999:
            raise Wrong(
                f"{where}, half of which is certain, and it returned {least:.3g}: that may be next "
                "to nothing."
            )
        if most - least < 0.3 * longest:
            raise Wrong(
                f"{where}, and {DRAWN} waits all lay between {least:.3g} and {most:.3g}: clients "
                "that failed together come back together."
            )
        if abs(middle / longest - 0.75) > 0.1:
            raise Wrong(
                f"{where}, and the mean of {DRAWN} waits was {middle:.3g}: all between half of it "
                "and the whole should be equally likely."
            )
    return f"between half and all of the longest wait, in {len(cases) + 1} cases of {DRAWN} each."


def keeps_the_order(course: Course, functions: object) -> str:
    """Two functions: of a booking just read, and of one from the retry topic."""
    if not (isinstance(functions, tuple) and len(functions) == 2):
        raise Wrong("the answer must be the two functions: (first_try, another_try).")
    _in_the_small(*functions)
    aside = sum(_at_random(*functions) for _ in range(ROUNDS))
    return (
        f"{ROUNDS * STEPS:,} bookings of three airlines, {aside:,} of them put aside: each "
        "airline's were done in their order, and nobody waited for another one's."
    )


class Desks:
    """Both desks, as the experiment has them: a topic, and a retry topic in its order."""

    def __init__(self, first_try: Callable, another_try: Callable):
        self._first_try, self._another_try = first_try, another_try
        self._waiting: dict = {}
        self.out: set[str] = set()  # airlines whose service does not answer
        self.aside: deque[tuple[str, int]] = deque()
        self._done: dict[str, int] = {}  # airline -> its last number
        self._read: dict[str, int] = {}
        self._overtaken = ""  # how, if one was

    def read(self, key: str) -> bool:
        """A booking comes. Is it done?"""
        number = self._read[key] = self._read.get(key, 0) + 1
        others = any(waits == key for waits, _ in self.aside)
        if done := self._try(self._first_try, key, number):
            return done
        if key not in self.out and not others:
            raise Wrong(
                f"{key}{number} was put aside, though {key} answers and none of its bookings "
                "waits: nobody waits for another airline, nor for what is over."
            )
        self.aside.append((key, number))
        return False

    def again(self) -> bool:
        """The first one in the retry topic is tried. Is it done?"""
        key, number = self.aside[0]
        if done := self._try(self._another_try, key, number):
            self.aside.popleft()
        elif key not in self.out:
            raise Wrong(f"{key}{number} was tried again, its airline answers, and it was not done.")
        return done

    def _try(self, function: Callable, key: str, number: int) -> bool:
        called = []

        def works() -> bool:
            called.append(key)
            if key not in self.out:
                self._note(key, number)
            return key not in self.out

        said = attempt(function, key, works, self._waiting)
        if self._overtaken:  # not raised in works(), which stands in the learner's function
            raise Wrong(self._overtaken)
        if not isinstance(said, bool):
            raise Wrong(f"{function.__name__} must return True or False, not {str(said)[:80]!r}.")
        if said and (not called or key in self.out):
            raise Wrong(f"{function.__name__} said that {key}{number} is done, and it is not.")
        if called and not said and key not in self.out:
            raise Wrong(
                f"{function.__name__} called the service for {key}{number}, which did it, and then "
                "said False: it will be done twice."
            )
        return said

    def _note(self, key: str, number: int) -> None:
        before = self._done.get(key, 0)
        if number > before + 1 and not self._overtaken:
            self._overtaken = (
                f"{key}{number} was done while {key}{before + 1} was still in the retry topic."
            )
        self._done[key] = max(before, number)


def _in_the_small(first_try: Callable, another_try: Callable) -> None:
    """The shortest ways to go wrong, one after the other."""
    desks = Desks(first_try, another_try)
    desks.out = {"AA"}
    desks.read("AA")  # fails
    desks.read("UA")
    desks.out = set()
    desks.read("AA")  # the first one still waits
    desks.again()
    desks.read("AA")  # now the second one does
    while desks.aside:
        desks.again()
    desks.read("AA")  # nobody waits any more


def _at_random(first_try: Callable, another_try: Callable) -> int:
    """How many were put aside."""
    desks, aside = Desks(first_try, another_try), 0
    for _ in range(STEPS):
        desks.out = {key for key in ("AA", "UA", "DL") if random.random() < 0.3}
        aside += not desks.read(random.choice(("AA", "UA", "DL")))
        if desks.aside and random.random() < 0.6:
            desks.again()
    desks.out = set()
    while desks.aside:
        desks.again()
    for key in ("AA", "UA", "DL"):
        desks.read(key)
    return aside


EXERCISES = {
    1: Exercise(
        waits_by_equal_jitter,
        "The longest wait is min(cap, base * 2 ** min(retry - 1, 30)). Half of it, plus "
        "random.uniform(0, that half).",
    ),
    2: Exercise(
        keeps_the_order,
        "How many bookings of each key are in the retry topic? first_try asks that before it calls "
        "the service, and adds one; another_try takes one away when it has worked.",
    ),
}
