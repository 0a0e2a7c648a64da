"""Every figure of the course. Data frames go in, a figure comes out; a notebook shows it as a cell's last expression.

Three rules hold for all of them. The title says what was found. A variant has one colour, by its place in the order
of variants (pass ``colours=palette(...)`` where a figure shows only some of them). Colour is never the only sign: line
styles, markers, hatches or written names tell the same thing in grey.
"""

import base64
import io
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import product

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator
from matplotlib.transforms import Bbox, ScaledTranslation
from PIL import Image

PAPER, INK, GREY, PALE = "#FBFBF8", "#222222", "#6B6B6B", "#DCDCD8"

# What became of a message. Dark, middle and light, so they also differ in grey.
OK, FAILED, SILENT, DUPLICATED = "#B9C6CF", "#E69F00", "#B5121B", "#7A4EAB"

# For variants: Okabe and Ito's colours without orange and red, which mean losses, and without yellow, unseen on paper.
VARIANTS = ["#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#4D4D4D", "#999933", "#332288", "#A6761D"]
LINES = ["-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (8, 3)), (0, (3, 1, 1, 1))]
MARKERS = ["o", "^", "s", "D", "v", "P", "X"]

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.facecolor": PAPER,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "hatch.linewidth": 0.8,
}
WIDTH, DPI = 8.0, 96
GAP = 6  # points between a bar, with the dot at its end, and its number

Colours = Mapping[str, str] | None
Events = Iterable[tuple[float, str]]


class Chart(Figure):
    """A figure that shows itself in a notebook as one PNG, and that pyplot doesn't know of (so nothing to close)."""

    def png(self) -> bytes:
        """The picture. A notebook keeps every one: it gets a palette of colours, smaller where it would pass 60 kB."""
        self.canvas.draw()
        picture = Image.fromarray(np.asarray(self.canvas.buffer_rgba())).convert("RGB")
        for colours in (256, 64, 16):
            file = io.BytesIO()
            picture.quantize(colours, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
                file, "png", optimize=True
            )
            if file.tell() < 60_000:
                break
        return file.getvalue()

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        # Not _repr_png_: in a notebook that has imported pyplot, that would be passed over for pyplot's own PNG.
        return {"image/png": base64.b64encode(self.png()).decode(), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<Chart: {' '.join(self.get_suptitle().split())}>"

    __str__ = __repr__


def palette(variants: Iterable[str]) -> dict[str, str]:
    """A colour per variant, by order of first appearance; after eight, they start again (with another line style)."""
    names = dict.fromkeys(map(str, variants))
    return {name: VARIANTS[place % len(VARIANTS)] for place, name in enumerate(names)}


# ---------------------------------------------------------------------------------------------- bars


@matplotlib.rc_context(STYLE)
def throughput(frame: pd.DataFrame, *, title: str, colours: Colours = None) -> Figure:
    """Messages per second of each variant: a bar for the median of the rounds, a dot for each round.

    frame: columns variant, messages_per_s; one row per round.
    Raises ValueError for no rows or a missing column.
    """
    _check(frame, "throughput", "variant", "messages_per_s")
    groups = _groups(frame)
    colours = _colours(groups, colours)
    figure, [[axis]] = _figure(title, height=_height(groups))
    medians = [group["messages_per_s"].median() for group in groups.values()]
    for row, group in enumerate(groups.values()):
        rounds = group["messages_per_s"]
        # Spread up and down a little: rounds that are nearly equal would hide one another.
        spread = row + np.linspace(-0.2, 0.2, len(rounds)) if len(rounds) > 1 else [row]
        axis.scatter(rounds, spread, s=22, facecolor=PAPER, edgecolor=INK, linewidth=1, zorder=3)
    ends = [group["messages_per_s"].max() for group in groups.values()]
    labels = _bars(axis, medians, [colours[name] for name in groups], ends=ends)
    _name_rows(axis, groups)
    axis.set_xlabel("messages per second (bar: median, dots: the rounds)")
    axis.xaxis.set_major_locator(MaxNLocator(5, min_n_ticks=2))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    _settle(figure)
    _make_room(axis, labels)
    return _done(figure)


@matplotlib.rc_context(STYLE)
def scorecard(frame: pd.DataFrame, *, title: str, colours: Colours = None) -> Figure:
    """The figure with which every lesson ends: six measures side by side, a row per variant.

    frame: index variant; columns throughput (messages per second), p50_ms, p99_ms (milliseconds), lag, lost and
    duplicated (messages). NaN means "not measured" and reads "–".
    Raises ValueError for no rows, a missing column or a variant twice.
    """
    measures = {
        "throughput": "throughput\nmessages/s",
        "p50_ms": "latency p50\nms",
        "p99_ms": "latency p99\nms",
        "lag": "lag\nmessages",
        "lost": "lost\nmessages",
        "duplicated": "duplicated\nmessages",
    }
    alarms = {"lost": SILENT, "duplicated": DUPLICATED}
    _check(frame, "scorecard", *measures, index=True)
    names = [str(name) for name in frame.index]
    colours = _colours(names, colours)
    panels = [
        (heading, frame[column], [alarms.get(column, colours[name]) for name in names], column in alarms)
        for column, heading in measures.items()
    ]
    return _panels(title, names, panels)


@matplotlib.rc_context(STYLE)
def ledger(frame: pd.DataFrame, *, title: str) -> Figure:
    """What the producer was told and what was found afterwards, a row per variant.

    Losses are small beside what was sent, so each kind has a panel and a scale of its own.

    frame: index variant; columns sent, acknowledged, unconfirmed (success reported, but no broker answered), failed,
    stored, lost, silently_lost, duplicated and perhaps processed; all in messages. Lost with an error is lost less
    silently_lost.
    Raises ValueError for no rows, a missing column or a variant twice.
    """
    told = {"acknowledged": "acknowledged", "unconfirmed": "unconfirmed", "failed": "failed"}
    _check(frame, "ledger", "sent", *told, "stored", "lost", "silently_lost", "duplicated", index=True)
    names = [str(name) for name in frame.index]
    panels = [
        ("lost,\nerror told", frame["lost"] - frame["silently_lost"], [FAILED] * len(names), True),
        ("lost\nsilently", frame["silently_lost"], [SILENT] * len(names), True),
        ("duplicated\n", frame["duplicated"], [DUPLICATED] * len(names), True),
    ]
    if "processed" in frame:
        panels.insert(0, ("processed\n", frame["processed"], [OK] * len(names), False))
    texts = [
        "\n".join(f"{number(row[c])} {word}" for c, word in told.items() if row[c] != 0) for _, row in frame.iterrows()
    ]
    return _panels(title, names, panels, first=(frame, texts))


def _panels(title: str, names: Sequence[str], panels: Sequence[tuple], first: tuple | None = None) -> Figure:
    """Narrow panels of bars that share their rows. A panel: (heading, values, a colour per row, is 0 good news).

    first: (the ledger, what the producer was told as a text per row), for two wider panels on the left.
    """
    lead = 2 if first else 0
    figure, [axes] = _figure(
        title,
        columns=lead + len(panels),
        height=_height(names, per_line=0.19, least=3 if first else 1),
        sharey=True,
        width_ratios=[1.5, 1.6][:lead] + [0.8 if first else 1] * len(panels),
    )
    _name_rows(axes[0], names)
    labels = {}
    if first:
        frame, texts = first
        _column_of_texts(axes[0], "the producer was told\n", texts)
        _head(axes[1], "stored\nof sent")
        labels[axes[1]] = _bars_of_stored(axes[1], frame)
    for axis, (heading, values, colours, zero_is_good) in zip(axes[lead:], panels):
        _head(axis, heading)
        labels[axis] = _bars(axis, values, colours, calm=zero_is_good)
    _settle(figure)
    for axis, texts in labels.items():
        _make_room(axis, texts)
    return _done(figure)


def _bars_of_stored(axis: Axes, frame: pd.DataFrame) -> list:
    shares = [row["stored"] / row["sent"] if row["sent"] else math.nan for _, row in frame.iterrows()]
    axis.barh(range(len(frame)), [0 if math.isnan(s) else 1 for s in shares], 0.55, color=PAPER, edgecolor=GREY, lw=0.7)
    texts = [
        f"{number(row['stored'])}\nof {number(row['sent'])}\n{_share(row['stored'], row['sent'])}"
        for _, row in frame.iterrows()
    ]
    return _bars(axis, shares, [OK] * len(frame), texts=texts, ends=[0 if math.isnan(s) else 1 for s in shares])


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
            texts[row] if texts else number(value),
            (end, row),
            xytext=(GAP, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5 if texts else 9,
            weight="bold" if alarm else "normal",
            color=colours[row] if alarm and colours[row] != FAILED else GREY if calm and not alarm else INK,
        )
        # The axis makes room for the label; the layout shall not.
        label.set_in_layout(False)
        labels.append((end, label))
    return labels


def _make_room(axis: Axes, labels: Sequence[tuple[float, Text]]) -> None:
    """Set the x axis from 0 to where the longest bar and its label fit."""
    width = axis.bbox.width
    room = [width - label.get_window_extent().width - (GAP + 3) * DPI / 72 for _, label in labels]
    high = max(end * width / max(free, width / 10) for (end, _), free in zip(labels, room))
    axis.set_xlim(0, high or 1)


# ------------------------------------------------------------------------------------ latency, spread


@matplotlib.rc_context(STYLE)
def latency(samples: Mapping[str | tuple[str, str], Sequence[float]], *, title: str, colours: Colours = None) -> Figure:
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
    colours = _colours(variants.values(), colours)
    names = [", ".join(key) if isinstance(key, tuple) else str(key) for key in data]
    tops = [np.percentile(values, 99) for values in data.values() if len(values)]
    unit, scale = ("µs", 1e6) if max(tops) < 1e-3 else ("ms", 1e3)

    figure, [[axis]] = _figure(title, height=_height(names))
    left, right = _log_axis(axis.xaxis, np.concatenate(list(data.values())) * scale)
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
            axis.plot([p50], [row], color=PAPER, marker="o", ms=8, mec=colour, mew=2, zorder=3)
        _write_columns(axis, row, [number(value) for value in figures])
    _write_columns(axis, -0.5, ["p50", "p99", f"max ({unit})"], weight="bold", va="bottom")
    _name_rows(axis, names)
    axis.grid(axis="x", color=PALE, lw=0.6)
    axis.set_axisbelow(True)
    axis.set_xlabel(f"latency ({unit}, log scale); circle: p50, thick line: p50 to p99, thin line: least to most")
    _settle(figure)
    return _done(figure)


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
            **{"va": "center", "color": INK, **style},
        )


# ------------------------------------------------------------------------------------------ over time


@matplotlib.rc_context(STYLE)
def rate_over_time(frame: pd.DataFrame, *, title: str, events: Events = (), colours: Colours = None) -> Figure:
    """Messages per second as time goes by, a line per variant.

    frame: columns variant, seconds, messages_per_s. events: (seconds, label) pairs, drawn as upright marks.
    Raises ValueError for no rows or a missing column.
    """
    return _lines(frame, "rate_over_time", "messages_per_s", "messages per second", title, events, colours)


@matplotlib.rc_context(STYLE)
def lag(frame: pd.DataFrame, *, title: str, events: Events = (), colours: Colours = None) -> Figure:
    """How many messages the consumers are behind as time goes by, a line per variant.

    frame: columns variant, seconds, lag (messages). events: (seconds, label) pairs, drawn as upright marks.
    Raises ValueError for no rows or a missing column.
    """
    return _lines(frame, "lag", "lag", "lag (messages)", title, events, colours)


@matplotlib.rc_context(STYLE)
def latency_over_time(frame: pd.DataFrame, *, title: str, events: Events = (), colours: Colours = None) -> Figure:
    """The latency of single messages as time goes by: a dot per message, on a log axis.

    frame: columns variant, seconds, latency_ms (milliseconds; 0 is drawn at the lower edge).
    events: (seconds, label) pairs, drawn as upright marks.
    Raises ValueError for no rows or a missing column.
    """
    return _lines(
        frame, "latency_over_time", "latency_ms", "latency (ms, log scale)", title, events, colours, dots=True
    )


def _lines(
    frame: pd.DataFrame,
    what: str,
    column: str,
    unit: str,
    title: str,
    events: Events,
    colours: Colours,
    dots: bool = False,
) -> Figure:
    _check(frame, what, "variant", "seconds", column)
    groups = _groups(frame)
    colours = _colours(groups, colours)
    lines = sum(_wrap(name).count("\n") + 1 for name in groups)
    figure, [[axis]] = _figure(title, height=max(3.5, 1.3 + 0.19 * lines))
    if dots:
        low, high = _log_axis(axis.yaxis, frame[column])
    else:
        low, high = 0, max(1.0, 1.08 * np.nanmax(frame[column].to_numpy(float), initial=0))
        axis.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
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
                MARKERS[place % len(MARKERS)],
                color=colours[name],
                ms=2.5 if len(x) > 300 else 5,
                mew=0,
                alpha=0.5,
            )
        else:
            # A single value makes no line, so it gets a marker.
            marker = MARKERS[place % len(MARKERS)] if len(x) == 1 else None
            axis.plot(x, y, ls=LINES[place % len(LINES)], marker=marker, color=colours[name], lw=2)
        end = (x[-1], np.median(y[-max(1, len(y) // 10) :]) if dots else y[-1]) if len(x) else None
        labels.append(_label_end(axis, name, end, colours[name]))
    axis.set_ylabel(unit)
    axis.grid(axis="y", color=PALE, lw=0.6)
    marks = _time_axis([axis], frame["seconds"], events)
    _settle(figure)
    _stagger(axis, marks)
    _settle(figure)
    _spread(axis, labels)
    return _done(figure)


def _label_end(axis: Axes, name: str, end: tuple[float, float] | None, colour: str) -> Text:
    """A variant's name right of the axis, joined by a hair line to where its line ends."""
    text = _wrap(name) if end else _wrap(f"{name}: no values")
    return axis.annotate(
        text,
        end or (1, 0),
        xycoords="data" if end else "axes fraction",
        xytext=(1.03, 0.5),
        textcoords="axes fraction",
        va="center",
        color=_darker(colour),
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
    return axis.transData.transform(label.xy)[1] if label.xycoords == "data" else axis.bbox.y0


@matplotlib.rc_context(STYLE)
def stored_over_time(
    frame: pd.DataFrame,
    *,
    title: str,
    events: Events = (),
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
    _check(frame, "stored_over_time", "variant", "seconds", "stored", "silent")
    if not bin_s > 0:
        raise ValueError(f"stored_over_time: bin_s must be positive, not {bin_s}")
    start, end = window or (frame["seconds"].min(), frame["seconds"].max())
    if window and not start < end:
        raise ValueError(f"stored_over_time: the window {window} ends before it starts")
    groups = _groups(frame)
    if (end - start) / bin_s > 10_000:
        raise ValueError(f"stored_over_time: {end - start:g} s are too many bars of {bin_s:g} s; choose a wider bin_s")
    edges = np.arange(math.floor(start / bin_s + 1e-9), math.floor(end / bin_s + 1e-9) + 2) * bin_s
    row_lines = max(_wrap(name).count("\n") for name in groups) + 3
    figure, axes = _figure(
        title, rows=len(groups), height=max(3.5, 1.3 + len(groups) * 0.2 * row_lines), sharex=True, sharey=True
    )
    axes = axes[:, 0]
    for axis, (name, group) in zip(axes, groups.items()):
        stored, silent = group["stored"].astype(bool), group["silent"].astype(bool)
        # Losses lie above the marks of the events (2), which would hide a bar one or two pixels wide.
        kinds = [(stored, OK, None, 1), (~stored & ~silent, FAILED, "////", 3), (~stored & silent, SILENT, None, 3)]
        floor = np.zeros(len(edges) - 1)
        for chosen, colour, hatch, zorder in kinds:
            counts, _ = np.histogram(group.loc[chosen, "seconds"], edges)
            drawn = np.where(counts > 0, floor + counts, floor)
            look = {"facecolor": colour, "edgecolor": INK if hatch else colour, "hatch": hatch, "zorder": zorder}
            axis.stairs(drawn, edges, baseline=floor, fill=True, lw=0, **look)
            floor = drawn
        _write_total(axis, name, int((~stored & silent).sum()), int((~stored & ~silent).sum()))
        axis.yaxis.set_major_locator(MaxNLocator(2, integer=True))
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes[0].set_ylim(0, None)
    figure.supylabel(f"messages per {bin_s:g} s", fontsize=9)
    marks = _time_axis(axes, edges, events, window)
    _settle(figure)
    _stagger(axes[0], marks)
    _settle(figure)
    return _done(figure)


def _write_total(axis: Axes, name: str, silent: int, failed: int) -> None:
    lines = [(_wrap(name), INK, "bold")]
    if silent:
        lines.append((f"{number(silent)} lost silently", SILENT, "bold"))
    if failed:
        lines.append((f"{number(failed)} lost, error told", _darker(FAILED), "bold"))
    if not silent and not failed:
        lines.append(("0 lost", GREY, "normal"))
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


def _time_axis(axes: Sequence[Axes], seconds: Iterable[float], events: Events, window=None) -> list[tuple[float, Text]]:
    """Limits and label of a shared time axis, and the marks of the events with their labels above the top axes."""
    events = [(float(when), str(label)) for when, label in events]
    times = [*np.asarray(seconds, float), *(when for when, _ in events if not window)]
    if not np.isfinite(times).any():
        raise ValueError("the column seconds holds no number")
    low, high = window or (np.nanmin(times), np.nanmax(times))
    if low == high:
        low, high = low - 0.5, high + 0.5
    axes[-1].set_xlim(low, high)
    axes[-1].set_xlabel("time (s)")
    axes[-1].xaxis.set_major_locator(MaxNLocator(8))
    axes[-1].xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    marks = []
    for when, label in events:
        if low <= when <= high:
            for axis in axes:
                axis.axvline(when, color=INK, lw=1, ls=(0, (2, 2)))
            text = axes[0].text(
                0, 1, _wrap(label, 32, lines=None), transform=axes[0].transAxes, va="bottom", fontsize=8.5, zorder=5
            )
            marks.append((when, text))
    return marks


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
        up = ScaledTranslation(0, (spot.y0 - box.y1) / DPI, axis.figure.dpi_scale_trans)
        text.set(transform=axis.transAxes + up, position=((left - box.x0) / box.width, 1))
        placed.append(spot)
    # Two lines of labels find room; for more the figure grows, lest the axis shrink.
    extra = max((spot.y1 - box.y1 for spot in placed), default=0) - 40
    axis.figure.set_figheight(axis.figure.get_figheight() + max(0, extra) / DPI)


# ---------------------------------------------------------------------------------------- the drawing

KINDS = {"client": "#DCEAF5", "broker": "#FFFFFF", "leader": "#FBE3B0", "other": "#E9E9E5"}
Point = tuple[float, float]


@matplotlib.rc_context(STYLE)
def pattern(boxes: Mapping[str, tuple], arrows: Sequence[tuple], *, title: str) -> Figure:
    """Who sends what to whom.

    boxes: name -> (column, row), (column, row, subtitle) or (column, row, subtitle, kind); row 0 is on top, half rows
    are fine; kind is "client", "broker" (if left out), "leader" or "other". arrows: (from, to, label) or
    (from, to, label, style); style is "solid" (if left out) or "dashed", in grey, for an answer.
    Raises ValueError for no boxes, two boxes in one place, an unknown name, kind or style, an arrow from a box to
    itself or through a third box, and labels too long to find a place.
    """
    boxes = {name: (*box, *("", "broker")[len(box) - 2 :]) for name, box in boxes.items()}
    arrows = [(*arrow, *("", "solid")[len(arrow) - 2 :]) for arrow in arrows]
    _check_pattern(boxes, arrows)
    figure, [[axis]] = _figure(title)
    figure.set_layout_engine("none")
    axis.set_axis_off()
    letters = 18 if len({column for column, *_ in boxes.values()}) < 4 else 12
    names = {
        name: (
            axis.text(0, 0, _wrap(name, letters), size=10, weight="bold"),
            axis.text(0, 0, _wrap(subtitle, letters + 3), size=8.5),
        )
        for name, (_, _, subtitle, _) in boxes.items()
    }
    # The more room between the rows, the more places for labels: start narrow and widen until each has found one.
    for room in np.arange(1, 3.1, 0.2):
        places, ends, height = _arrange(
            boxes, arrows, {name: [_inches(text) for text in pair] for name, pair in names.items()}, room
        )
        labels = _place_labels(axis, arrows, ends, list(places.values()), Bbox([[0.05, 0], [WIDTH - 0.05, height]]))
        if labels is not None:
            break
    else:
        raise ValueError("pattern: the labels find no place; make them shorter, or set the boxes farther apart")
    head = _inches(figure.texts[0])[1] + 0.2
    figure.set_size_inches(WIDTH, height + head)
    figure.texts[0].set_y(1 - 0.1 / (height + head))
    axis.set_position([0, 0, 1, height / (height + head)])
    axis.set(xlim=(0, WIDTH), ylim=(0, height))
    for name, (_, _, _, kind) in boxes.items():
        _draw_box(axis, places[name], KINDS[kind], *names[name])
    for (_, _, _, style), (start, end) in zip(arrows, ends):
        look = (
            {"color": GREY, "linestyle": (0, (4, 2.5)), "lw": 1.2} if style == "dashed" else {"color": INK, "lw": 1.6}
        )
        axis.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=12, shrinkA=0, shrinkB=0, **look))
    for text, (x, y) in labels:
        text.set(position=(x, y), visible=True)
    return figure


def _check_pattern(boxes: Mapping[str, tuple], arrows: Sequence[tuple]) -> None:
    if not boxes:
        raise ValueError("pattern: there is no box to draw")
    spots = {}
    for name, (column, row, _, kind) in boxes.items():
        if kind not in KINDS:
            raise ValueError(f"pattern: {name} has the kind {kind}; known are {', '.join(KINDS)}")
        if (column, row) in spots:
            raise ValueError(f"pattern: {name} and {spots[column, row]} are both at column {column}, row {row}")
        spots[column, row] = name
    for source, target, label, style in arrows:
        for name in (source, target):
            if name not in boxes:
                raise ValueError(f"pattern: an arrow names {name}, which is no box; boxes are {', '.join(boxes)}")
        if source == target:
            raise ValueError(f"pattern: the arrow {label!r} leads from {source} to itself")
        if style not in ("solid", "dashed"):
            raise ValueError(f"pattern: the arrow {label!r} has the style {style}; known are solid, dashed")


def _arrange(
    boxes: Mapping[str, tuple], arrows: Sequence[tuple], sizes: Mapping[str, list[Point]], room: float
) -> tuple[dict[str, Bbox], list[tuple[Point, Point]], float]:
    """Where the boxes lie, where each arrow starts and ends, and how high the drawing is; all in inches."""
    sides = [_sides(boxes[source], boxes[target]) for source, target, *_ in arrows]
    ports = {}
    for place, ((source, target, *_), (out, into)) in enumerate(zip(arrows, sides)):
        # Sorted by where the other end is, so arrows to one box don't cross; request and answer run side by side.
        across = 1 if out in ("left", "right") else 0
        ports.setdefault((source, out), []).append((boxes[target][across], place, 0))
        ports.setdefault((target, into), []).append((boxes[source][across], place, 1))
    crowd = max(map(len, ports.values()), default=1)
    wide = max(1, *(max(w for w, _ in pair) + 0.25 for pair in sizes.values()))
    high = max(0.24 * room * (crowd + 1), *(sum(h for _, h in pair) + 0.3 for pair in sizes.values()))
    columns, rows = [sorted({box[axis] for box in boxes.values()}) for axis in (0, 1)]
    pitch = (WIDTH - 0.4 - wide) / (columns[-1] - columns[0] or 1)
    drop = high + 0.35 * room
    height = 0.5 * room + high + drop * (rows[-1] - rows[0])
    left = 0.2 if len(columns) > 1 else (WIDTH - wide) / 2
    places = {
        name: Bbox.from_bounds(
            left + pitch * (column - columns[0]), height - 0.25 * room - high - drop * (row - rows[0]), wide, high
        )
        for name, (column, row, *_) in boxes.items()
    }
    ends = [[(0, 0), (0, 0)] for _ in arrows]
    for (name, side), there in ports.items():
        box = places[name]
        for order, (_, place, end) in enumerate(sorted(there), 1):
            share = order / (len(there) + 1)
            ends[place][end] = {
                "left": (box.x0, box.y1 - share * high),
                "right": (box.x1, box.y1 - share * high),
                "top": (box.x0 + share * wide, box.y1),
                "bottom": (box.x0 + share * wide, box.y0),
            }[side]
    for (source, target, *_), (out, into), line in zip(arrows, sides, ends):
        across = 1 if out in ("left", "right") else 0
        here = boxes[source][across]
        fewer, end = min((ports[source, out], 0), (ports[target, into], 1), key=lambda side: len(side[0]))
        # Level, or upright, where the end that moves has no arrows from elsewhere beside it.
        if here == boxes[target][across] and all(there == here for there, *_ in fewer):
            line[end] = (line[end][0], line[1 - end][1]) if across else (line[1 - end][0], line[end][1])
    for (source, target, *_), line in zip(arrows, ends):
        for name, box in places.items():
            if name not in (source, target) and Path(line).intersects_bbox(box, filled=False):
                raise ValueError(
                    f"pattern: the arrow from {source} to {target} runs through {name}; move a box to another row"
                )
    return places, ends, height


def _sides(source: tuple, target: tuple) -> tuple[str, str]:
    if source[0] != target[0]:
        return ("right", "left") if source[0] < target[0] else ("left", "right")
    return ("bottom", "top") if source[1] < target[1] else ("top", "bottom")


def _place_labels(
    axis: Axes, arrows: Sequence[tuple], ends: Sequence[tuple[Point, Point]], boxes: Sequence[Bbox], paper: Bbox
) -> list[tuple[Text, Point]] | None:
    """A place for each label beside its arrow, clear of boxes, arrows and other labels; None if one finds none."""
    lines, taken, labels = [Path(line) for line in ends], list(boxes), []
    for (_, _, label, style), line in zip(arrows, ends):
        if not label:
            continue
        for width in (22, 14, 9):
            colour = GREY if style == "dashed" else INK
            text = axis.text(
                0, 0, _wrap(label, width, lines=None), size=8.5, color=colour, ha="center", va="center", visible=False
            )
            spots = _beside(line, *_inches(text))
            spot = next((s for s in spots if _free(s, paper, taken, lines)), None)
            if spot:
                break
            text.remove()
        if not spot:
            for text, _ in labels:
                text.remove()
            return None
        taken.append(spot)
        labels.append((text, ((spot.x0 + spot.x1) / 2, (spot.y0 + spot.y1) / 2)))
    return labels


def _beside(line: tuple[Point, Point], width: float, height: float) -> list[Bbox]:
    """Places for a label of this size along an arrow, best first: near its middle, above it or left of it."""
    (x0, y0), (x1, y1) = line
    length = math.hypot(x1 - x0, y1 - y0)
    across = np.array([y0 - y1, x1 - x0]) / length
    across = across if across[1] > 0 or (across[1] == 0 and across[0] < 0) else -across
    far = abs(across[0]) * width / 2 + abs(across[1]) * height / 2 + 0.05
    return [
        Bbox.from_bounds(x - width / 2, y - height / 2, width, height)
        for part, side in product((0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82), (1, -1))
        for x, y in [np.array([x0 + part * (x1 - x0), y0 + part * (y1 - y0)]) + side * far * across]
    ]


def _free(spot: Bbox, paper: Bbox, taken: Sequence[Bbox], lines: Sequence[Path]) -> bool:
    near = spot.padded(0.02)
    inside = paper.x0 <= spot.x0 and spot.x1 <= paper.x1 and paper.y0 <= spot.y0 and spot.y1 <= paper.y1
    return (
        inside
        and not any(map(near.overlaps, taken))
        and not any(line.intersects_bbox(near, filled=False) for line in lines)
    )


def _inches(text: Text) -> Point:
    """Width and height of a text."""
    if not text.get_text():
        return 0, 0
    visible = text.get_visible()
    text.set_visible(True)
    size = text.get_window_extent()
    text.set_visible(visible)
    return size.width / DPI, size.height / DPI


def _draw_box(axis: Axes, box: Bbox, colour: str, name: Text, subtitle: Text) -> None:
    style = "round,pad=0,rounding_size=0.08"
    axis.add_patch(
        FancyBboxPatch((box.x0, box.y0), box.width, box.height, style, facecolor=colour, edgecolor=INK, lw=1.2)
    )
    middle, below = (box.y0 + box.y1) / 2, _inches(subtitle)[1]
    x, gap = (box.x0 + box.x1) / 2, 0.06 if below else 0
    name.set(position=(x, middle + (below + gap) / 2), ha="center", va="center")
    subtitle.set(position=(x, middle - (_inches(name)[1] + gap) / 2), ha="center", va="center")


# ------------------------------------------------------------------------------------------ the shared


def _check(frame: pd.DataFrame, what: str, *columns: str, index: bool = False) -> None:
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise ValueError(
            f"{what}: missing column {', '.join(missing)}; the frame has {', '.join(map(str, frame.columns))}"
        )
    if frame.empty:
        raise ValueError(f"{what}: the frame has no rows")
    if index and frame.index.has_duplicates:
        raise ValueError(f"{what}: the index names a variant twice: {', '.join(map(str, frame.index))}")


def _colours(names: Iterable[str], colours: Colours) -> Mapping[str, str]:
    names = list(names)
    if colours is None:
        return palette(names)
    if missing := [name for name in names if name not in colours]:
        raise ValueError(f"colours has none for {', '.join(missing)}; it has {', '.join(colours)}")
    return colours


def _groups(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of each variant, in order of first appearance."""
    return {str(name): group for name, group in frame.groupby("variant", sort=False, observed=True)}


def _figure(title: str, *, rows: int = 1, columns: int = 1, height: float = 3.5, **grid) -> tuple[Chart, np.ndarray]:
    """A figure with its title, wrapped to the width, and a table of axes. height: inches, for a title of one line."""
    figure = Chart(figsize=(WIDTH, height), dpi=DPI, facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.06)
    axes = figure.subplots(rows, columns, squeeze=False, **grid)
    heading = figure.suptitle("", x=0.012, ha="left", fontsize=12, weight="bold")
    for width in range(84, 10, -2):
        heading.set_text(textwrap.fill(title, width))
        if heading.get_window_extent().width < 0.97 * WIDTH * DPI:
            break
    figure.set_figheight(height + 0.2 * heading.get_text().count("\n"))
    return figure, axes


def _height(names: Iterable[str], per_line: float = 0.17, least: int = 1) -> float:
    """Inches for a figure with a row per name."""
    names = list(names)
    lines = max(least, *(_wrap(name).count("\n") + 1 for name in names), 1)
    return max(2.6, 1.4 + len(names) * max(0.5, per_line * lines + 0.15))


def _name_rows(axis: Axes, names: Iterable[str]) -> None:
    names = [_wrap(name) for name in names]
    axis.set_yticks(range(len(names)), names, color=INK)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)


def _log_axis(axis, values: Iterable[float]) -> tuple[float, float]:
    """Make an x or y axis logarithmic, with plain numbers at its ticks; returns limits around the values above 0."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values) & (values > 0)]
    low, high = (values.min() / 1.05, values.max() * 1.05) if len(values) else (0.1, 1)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**power for power, step in product(powers, (1, 2, 5))]
    # From tick to tick, so that even a single value stands between two.
    low, high = max(tick for tick in ticks if tick <= low), min(tick for tick in ticks if tick >= high)
    if high / low > 1000:
        ticks = [10.0**power for power in powers[:: math.ceil(len(powers) / 8)]]
    name = axis.axis_name
    axis.axes.set(**{f"{name}scale": "log", f"{name}lim": (low, high)})
    axis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    return low, high


def number(value: float) -> str:
    """11559 -> "11,559", 1.7321 -> "1.73", NaN -> "–"."""
    if not math.isfinite(value):
        return "–"
    if abs(value) >= 1e9:
        return f"{value:.2e}"
    if abs(value) >= 100 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _share(part: float, whole: float) -> str:
    """A percentage rounded down, so that 11,558 of 11,559 doesn't read as 100%."""
    return f"{math.floor(1e4 * part / whole) / 100:g}%" if whole and math.isfinite(part / whole) else "–"


def _wrap(name: str, width: int = 20, lines: int | None = 3) -> str:
    """Lines of at most this many letters, and the rest cut off; or, without a limit to the lines, only whole words."""
    return "\n".join(
        textwrap.wrap(str(name), width, max_lines=lines, placeholder=" …", break_long_words=lines is not None)
    )


def _darker(colour: str) -> str:
    """The colour, dark enough for letters."""
    return matplotlib.colors.to_hex(np.array(matplotlib.colors.to_rgb(colour)) * 0.75)


def _settle(figure: Figure) -> None:
    """Lay the axes out, so that places can be asked for in pixels."""
    figure.draw_without_rendering()


def _done(figure: Figure) -> Figure:
    _settle(figure)
    figure.set_layout_engine("none")
    return figure
