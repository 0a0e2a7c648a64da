"""Figures of windows over event time: what each one counted, how late events came, and what grace
does to that.
"""

import matplotlib
import matplotlib.dates
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure

from . import canvas, marks

LATENESS = {
    "in time": (canvas.OK, "o"),
    "within grace": (canvas.FAILED, "^"),
    "too late": (canvas.SILENT, "X"),
}


@canvas.styled
def window_counts(frame: pd.DataFrame, *, title: str) -> Figure:
    """What windows counted: a panel per kind of window, a box per window, from its begin to its
    end, as high as its count.

    frame: columns kind (of window), begin, end (datetime64, UTC), count. Windows of one kind may
    overlap. Raises ValueError for no rows or a missing column.
    """
    canvas.check(frame, "window_counts", "kind", "begin", "end", "count")
    kinds = list(dict.fromkeys(frame["kind"]))
    figure, axes = canvas.figure(
        title, rows=len(kinds), height=0.9 + 1.15 * len(kinds), sharex=True
    )
    for axis, (kind, colour) in zip(axes[:, 0], canvas.palette(kinds).items()):
        windows = frame[frame["kind"].astype(str) == kind].sort_values("begin")
        overlap = (windows["begin"].iloc[1:].to_numpy() < windows["end"].iloc[:-1].to_numpy()).any()
        # A window of one event has no length, but shall be seen.
        least = (frame["end"].max() - frame["begin"].min()) / 250
        for window in windows.itertuples():
            width = max(window.end - window.begin, least)
            look = (
                {"facecolor": "none"}
                if overlap
                else {"facecolor": (*matplotlib.colors.to_rgb(colour), 0.3)}
            )
            axis.bar(
                window.begin, window.count, width, align="edge", edgecolor=colour, lw=1, **look
            )
        axis.annotate(
            f"{canvas.wrap(kind)}\n{len(windows)} windows",
            (1, 1),
            (8, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            va="top",
            color=canvas.darker(colour),
            weight="bold",
        )
        axis.set_ylabel("events")
        marks.round_ticks(axis.yaxis, 3, integer=True)
        axis.grid(axis="y", color=canvas.PALE, lw=0.6)
        axis.set_axisbelow(True)
    _clock(axes[-1, 0].xaxis, "event time (UTC)")
    return canvas.done(figure)


@canvas.styled
def arrivals(frame: pd.DataFrame, *, title: str) -> Figure:
    """When each event happened against when it arrived, with the watermark (the latest event time
    seen so far) as a line.

    frame: columns arrived, happened (datetime64, UTC), kind (one of LATENESS). Raises ValueError
    for no rows, a missing column or another kind.
    """
    canvas.check(frame, "arrivals", "arrived", "happened", "kind")
    if strange := sorted(set(frame["kind"]) - set(LATENESS)):
        raise ValueError(
            f"arrivals: unknown kind {', '.join(map(str, strange))}; "
            f"known are {', '.join(LATENESS)}"
        )
    frame = frame.sort_values("arrived", kind="stable")
    figure, [[axis]] = canvas.figure(title, height=4.2)
    axis.step(
        frame["arrived"],
        frame["happened"].cummax(),
        where="post",
        color=canvas.INK,
        lw=1.2,
        label="watermark",
    )
    for kind, (colour, marker) in LATENESS.items():
        events = frame[frame["kind"] == kind]
        axis.plot(
            events["arrived"],
            events["happened"],
            marker,
            color=colour,
            mec=canvas.darker(colour),
            ms=5,
            label=f"{kind}: {len(events)}",
        )
    _clock(axis.xaxis, "arrived (UTC)")
    _clock(axis.yaxis, "event time (UTC)")
    axis.grid(color=canvas.PALE, lw=0.6)
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return canvas.done(figure)


@canvas.styled
def lateness(frame: pd.DataFrame, *, title: str) -> Figure:
    """How many events came in time, within grace and too late: a stacked bar per row.

    frame: index variant; columns as LATENESS (events). Raises ValueError for no rows, a missing
    column or a variant twice.
    """
    canvas.check(frame, "lateness", *LATENESS, index=True)
    figure, [[axis]] = canvas.figure(title, height=canvas.height(map(str, frame.index)))
    left = pd.Series(0.0, frame.index)
    for kind, (colour, _) in LATENESS.items():
        axis.barh(
            range(len(frame)),
            frame[kind],
            0.6,
            left,
            color=colour,
            label=kind,
            edgecolor=canvas.PAPER,
        )
        left = left + frame[kind]
    canvas.name_rows(axis, map(str, frame.index))
    axis.set_xlabel("events")
    marks.round_ticks(axis.xaxis, 5, integer=True)
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    canvas.settle(figure)
    left = pd.Series(0.0, frame.index)
    for kind in LATENESS:
        _write_inside(axis, frame[kind], left, "white" if kind == "too late" else canvas.INK)
        left = left + frame[kind]
    return canvas.done(figure, settled=True)


def _write_inside(axis: Axes, values: pd.Series, left: pd.Series, colour: str) -> None:
    """Each number in the middle of its piece, where the piece is wide enough."""
    low, high = axis.get_xlim()
    for row, (value, begin) in enumerate(zip(values, left)):
        text = axis.text(
            begin + value / 2, row, canvas.number(value), ha="center", va="center", color=colour
        )
        if text.get_window_extent().width + 4 > value / (high - low) * axis.bbox.width:
            text.remove()


def _clock(axis: Axis, label: str) -> None:
    axis.set_major_locator(matplotlib.dates.AutoDateLocator(maxticks=9))
    axis.set_major_formatter(matplotlib.dates.DateFormatter("%H:%M"))
    axis.set_label_text(label)
    low, high = axis.get_data_interval()
    if low == high:  # half an hour around a single moment
        axis.axes.set(**{f"{axis.axis_name}lim": (low - 1 / 48, high + 1 / 48)})
