"""What all figures share: the paper, the colours, how a number is written, and how a figure shows
itself.

Three rules hold for all of them. The title says what was found. A variant has one colour, by its
place in the order of variants. Colour is never the only sign: line styles, markers, hatches or
written names tell the same thing in grey.
"""

import base64
import functools
import io
import math
import textwrap
import threading
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import ParamSpec, TypeVar

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    NullFormatter,
    NullLocator,
)
from PIL import Image

PAPER, INK, GREY, PALE = "#FBFBF8", "#222222", "#6B6B6B", "#DCDCD8"

# What became of a message. Dark, middle and light, so they also differ in grey.
OK, FAILED, SILENT, DUPLICATED = "#B9C6CF", "#E69F00", "#B5121B", "#7A4EAB"

# For variants: Okabe and Ito's colours without orange and red, which mean losses, and without
# yellow, unseen on paper.
VARIANTS = ["#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#4D4D4D", "#999933", "#332288", "#A6761D"]
LINES = ["-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (8, 3)), (0, (3, 1, 1, 1))]
MARKERS = ["o", "^", "s", "D", "v", "P", "X"]

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.facecolor": PAPER,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "hatch.linewidth": 0.8,
}
WIDTH, DPI = 8.0, 96
GAP = 6  # points between a bar, with the dot at its end, and its number

Events = Iterable[tuple[float, str]]  # (seconds, label)
Frames = (
    pd.DataFrame | Mapping[str, pd.DataFrame]
)  # one frame with a column variant, or a frame per variant


Arguments, Answer = ParamSpec("Arguments"), TypeVar("Answer")
_at_a_time = threading.RLock()


def styled(draw: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """For each function that draws a figure: it draws in the course's style, one at a time.

    matplotlib's settings belong to the whole process. A live figure is drawn by a thread of its
    own, and what that leaves half done would be the style of a cell's figure.
    """

    @functools.wraps(draw)
    def drawn(*args: Arguments.args, **more: Arguments.kwargs) -> Answer:
        with _at_a_time, matplotlib.rc_context(STYLE):
            return draw(*args, **more)

    return drawn


class Chart(Figure):
    """A figure that shows itself in a notebook as one PNG, and that pyplot doesn't know of (so
    nothing to close).
    """

    def png(self, quick: bool = False) -> bytes:
        """The picture. A notebook keeps every one: it gets a palette of colours, smaller where it
        would pass 60 kB. With `quick` it is larger and costs less: for one that is soon replaced.
        """
        self.canvas.draw()
        picture = Image.fromarray(np.asarray(self.canvas.buffer_rgba())).convert("RGB")
        if quick:
            file = io.BytesIO()
            picture.save(file, "png", compress_level=1)
            return file.getvalue()
        for colours in (256, 64, 16):
            file = io.BytesIO()
            picture.quantize(colours, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
                file, "png", compress_level=8
            )
            if file.tell() < 60_000:
                break
        return file.getvalue()

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict[str, str], dict]:
        # Not _repr_png_: in a notebook that has imported pyplot, that would be passed over for
        # pyplot's own PNG.
        data = {"image/png": base64.b64encode(self.png()).decode(), "text/plain": repr(self)}
        return data, {"image/png": {"alt": self._title()}}

    def __repr__(self) -> str:
        return f"<Chart: {self._title()}>"

    __str__ = __repr__

    def _title(self) -> str:
        return " ".join(self.get_suptitle().split())


def palette(variants: Iterable[str]) -> dict[str, str]:
    """A colour per variant, by order of first appearance; after eight, they start again (with
    another line style).
    """
    names = dict.fromkeys(map(str, variants))
    return {name: VARIANTS[place % len(VARIANTS)] for place, name in enumerate(names)}


def marker(place: int) -> str:
    """The marker of the variant at this place in the order of variants."""
    return MARKERS[place % len(MARKERS)]


def line(place: int) -> str | tuple:
    """The line style of the variant at this place in the order of variants."""
    return LINES[place % len(LINES)]


def joined(frames: Frames, what: str, *columns: str, gaps: bool = False) -> pd.DataFrame:
    """One frame with a column variant. With `gaps`, a variant without rows has one of NaN.

    Raises ValueError, in the name of the figure `what`, for no variant, and for one without rows or
    without one of the columns: it would be missing from the figure, and nobody would see that.
    """
    if isinstance(frames, pd.DataFrame):
        check(frames, what, "variant", *columns)
        return frames
    if not frames:
        raise ValueError(f"{what}: there is no variant to draw")
    if gaps and not all(frame.empty for frame in frames.values()):
        frames = {
            variant: frame.reindex([0]) if frame.empty else frame
            for variant, frame in frames.items()
        }
    for variant, frame in frames.items():
        check(frame, f"{what}, {variant}", *columns)
    return pd.concat(
        [frame.assign(variant=str(variant)) for variant, frame in frames.items()], ignore_index=True
    )


def check_columns(frame: pd.DataFrame, what: str, *columns: str) -> None:
    """Raises ValueError, in the name of the figure `what`, for a missing column."""
    if missing := [column for column in columns if column not in frame.columns]:
        raise ValueError(
            f"{what}: missing column {', '.join(missing)}; "
            f"the frame has {', '.join(map(str, frame.columns))}"
        )


def check(frame: pd.DataFrame, what: str, *columns: str, index: bool = False) -> None:
    """Raises ValueError, in the name of the figure `what`, for no rows, a missing column, or, with
    `index`, a variant twice in the index.
    """
    check_columns(frame, what, *columns)
    if frame.empty:
        raise ValueError(f"{what}: the frame has no rows")
    if index and frame.index.has_duplicates:
        raise ValueError(
            f"{what}: the index names a variant twice: {', '.join(map(str, frame.index))}"
        )


def groups(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of each variant, in order of first appearance."""
    return {str(name): group for name, group in frame.groupby("variant", sort=False, observed=True)}


def figure(
    title: str, *, rows: int = 1, columns: int = 1, height: float = 3.5, **grid
) -> tuple[Chart, np.ndarray]:
    """A figure with its title, wrapped to the width, and a table of axes. height: inches, for a
    title of one line.
    """
    figure = Chart(figsize=(WIDTH, height), dpi=DPI, facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.06)
    axes = figure.subplots(rows, columns, squeeze=False, **grid)
    heading = figure.suptitle("", x=0.012, ha="left", fontsize=12, weight="bold")
    for width in range(84, 10, -2):
        heading.set_text(textwrap.fill(title, width))
        if heading.get_window_extent().width < 0.97 * WIDTH * DPI:
            break
    figure.set_figheight(height + 0.2 * heading.get_text().count("\n"))
    return figure, axes


def height(names: Iterable[str], per_line: float = 0.17, least: int = 1) -> float:
    """Inches for a figure with a row per name."""
    names = list(names)
    lines = max(least, *(wrap(name).count("\n") + 1 for name in names), 1)
    return max(2.6, 1.4 + len(names) * max(0.5, per_line * lines + 0.15))


def beside(names: Iterable[str]) -> float:
    """Inches for a figure with a column of names right of its axes."""
    return 1.3 + sum(0.16 * (wrap(name).count("\n") + 1) + 0.06 for name in names)


def name_rows(axis: Axes, names: Iterable[str]) -> None:
    """Name the rows of a figure at its left, the first on top."""
    names = [wrap(name) for name in names]
    axis.set_yticks(range(len(names)), names, color=INK)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)


def log_axis(axis, values: Iterable[float]) -> tuple[float, float]:
    """Make an x or y axis logarithmic, with plain numbers at its ticks; returns limits around the
    values above 0.
    """
    values = np.asarray(values, float)
    values = values[np.isfinite(values) & (values > 0)]
    low, high = (values.min() / 1.05, values.max() * 1.05) if len(values) else (0.1, 1)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**power for power, step in product(powers, (1, 2, 5))]
    # From tick to tick, so that even a single value stands between two.
    low, high = (
        max(tick for tick in ticks if tick <= low),
        min(tick for tick in ticks if tick >= high),
    )
    if high / low >= 1000:
        ticks = [10.0**power for power in powers[:: math.ceil(len(powers) / 6)]]
    name = axis.axis_name
    axis.axes.set(**{f"{name}scale": "log", f"{name}lim": (low, high)})
    axis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    return low, high


def thin(axis: Axes) -> None:
    """Leave out numbers at the x axis that would touch the next one; the highest stays. For axes
    that are laid out.
    """
    low, high = axis.get_xlim()
    free = math.inf
    for tick in reversed(axis.xaxis.get_major_ticks()):
        if not low <= tick.get_loc() <= high:
            continue
        label = tick.label1
        box = label.get_window_extent()
        # Slanted by 30 degrees, two are apart by half the distance of their ticks.
        slanted = label.get_rotation() and 2 * label.get_fontsize() * DPI / 72
        left, right = (box.x1 - slanted, box.x1) if slanted else (box.x0, box.x1)
        if right + 4 > free:
            label.set_visible(False)
        else:
            free = left


def number(value: float) -> str:
    """11559 -> "11,559", 1.7321 -> "1.73", NaN -> "–"."""
    if not math.isfinite(value):
        return "–"
    if abs(value) >= 1e9:
        return f"{value:.2e}"
    if abs(value) >= 100 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def share(part: float, whole: float) -> str:
    """A percentage rounded down, so that 11,558 of 11,559 doesn't read as 100%."""
    return (
        f"{math.floor(1e4 * part / whole) / 100:g}%"
        if whole and math.isfinite(part / whole)
        else "–"
    )


def wrap(name: str, width: int = 20, lines: int | None = 3) -> str:
    """Lines of at most this many letters, and the rest cut off; or, without a limit to the lines,
    only whole words.
    """
    return "\n".join(
        textwrap.wrap(
            str(name), width, max_lines=lines, placeholder=" …", break_long_words=lines is not None
        )
    )


def darker(colour: str) -> str:
    """The colour, dark enough for letters."""
    return matplotlib.colors.to_hex(np.array(matplotlib.colors.to_rgb(colour)) * 0.75)


def settle(figure: Figure) -> None:
    """Lay the axes out, so that places can be asked for in pixels."""
    figure.get_layout_engine().execute(figure)


def done(figure: Figure, *, settled: bool = False) -> Figure:
    """The finished figure: laid out, and never again, however often it is shown. settled: nothing
    that takes room has changed since settle.
    """
    if not settled:
        settle(figure)
    figure.set_layout_engine("none")
    return figure
