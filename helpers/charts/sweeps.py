"""Figures of a sweep: one number over two settings as a heat map, and what can't be had together as
a Pareto front.
"""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from . import canvas

SHADES = matplotlib.colors.LinearSegmentedColormap.from_list(
    "shades", ["#F1F5F8", "#0072B2", "#00263D"]
)

# Where a name may stand beside its point, best first; in points.
SPOTS = [
    *[(7, 7), (7, -15), (-7, 7), (-7, -15), (9, -5), (7, 20), (7, -28), (-7, 20), (-7, -28)],
    *((x, y) for up in (33, 46, 59, 72) for y in (up, -up - 8) for x in (7, -7)),
]


@canvas.styled
def heat_map(
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    value: str,
    title: str,
    x_label: str,
    y_label: str,
    unit: str,
) -> Figure:
    """One number over two settings: a field per pair, darker for more, with the number written in
    it.

    frame: a row per pair; columns x, y (settings, drawn in rising order, y upwards) and value
    (drawn on a log scale). Raises ValueError for no rows, a missing column, a pair twice, or no
    value above 0.
    """
    canvas.check(frame, "heat_map", x, y, value)
    if frame.duplicated([x, y]).any():
        raise ValueError(f"heat_map: the frame has a pair of {x} and {y} twice")
    table = frame.pivot(index=y, columns=x, values=value).sort_index().sort_index(axis="columns")
    values = table.to_numpy(float)
    if not (values > 0).any():
        raise ValueError(f"heat_map: no {value} is above 0")
    figure, [[axis]] = canvas.figure(title, height=1.5 + 0.42 * len(table))
    least, most = np.nanmin(values[values > 0]), np.nanmax(values)
    share = (np.log(np.clip(values, least, None)) - np.log(least)) / (np.log(most / least) or 1)
    axis.imshow(share, cmap=SHADES, vmin=0, vmax=1, aspect="auto", origin="lower")
    for (row, column), number in np.ndenumerate(values):
        dark = np.isfinite(number) and share[row, column] > 0.4
        axis.text(
            column,
            row,
            canvas.number(number),
            ha="center",
            va="center",
            color="white" if dark else canvas.INK,
        )
    for axis_, names, label in [
        (axis.xaxis, table.columns, x_label),
        (axis.yaxis, table.index, y_label),
    ]:
        axis_.set_ticks(range(len(names)), [canvas.number(name) for name in names])
        axis_.set_label_text(label)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    axis.set_title(unit, fontsize=9, loc="left", color=canvas.GREY)
    return canvas.done(figure)


@canvas.styled
def pareto(
    frame: pd.DataFrame,
    *,
    title: str,
    colour: str,
    colour_label: str,
    cost: str = "p99_ms",
    cost_label: str = "p99 latency (ms, log scale)",
) -> Figure:
    """Throughput against what it costs, a point per setting; the Pareto front joins those that no
    other beats in both.

    frame: columns name (written beside the points of the front), messages_per_s and the column
    `cost` (both above 0), and the column `colour`, whose values get a colour and a marker each.
    Raises ValueError for no rows or a missing column.
    """
    canvas.check(frame, "pareto", "name", "messages_per_s", cost, colour)
    figure, [[axis]] = canvas.figure(title, height=3.9)
    canvas.log_axis(axis.xaxis, frame[cost])
    low, high = canvas.log_axis(axis.yaxis, frame["messages_per_s"])
    axis.set_ylim(
        low / (high / low) ** 0.1, high * (high / low) ** 0.15
    )  # room below for a name, above for the arrow
    for place, (kind, group) in enumerate(frame.groupby(colour)):
        axis.plot(
            group[cost],
            group["messages_per_s"],
            canvas.marker(place),
            color=canvas.VARIANTS[place % len(canvas.VARIANTS)],
            ms=8,
            label=canvas.number(kind),
        )
    best = front(frame, cost)
    axis.plot(best[cost], best["messages_per_s"], "-", color=canvas.INK, lw=1.2, zorder=1)
    better = axis.annotate(
        "better",
        (0.015, 0.985),
        (0.12, 0.985),
        xycoords="axes fraction",
        textcoords="axes fraction",
        color=canvas.GREY,
        va="top",
        arrowprops={"arrowstyle": "-|>", "color": canvas.GREY},
    )
    axis.set(xlabel=cost_label, ylabel="messages per second (log scale)")
    axis.grid(color=canvas.PALE, lw=0.6)
    axis.legend(title=colour_label, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    canvas.settle(figure)
    _name_points(axis, frame, best, cost, better)
    return canvas.done(figure, settled=True)


def _name_points(
    axis: Axes, frame: pd.DataFrame, named: pd.DataFrame, cost: str, better: Annotation
) -> None:
    """Each named point's name near it, inside the axes and clear of all points, of the front, of
    the arrow and of the other names (or, where no spot is, above it). A hair line leads to a name
    that isn't beside its point.
    """
    points = axis.transData.transform(frame[[cost, "messages_per_s"]])
    line = Path(axis.transData.transform(named[[cost, "messages_per_s"]]))
    taken = [
        better.get_window_extent(),
        *(Bbox.from_bounds(x - 7, y - 7, 14, 14) for x, y in points),
    ]
    for name, *point in zip(named["name"], named[cost], named["messages_per_s"]):
        for x, y in SPOTS:
            far = abs(y) > 30
            text = axis.annotate(
                name,
                point,
                (x, y),
                textcoords="offset points",
                fontsize=8.5,
                ha="left" if x > 0 else "right",
                arrowprops={"arrowstyle": "-", "color": canvas.GREY, "lw": 0.6} if far else None,
            )
            text.get_window_extent()  # puts it at its place
            spot = Text.get_window_extent(text)  # without the hair line
            inside = axis.bbox.contains(spot.x0, spot.y0) and axis.bbox.contains(spot.x1, spot.y1)
            if (
                inside
                and not any(map(spot.overlaps, taken))
                and not line.intersects_bbox(spot, filled=False)
            ):
                break
            text.remove()
        else:
            text = axis.annotate(name, point, (7, 7), textcoords="offset points", fontsize=8.5)
        taken.append(Text.get_window_extent(text))


def front(frame: pd.DataFrame, cost: str = "p99_ms") -> pd.DataFrame:
    """The rows that no other row beats in both messages_per_s (more) and `cost` (less), by rising
    cost.
    """
    best, most = [], -np.inf
    for row in frame.sort_values([cost, "messages_per_s"], ascending=[True, False]).itertuples():
        if row.messages_per_s > most:
            best.append(row.Index)
            most = row.messages_per_s
    return frame.loc[best]
