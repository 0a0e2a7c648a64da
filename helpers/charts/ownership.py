"""Who owns which partition over time, and who reads it: a Gantt chart."""

from collections.abc import Mapping
from typing import Protocol

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from . import canvas, marks

BIN = 0.05  # seconds; reading is drawn in pieces of this width


class Owners(Protocol):
    """What is drawn of a run, as meters.Assignments records it."""

    def owned(self) -> pd.DataFrame:
        """A row per time for which a member owned a partition: member, partition, start, end
        (seconds).
        """

    def reads(self) -> pd.DataFrame:
        """A row per message that was read: member, partition, seconds."""


@matplotlib.rc_context(canvas.STYLE)
def gantt(
    runs: Mapping[str, Owners], *, title: str, events: Mapping[str, canvas.Events] | None = None
) -> Figure:
    """Who owns each partition over time (pale) and reads it (dark): a panel per run, a row per
    partition, a colour per member.

    events: run -> (seconds, label) pairs, drawn as upright marks. Raises ValueError for no runs or
    a run in which nobody owned anything.
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
            axis.barh(
                row, span.end - span.start, 0.86, span.start, color=_pale(colours[span.member])
            )
            if span.end - span.start > 0.25:
                axis.text(
                    span.start + 0.03,
                    row + 0.16,
                    span.member,
                    va="center",
                    fontsize=7.5,
                    weight="bold",
                    zorder=5,
                )  # below the dark bar
        for (member, partition), group in assignments.reads().groupby(["member", "partition"]):
            bins = np.unique(np.floor(group["seconds"].to_numpy() / BIN)) * BIN
            axis.broken_barh(
                [(left, BIN) for left in bins],
                (partitions.index(partition) - 0.43, 0.3),
                color=colours[member],
                zorder=3,
            )
        axis.set_yticks(range(len(partitions)), partitions)
        axis.set_ylim(len(partitions) - 0.4, -0.6)
        axis.set_ylabel("partition")
        axis.tick_params(axis="y", length=0)
        axis.set_title(
            run, fontsize=9, loc="left", weight="bold", pad=18 if (events or {}).get(run) else 6
        )
    end = max(frame["end"].max() for frame in owned.values())
    label = "time (s); pale: owns the partition, dark: reads from it, white: nobody"
    labelled = [
        marks.time_axis([axis], [0, end], (events or {}).get(run, ()), (0, end), label)
        for axis, run in zip(axes[:, 0], runs)
    ]
    figure.legend(
        handles=[Patch(color=colours[member], label=member) for member in members],
        title="member",
        loc="outside right center",
        frameon=False,
    )
    canvas.settle(figure)
    for axis, texts in zip(axes[:, 0], labelled):
        marks.stagger(axis, texts)
    return canvas.done(figure)


def _pale(colour: str) -> tuple[float, float, float]:
    return tuple(1 - 0.35 * (1 - part) for part in to_rgb(colour))
