"""What either runner can do, and which of the two runs the cluster here."""

import os
from typing import Protocol

from ..base.errors import ClusterError
from . import containers
from .compose import Service
from .containers import ContainerRunner
from .processes import ProcessRunner

VARIABLE = "CLUSTER"


class Runner(Protocol):
    """Starts, stops and disturbs the services, each named as in the compose file.

    All but `states` raise ClusterError.
    """

    name: str

    def states(self) -> dict[str, str]:
        """Service -> ``running``, ``paused`` or ``stopped``."""

    def check(self, names: list[str]) -> None:
        """Raises ClusterError (or another CourseError) where they can't be started here."""

    def start(self, names: list[str]) -> None:
        """Starts those of the named services that are stopped."""

    def stop(self, names: list[str], patience: float = 20.0) -> None:
        """Ends the named services in good order; the data stays.

        One that has not ended after `patience` seconds is killed.
        """

    def forget(self) -> None:
        """Deletes all data of the services, which must have ended."""

    def kill(self, name: str) -> None:
        """SIGKILL. Does nothing to a service that is stopped."""

    def pause(self, name: str) -> None:
        """Freezes a service: its processes live, but do nothing."""

    def resume(self, name: str) -> None:
        """Ends the pause."""

    def log(self, name: str, lines: int) -> str:
        """The last lines that the service wrote."""

    def where_log(self, name: str) -> str:
        """Where to read the whole log."""

    def memory(self) -> dict[str, int]:
        """Bytes that each running service uses."""

    def learn_to_start_fast(self) -> None:
        """Prepares what makes later starts faster, and says so; does nothing where that is done."""


def choose_runner(services: dict[str, Service]) -> tuple[Runner, str]:
    """The runner, and why it is this one. Raises ClusterError for an unknown name in $CLUSTER."""
    wanted = os.environ.get(VARIABLE, "")
    if wanted not in ("", "containers", "processes"):
        raise ClusterError(
            f"{VARIABLE}={wanted} is unknown. "
            f"Use {VARIABLE}=containers or {VARIABLE}=processes, or leave it out."
        )
    if wanted == "containers" and not containers.engine_answers():
        raise ClusterError(
            "No Docker engine answers, or Docker Compose 2 is missing.\n"
            "Start Docker, or: make kafka-up CLUSTER=processes"
        )
    if wanted:
        runner = ContainerRunner(services) if wanted == "containers" else ProcessRunner(services)
        return runner, f"{VARIABLE}={wanted} says so"
    processes = ProcessRunner(services)
    if any(state != "stopped" for state in processes.states().values()):
        return processes, "it already runs this way"
    if containers.engine_answers():
        return ContainerRunner(services), "a Docker engine answers"
    return processes, "no Docker engine answers"
