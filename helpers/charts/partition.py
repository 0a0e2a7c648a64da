"""Drawings of a partition as a line of offsets: where it begins and ends, and where its readers
are.
"""

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from . import canvas

PARTS = [("committed", canvas.OK, ""), ("position", "#56B4E9", "//"), ("end", canvas.PAPER, "")]


@canvas.styled
def offsets(frame: pd.DataFrame, *, title: str) -> Figure:
    """A partition and its readers: what is read and committed, read only, and not read yet (the
    lag), a row per reader.

    frame: index reader; columns beginning, committed, position, end (offsets, in this order from
    left to right). Raises ValueError for no rows, a missing column, a reader twice, or offsets that
    are not in this order.
    """
    canvas.check(frame, "offsets", "beginning", "committed", "position", "end", index=True)
    if not (frame[["beginning", "committed", "position", "end"]].diff(axis=1).iloc[:, 1:] >= 0).all(
        axis=None
    ):
        raise ValueError(
            "offsets: beginning, committed, position and end must be in this order in every row"
        )
    figure, [[axis]] = canvas.figure(title, height=1.5 + 1.1 * len(frame))
    middle = (frame["beginning"].min() + frame["end"].max()) / 2
    for row, (_, offsets) in enumerate(frame.iterrows()):
        left = offsets["beginning"]
        for name, colour, hatch in PARTS:
            axis.barh(
                row,
                offsets[name] - left,
                0.3,
                left,
                color=colour,
                edgecolor=canvas.INK,
                lw=0.8,
                hatch=hatch,
            )
            left = offsets[name]
        # Position and committed offset are often close: one label above the bar, the other below
        # it. The reader may be close to the end, too: that one stands behind the bar.
        for name, height, valign in [("committed", 0.22, "top"), ("position", -0.22, "bottom")]:
            axis.plot([offsets[name]] * 2, [row - 0.2, row + 0.2], color=canvas.INK, lw=2)
            axis.text(
                offsets[name],
                row + height,
                f"{name} {canvas.number(offsets[name])}",
                ha="left" if offsets[name] < middle else "right",
                va=valign,
                fontsize=9,
            )
        lag = offsets["end"] - offsets["position"]
        for text, valign, weight in [
            (f"end {canvas.number(offsets['end'])}", "bottom", "normal"),
            (f"lag {canvas.number(lag)}", "top", "bold"),
        ]:
            axis.annotate(
                text,
                (offsets["end"], row),
                (canvas.GAP, 0),
                textcoords="offset points",
                va=valign,
                fontsize=9,
                weight=weight,
            )
    canvas.name_rows(axis, frame.index)
    axis.set_ylim(len(frame) - 0.4, -0.6)
    axis.set_xlabel("offset (grey: read and committed; hatched: read only; white: not read yet)")
    axis.xaxis.set_major_formatter(
        matplotlib.ticker.FuncFormatter(lambda value, _: canvas.number(value))
    )
    return canvas.done(figure)
