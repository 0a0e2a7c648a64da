"""What can happen to the cluster in the middle of a run. Each at a time of its own, in seconds."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..cluster.face import Cluster


@dataclass(frozen=True)
class Fault:
    """Something that happens `at` so many seconds after the run's first message was due.

    ``act(cluster, broker)`` does it, and returns when it was, on time.perf_counter.
    """

    at: float
    label: str
    act: Callable[["Cluster", int], float]

    def __post_init__(self):
        if not self.at >= 0:
            raise ValueError(f"A fault can't happen {self.at} s after the start")


def kill_leader(at: float) -> Fault:
    """The leader of the run's topics ends at once (SIGKILL). When the run is over it is started."""

    def act(cluster: "Cluster", broker: int) -> float:
        cluster.kill(broker)
        return time.perf_counter()

    return Fault(at, "leader killed", act)


def freeze_leader(at: float) -> Fault:
    """The leader stops (SIGSTOP): it keeps its connections, and answers nobody."""

    def act(cluster: "Cluster", broker: int) -> float:
        cluster.pause(broker)
        return time.perf_counter()

    return Fault(at, "leader frozen", act)


def wake_leader(at: float) -> Fault:
    """The leader that was frozen goes on."""

    def act(cluster: "Cluster", broker: int) -> float:
        moment = time.perf_counter()
        cluster.resume(broker)
        return moment

    return Fault(at, "it goes on", act)
