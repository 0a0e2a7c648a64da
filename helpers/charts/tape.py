"""Partitions as tapes of offsets: what became of each record, and where the readers are."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from . import canvas, marks

# Of a record that is stored: nothing yet, or what a reader has made of it. From state to fill,
# hatch and words.
STATES = {
    "stored": (canvas.PAPER, "", "stored, not done yet"),
    "done": (canvas.OK, "", "done"),
    "repeated": (canvas.DUPLICATED, "xxx", "done more than once"),
    "lost": (canvas.SILENT, "", "lost: not done, and no reader will come back"),
}
ROW, BAND = 0.98, (0.38, 0.68)  # inches for a partition; of its axis, where the tape lies
LEFT, RIGHT, TOP, BOTTOM = 1.5, 1.4, 0.46, 0.36  # inches
CELLS = 120  # offsets; more of them are too narrow to be drawn one by one


@canvas.styled
def tape(
    frame: pd.DataFrame,
    *,
    title: str,
    records: pd.DataFrame | None = None,
    last: int | None = None,
) -> Figure:
    """Each partition as its offsets, a row per partition (or per reader of one), with the markers
    beginning, committed, position and end, and what became of each record.

    frame: index partition (a name); columns beginning, committed, position, end (offsets; committed
    and position are NaN where there is none). records: columns partition (as in the index), offset,
    state (one of STATES); a record that is not named in it is stored. last: draw so many offsets up
    to each end, not all; a marker before them stands at the left edge. The size of the picture
    depends on the numbers of rows and of the title's lines alone. Raises ValueError for no rows, a
    missing column, a partition twice or unknown, an unknown state, or a beginning behind its end.
    """
    canvas.check(frame, "tape", "beginning", "committed", "position", "end", index=True)
    if (frame["beginning"] > frame["end"]).any():
        raise ValueError("tape: the beginning of a partition must not be behind its end")
    with_states = records is not None
    if not with_states:
        records = pd.DataFrame(columns=["partition", "offset", "state"])
    canvas.check_columns(records, "tape, records", "partition", "offset", "state")
    for column, known in [("partition", frame.index), ("state", STATES)]:
        if strangers := sorted(map(str, set(records[column]) - set(known))):
            raise ValueError(
                f"tape, records: unknown {column} {', '.join(strangers)}; "
                f"there are {', '.join(map(str, known))}"
            )
    height = TOP + ROW * len(frame) + BOTTOM
    figure, axes = canvas.figure(title, rows=len(frame), height=height)
    figure.set_layout_engine(None)
    total = figure.get_figheight()
    figure.subplots_adjust(
        left=LEFT / canvas.WIDTH,
        right=1 - RIGHT / canvas.WIDTH,
        bottom=(BOTTOM + 0.22) / total,
        top=(BOTTOM + ROW * len(frame)) / total,
        hspace=0.45,
    )
    for axis, (name, places) in zip(axes[:, 0], frame.iterrows()):
        own = records[records["partition"] == name]
        _row(axis, str(name), places, own, last)
    if with_states:
        _explain(figure)
    return canvas.done(figure, settled=True)


def _explain(figure: Figure) -> None:
    patches = [
        Patch(facecolor=fill, edgecolor=canvas.INK, hatch=hatch, lw=0.6, label=words)
        for fill, hatch, words in STATES.values()
    ]
    place = dict(loc="lower left", ncols=len(patches), frameon=False, borderpad=0.2)
    figure.legend(handles=patches, fontsize=8.5, **place)


def _row(axis: Axes, name: str, places: pd.Series, records: pd.DataFrame, last: int | None) -> None:
    beginning, end = places["beginning"], places["end"]
    low = beginning if last is None else max(beginning, end - last)
    # An empty partition is a place, too; and the mark at the end must not be cut in half.
    axis.set(xlim=(low, max(end, low + 1)), ylim=(0, 1))
    axis.spines[["left", "bottom"]].set_visible(False)
    axis.tick_params(axis="y", left=False, labelleft=False)
    axis.tick_params(axis="x", length=0, pad=0, labelsize=8)
    marks.round_ticks(axis.xaxis, 5, integer=True)
    axis.add_patch(_piece(low, end, "stored"))
    for first, behind, state in _runs(records, low, end):
        axis.add_patch(_piece(first, behind, state))
    if end - low <= CELLS:
        axis.vlines(np.arange(low + 1, end), *BAND, color=canvas.GREY, lw=0.4, zorder=3)
    # Position and committed offset are often close: one label above the tape, one below it.
    for marker in ("position", "committed"):
        if np.isfinite(places[marker]):
            _mark(axis, marker, places[marker])
    _beside(axis, name, places, records["state"].value_counts())


def _piece(first: float, behind: float, state: str) -> Rectangle:
    fill, hatch, _ = STATES[state]
    return Rectangle(
        (first, BAND[0]),
        behind - first,
        BAND[1] - BAND[0],
        facecolor=fill,
        # Thousands of short pieces must not become one black bar.
        edgecolor=canvas.INK if state == "stored" else fill,
        hatchcolor=canvas.INK,
        hatch=hatch,
        lw=0.8,
        zorder=2,
        clip_on=False,
    )


def _runs(records: pd.DataFrame, low: float, end: float) -> list[tuple[float, float, str]]:
    """Neighbours of one state as (first offset, offset behind the last one, state)."""
    seen = records[(records["offset"] >= low) & (records["offset"] < end)].sort_values("offset")
    if seen.empty:
        return []
    offsets, states = seen["offset"].to_numpy(int), seen["state"].to_numpy(str)
    cuts = 1 + np.flatnonzero((np.diff(offsets) != 1) | (states[1:] != states[:-1]))
    starts, ends = np.r_[0, cuts], np.r_[cuts, len(offsets)] - 1
    return [
        (offsets[first], offsets[final] + 1, states[first]) for first, final in zip(starts, ends)
    ]


def _mark(axis: Axes, name: str, offset: float) -> None:
    low, high = axis.get_xlim()
    place = min(max(offset, low), high)
    label = f"{name} {canvas.number(offset)}"
    left = place < (low + high) / 2
    if offset < low:
        label = f"◂ {label}"
    else:
        axis.plot([place] * 2, BAND, color=canvas.INK, lw=2, zorder=4, clip_on=False)
    above = name == "position"
    edge, away = (BAND[1], 1) if above else (BAND[0], -1)
    shape = "v" if above else "^"
    axis.plot(place, edge + 0.04 * away, shape, color=canvas.INK, ms=5, clip_on=False)
    axis.annotate(
        label,
        (place, edge + 0.1 * away),
        (6 if left else -6, 0),
        textcoords="offset points",
        ha="left" if left else "right",
        va="bottom" if above else "top",
        fontsize=9,
    )


def _beside(axis: Axes, name: str, places: pd.Series, counts: pd.Series) -> None:
    """At the left the name and the beginning; at the right the end, the lag and what went wrong."""
    reached = places["position"] if np.isfinite(places["position"]) else places["committed"]
    lines = [(f"end {canvas.number(places['end'])}", canvas.INK, "normal")]
    if np.isfinite(reached):
        lines.append((f"lag {canvas.number(places['end'] - reached)}", canvas.INK, "bold"))
    for state in ("repeated", "lost"):
        if counts.get(state):
            lines.append((f"{state} {canvas.number(counts[state])}", STATES[state][0], "bold"))
    for place, (text, colour, weight) in enumerate(lines):
        _write(axis, 1, 8, 13 * ((len(lines) - 1) / 2 - place), text, "left", colour, weight)
    named = canvas.wrap(name, 16, lines=2)
    lower = -4 - 6 * (named.count("\n") + 1)
    _write(axis, 0, -8, 6, named, "right", canvas.INK, "bold")
    _write(
        axis, 0, -8, lower, f"beginning {canvas.number(places['beginning'])}", "right", canvas.INK
    )


def _write(axis: Axes, x, right, up, text, align, colour, weight="normal") -> None:
    axis.annotate(
        text,
        (x, sum(BAND) / 2),
        (right, up),
        xycoords="axes fraction",
        textcoords="offset points",
        ha=align,
        va="center",
        fontsize=9,
        linespacing=1.1,
        color=colour,
        weight=weight,
        annotation_clip=False,
    )
