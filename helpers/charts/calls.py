"""The figure of calls at a service: how many came when, and what became of them."""

import math

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from . import canvas, marks

OUTCOMES = {
    "served": (canvas.OK, None),
    "turned away": (canvas.FAILED, "////"),
    "nobody there": (canvas.SILENT, None),
}


@canvas.styled
def calls_over_time(
    frames: canvas.Frames, *, title: str, events: canvas.Events = (), top: float | None = None
) -> Figure:
    """Calls per tenth of a second as time goes by, a panel per variant, all on one scale. Beside
    each stands the highest bar and, where there are events, the highest one after the last of them.

    frames: variant -> frame, or one frame with a column variant; a row per call; columns seconds,
    outcome (one of OUTCOMES). events: (seconds, label) pairs, drawn as upright marks. top: where
    the scale ends (calls per bin), so that one high variant doesn't flatten the others; higher bars
    are cut off there, and the panel says so. Raises ValueError for no rows, a missing column,
    another outcome, or a top that isn't positive.
    """
    frame = canvas.joined(frames, "calls_over_time", "seconds", "outcome")
    strange = sorted(set(frame["outcome"]) - set(OUTCOMES))
    if strange:
        raise ValueError(
            f"calls_over_time: unknown outcome {', '.join(map(str, strange))}; "
            f"known are {', '.join(OUTCOMES)}"
        )
    if top is not None and not top > 0:
        raise ValueError(f"calls_over_time: top must be positive, not {top}")
    groups = canvas.groups(frame)
    events = list(events)
    # A bar begins at the last mark, so that none is before and after it.
    mark = max((when for when, _ in events), default=0.0)
    first, last = (
        math.floor((end - mark) / marks.BIN)
        for end in (frame["seconds"].min(), frame["seconds"].max())
    )
    edges = mark + marks.BIN * np.arange(first, last + 2)
    lines = 2 + bool(events) + max(canvas.wrap(name).count("\n") + 1 for name in groups)
    figure, axes = canvas.figure(
        title,
        rows=len(groups),
        height=0.9 + max(1.05, 0.17 * lines + 0.15) * len(groups),
        sharex=True,
        sharey=True,
    )
    for axis, (name, group) in zip(axes[:, 0], groups.items()):
        kinds = [
            (group.loc[group["outcome"] == outcome, "seconds"], *look, 1)
            for outcome, look in OUTCOMES.items()
        ]
        bars = marks.stack(axis, edges, kinds)
        told = [
            canvas.wrap(name),
            f"{canvas.number(len(group))} calls",
            f"highest bar: {_calls(bars.max(), top)}",
        ]
        if events:
            told.append(f"after the mark: {_calls(bars[edges[:-1] >= mark].max(initial=0), top)}")
        axis.annotate(
            "\n".join(told),
            (1, 1),
            (8, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            va="top",
        )
        axis.yaxis.set_major_locator(matplotlib.ticker.MaxNLocator(2, integer=True))
        axis.yaxis.set_major_formatter(
            matplotlib.ticker.FuncFormatter(lambda value, _: canvas.number(value))
        )
    labelled = marks.time_axis(axes[:, 0], edges, events)
    axes[-1, 0].set_ylim(0, top)
    figure.supylabel(f"calls per {1000 * marks.BIN:g} ms", fontsize=9)
    figure.legend(
        handles=[
            Patch(
                facecolor=colour,
                hatch=hatch,
                edgecolor=canvas.INK if hatch else colour,
                label=outcome,
            )
            for outcome, (colour, hatch) in OUTCOMES.items()
        ],
        loc="outside right lower",
        frameon=False,
    )
    canvas.settle(figure)
    marks.stagger(axes[0, 0], labelled)
    return canvas.done(figure)


def _calls(calls: float, top: float | None) -> str:
    return f"{canvas.number(calls)}{', cut off' if top is not None and calls > top else ''}"
