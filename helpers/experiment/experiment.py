"""What a lesson holds in its hand: an experiment that it measures, breaks and turns."""

import math
from collections.abc import Iterable, Mapping

from .faults import Crash, Fault
from .live import Live
from .measure import measure
from .programs import Programs
from .recording import Runs
from .side import Pace


class Experiment:
    """A lesson's programs, each in a process of its own. `Lesson.experiment` makes it.

    See Programs for what a program is. Every run has a topic, a group and names of its own.
    """

    def __init__(self, programs: Programs):
        self._programs = programs

    def measure(
        self,
        variants: Mapping[str, Mapping[str, object]],
        *,
        rate: float,
        seconds: float,
        burst: int = 0,
        burst_seconds: float = math.inf,
        rounds: int = 1,
        together: bool = False,
        faults: Iterable[Fault | Crash] = (),
    ) -> Runs:
        """Runs the programs for each variant (name -> settings) and returns what was recorded.

        A run sends `rate` messages per second for so many `seconds`, then a `burst` of so many as
        fast as it can, which begins no message after `burst_seconds`. Variants take turns, in an
        order that rotates from round to round; or they run `together`, each with programs and a
        topic of its own, so that the same faults hit them all. Readers go on until they have read
        what is stored; one that crashes is started again at once, as the same member. A broker that
        a fault has taken away is there again when this returns.

        Raises ValueError or TypeError, before anything runs, for what can't work; WorkerFailed with
        a program's error.
        """
        pace = Pace(rate, seconds, burst, burst_seconds)
        return measure(self._programs, variants, pace, rounds, together, faults)

    def live(self, settings: Mapping[str, object], rate: float) -> Live:
        """The programs without end, to be changed and disturbed while they run.

        Raises what can't work, as measure does.
        """
        return Live(self._programs, settings, rate)
