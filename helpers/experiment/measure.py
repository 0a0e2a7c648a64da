"""An experiment, measured: variants in turn or together, undisturbed or with faults."""

import functools
import math
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass

import numpy as np
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from .. import meters
from ..base.waiting import until
from ..cluster import Cluster
from ..workers import stop_all
from . import record
from .faults import Fault
from .programs import PATIENCE, Program, Programs
from .recording import Recording, Runs

SOON = 0.05  # seconds until all programs begin at once
ENDLESS = 1e9  # seconds
SETTLED = 1.0  # seconds without growth after which nothing more is on its way to a topic


@dataclass(frozen=True)
class Pace:
    """So many messages per second for so many seconds, then a burst as fast as it goes."""

    rate: float
    seconds: float
    burst: int = 0
    burst_seconds: float = math.inf  # it takes no message later

    def __post_init__(self):
        positive = (self.rate, self.seconds, self.burst_seconds)
        if not (all(number > 0 for number in positive) and self.burst >= 0):
            raise ValueError(
                "rate (messages per second), seconds and burst_seconds must be positive, and burst "
                f"(messages) not negative, not {self.rate}, {self.seconds}, {self.burst_seconds} "
                f"and {self.burst}"
            )


def measure(
    programs: Programs,
    variants: Mapping[str, Mapping[str, object]],
    pace: Pace,
    rounds: int,
    together: bool,
    faults: Iterable[Fault],
) -> Runs:
    """See Experiment.measure."""
    if not variants:
        raise ValueError("There is no variant to measure")
    for settings in variants.values():
        programs.share(settings)
    faults = sorted(faults, key=lambda fault: fault.at)
    if strangers := {name for fault in faults for name in fault.told} - set(variants):
        raise ValueError(f"A fault waits for {', '.join(sorted(strangers))}, which is no variant")
    turns = (
        [(number, list(variants)) for number in range(rounds)]
        if together
        else ((number, [name]) for number, name in meters.alternating(variants, rounds))
    )
    recordings = []
    for number, names in turns:
        group = {name: dict(variants[name]) for name in names}
        recordings += _turn(programs, number, group, pace, faults)
    return Runs(recordings)


def _turn(
    programs: Programs,
    number: int,
    variants: dict[str, dict],
    pace: Pace,
    faults: Sequence[Fault],
) -> list[Recording]:
    """One run of these variants, at the same time."""
    cluster = programs.course.cluster
    waits = any(fault.waits for fault in faults)
    with ExitStack() as stack:
        if faults:
            stack.callback(cluster.heal)
        sides = [
            stack.enter_context(_Side(programs, variant, settings, pace, waits))
            for variant, settings in variants.items()
        ]
        hits = any(fault.rate is None for fault in faults)  # a broker
        leader = _one_leader(cluster, [side.topic for side in sides]) if hits else 0
        for side in sides:
            side.wait_until_ready()
        timers = stack.enter_context(ThreadPoolExecutor(1))
        start = time.perf_counter() + SOON
        for side in sides:
            side.go(start)
        by_name = dict(zip(variants, sides, strict=True))
        happened = timers.submit(_disturb, cluster, leader, faults, start, by_name)
        _show_progress(start, pace.seconds)
        events = happened.result()  # raises what went wrong there
        for side in sides:
            side.finish()
        offers = [(at, fault.rate) for (at, _), fault in zip(events, faults) if fault.rate]
        loads = [(0.0, pace.rate), *offers]
        return [side.recording(number, start, events, loads) for side in sides]


def _one_leader(cluster: Cluster, topics: list[str]) -> int:
    leaders = {cluster.leader(topic) for topic in topics}
    if len(leaders) > 1:
        raise ValueError(
            "A fault hits one broker, but the variants' topics have different leaders: "
            "give the experiment replicas=[2, 3, 1]"
        )
    return leaders.pop()


def _disturb(
    cluster: Cluster,
    leader: int,
    faults: Sequence[Fault],
    start: float,
    sides: Mapping[str, "_Side"],
) -> list[tuple[float, str]]:
    """The faults, each when it is due; when they really were, in seconds since the start."""
    events, later, since = [], 0.0, start
    for fault in faults:
        time.sleep(max(0.0, start + fault.at + later - time.perf_counter()))
        if fault.told or fault.read:
            for variant, side in sides.items():
                enough = functools.partial(side.has, fault.told.get(variant, 0), since, fault.read)
                until(enough, PATIENCE, f"{variant} has come so far: {fault.label}")
        since = fault.act(cluster, leader)
        if fault.rate:
            for side in sides.values():
                side.offer(fault.rate)
        if fault.waits:
            later = since - start - fault.at
        events.append((since - start, fault.label))
    for side in sides.values():
        side.end(start + later)
    return events


class _Side:
    """One variant in a run: its topic, its programs, and its readers' lag. A context manager."""

    def __init__(self, programs: Programs, variant: str, settings: dict, pace: Pace, waits: bool):
        self._waits = waits
        self._all, self._variant, self._settings, self._pace = programs, variant, settings, pace
        self._course = programs.course
        self._programs: list[Program] = []
        self._rows = np.empty(0, record.ROW)
        self._lock = threading.Lock()

    def __enter__(self) -> "_Side":
        with ExitStack() as stack:
            self.topic = self._all.new_topic(self._variant, self._settings)
            for place, share in enumerate(self._all.share(self._settings)):
                # Faults that wait make it longer; then `end` is told when they have happened.
                pace = asdict(self._pace) | ({"seconds": ENDLESS} if self._waits else {})
                each = self._all.start(place, share, self.topic, pace)
                stack.callback(each.record.delete)
                stack.enter_context(each.worker)
                self._programs.append(each)
            self._admin = stack.enter_context(
                KafkaAdminClient(bootstrap_servers=self._course.bootstrap_servers)
            )
            self._sampler = stack.enter_context(self._course.lag(self.topic, every=0.1))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.__exit__(*error)

    def wait_until_ready(self) -> None:
        for each in self._programs:
            each.wait_until_ready()

    def go(self, start: float) -> None:
        for each in self._programs:
            each.worker.order("go", start, 0)

    def offer(self, rate: float) -> None:
        """Paces the senders by so many messages per second from now on."""
        for each in self._programs:
            each.worker.order("rate", rate)

    def has(self, told: int, since: float, read: int) -> bool:
        """Was the producer told of so many successes since then, and has the reader so many?"""
        self._take()
        kind = self._rows["kind"]
        good = (kind == record.TOLD) & (self._rows["error"] == 0) & (self._rows["at"] > since)
        return good.sum() >= told and (kind == record.READ).sum() >= read

    def end(self, start: float) -> None:
        """Lets the pace end when its seconds have passed since `start`."""
        for each in self._programs:
            each.worker.order("end", start + self._pace.seconds)

    def finish(self) -> None:
        """Returns when the senders have ended and the readers have read all that is stored."""
        for each in self._programs:
            if each.sends:
                each.worker.join(timeout=self._pace.seconds + PATIENCE)
        self._take()
        ends = self._settled()
        readers = [each for each in self._programs if not each.sends]
        if readers:
            until(lambda: self._read_up_to(ends), PATIENCE, f"{self.topic} is read to its end")
        stop_all(each.worker for each in readers)
        self._take(ended=True)

    def recording(self, number: int, start: float, events: list, loads: list) -> Recording:
        stored = self._course.records(self.topic)
        return Recording(
            variant=self._variant,
            round=number,
            topic=self.topic,
            until=self._all.until,
            answered=self._settings.get("acks") != 0,
            start=start,
            seconds=self._pace.seconds,
            rows=self._rows,
            stored=[meters.by_json_id(each) for each in stored],
            lanes=[(each.partition, each.key) for each in stored],
            ends=self._sampler.ends(),
            events=events,
            loads=loads,
        )

    def _take(self, ended: bool = False) -> None:
        with self._lock:  # faults have a thread of their own
            new = [each.record.new(ended) for each in self._programs]
            self._rows = np.concatenate([self._rows, *new])

    def _settled(self) -> dict[TopicPartition, int]:
        """The topic's ends, when nothing more is on its way to it.

        That is sure when it holds as many as were sent. Else, as with acks=0 nobody can say when
        the last one has arrived, when it has not grown for a while.
        """
        sent = int((self._rows["kind"] == record.SENT).sum())
        last: dict[TopicPartition, int] = {}
        since = time.monotonic()

        def settled() -> bool:
            nonlocal last, since
            if (now := self._ends()) != last:
                last, since = now, time.monotonic()
            return sum(last.values()) >= sent or time.monotonic() - since > SETTLED

        until(settled, PATIENCE, f"{self.topic} does not grow", passing=(KafkaError,), nap=0.05)
        return last

    def _ends(self) -> dict[TopicPartition, int]:
        wanted = dict.fromkeys(self._sampler.partitions, OffsetSpec.LATEST)
        found = self._admin.list_partition_offsets(wanted, timeout_ms=2000)
        return {partition: end.offset for partition, end in found.items()}

    def _read_up_to(self, ends: dict[TopicPartition, int]) -> bool:
        self._take()
        for each in self._programs:
            if not each.worker.alive:
                each.worker.join()  # raises its error
        read = self._rows[self._rows["kind"] == record.READ]
        return all(
            end == 0 or (read["offset"][read["partition"] == partition.partition] == end - 1).any()
            for partition, end in ends.items()
        )


def _show_progress(start: float, seconds: float) -> None:
    """Waits until the pace has come to its end, with a progress bar where that is long."""
    left = start + seconds - time.perf_counter()
    if left > 0:
        for _ in meters.paced(10, left):
            pass
