"""The figure of a system under rising load: what it delivers, and how long that takes (the hockey stick)."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from . import canvas


@matplotlib.rc_context(canvas.STYLE)
def curve(frame: pd.DataFrame, *, title: str) -> Figure:
    """Delivered messages and their latency against the offered load, both axes logarithmic.

    frame: a row per load; columns offered, delivered (messages per second), p50_ms, p99_ms (milliseconds).
    Raises ValueError for no rows or a missing column.
    """
    canvas.check(frame, "loads.curve", "offered", "delivered", "p50_ms", "p99_ms")
    frame = frame.sort_values("offered")
    figure, [[left, right]] = canvas.figure(title, columns=2)
    offered = frame["offered"].to_numpy(float)
    left.plot(offered, offered, ":", color=canvas.GREY, lw=1.2)
    left.plot(offered, frame["delivered"], "o-", color=canvas.VARIANTS[0])
    left.annotate("all of it", (offered[-1], offered[-1]), (-22, 0), textcoords="offset points", ha="right", va="center", color=canvas.GREY)
    left.set_ylabel("delivered (messages per second)")
    for column, name, colour, style in [("p50_ms", "p50", canvas.VARIANTS[0], "o-"), ("p99_ms", "p99", canvas.VARIANTS[2], "s--")]:
        right.plot(offered, frame[column], style, color=colour)
        # On the left, where the two lines are farthest apart from everything else.
        right.annotate(name, (offered[0], frame[column].iloc[0]), (0, 7), textcoords="offset points", color=canvas.darker(colour), weight="bold")
    right.set_ylabel("latency from due (ms)")
    for axis in (left, right):
        canvas.log_axis(axis.xaxis, offered)
        axis.set_xticks(offered, [canvas.number(load) for load in offered], rotation=30)
        axis.set_xlabel("offered load (messages per second)")
        axis.grid(axis="y", color=canvas.PALE, lw=0.7)
    canvas.log_axis(left.yaxis, np.concatenate([offered, frame["delivered"]]))
    canvas.log_axis(right.yaxis, frame[["p50_ms", "p99_ms"]].to_numpy().ravel())
    left.yaxis.set_major_formatter(FuncFormatter(lambda value, _: canvas.number(value)))
    return canvas.done(figure)
