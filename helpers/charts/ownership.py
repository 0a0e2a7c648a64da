"""Who owns which partition over time, and who reads it: a Gantt chart."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from . import canvas, marks

PIECE = 0.05  # seconds; reading is drawn in pieces of this width


class Owners(Protocol):
    """What is drawn of a run, as meters.Assignments records it."""

    def owned(self) -> pd.DataFrame:
        """A row per time for which a member owned a partition: member, partition, start, end
        (seconds).
        """

    def reads(self) -> pd.DataFrame:
        """A row per message that was read: member, partition, seconds."""


@canvas.styled
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
    reads = {run: assignments.reads() for run, assignments in runs.items()}
    for run in runs:
        canvas.check(owned[run], f"gantt, {run}", "member", "partition", "start", "end")
        canvas.check_columns(reads[run], f"gantt, {run}", "member", "partition", "seconds")
    members = sorted({member for frame in owned.values() for member in frame["member"]})
    partitions = sorted({partition for frame in owned.values() for partition in frame["partition"]})
    colours = canvas.palette(members)
    height = 0.75 + len(runs) * (0.62 + 0.2 * len(partitions))
    height = max(height, canvas.beside(colours))
    figure, axes = canvas.figure(title, rows=len(runs), height=height, sharex=True)
    for axis, run in zip(axes[:, 0], runs):
        for span in owned[run].itertuples():
            row = partitions.index(span.partition)
            axis.barh(
                row, span.end - span.start, 0.86, span.start, color=_pale(colours[span.member])
            )
        for (member, partition), group in reads[run].groupby(["member", "partition"]):
            pieces = np.unique(np.floor(group["seconds"].to_numpy() / PIECE)) * PIECE
            axis.broken_barh(
                [(left, PIECE) for left in pieces],
                (partitions.index(partition) - 0.43, 0.3),
                color=colours[member],
                zorder=3,
            )
        axis.set_yticks(range(len(partitions)), partitions)
        axis.set_ylim(len(partitions) - 0.4, -0.6)
        axis.set_ylabel("partition")
        axis.tick_params(axis="y", length=0)
        axis.set_title(canvas.wrap(run, 80), fontsize=9, loc="left", weight="bold")
    end = max(frame["end"].max() for frame in owned.values())
    labelled = [
        marks.time_axis([axis], [0, end], (events or {}).get(run, ()), (0, end), x_label="")
        for axis, run in zip(axes[:, 0], runs)
    ]
    axes[-1, 0].set_xlabel("time (s); pale: owns the partition, dark: reads from it, white: nobody")
    figure.legend(
        handles=[Patch(color=colours[member], label=canvas.wrap(member)) for member in members],
        title="member",
        loc="outside right center",
        frameon=False,
    )
    canvas.settle(figure)
    for axis, run, labels in zip(axes[:, 0], runs, labelled):
        high = marks.stagger(axis, labels)
        # Above the labels, however many lines they have.
        axis.set_title(canvas.wrap(run, 80), fontsize=9, loc="left", weight="bold", pad=6 + high)
        _name_spans(axis, owned[run], partitions)
    return canvas.done(figure)


def _name_spans(axis: Axes, owned: pd.DataFrame, partitions: Sequence[int]) -> None:
    """Each member's name in those of its bars that are long enough for it, below the dark piece."""
    look = {"va": "center", "fontsize": 7.5, "weight": "bold", "zorder": 5}
    room = {}
    for member in set(owned["member"]):
        probe = axis.text(0, 0, member, **look)
        room[member] = probe.get_window_extent().width + 6
        probe.remove()
    ends = axis.transData.transform([(when, 0) for when in [*owned["start"], *owned["end"]]])[:, 0]
    pixels = ends[len(owned) :] - ends[: len(owned)]
    for span, length in zip(owned.itertuples(), pixels):
        if length > room[span.member]:
            axis.annotate(
                span.member,
                (span.start, partitions.index(span.partition) + 0.16),
                (3 * 72 / canvas.DPI, 0),
                textcoords="offset points",
                **look,
            )


def _pale(colour: str) -> tuple[float, float, float]:
    return tuple(1 - 0.35 * (1 - part) for part in to_rgb(colour))
