"""Figures of a system under rising load: what it delivers, and how long that takes (the hockey
stick).
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import canvas


@canvas.styled
def load_curve(frame: pd.DataFrame, *, title: str) -> Figure:
    """Delivered messages and their latency against the offered load, both axes logarithmic.

    frame: a row per load; columns offered, delivered (messages per second), p50_ms, p99_ms
    (milliseconds). Raises ValueError for no rows or a missing column.
    """
    canvas.check(frame, "load_curve", "offered", "delivered", "p50_ms", "p99_ms")
    frame = frame.sort_values("offered")
    figure, [[left, right]] = canvas.figure(title, columns=2)
    offered = frame["offered"].to_numpy(float)
    left.plot(offered, offered, ":", color=canvas.GREY, lw=1.2)
    left.plot(offered, frame["delivered"], "o-", color=canvas.VARIANTS[0])
    left.annotate(
        "all of it",
        (offered[-1], offered[-1]),
        (-22, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        color=canvas.GREY,
    )
    left.set_ylabel("delivered (messages per second)")
    for column, name, colour, style in [
        ("p50_ms", "p50", canvas.VARIANTS[0], "o-"),
        ("p99_ms", "p99", canvas.VARIANTS[2], "s--"),
    ]:
        right.plot(offered, frame[column], style, color=colour)
        # On the left, where nothing else is; one above and one below, as the two may be close.
        right.annotate(
            name,
            (offered[0], frame[column].iloc[0]),
            (0, 7 if name == "p99" else -7),
            textcoords="offset points",
            va="bottom" if name == "p99" else "top",
            color=canvas.darker(colour),
            weight="bold",
        )
    right.set_ylabel("latency from due (ms)")
    for axis in (left, right):
        _offered_axis(axis, offered)
        axis.grid(axis="y", color=canvas.PALE, lw=0.7)
    canvas.log_axis(left.yaxis, np.concatenate([offered, frame["delivered"]]))
    low, high = canvas.log_axis(right.yaxis, frame[["p50_ms", "p99_ms"]].to_numpy().ravel())
    right.set_ylim(low / (high / low) ** 0.08, high * (high / low) ** 0.08)  # room for the names
    canvas.settle(figure)
    canvas.thin(left)
    canvas.thin(right)
    return canvas.done(figure)


@canvas.styled
def load_latency(frame: pd.DataFrame, *, title: str) -> Figure:
    """The median latency of each variant as the offered load rises, on log axes.

    frame: columns variant, offered (messages per second), p50_ms (from due to done, milliseconds).
    Raises ValueError for no rows or a missing column.
    """
    canvas.check(frame, "load_latency", "variant", "offered", "p50_ms")
    groups = canvas.groups(frame)
    colours = canvas.palette(groups)
    figure, [[axis]] = canvas.figure(title, height=max(3.7, canvas.beside(groups)))
    canvas.log_axis(axis.yaxis, frame["p50_ms"])
    _offered_axis(axis, frame["offered"])
    for place, (name, group) in enumerate(groups.items()):
        group = group.sort_values("offered")
        axis.plot(
            group["offered"],
            group["p50_ms"],
            canvas.marker(place),
            ls=canvas.line(place),
            color=colours[name],
            lw=2,
            ms=7,
            label=canvas.wrap(name),
        )
    axis.set_ylabel("median latency from due (ms, log scale)")
    axis.grid(axis="y", color=canvas.PALE, lw=0.7)
    axis.legend(
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        frameon=False,
        labelcolor="linecolor",
        handlelength=3,
    )
    canvas.settle(figure)
    canvas.thin(axis)
    return canvas.done(figure)


def _offered_axis(axis: Axes, offered: Iterable[float]) -> None:
    offered = np.unique(np.asarray(offered, float))
    canvas.log_axis(axis.xaxis, offered)
    axis.set_xticks(offered, [canvas.number(load) for load in offered], rotation=30)
    axis.set_xlabel("offered load (messages per second)")
