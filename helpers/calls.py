"""The figure of calls at a service: how many came when, and what became of them."""

from __future__ import annotations

import math

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from . import canvas

OUTCOMES = {"served": (canvas.OK, None), "turned away": (canvas.FAILED, "////"), "nobody there": (canvas.SILENT, None)}


@matplotlib.rc_context(canvas.STYLE)
def over_time(frame: pd.DataFrame, *, title: str, events: canvas.Events = (), bin_s: float = 0.1, top: float | None = None) -> Figure:
    """Calls per `bin_s` seconds as time goes by, a panel per variant, all on one scale. Beside each stands the highest bar and,
    where there are events, the highest one after the last of them.

    frame: a row per call; columns variant, seconds, outcome (one of OUTCOMES). events: (seconds, label) pairs, drawn as upright marks.
    top: where the scale ends (calls per bin), so that one high variant doesn't flatten the others; higher bars are cut off there,
    and the panel says so.
    Raises ValueError for no rows, a missing column, another outcome, or a bin_s or top that isn't positive.
    """
    canvas.check(frame, "calls.over_time", "variant", "seconds", "outcome")
    strange = sorted(set(frame["outcome"]) - set(OUTCOMES))
    if strange:
        raise ValueError(f"calls.over_time: unknown outcome {', '.join(map(str, strange))}; known are {', '.join(OUTCOMES)}")
    if not bin_s > 0:
        raise ValueError(f"calls.over_time: bin_s must be positive, not {bin_s}")
    if top is not None and not top > 0:
        raise ValueError(f"calls.over_time: top must be positive, not {top}")
    groups = canvas.groups(frame)
    mark = max((when for when, _ in events), default=0.0)  # a bar begins there, so that none is before and after it
    first, last = (math.floor((end - mark) / bin_s) for end in (frame["seconds"].min(), frame["seconds"].max()))
    edges = mark + bin_s * np.arange(first, last + 2)
    figure, axes = canvas.figure(title, rows=len(groups), height=0.9 + 1.05 * len(groups), sharex=True, sharey=True)
    for axis, (name, group) in zip(axes[:, 0], groups.items()):
        floor = np.zeros(len(edges) - 1)
        for outcome, (colour, hatch) in OUTCOMES.items():
            counts, _ = np.histogram(group.loc[group["outcome"] == outcome, "seconds"], edges)
            axis.bar(edges[:-1], counts, bin_s, floor, align="edge", color=colour, hatch=hatch, edgecolor=canvas.INK if hatch else colour, lw=0.4)
            floor += counts
        lines = [canvas.wrap(name), f"{canvas.number(len(group))} calls", f"highest bar: {_calls(floor.max(), top)}"]
        if events:
            lines.append(f"after the mark: {_calls(floor[edges[:-1] >= mark].max(initial=0), top)}")
        axis.annotate("\n".join(lines), (1, 1), (8, 0), xycoords="axes fraction", textcoords="offset points", va="top")
        axis.yaxis.set_major_locator(matplotlib.ticker.MaxNLocator(2, integer=True))
        axis.yaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: canvas.number(value)))
        for when, _ in events:
            axis.axvline(when, color=canvas.INK, lw=1, ls=(0, (2, 2)))
    for when, label in events:
        axes[0, 0].annotate(label, (when, 1), (3, 3), xycoords=("data", "axes fraction"), textcoords="offset points", fontsize=8.5)
    axes[-1, 0].set_xlim(edges[0], edges[-1])
    if top is not None:
        axes[-1, 0].set_ylim(0, top)
    axes[-1, 0].set_xlabel("time (s)")
    figure.supylabel(f"calls per {1000 * bin_s:g} ms", fontsize=9)
    figure.legend(
        handles=[Patch(facecolor=colour, hatch=hatch, edgecolor=canvas.INK if hatch else colour, label=outcome) for outcome, (colour, hatch) in OUTCOMES.items()],
        loc="outside right lower", frameon=False,
    )  # fmt: skip
    return canvas.done(figure)


def _calls(calls: float, top: float | None) -> str:
    return f"{canvas.number(calls)}{', cut off' if top is not None and calls > top else ''}"
