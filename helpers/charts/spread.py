"""The figure of how latencies spread."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import canvas


@canvas.styled
def latency(samples: Mapping[str | tuple[str, str], Sequence[float]], *, title: str) -> Figure:
    """How latencies spread: a thin line from the least to the most, a thick one from p50 to p99, on
    a log axis.

    samples: variant (or variant and stage) -> latencies in seconds, shape (n,); NaNs are left out,
    and a time of 0 is drawn at the axis's left end. The axis is in ms, or in µs where every p99 is
    below 1 ms. Raises ValueError for no variants, or where no variant has a sample.
    """
    if not samples:
        raise ValueError("latency: there is no variant to draw")
    data = {
        key: np.asarray(values, float)[np.isfinite(np.asarray(values, float))]
        for key, values in samples.items()
    }
    if not any(len(values) for values in data.values()):
        raise ValueError("latency: no variant has a sample")
    variants = {key: str(key[0] if isinstance(key, tuple) else key) for key in data}
    colours = canvas.palette(variants.values())
    names = [", ".join(map(str, key)) if isinstance(key, tuple) else str(key) for key in data]
    tops = [np.percentile(values, 99) for values in data.values() if len(values)]
    unit, scale = ("µs", 1e6) if max(tops) < 1e-3 else ("ms", 1e3)

    figure, [[axis]] = canvas.figure(title, height=canvas.height(names))
    left, right = canvas.log_axis(axis.xaxis, np.concatenate(list(data.values())) * scale)
    for row, (key, values) in enumerate(data.items()):
        if not len(values):
            figures = [math.nan] * 3
        else:
            low, p50, p99, high = np.percentile(values * scale, [0, 50, 99, 100])
            figures = [p50, p99, high]
            low, p50, p99, high = np.clip([low, p50, p99, high], left, right)
            colour = colours[variants[key]]
            axis.plot([low, high], [row, row], color=colour, lw=1.3, marker="|", ms=7)
            axis.plot([p50, p99], [row, row], color=colour, lw=8, solid_capstyle="butt")
            axis.plot(
                [p50], [row], color=canvas.PAPER, marker="o", ms=8, mec=colour, mew=2, zorder=3
            )
        _write_columns(axis, row, [canvas.number(value) for value in figures])
    _write_columns(axis, -0.5, ["p50", "p99", f"max ({unit})"], weight="bold", va="bottom")
    canvas.name_rows(axis, names)
    axis.grid(axis="x", color=canvas.PALE, lw=0.6)
    axis.set_axisbelow(True)
    axis.set_xlabel(
        f"latency ({unit}, log scale); "
        "circle: p50, thick line: p50 to p99, thin line: least to most"
    )
    return canvas.done(figure)


def _write_columns(axis: Axes, row: float, texts: Sequence[str], **style) -> None:
    """Numbers right of the axis, one below the other like a table."""
    for column, text in enumerate(texts):
        axis.annotate(
            text,
            (1, row),
            xycoords=axis.get_yaxis_transform(),
            xytext=(62 * (column + 1), 0),
            textcoords="offset points",
            ha="right",
            annotation_clip=False,
            **{"va": "center", "color": canvas.INK, **style},
        )
