"""Asks the brokers once a second how the cluster is, for as long as somebody looks."""

import json
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ... import clients
from .. import wire

Place = tuple[str, int]  # topic and number of a partition

PERIOD = 1.0  # seconds from one round to the next
PATIENCE = 0.8  # seconds that a broker has to answer
INTEREST = 10.0  # seconds after a look in which the rounds go on
KEPT = 15.0  # seconds for which groups are still shown when nobody can tell of them


@dataclass(frozen=True)
class Picture:
    """The cluster in one round.

    `number` counts the rounds, `asked` is when this one began (time.monotonic), `cluster` is what
    the page shows, as JSON, and `leaders` are the addresses of those who lead a partition.
    """

    number: int
    asked: float
    cluster: bytes
    leaders: dict[Place, tuple[str, int]]


@dataclass
class _Broker:
    """What is known of one broker. `told` is its answer of this round, None where it is silent."""

    line: wire.Line
    id: int | None = None
    told: wire.Metadata | None = None


@dataclass
class _Round:
    """What one broker told of its partitions and groups in this round."""

    begins: dict[Place, int] = field(default_factory=dict)
    ends: dict[Place, int] = field(default_factory=dict)
    first_times: dict[Place, int] = field(default_factory=dict)
    states: dict[str, str] | None = None  # None: it can't tell
    members: dict[str, list[clients.Member]] = field(default_factory=dict)
    committed: dict[str, dict[Place, int]] = field(default_factory=dict)


class Watch:
    """The cluster at these addresses (``localhost:9094``), asked while somebody looks.

    `idle` is called when nobody has looked for a while, after the connections were closed.
    """

    def __init__(self, addresses: list[str], name: str, idle: Callable[[], None] = lambda: None):
        self._name = name
        self._idle = idle
        self._brokers: dict[tuple[str, int], _Broker] = {}
        for address in addresses:
            host, port = address.rsplit(":", 1)
            self._know(host, int(port))
        self._picture: Picture | None = None
        self._looked = float("-inf")
        self._changed = threading.Condition()
        # What is remembered from round to round
        self._born: dict[str, tuple[int, int]] = {}  # topic -> round, time of its first message
        self._offsets: dict[Place, tuple[int, int]] = {}  # begin and end
        self._groups: dict[str, tuple[float, int, dict]] = {}  # when last seen, first round, group
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def look(self, after: int = -1, timeout: float = 2.5) -> Picture | None:
        """The newest picture; the rounds go on for a while then.

        Waits for a new one where it is number `after`, or was made before a pause, but for no more
        than `timeout` seconds. None where there is none yet.
        """

        def is_new() -> bool:
            picture = self._picture
            if picture is None or picture.number == after:
                return False
            return time.monotonic() - picture.asked < 3 * PERIOD

        with self._changed:
            self._looked = time.monotonic()
            self._changed.notify_all()
            self._changed.wait_for(is_new, timeout)
            return self._picture

    def _run(self) -> None:
        number = 0
        with ThreadPoolExecutor(8, thread_name_prefix="ask-") as pool:
            while True:
                self._wait_for_interest()
                number += 1
                asked = time.monotonic()
                try:
                    picture = self._round(pool, number, asked)
                except Exception:  # a bug, which goes to the log; the page shows its last picture
                    traceback.print_exc()
                else:
                    with self._changed:
                        self._picture = picture
                        self._changed.notify_all()
                time.sleep(max(0.1, asked + PERIOD - time.monotonic()))

    def _wait_for_interest(self) -> None:
        with self._changed:
            if self._is_looked_at():
                return
        for broker in self._brokers.values():
            broker.line.close()
        self._idle()
        with self._changed:
            self._changed.wait_for(self._is_looked_at)

    def _is_looked_at(self) -> bool:
        return time.monotonic() - self._looked < INTEREST

    def _round(self, pool: ThreadPoolExecutor, number: int, asked: float) -> Picture:
        list(pool.map(_ask_metadata, self._brokers.values()))
        told = wire.believed(broker.told for broker in self._brokers.values())
        partitions = told.partitions if told else {}
        for id, (host, port) in (told.brokers if told else {}).items():
            self._know(host, port).id = id
        new = {topic for topic, _ in partitions} - set(self._born)

        def ask(broker: _Broker) -> _Round:
            return _ask_details(broker, partitions, new)

        rounds = list(pool.map(ask, [one for one in self._brokers.values() if one.told]))
        self._remember(number, asked, partitions, rounds, everybody=bool(told) and self._all(told))
        cluster = {
            "name": self._name,
            "answers": bool(told),
            "brokers": self._describe_brokers(told),
            "topics": self._describe_topics(partitions, rounds),
            "groups": [
                {**group, "age": round(asked - seen, 1)}
                for _, (seen, _, group) in sorted(
                    self._groups.items(), key=lambda entry: (-entry[1][1], entry[0])
                )
            ],
        }
        leaders = {
            place: told.brokers[partition.leader]
            for place, partition in partitions.items()
            if partition.leader in told.brokers
        }
        return Picture(number, asked, json.dumps(cluster).encode(), leaders)

    def _know(self, host: str, port: int) -> _Broker:
        return self._brokers.setdefault((host, port), _Broker(wire.Line(host, port, PATIENCE)))

    def _all(self, told: wire.Metadata) -> bool:
        """Tells whether every broker answers, and the cluster counts on every one."""
        return all(one.told and one.id in told.brokers for one in self._brokers.values())

    def _remember(
        self,
        number: int,
        asked: float,
        partitions: dict[Place, wire.Partition],
        rounds: list[_Round],
        everybody: bool,
    ) -> None:
        if partitions or everybody:
            there = {topic for topic, _ in partitions}
            self._born = {topic: born for topic, born in self._born.items() if topic in there}
            self._offsets = {place: o for place, o in self._offsets.items() if place in partitions}
            times: dict[str, int] = {}
            for one in rounds:
                for (topic, _), first in one.first_times.items():
                    times[topic] = max(times.get(topic, -1), first)
            for topic in there - set(self._born):
                self._born[topic] = (number, times.get(topic, -1))
        for one in rounds:
            for place in set(one.begins) & set(one.ends):
                self._offsets[place] = one.begins[place], one.ends[place]
        seen = set()
        for one in rounds:
            for name, state in (one.states or {}).items():
                if name not in one.committed:
                    continue  # its coordinator is just changing
                seen.add(name)
                first = self._groups[name][1] if name in self._groups else number
                group = self._describe_group(name, state, one)
                self._groups[name] = asked, first, group
        complete = everybody and all(one.states is not None for one in rounds)
        for name in set(self._groups) - seen:
            # Where all coordinators have told theirs, it is deleted; else nobody can tell.
            if complete or asked - self._groups[name][0] > KEPT:
                del self._groups[name]

    def _describe_brokers(self, told: wire.Metadata | None) -> list[dict]:
        partitions = list(told.partitions.values()) if told else []

        def state(broker: _Broker) -> str:
            counted = told is not None and broker.id in told.brokers
            if broker.told:
                return "alive" if counted else "starting"
            return "silent" if counted else "dead"

        return [
            {
                "id": one.id,
                "address": f"{host}:{port}",
                "state": state(one),
                "leads": sum(one.id == partition.leader for partition in partitions),
                "copies": sum(one.id in partition.replicas for partition in partitions),
                "in_sync": sum(one.id in partition.in_sync for partition in partitions),
            }
            for (host, port), one in sorted(self._brokers.items(), key=lambda entry: entry[0][1])
        ]

    def _describe_topics(
        self, partitions: dict[Place, wire.Partition], rounds: list[_Round]
    ) -> list[dict]:
        fresh = {place for one in rounds for place in one.ends}
        topics: dict[str, list[dict]] = {}
        for place in sorted(partitions):
            partition = partitions[place]
            begin, end = self._offsets.get(place, (None, None))
            topics.setdefault(place[0], []).append(
                {
                    "number": place[1],
                    "leader": partition.leader,
                    "replicas": partition.replicas,
                    "in_sync": partition.in_sync,
                    "begin": begin,
                    "end": end,
                    "fresh": place in fresh,
                }
            )
        newest_first = sorted(
            topics, key=lambda topic: (-self._born[topic][0], -self._born[topic][1], topic)
        )
        return [
            {"name": topic, "internal": topic.startswith("__"), "partitions": topics[topic]}
            for topic in newest_first
        ]

    def _describe_group(self, name: str, state: str, told: _Round) -> dict:
        members = told.members.get(name)
        owners = {
            place: {"client": member.client, "id": member.id}
            for member in members or []
            for place in member.partitions
        }
        committed = told.committed[name]
        partitions = []
        for place in sorted(committed.keys() | owners.keys()):
            end = self._offsets.get(place, (None, None))[1]
            at = committed.get(place)
            # The two were asked one after the other: a reader may have committed in between.
            lag = None if at is None or end is None else max(0, end - at)
            partitions.append(
                {
                    "topic": place[0],
                    "number": place[1],
                    "committed": at,
                    "end": end,
                    "lag": lag,
                    "owner": owners.get(place),
                }
            )
        lags = [one["lag"] for one in partitions if one["lag"] is not None]
        return {
            "name": name,
            "state": state,
            "members": None if members is None else len(members),
            "lag": sum(lags) if lags else None,
            "partitions": partitions,
        }


def _ask_metadata(broker: _Broker) -> None:
    try:
        broker.told = broker.line.metadata()
    except wire.NoAnswer:
        broker.told = None


def _ask_details(broker: _Broker, partitions: dict[Place, wire.Partition], new: set[str]) -> _Round:
    """What the broker tells of the partitions that it leads and the groups that it coordinates.

    `new` are topics of which the time of the first message is asked, too.
    """
    mine = [place for place, partition in partitions.items() if partition.leader == broker.id]
    told = _Round()
    ask = broker.line.ask
    try:
        # What is committed comes first: read later, it would be ahead of the ends.
        told.states = ask(clients.groups_question())
        if told.states:
            told.members = ask(clients.members_question(told.states))
            told.committed = ask(clients.committed_question(told.states))
        if mine:
            told.begins = _offsets(ask(clients.offsets_question(clients.EARLIEST, mine)))
            told.ends = _offsets(ask(clients.offsets_question(clients.LATEST, mine)))
        if unknown := [place for place in mine if place[0] in new]:
            times = ask(clients.offsets_question(clients.FIRST_MESSAGE, unknown))
            told.first_times = {place: time for place, (_, time) in times.items()}
    except wire.NoAnswer:
        pass  # it has just died: what it told until then is shown
    return told


def _offsets(told: dict[Place, tuple[int, int]]) -> dict[Place, int]:
    return {place: offset for place, (offset, _) in told.items()}
