"""The cluster's one face: is it there, who leads, and how to disturb it.

Both runners stand behind it.
"""

import functools
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ..base import places
from ..base.errors import ClusterError, NoCluster
from ..base.waiting import until
from . import checks, compose, wire
from .runner import Runner, choose_runner
from .turn import turns

Answer = TypeVar("Answer")
LAST_LINES = 20  # of a dead node's log, in which a reason is looked for


class Cluster:
    """The brokers of the compose file, as they are at this moment.

    All waiting is for conditions; times are in seconds. What is waited for in vain raises
    NotInTime, and ClusterError where a broker that it needs has died meanwhile.
    """

    def __init__(self) -> None:
        self.services = compose.load()
        self.brokers_by_id = {
            service.node_id: service for service in self.services.values() if service.is_broker
        }
        self.bootstrap_servers = [
            f"localhost:{service.port}" for service in self.brokers_by_id.values()
        ]

    @property
    def runner(self) -> Runner:
        """What runs the services."""
        return self._choice[0]

    @property
    def why(self) -> str:
        """Why it is this runner."""
        return self._choice[1]

    @functools.cached_property
    def _choice(self) -> tuple[Runner, str]:
        # When it is first needed: asking for a Docker engine can take a second.
        return choose_runner(self.services)

    # What is there

    def metadata(self, timeout: float = 1.0) -> wire.Metadata:
        """What the cluster says of itself, asked of all brokers at once.

        Raises NoCluster where none answers.
        """
        told = wire.believed(self._ask_all(timeout).values())
        if told is None:
            raise self._no_cluster()
        return told

    def brokers(self) -> list[int]:
        """Ids of the brokers that answer clients now."""
        return sorted(
            number
            for number, answer in self._ask_all(1.0).items()
            if answer and number in answer.brokers
        )

    def leader(self, topic: str, partition: int = 0) -> int:
        """Id of the broker that leads the partition; -1 while there is none.

        Raises ClusterError for an unknown topic.
        """
        return self._partition(topic, partition).leader

    def in_sync(self, topic: str, partition: int = 0) -> list[int]:
        """Ids of the brokers whose copy of the partition is complete (the in-sync replicas)."""
        return sorted(self._partition(topic, partition).in_sync)

    # Faults

    def kill(self, broker: int) -> None:
        """Ends a broker at once, without a goodbye (SIGKILL). Does nothing to a dead one."""
        service = self._service(broker)
        self._check_ours()
        turns.take(_away(broker))
        self.runner.kill(service)

    def start(self, broker: int, timeout: float = 30.0) -> None:
        """Starts a broker again and waits until it is registered and answers."""
        service = self._service(broker)
        self._check_ours()
        self.runner.start([service])
        self.wait_for_broker(broker, timeout)
        turns.give_back(_away(broker))

    def pause(self, broker: int) -> None:
        """Freezes a broker: its process lives and keeps its connections, but does nothing."""
        service = self._service(broker)
        self._check_ours()
        turns.take(_away(broker))
        self.runner.pause(service)

    def resume(self, broker: int) -> None:
        """Ends a broker's pause."""
        service = self._service(broker)
        self._check_ours()
        self.runner.resume(service)
        turns.give_back(_away(broker))

    def heal(self, timeout: float = 60.0) -> None:
        """Makes the cluster whole: resumes what is paused, starts what is dead.

        Waits for full in-sync sets, and before that for its turn, as a broker may be away because
        another run has taken it. Raises NoCluster where the cluster was ended: starting it is not a
        lesson's business.
        """
        with turns.turn("it makes the cluster whole"):
            self._heal(timeout)
            turns.give_back(*map(_away, self.brokers_by_id))

    def _heal(self, timeout: float) -> None:
        states = self._check_ours()
        if any(states[name] == "stopped" for name in self._controllers):
            raise self._no_cluster()
        for service in self.brokers_by_id.values():
            if states[service.name] == "paused":
                self.runner.resume(service.name)
        brokers = [service.name for service in self.brokers_by_id.values()]
        if dead := [name for name in brokers if states[name] == "stopped"]:
            self.runner.start(dead)
        self.wait_until_ready(timeout)
        self.wait_for_in_sync(timeout=timeout)

    def _check_ours(self) -> dict[str, str]:
        """The services' states. Raises ClusterError where a broker answers that isn't ours.

        Only those are asked that don't run here: one that is paused would hold up its own resume.
        """
        states = self.runner.states()
        for service in self.brokers_by_id.values():
            if states[service.name] == "stopped" and self._ask(service.port, 1.0):
                raise ClusterError(
                    f"What answers at localhost:{service.port} was not started from this folder "
                    f"({places.ROOT}): it is {checks.listener(service.port)}.\n"
                    "Work with that cluster from its own folder, or end it there "
                    "(make kafka-down), then here: make kafka-up"
                )
        return states

    @property
    def _controllers(self) -> list[str]:
        return [service.name for service in self.services.values() if service.is_controller]

    def _no_cluster(self) -> NoCluster:
        ports = ", ".join(self.bootstrap_servers)
        return NoCluster(f"No Kafka cluster answers at {ports}.\nStart one with: make kafka-up")

    # Conditions

    def wait_for_broker(self, broker: int, timeout: float = 30.0) -> None:
        """Returns when the broker is registered, answers clients, and its fellows know it."""
        self._service(broker)

        def known() -> bool:
            answers = self._ask_all(1.0)
            return answers[broker] is not None and all(
                broker in answer.brokers for answer in answers.values() if answer
            )

        self._wait(known, timeout, f"broker {broker} has registered", broker)

    def wait_for_topic(self, topic: str, partitions: int, timeout: float = 30.0) -> None:
        """Returns when the new topic is ready for use.

        Every broker that answers knows it, with leaders, and all its copies are in sync.
        """

        def usable(answer: wire.Metadata) -> bool:
            mine = [answer.partitions.get((topic, number)) for number in range(partitions)]
            return all(
                state and state.leader != -1 and set(state.in_sync) == set(state.replicas)
                for state in mine
            )

        def known() -> bool:
            answers = [answer for answer in self._ask_all(1.0).values() if answer]
            return bool(answers) and all(map(usable, answers))

        self._wait(known, timeout, f"the topic {topic} can be used")

    def wait_for_leader(
        self, topic: str, partition: int = 0, other_than: int | None = None, timeout: float = 15.0
    ) -> int:
        """Id of the partition's leader, once there is one, and another one than `other_than`."""

        def led() -> int | None:
            leader = self.leader(topic, partition)
            return leader if leader not in (-1, other_than) else None

        return self._wait(
            led, timeout, f"{topic}-{partition} has a {'new ' if other_than else ''}leader"
        )

    def wait_for_in_sync(self, topic: str | None = None, timeout: float = 30.0) -> None:
        """Returns when all copies of the topic (of all topics for None) are in sync."""

        def full() -> bool:
            partitions = self.metadata().partitions
            mine = [state for (name, _), state in partitions.items() if topic in (None, name)]
            return (bool(mine) or topic is None) and all(
                set(state.in_sync) == set(state.replicas) and state.leader != -1 for state in mine
            )

        self._wait(full, timeout, f"all copies of {topic or 'all topics'} are in sync")

    def wait_for_in_sync_set(
        self, topic: str, brokers: set[int], partition: int = 0, timeout: float = 30.0
    ) -> None:
        """Returns when exactly these brokers' copies of the partition are in sync.

        So one waits for a death to be noticed.
        """

        def reached() -> bool:
            return set(self.in_sync(topic, partition)) == brokers

        self._wait(reached, timeout, f"the in-sync set of {topic}-{partition} is {sorted(brokers)}")

    def wait_until_ready(self, timeout: float = 60.0) -> None:
        """Returns when every broker answers and every broker knows all the others."""
        everybody = set(self.brokers_by_id)

        def complete() -> bool:
            answers = self._ask_all(1.0).values()
            return all(
                answer is not None and everybody <= set(answer.brokers) for answer in answers
            )

        self._wait(complete, timeout, "the cluster is ready", *everybody)

    def _wait(
        self, condition: Callable[[], Answer], timeout: float, what: str, *brokers: int
    ) -> Answer:
        """The condition's first true answer.

        Looks after `brokers` meanwhile: a dead one can't be waited for.
        """
        look_after = time.monotonic() + 1.0

        def asked() -> Answer | None:
            nonlocal look_after
            try:
                if answer := condition():
                    return answer
            except NoCluster:
                pass
            if brokers and time.monotonic() > look_after:
                self._raise_if_dead(brokers)
                look_after = time.monotonic() + 1.0
            return None

        return until(asked, timeout, f"{what}.\nSee: make kafka-status, make kafka-logs", nap=0.05)

    def _raise_if_dead(self, brokers: tuple[int, ...]) -> None:
        states = self.runner.states()
        for name in [*map(self._service, brokers), *self._controllers]:
            if states[name] == "stopped":
                log = self.runner.log(name, LAST_LINES).splitlines()
                bad = [line for line in log if re.search("ERROR|FATAL|Exception", line)]
                why = f" (its log says: {bad[-1].strip()})" if bad else ""
                raise ClusterError(
                    f"{name} is not running{why}.\n"
                    f"Start what is missing: make kafka-up. Its log: {self.runner.where_log(name)}"
                )

    def _ask_all(self, timeout: float) -> dict[int, wire.Metadata | None]:
        ports = {number: service.port for number, service in self.brokers_by_id.items()}
        with ThreadPoolExecutor(len(ports)) as pool:
            answers = pool.map(lambda port: self._ask(port, timeout), ports.values())
            return dict(zip(ports, answers, strict=True))

    @staticmethod
    def _ask(port: int, timeout: float) -> wire.Metadata | None:
        try:
            return wire.ask("localhost", port, timeout)
        except wire.NoAnswer:
            return None

    def _partition(self, topic: str, partition: int) -> wire.Partition:
        try:
            return self.metadata().partitions[topic, partition]
        except KeyError:
            raise ClusterError(f"There is no partition {partition} of a topic {topic!r}") from None

    def _service(self, broker: int) -> str:
        try:
            return self.brokers_by_id[broker].name
        except KeyError:
            known = ", ".join(map(str, self.brokers_by_id))
            raise ClusterError(f"There is no broker {broker!r}; there are {known}") from None


def _away(broker: int) -> str:
    """Why others have to wait."""
    return f"it has taken broker {broker} away"


def connect() -> Cluster:
    """The running cluster, within 2 s. Raises NoCluster, which names the command that starts one.

    Brokers that are down are no error here: a lesson may have killed them. See Cluster.heal.
    """
    cluster = Cluster()
    cluster.metadata()
    return cluster
