"""Who owns which partition, over time: recorded as members are told, and drawn as a Gantt chart."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from . import canvas

BIN = 0.05  # seconds; reading is drawn in pieces of this width


class Assignments:
    """Records what a rebalance listener is told, and which messages are read. Safe to use from the members' threads."""

    def __init__(self):
        self.start = time.perf_counter()
        self._lock = threading.Lock()
        self._finished = float("inf")
        self._since: dict[tuple[str, int], float] = {}
        self._spans: list[tuple[str, int, float, float]] = []
        self._reads: list[tuple[str, int, float]] = []

    def gained(self, member: str, partitions: Iterable[int], at: float) -> None:
        """Notes that a member owns these partitions from that time on (seconds on time.perf_counter)."""
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
        """Notes that a member ended without a word, and returns the partitions that it owned until then."""
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

    def finish(self) -> None:
        """Ends the record: what is owned now was owned until now, and what happens later is not noted."""
        with self._lock:
            self._finished = time.perf_counter()

    def owned(self) -> pd.DataFrame:
        """A row per time for which a member owned a partition: member, partition, start, end (seconds since the start)."""
        with self._lock:
            now = min(time.perf_counter(), self._finished)
            spans = self._spans + [(*key, since, now) for key, since in self._since.items()]
        spans = [(*span[:3], min(span[3], now)) for span in spans if span[2] < now]
        frame = pd.DataFrame(spans, columns=["member", "partition", "start", "end"])
        return frame.assign(start=frame["start"] - self.start, end=frame["end"] - self.start).sort_values("start", ignore_index=True)

    def reads(self) -> pd.DataFrame:
        """A row per message: member, partition, seconds (since the start), in the order in which they were done."""
        frame = pd.DataFrame([read for read in list(self._reads) if read[2] < self._finished], columns=["member", "partition", "seconds"])
        return frame.assign(seconds=frame["seconds"] - self.start).sort_values("seconds", ignore_index=True)


@matplotlib.rc_context(canvas.STYLE)
def gantt(runs: Mapping[str, Assignments], *, title: str, events: Mapping[str, canvas.Events] | None = None) -> Figure:
    """Who owns each partition over time (pale) and reads it (dark): a panel per run, a row per partition, a colour per member.

    events: run -> (seconds, label) pairs, drawn as upright marks. Raises ValueError for no runs or a run in which nobody owned anything.
    """
    if not runs:
        raise ValueError("gantt: there is no run to draw")
    owned = {run: assignments.owned() for run, assignments in runs.items()}
    for run, frame in owned.items():
        canvas.check(frame, f"gantt, {run}", "member", "partition", "start", "end")
    members = sorted({member for frame in owned.values() for member in frame["member"]})
    partitions = sorted({partition for frame in owned.values() for partition in frame["partition"]})
    colours = canvas.palette(members)
    height = 0.75 + len(runs) * (0.62 + 0.2 * len(partitions))
    figure, axes = canvas.figure(title, rows=len(runs), height=height, sharex=True)
    for axis, (run, assignments) in zip(axes[:, 0], runs.items()):
        for span in owned[run].itertuples():
            row = partitions.index(span.partition)
            axis.barh(row, span.end - span.start, 0.86, span.start, color=_pale(colours[span.member]))
            if span.end - span.start > 0.25:
                axis.text(span.start + 0.03, row + 0.16, span.member, va="center", fontsize=7.5, weight="bold", zorder=5)  # below the dark bar
        for (member, partition), group in assignments.reads().groupby(["member", "partition"]):
            bins = np.unique(np.floor(group["seconds"].to_numpy() / BIN)) * BIN
            axis.broken_barh([(left, BIN) for left in bins], (partitions.index(partition) - 0.43, 0.3), color=colours[member], zorder=3)
        axis.set_yticks(range(len(partitions)), partitions)
        axis.set_ylim(len(partitions) - 0.4, -0.6)
        axis.set_ylabel("partition")
        axis.tick_params(axis="y", length=0)
        axis.set_title(run, fontsize=9, loc="left", weight="bold", pad=18 if (events or {}).get(run) else 6)
        for when, label in (events or {}).get(run, ()):
            axis.axvline(when, color=canvas.INK, lw=1, ls=(0, (2, 2)), zorder=6)
            axis.annotate(label, (when, 1), (2, 3), xycoords=("data", "axes fraction"), textcoords="offset points", fontsize=8.5)
    axes[-1, 0].set_xlabel("time (s); pale: owns the partition, dark: reads from it, white: nobody")
    axes[-1, 0].set_xlim(0, max(frame["end"].max() for frame in owned.values()))
    figure.legend(
        handles=[Patch(color=colours[member], label=member) for member in members],
        title="member", loc="outside right center", frameon=False,
    )  # fmt: skip
    return canvas.done(figure)


def _pale(colour: str) -> tuple[float, float, float]:
    return tuple(1 - 0.35 * (1 - part) for part in to_rgb(colour))
