"""The whole course on one page: what each lesson measured."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from . import canvas
from .bars import ALARMS, MEASURES

LOOKS = {
    own: {
        "marker": "o",
        "ls": "",
        "ms": 5,
        "color": canvas.VARIANTS[0],
        "mfc": canvas.VARIANTS[0] if own else "none",
    }
    for own in (False, True)
}


@canvas.styled
def overview(frame: pd.DataFrame, lessons: dict[int, str], *, title: str) -> Figure:
    """All lessons below each other, the six measures side by side, a mark per variant: filled for
    the lesson's own, hollow for the others.

    frame: as from load. `lessons`: number -> name, for all rows of the figure; one that has not run
    has an empty row that says so. Throughput, latency and lag are on log axes. Of lost and
    duplicated the least and the most are written, of the lesson's own variants and, small and
    below, of the others where they differ. Raises ValueError for no rows or a missing column.
    """
    canvas.check(frame, "overview", "lesson", "variant", "own", *MEASURES)
    numbers = list(lessons)
    figure, [axes] = canvas.figure(
        title,
        columns=len(MEASURES),
        height=1.4 + 0.36 * len(numbers),
        sharey=True,
        width_ratios=[1.2, 1, 1, 1, 1, 1],
    )
    rows = frame["lesson"].map({number: row for row, number in enumerate(numbers)})
    for axis, (measure, heading) in zip(axes, MEASURES.items()):
        axis.set_title(heading, fontsize=9, loc="left")
        if measure in ALARMS:
            _ranges(axis, rows, frame["own"], frame[measure], ALARMS[measure])
        else:
            _marks(axis, rows, frame["own"], frame[measure])
        axis.grid(axis="y", color=canvas.PALE, lw=0.6)
        axis.set_axisbelow(True)
    axes[0].set_yticks(
        range(len(numbers)),
        [f"{number:02d} {name}" for number, name in lessons.items()],
        color=canvas.INK,
    )
    axes[0].set_ylim(len(numbers) - 0.5, -0.5)
    for axis in axes:
        axis.tick_params(axis="y", length=0)
    for row, number in enumerate(numbers):
        if number not in set(frame["lesson"]):
            axes[0].text(
                0.03,
                row,
                "not run yet",
                transform=axes[0].get_yaxis_transform(),
                va="center",
                color=canvas.GREY,
                style="italic",
            )
    figure.legend(
        handles=[
            Line2D([], [], **LOOKS[own], label=label)
            for own, label in ((True, "the lesson's pattern"), (False, "what it is compared with"))
        ],
        loc="outside lower left",
        ncols=2,
        frameon=False,
    )
    canvas.settle(figure)
    for axis in axes:
        canvas.thin(axis)
    return canvas.done(figure)


def _marks(axis: Axes, rows: pd.Series, own: pd.Series, values: pd.Series) -> None:
    for which, look in LOOKS.items():
        chosen = (values > 0) & (own == which)
        if chosen.any():  # an empty line that isn't clipped has no extent, and upsets the layout
            axis.plot(values[chosen], rows[chosen], **look, clip_on=False)
    low, high = canvas.log_axis(axis.xaxis, values)
    powers = np.arange(np.ceil(np.log10(low)), np.floor(np.log10(high)) + 1)
    ticks = 10.0 ** powers[:: max(1, int(np.ceil(len(powers) / 3)))]
    axis.set_xticks(
        ticks,
        [
            f"{canvas.number(tick / 1000)}k" if tick >= 1000 else canvas.number(tick)
            for tick in ticks
        ],
    )


def _ranges(axis: Axes, rows: pd.Series, own: pd.Series, values: pd.Series, colour: str) -> None:
    axis.set_xticks([])
    axis.set_xlim(0, 1)
    axis.spines["bottom"].set_visible(False)
    for row in sorted(set(rows)):
        mine, others = (values[(rows == row) & (own == which)] for which in (True, False))
        more = others.notna().any() and _range(others) != _range(mine)
        look = {"color": colour, "weight": "bold"} if mine.max() > 0 else {"color": canvas.GREY}
        axis.text(0.06, row - (0.16 if more else 0), _range(mine), va="center", **look)
        if more:
            axis.text(
                0.06,
                row + 0.24,
                f"others: {_range(others)}",
                va="center",
                color=canvas.GREY,
                fontsize=7.5,
            )


def _range(values: pd.Series) -> str:
    least, most = values.min(), values.max()
    return (
        canvas.number(most)
        if least == most or np.isnan(most)
        else f"{canvas.number(least)} – {canvas.number(most)}"
    )
