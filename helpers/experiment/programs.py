"""The programs of an experiment: who takes which settings, and how one is started."""

import inspect
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .. import meters
from ..cluster import Cluster
from ..workers import Worker
from . import program, record
from .record import NAMES

PATIENCE = 30.0  # seconds for programs to connect, and to end
TOPIC = "topic"  # the setting that is the topic's, and no program's
MEMBERS = "members"  # the setting that says how many processes the last program has
_numbers = itertools.count(1)  # of programs, so that no two share a name


class Course(Protocol):
    """What an experiment needs of its lesson."""

    cluster: Cluster
    bootstrap_servers: list[str]
    folder: Path

    def topic(self, name: str, **settings: object) -> str:
        """Makes a new topic; its full name."""

    def records(self, topic: str) -> list:
        """All records of a topic."""

    def delete_topic(self, topic: str) -> None:
        """Deletes a topic of its own."""

    def lag(self, topic: str, *, every: float) -> meters.LagSampler:
        """A sampler of the topic's lag."""

    def wait_for_members(self, group: str, count: int) -> None:
        """Returns when the group has so many members, and all know their partitions."""


@dataclass
class Program:
    """A program at work: its process, and its record."""

    worker: Worker
    record: record.Reader
    member: str = NAMES[0]
    leaves: bool = False  # its end is no news: another one takes its place, or it was told to end

    def said(self, *words: str) -> list[tuple]:
        """What it told, of that kind: tuples without the time."""
        told = [line[1:] for line in list(self.worker.told)]
        return [line for line in told if line[: len(words)] == words]

    @property
    def sends(self) -> bool:
        """Whether it has a feed, which comes to an end by itself."""
        return bool(self.said("ready", "sends"))

    @property
    def is_member(self) -> bool:
        """Whether a consumer group has given it partitions, as far as it has told."""
        return bool(self.said("assigned"))

    def wait_until_ready(self) -> None:
        """Returns when it is connected; raises WorkerFailed with its error."""
        self.worker.wait_for(lambda _: self.said("ready"), timeout=PATIENCE)


class Programs:
    """A lesson's programs, and the topic that each of their runs has for itself.

    `topic` says how that is made; a setting of this name adds to it, as in
    ``topic=dict(min_insync_replicas=1)``.

    A program is a function of the notebook. It is handed a run (program.Run) and settings: each
    setting goes to the program that has a parameter of this name, the others to the one that takes
    ``**settings``. A setting `members` is the number of processes of the last program (else one).
    Where they ask for the run's group they are its members: they run when all of them know their
    partitions. Latency and throughput count until the producer is `told`, or until a reader has
    `read` or `done` a message.
    """

    def __init__(
        self,
        course: Course,
        functions: Sequence[Callable],
        name: str,
        topic: Mapping[str, object],
        until: str = "told",
    ):
        if not functions:
            raise ValueError("An experiment needs a program, as in course.experiment(produce)")
        if until not in record.UNTIL:
            raise ValueError(
                f"A message's time is until one of {', '.join(record.UNTIL)}, not {until!r}"
            )
        self.course, self._functions, self.until = course, functions, until
        self._name, self._topic = name, dict(topic)

    def share(self, settings: Mapping[str, object]) -> list[dict[str, object]]:
        """The settings of each program. Raises TypeError for one that none takes, or one needs."""
        count_of(settings)
        settings = {name: value for name, value in settings.items() if name not in (TOPIC, MEMBERS)}
        parameters = [
            list(inspect.signature(each).parameters.values())[1:] for each in self._functions
        ]
        named = {each.name for own in parameters for each in own if each.kind != each.VAR_KEYWORD}
        shares, taken = [], set()
        for function, own in zip(self._functions, parameters, strict=True):
            takes = {each.name for each in own}
            if any(each.kind == each.VAR_KEYWORD for each in own):
                takes |= set(settings) - named
            for each in own:
                optional = each.kind == each.VAR_KEYWORD or each.default is not each.empty
                if not optional and each.name not in settings:
                    raise TypeError(f"{function.__name__} needs {each.name}")
            shares.append({name: settings[name] for name in settings if name in takes})
            taken |= takes
        if unknown := sorted(set(settings) - taken):
            names = ", ".join(each.__name__ for each in self._functions)
            raise TypeError(f"None of the programs ({names}) takes {', '.join(unknown)}")
        return shares

    def new_topic(self, variant: str, settings: Mapping[str, object]) -> str:
        """A topic for one run with these settings."""
        ending = re.sub(r"[^A-Za-z0-9._-]+", "-", variant).strip("-")
        return self.course.topic(f"{self._name}-{ending}", **self._topic | settings.get(TOPIC, {}))

    def start(
        self,
        place: int,
        settings: Mapping,
        topic: str,
        pace: Mapping,
        member: str = NAMES[0],
        life: int = 0,
        crash: tuple = (),
        done: int = 0,
    ) -> Program:
        """Starts the program at this place, with its share of the settings.

        `member`, `life`: see program.Run. It crashes as `crash` says (faults.Crash.order), having
        been `done` with so many in earlier lives.
        """
        function = self._functions[place]
        name = f"{function.__name__}-{next(_numbers)}"
        order = {
            "topic": topic,
            "group": group_of(topic),
            "name": name,
            "folder": str(self.course.folder),
            "member": member,
            "number": NAMES.index(member) if place == self.last else record.NOBODY,
            "life": life,
            "crash": crash,
            "done": done,
        }
        worker = Worker(program.carry_out, function, settings, order | pace, name=function.__name__)
        return Program(worker, record.Reader(self.course.folder / name), member)

    @property
    def last(self) -> int:
        """The place of the program that may have several processes."""
        return len(self._functions) - 1


def group_of(topic: str) -> str:
    """The consumer group of a run with this topic."""
    return f"{topic}-group"


def count_of(settings: Mapping[str, object]) -> int:
    """How many processes the last program has. Raises ValueError for a number that can't be."""
    count = settings.get(MEMBERS, 1)
    if count not in range(1, len(NAMES) + 1):
        raise ValueError(f"members must be a number from 1 to {len(NAMES)}, not {count!r}")
    return count
