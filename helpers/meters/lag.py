"""How far readers are behind the end of a topic, sampled while they work."""

import itertools
import threading
import time

import numpy as np
import pandas as pd
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import CoordinatorNotAvailableError, KafkaError

from .. import clients


class LagSampler:
    """Samples how far readers are behind a topic's end, in a thread with a client of its own.

    As a context manager: ``with LagSampler(topic, bootstrap_servers=…) as lag:``. A reader that
    belongs to a group is followed by its committed offsets (`group`); one without a group tells its
    position itself, after each poll, by ``lag.position(partition, offset)``. A sample every quarter
    of a second costs the program that is watched about 1% of its throughput; ten in a second cost
    more than 5%. While no broker can answer there is a gap in the samples.
    """

    def __init__(
        self,
        topic: str,
        *,
        bootstrap_servers: list[str],
        group: str | None = None,
        every: float = 0.25,
    ):
        self._topic, self._group, self._every = topic, group, every
        self._settings = {
            "bootstrap_servers": bootstrap_servers,
            "request_timeout_ms": 2000,
            "client_id": "lag-sampler",
        }
        self._admin = KafkaAdminClient(**self._settings)
        try:
            self.partitions = [
                TopicPartition(topic, number)
                for number in clients.partitions_of(self._admin, topic)
            ]
        except BaseException:
            self._admin.close()
            raise
        self._ends: list[tuple[float, int, int]] = []
        self._positions: list[tuple[float, int, int]] = []
        self._committed: set[TopicPartition] = set()
        self._error: Exception | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"lag-sampler-{topic}", daemon=True)

    def __enter__(self) -> "LagSampler":
        self.start = time.perf_counter()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=10)
        if self._error:
            raise self._error

    def position(self, partition: int, offset: int, at: float | None = None) -> None:
        """Notes that the reader will read `offset` of `partition` next.

        From now on, or from `at`, in seconds on time.perf_counter.
        """
        self._positions.append((time.perf_counter() if at is None else at, partition, offset))

    def frame(self) -> pd.DataFrame:
        """A row per sample and partition: seconds, partition, end, position, lag.

        `seconds` count from the start, `lag` is in messages.

        `end` is the offset that the next message will get; `position` the reader's at that moment
        (0 before its first word).
        """
        frame = behind(self.ends(), _samples(self._positions, "position"))
        frame.insert(0, "seconds", frame.pop("at") - self.start)
        return frame

    def ends(self) -> pd.DataFrame:
        """A row per sample and partition: at (on time.perf_counter), partition, end."""
        return _samples(self._ends, "end")

    def total(self) -> pd.DataFrame:
        """A row per sample: seconds, lag (messages, summed over the partitions)."""
        return self.frame().groupby("seconds", as_index=False)["lag"].sum()

    def _ask_anew(self) -> None:
        """Another client, as one never asks again who coordinates a group.

        Fault: test_an_admin_client_never_asks_again_for_the_coordinator.
        """
        try:
            admin = clients.new_admin(**self._settings, bootstrap_timeout_ms=1000)
        except KafkaError:  # nobody answered in time; the next sample tries again
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
        latest = dict.fromkeys(self.partitions, OffsetSpec.LATEST)
        for tick in itertools.count(1):
            # One more sample after the end, so that the final state is in.
            last = self._stop.is_set()
            try:
                if self._group:
                    committed = self._admin.list_group_offsets({self._group: self.partitions})[
                        self._group
                    ]
                    now = time.perf_counter()
                    known = {tp for tp, place in committed.items() if place.offset >= 0}
                    if self._committed - known:
                        raise CoordinatorNotAvailableError(
                            "offsets that were there are not: "
                            "a new coordinator has not read them yet"
                        )
                    self._committed = known
                    self._positions += [
                        (now, tp.partition, max(place.offset, 0)) for tp, place in committed.items()
                    ]
                # The ends come last: a reader ahead of them would look as if its lag were negative.
                ends = self._admin.list_partition_offsets(latest, timeout_ms=2000)
                now = time.perf_counter()
                self._ends += [(now, tp.partition, end.offset) for tp, end in ends.items()]
            except KafkaError:
                if self._group and not last:
                    self._ask_anew()
            except Exception as error:  # told in the main thread, at the end of the with block
                self._error = error
                return
            if last:
                return
            self._stop.wait(max(0.0, self.start + tick * self._every - time.perf_counter()))


def behind(ends: pd.DataFrame, positions: pd.DataFrame) -> pd.DataFrame:
    """How far readers were behind: `ends`, with the columns position and lag (messages).

    ends: at, partition, end; positions: at, partition, position; both in the order of `at`. The
    position is 0 before a reader's first word.
    """
    frame = pd.merge_asof(ends, positions, on="at", by="partition")
    frame["position"] = frame["position"].fillna(0).astype(np.int64)
    frame["lag"] = (frame["end"] - frame["position"]).clip(lower=0)
    return frame


def _samples(rows: list[tuple[float, int, int]], name: str) -> pd.DataFrame:
    # From a copy: the thread still adds rows.
    frame = pd.DataFrame(list(rows), columns=["at", "partition", name])
    return frame.astype({"at": np.float64, "partition": np.int64, name: np.int64}).sort_values(
        "at", kind="stable"
    )
