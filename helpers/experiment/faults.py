"""What can happen to the cluster and to readers in the middle of a run: a fault at a time of its
own, in seconds; a crash at a point that the reader comes to.
"""

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .program import DONE
from .record import NAMES

if TYPE_CHECKING:
    from ..cluster.face import Cluster


@dataclass(frozen=True)
class Fault:
    """Something that happens `at` so many seconds after the run's first message was due.

    ``act(cluster, leader)`` does it, and returns when it was, on time.perf_counter. It waits until
    each variant's reader has `read` so many messages, and until the producers in `told` (variant ->
    messages) were told of so many successes since the fault before. Then the faults after it, and
    the end of the run, are as much later; so they are by what it `lasts`, if that is long. With a
    `rate` (messages per second), senders are paced by that from then on. With a `member` (what to
    do, its name) something happens to a reader, and nothing to the cluster.
    """

    at: float
    label: str
    act: Callable[["Cluster", int], float]
    told: Mapping[str, int] = field(default_factory=dict)
    read: int = 0
    lasts: bool = False
    rate: float | None = None
    member: tuple[str, str] | None = None

    @property
    def hits(self) -> bool:
        """Whether it needs a broker to hit."""
        return self.rate is None and self.member is None

    @property
    def waits(self) -> bool:
        """Whether it delays what comes after it."""
        return bool(self.told or self.read or self.lasts)

    def __post_init__(self):
        if not self.at >= 0:
            raise ValueError(f"A fault can't happen {self.at} s after the start")
        if self.rate is not None and not self.rate > 0:
            raise ValueError(f"rate (messages per second) must be positive, not {self.rate}")
        if self.member and self.member[1] not in tuple(NAMES):
            raise ValueError(f"A member is one of {', '.join(NAMES)}, not {self.member[1]!r}")


@dataclass(frozen=True)
class Crash:
    """The end of reader A at a point: the `times`-th time that it is there, in this life; or for
    what it is DONE with, in all lives together. Then it is started again at once.
    """

    point: str
    times: int
    kill: bool  # SIGKILL; else an exception is raised there

    @property
    def order(self) -> tuple[str, int, bool]:
        """What a program is told of it."""
        return self.point, self.times, self.kill

    @property
    def label(self) -> str:
        return "killed" if self.kill else "fails"

    def __post_init__(self):
        if not self.times >= 1:
            raise ValueError(f"A crash can't happen at time number {self.times}")


def crash(done: int = 0, *, reached: str = "", times: int = 1) -> Crash:
    """Reader A gets SIGKILL when it has noted so many `run.done`, or when it calls `run.reached`
    with this point, in the call that many `times`.
    """
    return _crash(done, reached, times, kill=True)


def fail(done: int = 0, *, reached: str = "", times: int = 1) -> Crash:
    """An exception is raised in reader A, in the same call as for `crash`."""
    return _crash(done, reached, times, kill=False)


def _crash(done: int, reached: str, times: int, kill: bool) -> Crash:
    return Crash(reached, times, kill) if reached else Crash(DONE, done, kill)


def kill_member(at: float, name: str) -> Fault:
    """The reader of this name ends at once (SIGKILL). It is not killed while a rebalance has taken
    all partitions from it: it would leave nothing unread.
    """
    return Fault(at, f"{name} killed", _now, member=("kill", name))


def stop_member(at: float, name: str) -> Fault:
    """The reader of this name is asked to end: its `run.goes_on()` is False from now on."""
    return Fault(at, f"{name} leaves", _now, member=("stop", name))


def start_member(at: float, name: str) -> Fault:
    """A reader of this name is started: a new one, or again one that has ended.

    The moment is that at which it begins to read: how long a process takes to start is the
    machine's matter.
    """
    return Fault(at, f"{name} joins", _now, member=("start", name), lasts=True)


def kill_leader(at: float) -> Fault:
    """The leader of the run's topics ends at once (SIGKILL). After the run it is started again."""

    def act(cluster: "Cluster", leader: int) -> float:
        cluster.kill(leader)
        return time.perf_counter()

    return Fault(at, "leader killed", act)


def start_broker(at: float, broker: int) -> Fault:
    """The broker with this id is started. The moment is that at which it answers."""

    def act(cluster: "Cluster", leader: int) -> float:
        cluster.start(broker)
        return time.perf_counter()

    return Fault(at, f"broker {broker} there again", act)


def kill_followers(at: float) -> Fault:
    """All brokers but the leader end at once (SIGKILL)."""
    return Fault(at, "followers killed", functools.partial(_each_follower, "kill"))


def start_brokers(at: float) -> Fault:
    """Brokers that are dead are started. The moment is that at which all replicas are in sync."""

    def act(cluster: "Cluster", leader: int) -> float:
        cluster.heal()
        return time.perf_counter()

    return Fault(at, "all in sync again", act, lasts=True)


def kill_service(at: float, name: str, read: int = 0) -> Fault:
    """Another service of the compose file, such as postgres, ends at once (SIGKILL).

    Only `start_service` starts it again. `read` as for Fault.
    """

    def act(cluster: "Cluster", leader: int) -> float:
        cluster.runner.kill(name)
        return time.perf_counter()

    return Fault(at, f"{name} killed", act, read=read)


def start_service(at: float, name: str) -> Fault:
    """The service is started; whoever needs it asks until it answers."""

    def act(cluster: "Cluster", leader: int) -> float:
        cluster.runner.start([name])
        return time.perf_counter()

    return Fault(at, f"{name} started", act)


def freeze_leader(at: float, told: Mapping[str, int] | None = None) -> Fault:
    """The leader stops (SIGSTOP): it keeps its connections, and answers nobody.

    `told` as for Fault.
    """

    def act(cluster: "Cluster", leader: int) -> float:
        cluster.pause(leader)
        return time.perf_counter()

    return Fault(at, "leader frozen", act, told or {})


def wake_leader(at: float) -> Fault:
    """The leader that was frozen goes on."""

    def act(cluster: "Cluster", leader: int) -> float:
        moment = time.perf_counter()
        cluster.resume(leader)
        return moment

    return Fault(at, "leader goes on", act)


def caught_up(at: float, told: Mapping[str, int]) -> Fault:
    """No fault, but the end of one: the producers in `told` have had so many answers since."""
    return Fault(at, "caught up", _now, told)


def offer(at: float, rate: float) -> Fault:
    """No fault: from now on so many messages per second are due."""
    return Fault(at, f"{rate:,.0f}/s", _now, rate=rate)


def freeze_followers(at: float, read: int = 0) -> Fault:
    """All brokers but the leader stop (SIGSTOP), so that they copy nothing from it.

    `read` as for Fault: a reader gets only what all in-sync replicas have.
    """
    act = functools.partial(_each_follower, "pause")
    return Fault(at, "followers frozen", act, read=read)


def wake_followers(at: float) -> Fault:
    """The followers go on."""
    return Fault(at, "followers go on", functools.partial(_each_follower, "resume"))


def _now(cluster: "Cluster", leader: int) -> float:
    return time.perf_counter()


def _each_follower(what: str, cluster: "Cluster", leader: int) -> float:
    for broker in cluster.brokers_by_id:
        if broker != leader:
            getattr(cluster, what)(broker)
    return time.perf_counter()
