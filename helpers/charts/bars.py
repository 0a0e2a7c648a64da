"""Figures of bars, a row per variant: throughput, the scorecard, the ledger, and what a database
and a topic agree on.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import NullLocator

from . import canvas, marks

# The scorecard's measures: column -> heading; and the colours of those of which any number above 0
# is bad news.
MEASURES = {
    "throughput": "throughput\nmessages/s",
    "p50_ms": "latency p50\nms",
    "p99_ms": "latency p99\nms",
    "lag": "lag\nmessages",
    "lost": "lost\nmessages",
    "duplicated": "duplicated\nmessages",
}
ALARMS = {"lost": canvas.SILENT, "duplicated": canvas.DUPLICATED}


@canvas.styled
def throughput(frame: pd.DataFrame, *, title: str) -> Figure:
    """Messages per second of each variant: a bar for the median of the rounds, a dot for each round
    (where there are several).

    frame: columns variant, messages_per_s; one row per round.
    Raises ValueError for no rows or a missing column.
    """
    canvas.check(frame, "throughput", "variant", "messages_per_s")
    groups = canvas.groups(frame)
    colours = canvas.palette(groups)
    figure, [[axis]] = canvas.figure(title, height=canvas.height(groups))
    medians = [group["messages_per_s"].median() for group in groups.values()]
    several = any(len(group) > 1 for group in groups.values())
    for row, group in enumerate(groups.values() if several else ()):
        rounds = group["messages_per_s"]
        # Spread up and down a little: rounds that are nearly equal would hide one another.
        spread = row + np.linspace(-0.2, 0.2, len(rounds)) if len(rounds) > 1 else [row]
        axis.scatter(
            rounds,
            spread,
            s=22,
            facecolor=canvas.PAPER,
            edgecolor=canvas.INK,
            linewidth=1,
            zorder=3,
        )
    # The numbers stand in a column right of all dots: beside a dot, one would be read as that
    # round's.
    ends = [1.05 * frame["messages_per_s"].max()] * len(groups) if several else None
    labels = _bars(axis, medians, [colours[name] for name in groups], ends=ends)
    canvas.name_rows(axis, groups)
    axis.set_xlabel("messages per second" + " (bar: median, dots: the rounds)" * several)
    marks.round_ticks(axis.xaxis, 5)
    canvas.settle(figure)
    _make_room(axis, labels)
    return canvas.done(figure)


@canvas.styled
def scorecard(frame: pd.DataFrame, *, title: str) -> Figure:
    """The figure with which every lesson ends: six measures side by side, a row per variant.

    frame: index variant; columns throughput (messages per second), p50_ms, p99_ms (milliseconds),
    lag, lost and duplicated (messages). NaN means "not measured" and reads "–". Raises ValueError
    for no rows, a missing column or a variant twice.
    """
    canvas.check(frame, "scorecard", *MEASURES, index=True)
    names = [str(name) for name in frame.index]
    colours = canvas.palette(names)
    panels = [
        (
            heading,
            frame[column],
            [ALARMS.get(column, colours[name]) for name in names],
            column in ALARMS,
        )
        for column, heading in MEASURES.items()
    ]
    return _panels(title, names, panels)


@canvas.styled
def ledger(frame: pd.DataFrame, *, title: str, order: bool = False) -> Figure:
    """What the producer was told and what was found afterwards, a row per variant.

    Losses are small beside what was sent, so they have panels of their own, with one scale for all
    of them.

    frame: index variant; columns sent, acknowledged, unconfirmed (success reported, but no broker
    answered), failed, stored, lost, silently_lost, duplicated, and perhaps pending (nothing
    reported yet), and, where readers were watched, processed, missed and repeated; all in messages.
    Lost with an error is lost less silently_lost. order: draws the column out_of_order, too. Raises
    ValueError for no rows, a missing column or a variant twice.
    """
    told = ["acknowledged", "unconfirmed", "failed"]
    canvas.check(
        frame, "ledger", "sent", *told, "stored", "lost", "silently_lost", "duplicated", index=True
    )
    names = [str(name) for name in frame.index]
    losses = [
        (
            "lost,\nerror told",
            frame["lost"] - frame["silently_lost"],
            [canvas.FAILED] * len(names),
            True,
        ),
        ("lost\nsilently", frame["silently_lost"], [canvas.SILENT] * len(names), True),
        ("duplicated\n", frame["duplicated"], [canvas.DUPLICATED] * len(names), True),
    ]
    panels = losses
    if "processed" in frame:
        canvas.check(frame, "ledger", "missed", "repeated")
        # What the readers did is the finding then; the topic's own losses have a place only where
        # there are some.
        panels = [
            ("never\nprocessed", frame["missed"], [canvas.SILENT] * len(names), True),
            ("processed\nagain", frame["repeated"], [canvas.DUPLICATED] * len(names), True),
            *(
                [("not\nstored", frame["lost"], [canvas.SILENT] * len(names), True)]
                if frame["lost"].any()
                else []
            ),
            *(panel for panel in losses[2:] if panel[1].any()),
        ]
    if order:
        canvas.check(frame, "ledger", "out_of_order")
        panels = [
            *panels,
            ("out of\norder", frame["out_of_order"], [canvas.FAILED] * len(names), True),
        ]
    told += [column for column in ["pending"] if column in frame]
    texts = [
        "\n".join(f"{canvas.number(row[c])} {c}" for c in told if row[c] != 0)
        for _, row in frame.iterrows()
    ]
    return _panels(title, names, panels, first=(frame, texts), same_scale=len(panels))


def _panels(
    title: str,
    names: Sequence[str],
    panels: Sequence[tuple],
    first: tuple | None = None,
    same_scale: int = 0,
) -> Figure:
    """Narrow panels of bars that share their rows. A panel: (heading, values, a colour per row, is
    0 good news).

    first: (the ledger, what the producer was told as a text per row), for two wider panels on the
    left. same_scale: so many panels, counted from the right, are drawn on one scale.
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
    shares = [
        stored / sent if sent else math.nan for stored, sent in zip(frame["stored"], frame["sent"])
    ]
    axis.barh(
        range(len(frame)),
        [0 if math.isnan(s) else 1 for s in shares],
        0.55,
        color=canvas.PAPER,
        edgecolor=canvas.GREY,
        lw=0.7,
    )
    texts = [
        f"{canvas.number(stored)}\nof {canvas.number(sent)}\n{canvas.share(stored, sent)}"
        for stored, sent in zip(frame["stored"], frame["sent"])
    ]
    return _bars(
        axis,
        shares,
        [canvas.OK] * len(frame),
        texts=texts,
        ends=[0 if math.isnan(s) else 1 for s in shares],
    )


def _column_of_texts(axis: Axes, heading: str, texts: Sequence[str]) -> None:
    _head(axis, heading)
    for row, text in enumerate(texts):
        axis.text(
            0.03,
            row,
            text or "nothing",
            va="center",
            fontsize=8.5,
            transform=axis.get_yaxis_transform(),
        )


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

    ends: where each label starts, if not at the bar's end. calm: zero is good news, a number above
    it an alarm. Returns (end, label) pairs for _make_room.
    """
    values = [float(value) for value in values]
    lengths = [value if math.isfinite(value) else 0 for value in values]
    # The edge keeps a bar in sight that is small beside the others: 12 lost beside 1,153.
    widths = [1.5 if length else 0 for length in lengths]
    axis.barh(
        range(len(values)),
        lengths,
        0.55,
        color=colours,
        edgecolor=colours,
        linewidth=widths,
        zorder=2.6,
    )
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
    room = [
        width - label.get_window_extent().width - (canvas.GAP + 3) * canvas.DPI / 72
        for _, label in labels
    ]
    high = max(end * width / max(free, width / 10) for (end, _), free in zip(labels, room))
    axis.set_xlim(0, high or 1)
