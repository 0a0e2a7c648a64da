"""Figures over time: lag, messages in flight or done, latency, and which messages were stored."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from . import canvas, marks


@canvas.styled
def lag(frames: canvas.Frames, *, title: str, events: canvas.Events = ()) -> Figure:
    """How many messages the consumers are behind as time goes by, a line per variant, broken where
    nothing could be sampled.

    frames: variant -> frame, or one frame with a column variant; columns seconds, lag (messages).
    events: (seconds, label) pairs, drawn as upright marks. Raises ValueError for no rows or a
    missing column.
    """
    return _lines(frames, "lag", "lag", "lag (messages)", title, events, breaks=True)


@canvas.styled
def in_flight(frames: canvas.Frames, *, title: str, events: canvas.Events = ()) -> Figure:
    """How many messages were sent and not yet answered as time goes by, a line per variant.

    frames: variant -> frame, or one frame with a column variant; columns seconds, in_flight
    (messages). events: (seconds, label) pairs, drawn as upright marks. Raises ValueError for no
    rows or a missing column.
    """
    return _lines(
        frames, "in_flight", "in_flight", "in flight (messages)", title, events, steps=True
    )


@canvas.styled
def done_over_time(frames: canvas.Frames, *, title: str, events: canvas.Events = ()) -> Figure:
    """How many messages are done as time goes by, a line per variant: it rises where work goes on.

    frames: variant -> frame, or one frame with a column variant; a row per message; column seconds
    (when it was done; NaN for one that was not). events: (seconds, label) pairs, drawn as upright
    marks. Raises ValueError for no rows or a missing column.
    """
    frame = canvas.joined(frames, "done_over_time", "seconds", gaps=True)
    frame = frame.assign(done=frame.groupby("variant")["seconds"].rank(method="first"))
    return _lines(frame, "done_over_time", "done", "done (messages)", title, events, steps=True)


@canvas.styled
def latency_over_time(
    frames: canvas.Frames, *, title: str, events: canvas.Events = (), log: bool = True
) -> Figure:
    """The latency of single messages as time goes by: a dot per message, on a log axis; on a linear
    one where `log` is False, which shows a queue as the ramp that it is.

    frames: variant -> frame, or one frame with a column variant; columns seconds (when the message
    was due), latency_ms (milliseconds; 0 is drawn at the lower edge). events: (seconds, label)
    pairs, drawn as upright marks. Raises ValueError for no rows or a missing column.
    """
    return _lines(
        frames,
        "latency_over_time",
        "latency_ms",
        "latency (ms, log scale)" if log else "latency (ms)",
        title,
        events,
        dots=True,
        log=log,
    )


def _lines(
    frames: canvas.Frames,
    what: str,
    column: str,
    unit: str,
    title: str,
    events: canvas.Events,
    dots: bool = False,
    breaks: bool = False,
    log: bool = False,
    steps: bool = False,
) -> Figure:
    frame = canvas.joined(frames, what, "seconds", column, gaps=True)
    marks.check_times(frame, what)
    groups = canvas.groups(frame)
    colours = canvas.palette(groups)
    figure, [[axis]] = canvas.figure(title, height=max(3.5, canvas.beside(groups)))
    if log:
        low, high = canvas.log_axis(axis.yaxis, frame[column])
    else:
        low, high = 0, max(1.0, 1.08 * np.nanmax(frame[column].to_numpy(float), initial=0))
        marks.round_ticks(axis.yaxis, 5, integer=True)
    axis.set_ylim(low, high)
    labels = []
    for place, (name, group) in enumerate(groups.items()):
        seen = group.dropna(subset=["seconds", column]).sort_values("seconds")
        x, y = seen["seconds"].to_numpy(float), seen[column].to_numpy(float).clip(low, high)
        if dots:
            axis.plot(
                x,
                y,
                canvas.marker(place),
                color=colours[name],
                ms=2.5 if len(x) > 300 else 5,
                mew=0,
                alpha=0.5,
            )
        else:
            # A single value makes no line, so it gets a marker.
            marker = canvas.marker(place) if len(x) == 1 else None
            holes = _holes(x) if breaks else []
            line = np.insert(x, holes, np.nan), np.insert(y, holes, np.nan)
            axis.plot(
                *line,
                ls=canvas.line(place),
                drawstyle="steps-post" if steps else "default",
                marker=marker,
                color=colours[name],
                lw=2,
            )
        end = (x[-1], np.median(y[-max(1, len(y) // 10) :]) if dots else y[-1]) if len(x) else None
        labels.append(_label_end(axis, name, end, colours[name]))
    axis.set_ylabel(unit)
    axis.grid(axis="y", color=canvas.PALE, lw=0.6)
    labelled = marks.time_axis(
        [axis],
        frame["seconds"],
        events,
        x_label="moment from which the latency counts (s)" if dots else "time (s)",
    )
    canvas.settle(figure)
    marks.stagger(axis, labelled)
    canvas.settle(figure)
    _spread(axis, labels)
    return canvas.done(figure, settled=True)


def _holes(x: np.ndarray) -> np.ndarray:
    """Before which samples there is a hole: five times the usual distance (the median) or more, and
    half a second at least.
    """
    steps = np.diff(x)
    return (
        1 + np.flatnonzero(steps > max(0.5, 5 * np.median(steps)))
        if len(steps)
        else np.array([], int)
    )


def _label_end(axis: Axes, name: str, end: tuple[float, float] | None, colour: str) -> Text:
    """A variant's name right of the axis, joined by a hair line to the height at which its line
    ends.
    """
    text = canvas.wrap(name) if end else canvas.wrap(f"{name}: no values")
    if end:  # level and dotted up to the axis's edge, so that nobody takes it for data
        axis.annotate(
            "",
            end,
            xytext=(1, end[1]),
            textcoords=axis.get_yaxis_transform(),
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "ls": ":",
                "color": colour,
                "lw": 0.8,
                "alpha": 0.6,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )
    return axis.annotate(
        text,
        (1, end[1] if end else 0),
        xycoords=axis.get_yaxis_transform() if end else "axes fraction",
        xytext=(1.03, 0.5),
        textcoords="axes fraction",
        va="center",
        color=canvas.darker(colour),
        weight="bold",
        annotation_clip=False,
        arrowprops={
            "arrowstyle": "-",
            "color": colour,
            "lw": 0.8,
            "shrinkA": 0,
            "shrinkB": 0,
            "relpos": (0, 0.5),
        }
        if end
        else None,
    )


def _spread(axis: Axes, labels: Sequence[Text]) -> None:
    """Move labels up and down, as little as needed, so that none lies on another and all stay
    beside the axis.
    """
    if not labels:
        return
    box = axis.bbox
    heights = [Text.get_window_extent(label).height + 3 for label in labels]
    wanted = [_end_in_pixels(axis, label) for label in labels]
    order = sorted(range(len(labels)), key=lambda place: (wanted[place], -place))
    centres, floor = {}, box.y0
    for place in order:
        centres[place] = max(wanted[place], floor + heights[place] / 2)
        floor = centres[place] + heights[place] / 2
    ceiling = box.y1
    for place in reversed(order):
        centres[place] = min(centres[place], ceiling - heights[place] / 2)
        ceiling = centres[place] - heights[place] / 2
    for place, label in enumerate(labels):
        label.set_position((1.03, (centres[place] - box.y0) / box.height))


def _end_in_pixels(axis: Axes, label: Text) -> float:
    return (
        axis.bbox.y0 if label.xycoords == "axes fraction" else axis.transData.transform(label.xy)[1]
    )


@canvas.styled
def stored_over_time(
    frames: canvas.Frames,
    *,
    title: str,
    events: canvas.Events = (),
    window: tuple[float, float] | None = None,
) -> Figure:
    """Which messages were stored, by when they were due; lost ones stand out. A row per variant,
    with its total lost.

    frames: variant -> frame, or one frame with a column variant; a row per message; columns seconds
    (when it was due), stored (bool), silent (bool: lost, and the producer was told of no error).
    window: the seconds to draw (from, to); marks outside are left out, while the totals written
    count all messages. Raises ValueError for no rows, a missing column, more than 10,000 bars, or a
    window that ends before it starts.
    """
    frame = canvas.joined(frames, "stored_over_time", "seconds", "stored", "silent")
    marks.check_times(frame, "stored_over_time")
    start, end = window or (frame["seconds"].min(), frame["seconds"].max())
    if window and not start < end:
        raise ValueError(f"stored_over_time: the window {window} ends before it starts")
    groups = canvas.groups(frame)
    first, last = (math.floor(moment / marks.BIN + 1e-9) for moment in (start, end))
    if last - first > 10_000:
        raise ValueError(
            f"stored_over_time: {end - start:g} s are too many bars of {marks.BIN:g} s; "
            "choose a window"
        )
    edges = np.arange(first, last + 2) * marks.BIN
    row_lines = max(canvas.wrap(name).count("\n") for name in groups) + 3
    figure, axes = canvas.figure(
        title,
        rows=len(groups),
        height=max(3.5, 1.3 + len(groups) * 0.2 * row_lines),
        sharex=True,
        sharey=True,
    )
    axes = axes[:, 0]
    for axis, (name, group) in zip(axes, groups.items()):
        stored, silent = group["stored"].astype(bool), group["silent"].astype(bool)
        # Losses lie above the marks of the events (2), which would hide a bar one or two pixels
        # wide.
        kinds = [
            (group.loc[stored, "seconds"], canvas.OK, None, 1),
            (group.loc[~stored & ~silent, "seconds"], canvas.FAILED, "////", 3),
            (group.loc[~stored & silent, "seconds"], canvas.SILENT, None, 3),
        ]
        marks.stack(axis, edges, kinds)
        _write_total(axis, name, int((~stored & silent).sum()), int((~stored & ~silent).sum()))
        marks.round_ticks(axis.yaxis, 2, integer=True)
    axes[0].set_ylim(0, None)
    figure.supylabel(f"messages per {marks.BIN:g} s", fontsize=9)
    labelled = marks.time_axis(axes, edges, events, window)
    canvas.settle(figure)
    marks.stagger(axes[0], labelled)
    return canvas.done(figure)


def _write_total(axis: Axes, name: str, silent: int, failed: int) -> None:
    lines = [(canvas.wrap(name), canvas.INK, "bold")]
    if silent:
        lines.append((f"{canvas.number(silent)} lost silently", canvas.SILENT, "bold"))
    if failed:
        lines.append(
            (f"{canvas.number(failed)} lost, error told", canvas.darker(canvas.FAILED), "bold")
        )
    if not silent and not failed:
        lines.append(("0 lost", canvas.GREY, "normal"))
    above = 0
    for text, colour, weight in lines:
        axis.annotate(
            text,
            (1, 1),
            xycoords="axes fraction",
            xytext=(8, -above),
            textcoords="offset points",
            va="top",
            color=colour,
            weight=weight,
            linespacing=1.1,
        )
        above += 13 * (text.count("\n") + 1)
