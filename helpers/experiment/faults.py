"""What can happen to the cluster in the middle of a run. Each at a time of its own, in seconds."""

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..cluster.face import Cluster


@dataclass(frozen=True)
class Fault:
    """Something that happens `at` so many seconds after the run's first message was due.

    ``act(cluster, leader)`` does it, and returns when it was, on time.perf_counter. It waits until
    each variant's reader has `read` so many messages, and until the producers in `told` (variant ->
    messages) were told of so many successes since the fault before. Then the faults after it, and
    the end of the run, are as much later; so they are by what it `lasts`, if that is long. With a
    `rate` (messages per second), senders are paced by that from then on.
    """

    at: float
    label: str
    act: Callable[["Cluster", int], float]
    told: Mapping[str, int] = field(default_factory=dict)
    read: int = 0
    lasts: bool = False
    rate: float | None = None

    @property
    def waits(self) -> bool:
        """Whether it delays what comes after it."""
        return bool(self.told or self.read or self.lasts)

    def __post_init__(self):
        if not self.at >= 0:
            raise ValueError(f"A fault can't happen {self.at} s after the start")
        if self.rate is not None and not self.rate > 0:
            raise ValueError(f"rate (messages per second) must be positive, not {self.rate}")


def kill_leader(at: float) -> Fault:
    """The leader of the run's topics ends at once (SIGKILL). After the run it is started again."""

    def act(cluster: "Cluster", leader: int) -> float:
        cluster.kill(leader)
        return time.perf_counter()

    return Fault(at, "leader killed", act)


def kill_followers(at: float) -> Fault:
    """All brokers but the leader end at once (SIGKILL)."""
    return Fault(at, "followers killed", functools.partial(_each_follower, "kill"))


def start_brokers(at: float) -> Fault:
    """Brokers that are dead are started. The moment is that at which all replicas are in sync."""

    def act(cluster: "Cluster", leader: int) -> float:
        cluster.heal()
        return time.perf_counter()

    return Fault(at, "all in sync again", act, lasts=True)


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
    return Fault(at, "caught up", lambda cluster, leader: time.perf_counter(), told)


def offer(at: float, rate: float) -> Fault:
    """No fault: from now on so many messages per second are due."""
    now = lambda cluster, leader: time.perf_counter()
    return Fault(at, f"{rate:,.0f}/s", now, rate=rate)


def freeze_followers(at: float, read: int = 0) -> Fault:
    """All brokers but the leader stop (SIGSTOP), so that they copy nothing from it.

    `read` as for Fault: a reader gets only what all in-sync replicas have.
    """
    act = functools.partial(_each_follower, "pause")
    return Fault(at, "followers frozen", act, read=read)


def wake_followers(at: float) -> Fault:
    """The followers go on."""
    return Fault(at, "followers go on", functools.partial(_each_follower, "resume"))


def _each_follower(what: str, cluster: "Cluster", leader: int) -> float:
    for broker in cluster.brokers_by_id:
        if broker != leader:
            getattr(cluster, what)(broker)
    return time.perf_counter()
