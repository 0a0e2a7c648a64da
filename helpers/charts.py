"""The figures of what was measured: data frames go in, a figure comes out; a notebook shows it as a cell's last expression."""

import math
from collections.abc import Iterable, Mapping, Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from matplotlib.transforms import Bbox, ScaledTranslation

from . import canvas

# The scorecard's measures: column -> heading; and the colours of those of which any number above 0 is bad news.
MEASURES = {
    "throughput": "throughput\nmessages/s",
    "p50_ms": "latency p50\nms",
    "p99_ms": "latency p99\nms",
    "lag": "lag\nmessages",
    "lost": "lost\nmessages",
    "duplicated": "duplicated\nmessages",
}
ALARMS = {"lost": canvas.SILENT, "duplicated": canvas.DUPLICATED}

# ---------------------------------------------------------------------------------------------- bars


@matplotlib.rc_context(canvas.STYLE)
def throughput(frame: pd.DataFrame, *, title: str, colours: canvas.Colours = None) -> Figure:
    """Messages per second of each variant: a bar for the median of the rounds, a dot for each round (where there are several).

    frame: columns variant, messages_per_s; one row per round.
    Raises ValueError for no rows or a missing column.
    """
    canvas.check(frame, "throughput", "variant", "messages_per_s")
    groups = canvas.groups(frame)
    colours = canvas.colours_of(groups, colours)
    figure, [[axis]] = canvas.figure(title, height=canvas.height(groups))
    medians = [group["messages_per_s"].median() for group in groups.values()]
    several = any(len(group) > 1 for group in groups.values())
    for row, group in enumerate(groups.values() if several else ()):
        rounds = group["messages_per_s"]
        # Spread up and down a little: rounds that are nearly equal would hide one another.
        spread = row + np.linspace(-0.2, 0.2, len(rounds)) if len(rounds) > 1 else [row]
        axis.scatter(rounds, spread, s=22, facecolor=canvas.PAPER, edgecolor=canvas.INK, linewidth=1, zorder=3)
    # The numbers stand in a column right of all dots: beside a dot, one would be read as that round's.
    ends = [1.05 * frame["messages_per_s"].max()] * len(groups) if several else None
    labels = _bars(axis, medians, [colours[name] for name in groups], ends=ends)
    canvas.name_rows(axis, groups)
    axis.set_xlabel("messages per second" + " (bar: median, dots: the rounds)" * several)
    _round_ticks(axis.xaxis, 5)
    canvas.settle(figure)
    _make_room(axis, labels)
    return canvas.done(figure)


@matplotlib.rc_context(canvas.STYLE)
def scorecard(frame: pd.DataFrame, *, title: str, colours: canvas.Colours = None) -> Figure:
    """The figure with which every lesson ends: six measures side by side, a row per variant.

    frame: index variant; columns throughput (messages per second), p50_ms, p99_ms (milliseconds), lag, lost and
    duplicated (messages). NaN means "not measured" and reads "–".
    Raises ValueError for no rows, a missing column or a variant twice.
    """
    canvas.check(frame, "scorecard", *MEASURES, index=True)
    names = [str(name) for name in frame.index]
    colours = canvas.colours_of(names, colours)
    panels = [
        (heading, frame[column], [ALARMS.get(column, colours[name]) for name in names], column in ALARMS)
        for column, heading in MEASURES.items()
    ]
    return _panels(title, names, panels)


@matplotlib.rc_context(canvas.STYLE)
def ledger(frame: pd.DataFrame, *, title: str, order: bool = False) -> Figure:
    """What the producer was told and what was found afterwards, a row per variant.

    Losses are small beside what was sent, so they have panels of their own, with one scale for all of them.

    frame: index variant; columns sent, acknowledged, unconfirmed (success reported, but no broker answered), failed,
    stored, lost, silently_lost, duplicated, and perhaps pending (nothing reported yet), and, where readers were watched, processed, missed and repeated; all in messages.
    Lost with an error is lost less silently_lost. order: draws the column out_of_order, too.
    Raises ValueError for no rows, a missing column or a variant twice.
    """
    told = ["acknowledged", "unconfirmed", "failed"]
    canvas.check(frame, "ledger", "sent", *told, "stored", "lost", "silently_lost", "duplicated", index=True)
    names = [str(name) for name in frame.index]
    losses = [
        ("lost,\nerror told", frame["lost"] - frame["silently_lost"], [canvas.FAILED] * len(names), True),
        ("lost\nsilently", frame["silently_lost"], [canvas.SILENT] * len(names), True),
        ("duplicated\n", frame["duplicated"], [canvas.DUPLICATED] * len(names), True),
    ]
    panels = losses
    if "processed" in frame:
        canvas.check(frame, "ledger", "missed", "repeated")
        # What the readers did is the finding then; the topic's own losses have a place only where there are some.
        panels = [
            ("never\nprocessed", frame["missed"], [canvas.SILENT] * len(names), True),
            ("processed\nagain", frame["repeated"], [canvas.DUPLICATED] * len(names), True),
            *([("not\nstored", frame["lost"], [canvas.SILENT] * len(names), True)] if frame["lost"].any() else []),
            *(panel for panel in losses[2:] if panel[1].any()),
        ]
    if order:
        canvas.check(frame, "ledger", "out_of_order")
        panels = [*panels, ("out of\norder", frame["out_of_order"], [canvas.FAILED] * len(names), True)]
    told += [column for column in ["pending"] if column in frame]
    texts = ["\n".join(f"{canvas.number(row[c])} {c}" for c in told if row[c] != 0) for _, row in frame.iterrows()]
    return _panels(title, names, panels, first=(frame, texts), same_scale=len(panels))


@matplotlib.rc_context(canvas.STYLE)
def agreement(frame: pd.DataFrame, *, title: str) -> Figure:
    """What a database and a topic say of the same things, a row per variant.

    frame: index variant; columns agreed (in both), missing (in the database, without an event), ghosts (events of something
    that is not in the database), repeated (events beyond the first of each thing); numbers of events.
    Raises ValueError for no rows, a missing column or a variant twice.
    """
    canvas.check(frame, "agreement", "agreed", "missing", "ghosts", "repeated", index=True)
    names = [str(name) for name in frame.index]
    panels = [
        ("in the database\nand in the topic", frame["agreed"], [canvas.OK] * len(names), False),
        ("missing:\nno event", frame["missing"], [canvas.SILENT] * len(names), True),
        ("ghosts: nothing\nbehind the event", frame["ghosts"], [canvas.FAILED] * len(names), True),
        ("repeated\nevents", frame["repeated"], [canvas.DUPLICATED] * len(names), True),
    ]
    return _panels(title, names, panels, same_scale=3)


def _panels(title: str, names: Sequence[str], panels: Sequence[tuple], first: tuple | None = None, same_scale: int = 0) -> Figure:
    """Narrow panels of bars that share their rows. A panel: (heading, values, a colour per row, is 0 good news).

    first: (the ledger, what the producer was told as a text per row), for two wider panels on the left.
    same_scale: so many panels, counted from the right, are drawn on one scale.
    """
    lead = 2 if first else 0
    figure, [axes] = canvas.figure(
        title,
        columns=lead + len(panels),
        height=canvas.height(names, per_line=0.19, least=3 if first else 1),
        sharey=True,
        width_ratios=[1.5, 1.6][:lead] + [0.8 if first else 1] * len(panels),
    )
    canvas.name_rows(axes[0], names)
    labels = {}
    if first:
        frame, texts = first
        _column_of_texts(axes[0], "the producer was told\n", texts)
        _head(axes[1], "stored\nof sent")
        labels[axes[1]] = _bars_of_stored(axes[1], frame)
    for axis, (heading, values, colours, zero_is_good) in zip(axes[lead:], panels):
        _head(axis, heading)
        labels[axis] = _bars(axis, values, colours, calm=zero_is_good)
    canvas.settle(figure)
    for axis, texts in labels.items():
        _make_room(axis, texts)
    if same_scale:
        widest = max(axis.get_xlim()[1] for axis in axes[-same_scale:])
        for axis in axes[-same_scale:]:
            axis.set_xlim(0, widest)
    return canvas.done(figure)


def _bars_of_stored(axis: Axes, frame: pd.DataFrame) -> list:
    shares = [row["stored"] / row["sent"] if row["sent"] else math.nan for _, row in frame.iterrows()]
    axis.barh(
        range(len(frame)), [0 if math.isnan(s) else 1 for s in shares], 0.55, color=canvas.PAPER, edgecolor=canvas.GREY, lw=0.7
    )
    texts = [
        f"{canvas.number(row['stored'])}\nof {canvas.number(row['sent'])}\n{canvas.share(row['stored'], row['sent'])}"
        for _, row in frame.iterrows()
    ]
    return _bars(axis, shares, [canvas.OK] * len(frame), texts=texts, ends=[0 if math.isnan(s) else 1 for s in shares])


def _column_of_texts(axis: Axes, heading: str, texts: Sequence[str]) -> None:
    _head(axis, heading)
    for row, text in enumerate(texts):
        axis.text(0.03, row, text or "nothing", va="center", fontsize=8.5, transform=axis.get_yaxis_transform())


def _head(axis: Axes, heading: str) -> None:
    """A panel without a scale: the numbers are written at the bars."""
    axis.set_title(heading, fontsize=9, loc="left")
    axis.xaxis.set_major_locator(NullLocator())
    axis.spines["bottom"].set_visible(False)
    axis.tick_params(left=False)


def _bars(
    axis: Axes,
    values: Iterable[float],
    colours: Sequence[str],
    *,
    texts: Sequence[str] | None = None,
    ends: Sequence[float] | None = None,
    calm: bool = False,
) -> list[tuple[float, Text]]:
    """A horizontal bar per value and its number behind it; NaN has no bar and reads "–".

    ends: where each label starts, if not at the bar's end. calm: zero is good news, a number above it an alarm.
    Returns (end, label) pairs for _make_room.
    """
    values = [float(value) for value in values]
    lengths = [value if math.isfinite(value) else 0 for value in values]
    # The edge keeps a bar in sight that is small beside the others: 12 lost beside 1,153.
    widths = [1.5 if length else 0 for length in lengths]
    axis.barh(range(len(values)), lengths, 0.55, color=colours, edgecolor=colours, linewidth=widths, zorder=2.6)
    labels = []
    for row, (value, length) in enumerate(zip(values, lengths)):
        end = length if ends is None or not math.isfinite(ends[row]) else max(length, ends[row])
        alarm = calm and value > 0
        label = axis.annotate(
            texts[row] if texts else canvas.number(value),
            (end, row),
            xytext=(canvas.GAP, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5 if texts else 9,
            weight="bold" if alarm else "normal",
            color=colours[row]
            if alarm and colours[row] != canvas.FAILED
            else canvas.GREY
            if calm and not alarm
            else canvas.INK,
        )
        # The axis makes room for the label; the layout shall not.
        label.set_in_layout(False)
        labels.append((end, label))
    return labels


def _make_room(axis: Axes, labels: Sequence[tuple[float, Text]]) -> None:
    """Set the x axis from 0 to where the longest bar and its label fit."""
    width = axis.bbox.width
    room = [width - label.get_window_extent().width - (canvas.GAP + 3) * canvas.DPI / 72 for _, label in labels]
    high = max(end * width / max(free, width / 10) for (end, _), free in zip(labels, room))
    axis.set_xlim(0, high or 1)


# ------------------------------------------------------------------------------------ latency, spread


@matplotlib.rc_context(canvas.STYLE)
def latency(samples: Mapping[str | tuple[str, str], Sequence[float]], *, title: str, colours: canvas.Colours = None) -> Figure:
    """How latencies spread: a thin line from the least to the most, a thick one from p50 to p99, on a log axis.

    samples: variant (or variant and stage) -> latencies in seconds, shape (n,); NaNs are left out, and a time of 0 is
    drawn at the axis's left end.
    The axis is in ms, or in µs where every p99 is below 1 ms.
    Raises ValueError for no variants, or where no variant has a sample.
    """
    if not samples:
        raise ValueError("latency: there is no variant to draw")
    data = {key: np.asarray(values, float)[np.isfinite(np.asarray(values, float))] for key, values in samples.items()}
    if not any(len(values) for values in data.values()):
        raise ValueError("latency: no variant has a sample")
    variants = {key: str(key[0] if isinstance(key, tuple) else key) for key in data}
    colours = canvas.colours_of(variants.values(), colours)
    names = [", ".join(map(str, key)) if isinstance(key, tuple) else str(key) for key in data]
    tops = [np.percentile(values, 99) for values in data.values() if len(values)]
    unit, scale = ("µs", 1e6) if max(tops) < 1e-3 else ("ms", 1e3)

    figure, [[axis]] = canvas.figure(title, height=canvas.height(names))
    left, right = canvas.log_axis(axis.xaxis, np.concatenate(list(data.values())) * scale)
    for row, (key, values) in enumerate(data.items()):
        if not len(values):
            figures = [math.nan] * 3
        else:
            low, p50, p99, high = np.percentile(values * scale, [0, 50, 99, 100])
            figures = [p50, p99, high]
            low, p50, p99, high = np.clip([low, p50, p99, high], left, right)
            colour = colours[variants[key]]
            axis.plot([low, high], [row, row], color=colour, lw=1.3, marker="|", ms=7)
            axis.plot([p50, p99], [row, row], color=colour, lw=8, solid_capstyle="butt")
            axis.plot([p50], [row], color=canvas.PAPER, marker="o", ms=8, mec=colour, mew=2, zorder=3)
        _write_columns(axis, row, [canvas.number(value) for value in figures])
    _write_columns(axis, -0.5, ["p50", "p99", f"max ({unit})"], weight="bold", va="bottom")
    canvas.name_rows(axis, names)
    axis.grid(axis="x", color=canvas.PALE, lw=0.6)
    axis.set_axisbelow(True)
    axis.set_xlabel(f"latency ({unit}, log scale); circle: p50, thick line: p50 to p99, thin line: least to most")
    canvas.settle(figure)
    return canvas.done(figure)


def _write_columns(axis: Axes, row: float, texts: Sequence[str], **style) -> None:
    """Numbers right of the axis, one below the other like a table."""
    for column, text in enumerate(texts):
        axis.annotate(
            text,
            (1, row),
            xycoords=axis.get_yaxis_transform(),
            xytext=(62 * (column + 1), 0),
            textcoords="offset points",
            ha="right",
            annotation_clip=False,
            **{"va": "center", "color": canvas.INK, **style},
        )


# ------------------------------------------------------------------------------------------ over time


@matplotlib.rc_context(canvas.STYLE)
def rate_over_time(frame: pd.DataFrame, *, title: str, events: canvas.Events = (), colours: canvas.Colours = None) -> Figure:
    """Messages per second as time goes by, a line per variant.

    frame: columns variant, seconds, messages_per_s. events: (seconds, label) pairs, drawn as upright marks.
    Raises ValueError for no rows or a missing column.
    """
    return _lines(frame, "rate_over_time", "messages_per_s", "messages per second", title, events, colours)


@matplotlib.rc_context(canvas.STYLE)
def lag(frame: pd.DataFrame, *, title: str, events: canvas.Events = (), colours: canvas.Colours = None) -> Figure:
    """How many messages the consumers are behind as time goes by, a line per variant, broken where nothing could be sampled.

    frame: columns variant, seconds, lag (messages). events: (seconds, label) pairs, drawn as upright marks.
    Raises ValueError for no rows or a missing column.
    """
    return _lines(frame, "lag", "lag", "lag (messages)", title, events, colours, breaks=True)


@matplotlib.rc_context(canvas.STYLE)
def in_flight(frame: pd.DataFrame, *, title: str, events: canvas.Events = (), colours: canvas.Colours = None) -> Figure:
    """How many messages were sent and not yet answered as time goes by, a line per variant.

    frame: columns variant, seconds, in_flight (messages). events: (seconds, label) pairs, drawn as upright marks.
    Raises ValueError for no rows or a missing column.
    """
    return _lines(frame, "in_flight", "in_flight", "in flight (messages)", title, events, colours)


@matplotlib.rc_context(canvas.STYLE)
def latency_over_time(frame: pd.DataFrame, *, title: str, events: canvas.Events = (), colours: canvas.Colours = None) -> Figure:
    """The latency of single messages as time goes by: a dot per message, on a log axis.

    frame: columns variant, seconds (when the message was due), latency_ms (milliseconds; 0 is drawn at the lower edge).
    events: (seconds, label) pairs, drawn as upright marks.
    Raises ValueError for no rows or a missing column.
    """
    return _lines(frame, "latency_over_time", "latency_ms", "latency (ms, log scale)", title, events, colours, dots=True)


def _lines(
    frame: pd.DataFrame,
    what: str,
    column: str,
    unit: str,
    title: str,
    events: canvas.Events,
    colours: canvas.Colours,
    dots: bool = False,
    breaks: bool = False,
) -> Figure:
    canvas.check(frame, what, "variant", "seconds", column)
    _check_times(frame, what)
    groups = canvas.groups(frame)
    colours = canvas.colours_of(groups, colours)
    lines = sum(canvas.wrap(name).count("\n") + 1 for name in groups)
    figure, [[axis]] = canvas.figure(title, height=max(3.5, 1.3 + 0.19 * lines))
    if dots:
        low, high = canvas.log_axis(axis.yaxis, frame[column])
    else:
        low, high = 0, max(1.0, 1.08 * np.nanmax(frame[column].to_numpy(float), initial=0))
        _round_ticks(axis.yaxis, 5, integer=True)
    axis.set_ylim(low, high)
    labels = []
    for name, group in groups.items():
        place = list(colours).index(name)
        seen = group.dropna(subset=["seconds", column]).sort_values("seconds")
        x, y = seen["seconds"].to_numpy(float), seen[column].to_numpy(float).clip(low, high)
        if dots:
            axis.plot(
                x,
                y,
                canvas.MARKERS[place % len(canvas.MARKERS)],
                color=colours[name],
                ms=2.5 if len(x) > 300 else 5,
                mew=0,
                alpha=0.5,
            )
        else:
            # A single value makes no line, so it gets a marker.
            marker = canvas.MARKERS[place % len(canvas.MARKERS)] if len(x) == 1 else None
            holes = _holes(x) if breaks else []
            line = np.insert(x, holes, np.nan), np.insert(y, holes, np.nan)
            axis.plot(*line, ls=canvas.LINES[place % len(canvas.LINES)], marker=marker, color=colours[name], lw=2)
        end = (x[-1], np.median(y[-max(1, len(y) // 10) :]) if dots else y[-1]) if len(x) else None
        labels.append(_label_end(axis, name, end, colours[name]))
    axis.set_ylabel(unit)
    axis.grid(axis="y", color=canvas.PALE, lw=0.6)
    marks = _time_axis([axis], frame["seconds"], events, x_label="moment from which the latency counts (s)" if dots else "time (s)")
    canvas.settle(figure)
    _stagger(axis, marks)
    canvas.settle(figure)
    _spread(axis, labels)
    return canvas.done(figure)


def _holes(x: np.ndarray) -> np.ndarray:
    """Before which samples there is a hole: five times the usual distance (the median) or more, and half a second at least."""
    steps = np.diff(x)
    return 1 + np.flatnonzero(steps > max(0.5, 5 * np.median(steps))) if len(steps) else np.array([], int)


def _label_end(axis: Axes, name: str, end: tuple[float, float] | None, colour: str) -> Text:
    """A variant's name right of the axis, joined by a hair line to the height at which its line ends."""
    text = canvas.wrap(name) if end else canvas.wrap(f"{name}: no values")
    if end:  # level and dotted up to the axis's edge, so that nobody takes it for data
        axis.annotate(
            "", end, xytext=(1, end[1]), textcoords=axis.get_yaxis_transform(), annotation_clip=False,
            arrowprops={"arrowstyle": "-", "ls": ":", "color": colour, "lw": 0.8, "alpha": 0.6, "shrinkA": 0, "shrinkB": 0},
        )  # fmt: skip
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
        arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.8, "shrinkA": 0, "shrinkB": 0, "relpos": (0, 0.5)}
        if end
        else None,
    )


def _spread(axis: Axes, labels: Sequence[Text]) -> None:
    """Move labels up and down, as little as needed, so that none lies on another and all stay beside the axis."""
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
    return axis.bbox.y0 if label.xycoords == "axes fraction" else axis.transData.transform(label.xy)[1]


@matplotlib.rc_context(canvas.STYLE)
def stored_over_time(
    frame: pd.DataFrame,
    *,
    title: str,
    events: canvas.Events = (),
    bin_s: float = 0.1,
    window: tuple[float, float] | None = None,
) -> Figure:
    """Which messages were stored, by when they were due; lost ones stand out. A row per variant, with its total lost.

    frame: a row per message; columns variant, seconds (when it was due), stored (bool), silent (bool: lost, and the
    producer was told of no error). bin_s: the width of a bar in seconds. window: the seconds to draw (from, to); marks
    outside are left out, while the totals written count all messages.
    Raises ValueError for no rows, a missing column, a bin_s that isn't positive or makes more than 10,000 bars, or a
    window that ends before it starts.
    """
    canvas.check(frame, "stored_over_time", "variant", "seconds", "stored", "silent")
    _check_times(frame, "stored_over_time")
    if not bin_s > 0:
        raise ValueError(f"stored_over_time: bin_s must be positive, not {bin_s}")
    start, end = window or (frame["seconds"].min(), frame["seconds"].max())
    if window and not start < end:
        raise ValueError(f"stored_over_time: the window {window} ends before it starts")
    groups = canvas.groups(frame)
    if (end - start) / bin_s > 10_000:
        raise ValueError(f"stored_over_time: {end - start:g} s are too many bars of {bin_s:g} s; choose a wider bin_s")
    edges = np.arange(math.floor(start / bin_s + 1e-9), math.floor(end / bin_s + 1e-9) + 2) * bin_s
    row_lines = max(canvas.wrap(name).count("\n") for name in groups) + 3
    figure, axes = canvas.figure(
        title, rows=len(groups), height=max(3.5, 1.3 + len(groups) * 0.2 * row_lines), sharex=True, sharey=True
    )
    axes = axes[:, 0]
    for axis, (name, group) in zip(axes, groups.items()):
        stored, silent = group["stored"].astype(bool), group["silent"].astype(bool)
        # Losses lie above the marks of the events (2), which would hide a bar one or two pixels wide.
        kinds = [
            (stored, canvas.OK, None, 1),
            (~stored & ~silent, canvas.FAILED, "////", 3),
            (~stored & silent, canvas.SILENT, None, 3),
        ]
        floor = np.zeros(len(edges) - 1)
        for chosen, colour, hatch, zorder in kinds:
            counts, _ = np.histogram(group.loc[chosen, "seconds"], edges)
            drawn = np.where(counts > 0, floor + counts, floor)
            look = {"facecolor": colour, "edgecolor": canvas.INK if hatch else colour, "hatch": hatch, "zorder": zorder}
            axis.stairs(drawn, edges, baseline=floor, fill=True, lw=0, **look)
            floor = drawn
        _write_total(axis, name, int((~stored & silent).sum()), int((~stored & ~silent).sum()))
        _round_ticks(axis.yaxis, 2, integer=True)
    axes[0].set_ylim(0, None)
    figure.supylabel(f"messages per {bin_s:g} s", fontsize=9)
    marks = _time_axis(axes, edges, events, window)
    canvas.settle(figure)
    _stagger(axes[0], marks)
    canvas.settle(figure)
    return canvas.done(figure)


def _write_total(axis: Axes, name: str, silent: int, failed: int) -> None:
    lines = [(canvas.wrap(name), canvas.INK, "bold")]
    if silent:
        lines.append((f"{canvas.number(silent)} lost silently", canvas.SILENT, "bold"))
    if failed:
        lines.append((f"{canvas.number(failed)} lost, error told", canvas.darker(canvas.FAILED), "bold"))
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


def _check_times(frame: pd.DataFrame, what: str) -> None:
    if not np.isfinite(frame["seconds"].to_numpy(float)).any():
        raise ValueError(f"{what}: the column seconds holds no number")


def _time_axis(axes: Sequence[Axes], seconds: Iterable[float], events: canvas.Events, window=None, x_label="time (s)") -> list[tuple[float, Text]]:
    """Limits and label of a shared time axis, and the marks of the events with their labels above the top axes."""
    events = [(float(when), str(label)) for when, label in events]
    times = [*np.asarray(seconds, float), *(when for when, _ in events if not window)]
    low, high = window or (np.nanmin(times), np.nanmax(times))
    if low == high:
        low, high = low - 0.5, high + 0.5
    axes[-1].set_xlim(low, high)
    axes[-1].set_xlabel(x_label)
    # Clock times in seconds are long numbers: fewer of them, lest they touch.
    _round_ticks(axes[-1].xaxis, 8 if max(abs(low), abs(high)) < 1e4 else 3)
    marks = []
    for when, label in events:
        if low <= when <= high:
            for axis in axes:
                axis.axvline(when, color=canvas.INK, lw=1, ls=(0, (2, 2)))
            text = axes[0].text(
                0, 1, canvas.wrap(label, 32, lines=None), transform=axes[0].transAxes, va="bottom", fontsize=8.5, zorder=5
            )
            marks.append((when, text))
    return marks


def _round_ticks(axis: Axis, count: int, *, integer: bool = False) -> None:
    """Ticks on a linear axis, at most this many steps, at round numbers and labelled exactly.

    Not with canvas.number, which keeps three digits: 119.6 would read 120.
    """
    axis.set_major_locator(MaxNLocator(count, steps=[1, 2, 5, 10], integer=integer, min_n_ticks=2))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))


def _stagger(axis: Axes, marks: Sequence[tuple[float, Text]]) -> None:
    """Put each event's label above the axis at its mark, in the lowest line in which it lies on no other label."""
    box, placed = axis.bbox, []
    for when, text in sorted(marks, key=lambda mark: -mark[0]):
        size = text.get_window_extent()
        mark = axis.transData.transform((when, 0))[0]
        left = max(box.x0, min(mark - 3, box.x1 - size.width))
        bottom = box.y1 + 4
        spot = Bbox.from_bounds(left, bottom, size.width + 10, size.height + 3)
        while hit := [other for other in placed if spot.overlaps(other)]:
            spot = Bbox.from_bounds(left, min(other.y1 for other in hit) + 1, size.width + 10, size.height + 3)
        # A distance above the axis, which stays right when the axis then gives up height for the labels.
        up = ScaledTranslation(0, (spot.y0 - box.y1) / canvas.DPI, axis.figure.dpi_scale_trans)
        text.set(transform=axis.transAxes + up, position=((left - box.x0) / box.width, 1))
        placed.append(spot)
    # Two lines of labels find room; for more the figure grows, lest the axis shrink.
    extra = max((spot.y1 - box.y1 for spot in placed), default=0) - 40
    axis.figure.set_figheight(axis.figure.get_figheight() + max(0, extra) / canvas.DPI)
