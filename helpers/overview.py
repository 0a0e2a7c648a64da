"""The whole course on one page: what each lesson measured in this learner's own runs."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from . import canvas, compose
from .charts import ALARMS, MEASURES
from .lesson import SCORECARDS

NOTEBOOKS = compose.FILE.parent / "notebooks"

# Which variants of a scorecard are the lesson's pattern, with one setting or another. The others are what it is compared with:
# another pattern, or a mistake.
OWN = {
    1: ["acks=0"],
    2: ["keeps up", "too slow (1 ms a message)"],
    3: ["synchronous"],
    4: ["at most 1,000 in flight"],
    5: ["as they come", "wait 50 ms"],
    6: ["2 members", "6 members", "B leaves", "B crashes", "B crashes, comes back"],
    7: ["pinned", "pinned, supervisor"],
    8: ["commit each message", "commit every 10th", "commit every 100th", "commit every 250th"],
    9: ["commit first, 1 in a batch", "commit first, 100 in a batch"],
    10: ["transactions, 1", "transactions, 10", "transactions, 100"],
    11: ["1 router", "2 routers", "4 routers", "with a topic for rejects"],
    12: ["transaction", "grace: no grace", "grace: 1 hour", "grace: 3 hours", "short changelog", "long changelog"],
    13: ["with jitter", "retry topics", "pausing", "parks"],
    14: ["dead letters", "none is bad", "one in ten", "one in two", "looks"],
    15: [
        "outbox", "asks every 1 s", "asks every 0.1 s", "is notified", "1 relay, batch 1", "3 relays, batch 1", "1 relay, batch 100",
        "1 relay, batch 100, marks", "three deaths",
    ],
}  # fmt: skip
LOOKS = {own: {"marker": "o", "ls": "", "ms": 5, "color": canvas.VARIANTS[0], "mfc": canvas.VARIANTS[0] if own else "none"} for own in (False, True)}


def lessons() -> dict[int, str]:
    """The lessons of the course: number -> name."""
    return {int(path.stem[:2]): path.stem[3:].replace("-", " ").capitalize() for path in sorted(NOTEBOOKS.glob("[0-9][0-9]-*.ipynb"))}


def load(folder: Path = SCORECARDS) -> pd.DataFrame:
    """All scorecards that this learner's runs have left: a row per lesson and variant.

    Columns: lesson (int), finding (str, the scorecard's title), variant (str), own (bool: is the lesson's pattern, see OWN), and
    MEASURES (float64, NaN where not measured).
    No rows where no lesson has run. Raises ValueError, with its name, for a file that is no scorecard.
    """
    rows = []
    for file in sorted(folder.glob("*.json")):
        try:
            card = json.loads(file.read_text())
            lesson, found = int(file.stem), card["variants"].items()
            rows += [(lesson, card["title"], variant, variant in OWN.get(lesson, []), *(measured[name] for name in MEASURES)) for variant, measured in found]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{file} is no scorecard ({type(error).__name__}: {error}). Delete it and run that lesson again") from error
    frame = pd.DataFrame(rows, columns=["lesson", "finding", "variant", "own", *MEASURES])
    return frame.astype({"lesson": int, "own": bool, **dict.fromkeys(MEASURES, float)})


def missing(frame: pd.DataFrame, lessons: dict[int, str]) -> list[str]:
    """Names of those `lessons` (number -> name) that have no row."""
    return [f"{number:02d} {name}" for number, name in lessons.items() if number not in set(frame["lesson"])]


@matplotlib.rc_context(canvas.STYLE)
def page(frame: pd.DataFrame, lessons: dict[int, str], *, title: str) -> Figure:
    """All lessons below each other, the six measures side by side, a mark per variant: filled for the lesson's own, hollow for the others.

    frame: as from load. `lessons`: number -> name, for all rows of the figure; one that has not run has an empty row that says so.
    Throughput, latency and lag are on log axes. Of lost and duplicated the least and the most are written, of the lesson's own
    variants and, small and below, of the others where they differ.
    Raises ValueError for no rows or a missing column.
    """
    canvas.check(frame, "overview.page", "lesson", "variant", "own", *MEASURES)
    numbers = list(lessons)
    figure, [axes] = canvas.figure(title, columns=len(MEASURES), height=1.4 + 0.36 * len(numbers), sharey=True, width_ratios=[1.2, 1, 1, 1, 1, 1])
    rows = frame["lesson"].map({number: row for row, number in enumerate(numbers)})
    for axis, (measure, heading) in zip(axes, MEASURES.items()):
        axis.set_title(heading, fontsize=9, loc="left")
        if measure in ALARMS:
            _ranges(axis, rows, frame["own"], frame[measure], ALARMS[measure])
        else:
            _marks(axis, rows, frame["own"], frame[measure])
        axis.grid(axis="y", color=canvas.PALE, lw=0.6)
        axis.set_axisbelow(True)
    axes[0].set_yticks(range(len(numbers)), [f"{number:02d} {name}" for number, name in lessons.items()], color=canvas.INK)
    axes[0].set_ylim(len(numbers) - 0.5, -0.5)
    for axis in axes:
        axis.tick_params(axis="y", length=0)
    for row, number in enumerate(numbers):
        if number not in set(frame["lesson"]):
            axes[0].text(0.03, row, "not run yet", transform=axes[0].get_yaxis_transform(), va="center", color=canvas.GREY, style="italic")
    figure.legend(
        handles=[Line2D([], [], **LOOKS[own], label=label) for own, label in ((True, "the lesson's pattern"), (False, "what it is compared with"))],
        loc="outside lower left", ncols=2, frameon=False,
    )  # fmt: skip
    return canvas.done(figure)


def _marks(axis: Axes, rows: pd.Series, own: pd.Series, values: pd.Series) -> None:
    for which, look in LOOKS.items():
        chosen = (values > 0) & (own == which)
        if chosen.any():  # an empty line that isn't clipped has no extent, and upsets the layout
            axis.plot(values[chosen], rows[chosen], **look, clip_on=False)
    low, high = canvas.log_axis(axis.xaxis, values)
    powers = np.arange(np.ceil(np.log10(low)), np.floor(np.log10(high)) + 1)
    ticks = 10.0 ** powers[:: max(1, int(np.ceil(len(powers) / 3)))]
    axis.set_xticks(ticks, [f"{canvas.number(tick / 1000)}k" if tick >= 1000 else canvas.number(tick) for tick in ticks])


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
            axis.text(0.06, row + 0.24, f"others: {_range(others)}", va="center", color=canvas.GREY, fontsize=7.5)


def _range(values: pd.Series) -> str:
    least, most = values.min(), values.max()
    return canvas.number(most) if least == most or np.isnan(most) else f"{canvas.number(least)} – {canvas.number(most)}"
