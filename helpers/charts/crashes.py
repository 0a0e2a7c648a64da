"""What crashes cost a reader: what was never done, and what was done again."""

import matplotlib
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from . import canvas


@matplotlib.rc_context(canvas.STYLE)
def lost_and_repeated(frame: pd.DataFrame, *, x: str, x_label: str, title: str) -> Figure:
    """Repetitions as bars above the axis, losses below it, on one scale; a group of bars per value
    of `x`, a bar per variant.

    frame: columns variant, the column `x`, lost and repeated (messages, 0 or more); one row per
    variant and value of `x`. Raises ValueError for no rows, a missing column or negative numbers.
    """
    canvas.check(frame, "lost_and_repeated", "variant", x, "lost", "repeated")
    if (frame[["lost", "repeated"]] < 0).any(axis=None):
        raise ValueError(
            "lost_and_repeated: lost and repeated are numbers of messages and can't be negative"
        )
    variants, values = list(dict.fromkeys(frame["variant"])), sorted(set(frame[x]))
    colours = canvas.palette(variants)
    figure, [[axis]] = canvas.figure(title, height=3.6)
    width = 0.8 / len(variants)
    for variant, value, lost, repeated in frame[["variant", x, "lost", "repeated"]].itertuples(
        index=False
    ):
        place = values.index(value) + (variants.index(variant) - (len(variants) - 1) / 2) * width
        for messages, side in ((repeated, 1), (lost, -1)):
            axis.bar(place, side * messages, 0.9 * width, color=colours[variant])
            if messages:
                axis.annotate(
                    canvas.number(messages),
                    (place, side * messages),
                    (0, 3 * side),
                    textcoords="offset points",
                    ha="center",
                    va="bottom" if side > 0 else "top",
                    fontsize=9,
                )
    axis.axhline(0, color=canvas.INK, lw=1)
    axis.set_xticks(range(len(values)), [canvas.number(value) for value in values])
    axis.tick_params(axis="x", length=0)
    axis.margins(y=0.14)
    axis.set_xlabel(x_label)
    axis.yaxis.set_major_formatter(lambda value, _: canvas.number(abs(value)))
    axis.set_ylabel("messages")
    for text, y, va in (("done again ↑", 0.97, "top"), ("never done ↓", 0.03, "bottom")):
        axis.text(0.012, y, text, transform=axis.transAxes, va=va, color=canvas.GREY, weight="bold")
    axis.grid(axis="y", color=canvas.PALE, lw=0.6)
    axis.set_axisbelow(True)
    figure.legend(
        handles=[Patch(color=colours[variant], label=variant) for variant in variants],
        loc="outside right center",
        frameon=False,
    )
    return canvas.done(figure)
