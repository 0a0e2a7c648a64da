"""Who owns which partition, over time, as a rebalance listener is told."""

import itertools
import threading
import time
from collections.abc import Iterable

import pandas as pd


class Assignments:
    """Records what a rebalance listener is told, and which messages are read.

    Safe to use from the members' threads.
    """

    def __init__(self, start: float | None = None):
        self.start = time.perf_counter() if start is None else start
        self._lock = threading.Lock()
        self._finished = float("inf")
        self._since: dict[tuple[str, int], float] = {}
        self._spans: list[tuple[str, int, float, float]] = []
        self._reads: list[tuple[str, int, float]] = []

    def gained(self, member: str, partitions: Iterable[int], at: float) -> None:
        """Notes that a member owns these partitions since `at` (on time.perf_counter)."""
        with self._lock:
            for partition in partitions:
                self._since.setdefault((member, partition), at)

    def lost(self, member: str, partitions: Iterable[int], at: float) -> None:
        """Notes that a member does not own these partitions any more."""
        with self._lock:
            for partition in partitions:
                since = self._since.pop((member, partition), None)
                if since is not None:
                    self._spans.append((member, partition, since, at))

    def died(self, member: str, at: float) -> list[int]:
        """Notes that a member ended without a word; the partitions that it owned until then."""
        left = [partition for name, partition in list(self._since) if name == member]
        self.lost(member, left, at)
        return sorted(left)

    def read(self, member: str, partition: int, at: float) -> None:
        """Notes that a member is done with a message of this partition."""
        self._reads.append((member, partition, at))

    def now(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.start

    def readers(self, since: float = 0) -> set[str]:
        """The members that have read something `since` then (seconds since the start)."""
        return {member for member, _, at in list(self._reads) if at - self.start >= since}

    def finish(self, at: float | None = None) -> None:
        """Ends the record, now or `at`: what is owned then was owned until then; nothing later is
        noted.
        """
        with self._lock:
            self._finished = time.perf_counter() if at is None else at

    def owned(self) -> pd.DataFrame:
        """A row per time for which a member owned a partition.

        Columns: member, partition, start, end (seconds since the start).
        """
        with self._lock:
            now = min(time.perf_counter(), self._finished)
            spans = self._spans + [(*key, since, now) for key, since in self._since.items()]
        spans = [(*span[:3], min(span[3], now)) for span in spans if span[2] < now]
        frame = pd.DataFrame(spans, columns=["member", "partition", "start", "end"])
        return frame.assign(
            start=frame["start"] - self.start, end=frame["end"] - self.start
        ).sort_values("start", ignore_index=True)

    def reads(self) -> pd.DataFrame:
        """A row per message, in the order in which they were done.

        Columns: member, partition, seconds (since the start).
        """
        frame = pd.DataFrame(
            [read for read in list(self._reads) if read[2] <= self._finished],
            columns=["member", "partition", "seconds"],
        )
        return frame.assign(seconds=frame["seconds"] - self.start).sort_values(
            "seconds", ignore_index=True
        )

    def owned_by(self, member: str, at: float) -> list[int]:
        """The partitions that a member owned at that time (seconds since the start)."""
        owned = self.owned().query("member == @member and start <= @at and end >= @at")
        return sorted(owned["partition"].unique().tolist())

    def moved(self, since: float, until: float) -> pd.DataFrame:
        """The rows of `owned` that ended between these times: partitions taken from members."""
        return self.owned().query("end > @since and end < @until")

    def silence(
        self,
        since: float,
        until: float,
        *,
        partitions: Iterable[int] | None = None,
        member: str | None = None,
    ) -> float:
        """The longest time (s) between these times in which nothing was read: of one of these
        partitions, or by this member. Both times count as reads.

        Without either: nothing by anybody.
        """
        reads = self.reads().query("seconds > @since and seconds < @until")
        if member is not None:
            reads = reads[reads["member"] == member]
        groups = [reads]
        if partitions is not None:
            groups = [reads[reads["partition"] == partition] for partition in partitions]
        if not groups:
            raise ValueError("silence: there is no partition to look at")
        moments = [[since, *group["seconds"].sort_values(), until] for group in groups]
        return max(max(b - a for a, b in itertools.pairwise(each)) for each in moments)
