"""The figure of a measurement: what each variant gains and what it pays, in three panels."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import canvas, marks


@canvas.styled
def tradeoff(
    rates: pd.DataFrame,
    *,
    latencies: Mapping[str, Sequence[float]],
    lag: pd.DataFrame,
    title: str,
) -> Figure:
    """Throughput, latency and lag of each variant side by side, a row per variant.

    rates: columns variant, messages_per_s; a row per round; the bar is their median, the dots are
    the rounds. latencies: variant -> seconds, shape (n,); a circle for p50, a thick line to p99, on
    a log axis. lag: columns variant, lag (messages), a row per sample; a circle for the median, a
    line to the largest. Raises ValueError for no rows, a missing column, or a variant of `rates`
    without latencies or lag.
    """
    canvas.check(rates, "tradeoff", "variant", "messages_per_s")
    canvas.check_columns(lag, "tradeoff", "variant", "lag")
    rounds = canvas.groups(rates)
    for what, there in (("latencies", latencies), ("lag", set(lag["variant"]))):
        if missing := [name for name in rounds if name not in there]:
            raise ValueError(f"tradeoff: {', '.join(missing)} has no {what}")
    colours = canvas.palette(rounds)
    figure, [axes] = canvas.figure(
        title, columns=3, height=canvas.height(rounds) + 0.2, sharey=True
    )
    canvas.name_rows(axes[0], rounds)
    _heads(axes, ["throughput", "latency", "lag"])
    _throughput(axes[0], rounds, colours)
    spans = {name: 1000 * np.percentile(latencies[name], [50, 99]) for name in rounds}
    canvas.log_axis(axes[1].xaxis, np.concatenate(list(spans.values())))
    _spans(axes[1], spans, colours)
    axes[1].set_xlabel("ms, log scale; circle: p50,\nline: to p99")
    behind = {
        name: np.array([lag.loc[lag["variant"] == name, "lag"].median(), group["lag"].max()])
        for name, group in canvas.groups(lag).items()
    }
    _spans(axes[2], {name: behind[name] for name in rounds}, colours)
    axes[2].set_xlim(0, max(1.0, 1.1 * max(behind[name][1] for name in rounds)))
    marks.round_ticks(axes[2].xaxis, 4, integer=True)
    axes[2].set_xlabel("messages; circle: median,\nline: to the largest")
    for axis in axes:
        axis.grid(axis="x", color=canvas.PALE, lw=0.6)
        axis.set_axisbelow(True)
    canvas.settle(figure)
    for axis in axes:
        canvas.thin(axis)
    return canvas.done(figure)


def _heads(axes: Sequence[Axes], headings: Sequence[str]) -> None:
    for axis, heading in zip(axes, headings, strict=True):
        axis.set_title(heading, fontsize=10, loc="left", weight="bold")
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)


def _throughput(axis: Axes, rounds: Mapping[str, pd.DataFrame], colours: Mapping[str, str]) -> None:
    for row, (name, group) in enumerate(rounds.items()):
        rates = group["messages_per_s"]
        axis.barh(row, rates.median(), 0.55, color=colours[name], zorder=2)
        if len(rates) > 1:
            # Spread up and down a little: rounds that are nearly equal would hide one another.
            axis.scatter(
                rates,
                row + np.linspace(-0.2, 0.2, len(rates)),
                s=18,
                facecolor=canvas.PAPER,
                edgecolor=canvas.INK,
                linewidth=1,
                zorder=3,
            )
    highest = max(group["messages_per_s"].max() for group in rounds.values())
    axis.set_xlim(0, 1.08 * highest if np.isfinite(highest) and highest > 0 else 1)
    marks.round_ticks(axis.xaxis, 3)
    several = any(len(group) > 1 for group in rounds.values())
    axis.set_xlabel("messages per second" + "; bar:\nmedian, dots: the rounds" * several)


def _spans(axis: Axes, spans: Mapping[str, np.ndarray], colours: Mapping[str, str]) -> None:
    """A circle at the first number of each row, and a line from there to the second."""
    for row, (name, (middle, high)) in enumerate(spans.items()):
        colour = colours[name]
        axis.plot([middle, high], [row, row], color=colour, lw=6, solid_capstyle="butt")
        axis.plot(
            [middle],
            [row],
            color=canvas.PAPER,
            marker="o",
            ms=8,
            mec=colour,
            mew=2,
            zorder=3,
            clip_on=False,
        )
