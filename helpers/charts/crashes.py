"""What crashes cost a reader: what was never done, and what was done again."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.text import Text

from . import canvas


@canvas.styled
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
    colours, values = canvas.palette(frame["variant"]), sorted(set(frame[x]))
    variants = list(colours)
    figure, [[axis]] = canvas.figure(title, height=max(3.6, canvas.beside(colours)))
    width, labels = 0.8 / len(variants), []
    for variant, value, lost, repeated in frame[["variant", x, "lost", "repeated"]].itertuples(
        index=False
    ):
        aside = (variants.index(str(variant)) - (len(variants) - 1) / 2) * width
        place = values.index(value) + aside
        for messages, side in ((repeated, 1), (lost, -1)):
            axis.bar(place, side * messages, 0.9 * width, color=colours[str(variant)])
            if messages:
                label = axis.annotate(
                    canvas.number(messages),
                    (place, side * messages),
                    (0, 3 * side),
                    textcoords="offset points",
                    ha="center",
                    va="bottom" if side > 0 else "top",
                    fontsize=9,
                )
                labels.append(label)
    axis.axhline(0, color=canvas.INK, lw=1)
    axis.set_xticks(range(len(values)), [canvas.number(value) for value in values])
    axis.tick_params(axis="x", length=0)
    axis.set_xlabel(x_label)
    axis.yaxis.set_major_formatter(lambda value, _: canvas.number(abs(value)))
    axis.set_ylabel("messages")
    sides = [
        axis.text(0.012, y, text, transform=axis.transAxes, va=va, color=canvas.GREY, weight="bold")
        for text, y, va in (("done again ↑", 0.98, "top"), ("never done ↓", 0.02, "bottom"))
    ]
    axis.grid(axis="y", color=canvas.PALE, lw=0.6)
    axis.set_axisbelow(True)
    figure.legend(
        handles=[Patch(color=colours[name], label=canvas.wrap(name)) for name in colours],
        loc="outside right center",
        frameon=False,
    )
    canvas.settle(figure)
    _make_room(axis, width, labels, sides)
    return canvas.done(figure)


def _make_room(axis: Axes, width: float, labels: Sequence[Text], sides: Sequence[Text]) -> None:
    """Turn the numbers up where the bars are narrower, and set the y axis so that all of them fit,
    and the words at its ends beside them.
    """
    bar = width * axis.bbox.width / (axis.get_xlim()[1] - axis.get_xlim()[0])
    if any(label.get_window_extent().width + 4 > bar for label in labels):
        for label in labels:
            label.set_rotation(90)
    low, high = (min(axis.dataLim.y0, 0), max(axis.dataLim.y1, 0))
    room = (
        2 * (3 * canvas.DPI / 72)
        + max(side.get_window_extent().height for side in sides)
        + max((label.get_window_extent().height for label in labels), default=0)
    )
    pixels = axis.bbox.height - 2 * room
    margin = room * ((high - low) or 1) / pixels
    axis.set_ylim(low - margin, high + margin)
