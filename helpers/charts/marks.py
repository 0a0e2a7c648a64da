"""What figures over time share: the axis, its round ticks, bars of a tenth of a second, and events
as upright marks whose labels never lie on one another.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import Bbox, ScaledTranslation

from . import canvas

BIN = 0.1  # seconds; the width of a bar


def check_times(frame: pd.DataFrame, what: str) -> None:
    """Raises ValueError, in the name of the figure `what`, where the column seconds holds no
    number.
    """
    if not np.isfinite(frame["seconds"].to_numpy(float)).any():
        raise ValueError(f"{what}: the column seconds holds no number")


def time_axis(
    axes: Sequence[Axes],
    seconds: Iterable[float],
    events: canvas.Events,
    window=None,
    x_label="time (s)",
) -> list[tuple[float, Text]]:
    """Limits and label of a shared time axis, and the marks of the events with their labels above
    the top axes.
    """
    events = [(float(when), str(label)) for when, label in events]
    times = [*np.asarray(seconds, float), *(when for when, _ in events if not window)]
    low, high = window or (np.nanmin(times), np.nanmax(times))
    if low == high:
        low, high = low - 0.5, high + 0.5
    axes[-1].set_xlim(low, high)
    axes[-1].set_xlabel(x_label)
    # Clock times in seconds are long numbers: fewer of them, lest they touch.
    round_ticks(axes[-1].xaxis, 8 if max(abs(low), abs(high)) < 1e4 else 3)
    marks = []
    for when, label in events:
        if low <= when <= high:
            for axis in axes:
                axis.axvline(when, color=canvas.INK, lw=1, ls=(0, (2, 2)))
            text = axes[0].text(
                0,
                1,
                canvas.wrap(label, 32, lines=None),
                transform=axes[0].transAxes,
                va="bottom",
                fontsize=8.5,
                zorder=5,
            )
            marks.append((when, text))
    return marks


def round_ticks(axis: Axis, count: int, *, integer: bool = False) -> None:
    """Ticks on a linear axis, at most this many steps, at round numbers and labelled exactly.

    Not with canvas.number, which keeps three digits: 119.6 would read 120.
    """
    axis.set_major_locator(MaxNLocator(count, steps=[1, 2, 5, 10], integer=integer, min_n_ticks=2))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))


def stack(axis: Axes, edges: np.ndarray, kinds: Iterable[tuple]) -> np.ndarray:
    """Bars between the edges, a piece upon the other per kind: (moments, colour, hatch, zorder).
    Returns how high they are.
    """
    floor = np.zeros(len(edges) - 1)
    for seconds, colour, hatch, zorder in kinds:
        counts, _ = np.histogram(seconds, edges)
        look = {"facecolor": colour, "edgecolor": canvas.INK if hatch else colour, "hatch": hatch}
        axis.stairs(floor + counts, edges, baseline=floor, fill=True, lw=0, zorder=zorder, **look)
        floor = floor + counts
    return floor


def stagger(axis: Axes, marks: Sequence[tuple[float, Text]], highest: float | None = None) -> float:
    """Put each event's label above the axis at its mark, in the lowest line in which it lies on no
    other label. Returns how high they reach above the axis, in points.

    Where they need much room, the figure grows. With `highest` it never does: a label that would
    reach higher than so many pixels above the axis is left out, the latest ones first of all kept.
    """
    box, placed = axis.bbox, []
    for when, text in sorted(marks, key=lambda mark: -mark[0]):
        size = text.get_window_extent()
        mark = axis.transData.transform((when, 0))[0]
        left = max(box.x0, min(mark - 3, box.x1 - size.width))
        bottom = box.y1 + 4
        spot = Bbox.from_bounds(left, bottom, size.width + 10, size.height + 3)
        while hit := [other for other in placed if spot.overlaps(other)]:
            spot = Bbox.from_bounds(
                left, min(other.y1 for other in hit) + 1, size.width + 10, size.height + 3
            )
        if highest is not None and spot.y1 - box.y1 > highest:
            text.set_visible(False)
            continue
        # A distance above the axis, which stays right when the axis then gives up height for the
        # labels.
        up = ScaledTranslation(0, (spot.y0 - box.y1) / canvas.DPI, axis.figure.dpi_scale_trans)
        text.set(transform=axis.transAxes + up, position=((left - box.x0) / box.width, 1))
        placed.append(spot)
    # Two lines of labels find room; for more the figure grows, lest the axis shrink.
    high = max((spot.y1 - box.y1 for spot in placed), default=0)
    axis.figure.set_figheight(axis.figure.get_figheight() + max(0, high - 40) / canvas.DPI)
    return high * 72 / canvas.DPI
