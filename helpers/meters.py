"""Meters: a paced load, and recorders of rate, latency and lag. They watch; they never send or read for the notebook."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np
import pandas as pd
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import CoordinatorNotAvailableError, KafkaError
from kafka.net.compat import KafkaNetClient
from tqdm import tqdm

Variant = TypeVar("Variant")
NAP = 0.001  # seconds; shorter waits are not worth going to sleep for
LONG = 2  # seconds; from here on a learner is shown that something goes on


def paced(
    rate: float,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[tuple[int, float]]:
    """Yields ``(n, due)`` for n = 0, 1, …: message n is due at start + n / rate, in seconds on `clock`.

    Never early. A program that falls behind gets the overdue messages at once, one after the other, so that a latency
    measured from `due` holds the wait of every message that a stall delayed, not only of the one that met it. (Leaving
    those out is called coordinated omission: Gil Tene, "How NOT to Measure Latency".) Shows a progress bar if it takes long
    (in the main thread only: a notebook can't tell which cell another thread's bar belongs to).

    Raises ValueError unless `rate` (messages per second) and `seconds` are positive.
    """
    if not (rate > 0 and seconds > 0):
        raise ValueError(f"rate and seconds must be positive, not {rate} and {seconds}")
    hidden = seconds < LONG or threading.current_thread() is not threading.main_thread()
    # None: a bar where somebody can see it.
    plan = tqdm(range(round(rate * seconds)), leave=False, file=sys.stderr, disable=hidden or None, mininterval=0.5)
    start = clock()
    for n in plan:
        due = start + n / rate
        while (ahead := due - clock()) > 0:
            # Sleeping lets the client's own thread work. The system wakes a sleeper late, so sleep a little less.
            sleep(max(ahead - NAP / 4, NAP / 10))
        yield n, due


def alternating(variants: Iterable[Variant], rounds: int) -> Iterator[tuple[int, Variant]]:
    """Yields ``(round, variant)``: every variant in every round, in an order that rotates (ABC, BCA, CAB).

    So whatever changes on the machine meanwhile hits all variants alike. Shows a progress bar.
    """
    variants = list(variants)
    plan = [(n, variants[(n + shift) % len(variants)]) for n in range(rounds) for shift in range(len(variants))]
    yield from tqdm(plan, leave=False, file=sys.stderr, disable=None)


def percentiles(samples: dict[str, np.ndarray]) -> pd.DataFrame:
    """Latencies in numbers: a row per variant from its samples in seconds.

    Columns: messages (int), p50_ms, p99_ms, max_ms (float64). Raises ValueError for a variant without samples.
    """
    empty = [variant for variant, seconds in samples.items() if len(seconds) == 0]
    if empty:
        raise ValueError(f"No latencies were measured for {', '.join(map(str, empty))}")
    rows = {
        variant: [len(seconds), *(1000 * np.percentile(seconds, [50, 99, 100]))] for variant, seconds in samples.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["messages", "p50_ms", "p99_ms", "max_ms"]).astype({"messages": int})


class Latencies:
    """Records when messages were done. `done` is made to be a callback of send: ``future.add_callback(latencies.done, due)``."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter):
        self._clock = clock
        self._spans: list[tuple[float, float]] = []

    def done(self, due: float, _answer: object = None) -> None:
        """Notes that the message that was due then is done now."""
        self._spans.append((due, self._clock()))

    def seconds(self) -> np.ndarray:
        """Seconds from due to done, float64, in the order in which messages were done."""
        spans = np.array(self._spans, dtype=np.float64).reshape(-1, 2)
        return spans[:, 1] - spans[:, 0]

    def frame(self, start: float | None = None) -> pd.DataFrame:
        """A row per message: seconds (when it was due, since `start` or the first), latency_ms (float64 both)."""
        spans = np.array(sorted(self._spans), dtype=np.float64).reshape(-1, 2)
        first = start if start is not None else (spans[0, 0] if len(spans) else 0.0)
        return pd.DataFrame({"seconds": spans[:, 0] - first, "latency_ms": 1000 * (spans[:, 1] - spans[:, 0])})


class LagSampler:
    """Samples how far readers are behind a topic's end, in a thread with a client of its own.

    As a context manager: ``with LagSampler(topic, bootstrap_servers=…) as lag:``. A reader that belongs to a group is followed
    by its committed offsets (`group`); one without a group tells its position itself, after each poll, by
    ``lag.position(partition, offset)``. A sample every quarter of a second costs the program that is watched about 1% of its
    throughput; ten in a second cost more than 5%. While no broker can answer there is a gap in the samples, counted in `gaps`.
    """

    def __init__(self, topic: str, *, bootstrap_servers: list[str], group: str | None = None, every: float = 0.25):
        self.gaps = 0
        self._topic, self._group, self._every = topic, group, every
        self._settings = {"bootstrap_servers": bootstrap_servers, "request_timeout_ms": 2000, "client_id": "lag-sampler"}
        self._admin = KafkaAdminClient(**self._settings)
        try:
            described = self._admin.describe_topics([topic])[0]["partitions"]
            self._partitions = [TopicPartition(topic, partition["partition_index"]) for partition in described]
        except BaseException:
            self._admin.close()
            raise
        self._ends: list[tuple[float, int, int]] = []
        self._positions: list[tuple[float, int, int]] = []
        self._committed: set[TopicPartition] = set()
        self._error: Exception | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"lag-sampler-{topic}", daemon=True)

    def __enter__(self) -> LagSampler:
        self.start = time.perf_counter()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=10)
        if self._error:
            raise self._error

    def position(self, partition: int, offset: int, at: float | None = None) -> None:
        """Notes that the reader will read `offset` of `partition` next, from now on (or from `at`, on time.perf_counter)."""
        self._positions.append((time.perf_counter() if at is None else at, partition, offset))

    def frame(self) -> pd.DataFrame:
        """A row per sample and partition: seconds since the start, partition, end, position, lag (messages).

        `end` is the offset that the next message will get; `position` the reader's at that moment (0 before its first word).
        """
        ends, positions = _samples(self._ends, "end"), _samples(self._positions, "position")
        frame = pd.merge_asof(ends, positions, on="at", by="partition")
        frame["position"] = frame["position"].fillna(0).astype(np.int64)
        frame["lag"] = (frame["end"] - frame["position"]).clip(lower=0)
        frame.insert(0, "seconds", frame.pop("at") - self.start)
        return frame

    def total(self) -> pd.DataFrame:
        """A row per sample: seconds, lag (messages, summed over the partitions)."""
        return self.frame().groupby("seconds", as_index=False)["lag"].sum()

    def _ask_anew(self) -> None:
        """Another client: in kafka-python 3.0.12 one never asks again who coordinates a group, even when told that it has the wrong one."""
        network: list[KafkaNetClient] = []

        def client(**settings: object) -> KafkaNetClient:
            network.append(KafkaNetClient(**settings))
            return network[0]

        try:
            admin = KafkaAdminClient(**self._settings, bootstrap_timeout_ms=1000, kafka_client=client)
        except KafkaError:  # nobody answered in time; the next sample tries again
            network[0].close()  # such a client is none, but its network thread would run on
            return
        self._admin.close()
        self._admin = admin

    def _run(self) -> None:
        """The thread's work. What it opens it closes, however late it comes to its end."""
        try:
            self._sample()
        finally:
            self._admin.close()

    def _sample(self) -> None:
        latest = {partition: OffsetSpec.LATEST for partition in self._partitions}
        for tick in itertools.count(1):
            last = self._stop.is_set()  # one more sample after the end, so that the final state is in
            try:
                if self._group:
                    committed = self._admin.list_group_offsets({self._group: self._partitions})[self._group]
                    now = time.perf_counter()
                    known = {tp for tp, place in committed.items() if place.offset >= 0}
                    if self._committed - known:
                        raise CoordinatorNotAvailableError("offsets that were there are not: a new coordinator has not read them yet")
                    self._committed = known
                    self._positions += [(now, tp.partition, max(place.offset, 0)) for tp, place in committed.items()]
                # The ends come last: a reader ahead of them would look as if its lag were negative.
                ends = self._admin.list_partition_offsets(latest, timeout_ms=2000)
                now = time.perf_counter()
                self._ends += [(now, tp.partition, end.offset) for tp, end in ends.items()]
            except KafkaError:
                self.gaps += 1
                if self._group and not last:
                    self._ask_anew()
            except Exception as error:  # told in the main thread, at the end of the with block
                self._error = error
                return
            if last:
                return
            self._stop.wait(max(0.0, self.start + tick * self._every - time.perf_counter()))


def _samples(rows: list[tuple[float, int, int]], name: str) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=["at", "partition", name])  # a copy: the thread still adds rows
    return frame.astype({"at": np.float64, "partition": np.int64, name: np.int64}).sort_values("at", kind="stable")
