"""What runs now: the last seconds of a stream, as it goes on."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import canvas, marks

# From picture to picture the same, so that nothing moves but the lines. In inches, from the top:
# title, labels of events, three panels, time axis.
LABELS, PANEL, BETWEEN, AXIS = 0.46, 0.78, 0.13, 0.46
LEFT, RIGHT = 1.12, 1.05
PANELS_AND_AXIS = 3 * PANEL + 2 * BETWEEN + AXIS
HEIGHT = 0.38 + LABELS + PANELS_AND_AXIS

# Frame -> the name of its axis, and column -> how it is written, its line, its colour.
PANELS = {
    "throughput": ("throughput\n(messages/s)", {"per_s": ("", "-", canvas.VARIANTS[0])}),
    "latency": (
        "latency\n(ms, log scale)",
        {
            "p50_ms": ("p50", "-", canvas.VARIANTS[0]),
            "p99_ms": ("p99", (0, (3, 1)), canvas.VARIANTS[7]),
        },
    ),
    "lag": ("lag\n(messages)", {"lag": ("", "-", canvas.VARIANTS[0])}),
}
HEIGHTS = {1: [0.5], 2: [0.24, 0.76]}  # of the newest numbers beside an axis, by how many


def live(
    frames: Mapping[str, pd.DataFrame],
    *,
    title: str,
    window: tuple[float, float],
    events: canvas.Events = (),
) -> Figure:
    """Throughput, latency and lag of one stream on one clock, below each other, with the newest
    number of each at the right.

    frames: ``throughput`` with columns seconds, per_s (messages per second); ``latency`` with
    seconds, p50_ms, p99_ms (milliseconds); ``lag`` with seconds, lag (messages). A frame without
    rows makes an empty panel: a stream begins with nothing. window: the seconds to draw (from, to).
    events: (seconds, label) pairs, drawn as upright marks through all three; a label for which
    there is no room is left out, the older one first. Raises ValueError for a missing frame or
    column, and for a window that ends before it starts.
    """
    screen = Screen(title)
    screen.show(frames, window=window, events=events)
    return canvas.done(screen.figure, settled=True)


class Screen:
    """The figure `live`, made once and shown again and again with other frames: for half the price.

    Its pictures are all of one size.
    """

    @canvas.styled
    def __init__(self, title: str):
        self.figure, axes = canvas.figure(title, rows=3, height=HEIGHT, sharex=True)
        [self._title] = self.figure.texts
        self.figure.set_layout_engine(None)
        total = self.figure.get_figheight()
        self.figure.subplots_adjust(
            left=LEFT / canvas.WIDTH,
            right=1 - RIGHT / canvas.WIDTH,
            bottom=AXIS / total,
            top=PANELS_AND_AXIS / total,
            hspace=BETWEEN / PANEL,
        )
        self._axes = dict(zip(PANELS, axes[:, 0]))
        self._lines, self._newest = {}, {}
        for name, axis in self._axes.items():
            self._prepare(axis, *PANELS[name])
        self._limits: dict[str, tuple[float, float]] = {}
        self._marks: list[Artist] = []

    def _prepare(self, axis: Axes, label: str, lines: Mapping[str, tuple]) -> None:
        axis.set_ylabel(label, fontsize=8.5)
        axis.yaxis.set_label_coords(-0.8 / (canvas.WIDTH - LEFT - RIGHT), 0.5)
        axis.tick_params(axis="y", labelsize=8)
        axis.grid(axis="y", color=canvas.PALE, lw=0.6)
        for (column, (_, style, colour)), height in zip(lines.items(), HEIGHTS[len(lines)]):
            [self._lines[column]] = axis.plot([], ls=style, lw=1.8, color=colour, ms=4)
            self._newest[column] = axis.text(
                1.015,
                height,
                "",
                transform=axis.transAxes,
                va="center",
                fontsize=10,
                weight="bold",
                color=canvas.darker(colour),
            )

    @canvas.styled
    def show(
        self,
        frames: Mapping[str, pd.DataFrame],
        *,
        window: tuple[float, float],
        events: canvas.Events = (),
        title: str | None = None,
    ) -> Figure:
        """The figure, with what `live` is given. A new `title` has to fit into one line.

        Raises as `live` does.
        """
        if missing := [name for name in PANELS if name not in frames]:
            raise ValueError(f"live: there is no frame {', '.join(missing)}")
        for name, (_, lines) in PANELS.items():
            canvas.check_columns(frames[name], f"live, {name}", "seconds", *lines)
        low, high = window
        if not low < high:
            raise ValueError(f"live: the window {window} ends before it starts")
        if title is not None:
            self._title.set_text(title)
        for name, axis in self._axes.items():
            frame = frames[name].sort_values("seconds")
            self._draw(name, axis, frame[frame["seconds"].between(low, high)])
        self._mark(window, events)
        return self.figure

    def _mark(self, window: tuple[float, float], events: canvas.Events) -> None:
        for artist in self._marks:
            artist.remove()
        axes, own = list(self._axes.values()), list(self._lines.values())
        labelled = marks.time_axis(axes, [], events, window)
        marks.stagger(axes[0], labelled, highest=LABELS * canvas.DPI)
        self._marks = [text for _, text in labelled]
        self._marks += [line for axis in axes for line in axis.lines if line not in own]

    def _draw(self, name: str, axis: Axes, frame: pd.DataFrame) -> None:
        columns = PANELS[name][1]
        values = frame[list(columns)].to_numpy(float)
        log = name == "latency"
        limits = _decades(values) if log else (0, _round_top(values))
        # A rate of 2,000 is now 1,990 and now 2,010: the axis must not come and go with it.
        low, high = kept = self._limits.get(name, (math.inf, -math.inf))
        if low <= limits[0] and limits[1] <= high <= limits[1] * (10 if log else 2.5):
            limits = kept
        else:
            self._limits[name] = limits
            _scale(axis, limits, log)
        for column, (word, _, _) in columns.items():
            seen = frame[column].dropna()
            self._lines[column].set_data(frame["seconds"], frame[column].clip(*limits))
            # A single value makes no line.
            self._lines[column].set_marker("o" if len(seen) == 1 else "")
            newest = canvas.number(seen.iloc[-1]) if len(seen) else "–"
            self._newest[column].set_text(f"{word} {newest}".strip())


def _scale(axis: Axes, limits: tuple[float, float], log: bool) -> None:
    low, high = limits
    if log:
        canvas.log_axis(axis.yaxis, (low * 1.06, high / 1.06))
        powers = range(round(math.log10(low)), round(math.log10(high)) + 1)
        axis.set_yticks([10.0**power for power in powers[:: math.ceil(len(powers) / 4)]])
    else:
        axis.set_ylim(low, high)
        axis.set_yticks([low, high / 2, high])
        axis.yaxis.set_major_formatter(lambda value, _: canvas.number(value))


# Both limits are round, so that an axis seldom changes while the lines move.


def _decades(values: np.ndarray) -> tuple[float, float]:
    values = values[np.isfinite(values) & (values > 0)]
    low, high = (values.min(), values.max()) if len(values) else (1, 10)
    low, high = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return 10.0**low, 10.0 ** max(high, low + 1)


def _round_top(values: np.ndarray) -> float:
    highest, top = np.nanmax(values, initial=0) * 1.02, 2.0
    steps = (2.5, 2, 2)  # 2, 5, 10, 20, 50, …
    for place in range(60):
        if top >= highest:
            break
        top *= steps[place % 3]
    return top
