"""The whole course on one page: what each lesson measured in this learner's own runs."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import canvas, compose
from .charts import ALARMS, MEASURES
from .lesson import SCORECARDS

NOTEBOOKS = compose.FILE.parent / "notebooks"


def lessons() -> dict[int, str]:
    """The lessons of the course: number -> name."""
    return {int(path.stem[:2]): path.stem[3:].replace("-", " ").capitalize() for path in sorted(NOTEBOOKS.glob("[0-9][0-9]-*.ipynb"))}


def load(folder: Path = SCORECARDS) -> pd.DataFrame:
    """All scorecards that this learner's runs have left: a row per lesson and variant.

    Columns: lesson (int), finding (str, the scorecard's title), variant (str), and MEASURES (float64, NaN where not measured).
    No rows where no lesson has run. Raises ValueError, with its name, for a file that is no scorecard.
    """
    rows = []
    for file in sorted(folder.glob("*.json")):
        try:
            card = json.loads(file.read_text())
            lesson, found = int(file.stem), card["variants"].items()
            rows += [(lesson, card["title"], variant, *(measured[name] for name in MEASURES)) for variant, measured in found]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{file} is no scorecard ({type(error).__name__}: {error}). Delete it and run that lesson again") from error
    frame = pd.DataFrame(rows, columns=["lesson", "finding", "variant", *MEASURES])
    return frame.astype({"lesson": int, **dict.fromkeys(MEASURES, float)})


def missing(frame: pd.DataFrame, lessons: dict[int, str]) -> list[str]:
    """Names of those `lessons` (number -> name) that have no row."""
    return [f"{number:02d} {name}" for number, name in lessons.items() if number not in set(frame["lesson"])]


@matplotlib.rc_context(canvas.STYLE)
def page(frame: pd.DataFrame, lessons: dict[int, str], *, title: str) -> Figure:
    """All lessons below each other, the six measures side by side, a mark per variant.

    frame: as from load. `lessons`: number -> name, for all rows of the figure; one that has not run has an empty row that says so.
    Throughput, latency and lag are on log axes; of lost and duplicated the least and the most of the variants are written.
    Raises ValueError for no rows or a missing column.
    """
    canvas.check(frame, "overview.page", "lesson", "variant", *MEASURES)
    numbers = list(lessons)
    figure, [axes] = canvas.figure(title, columns=len(MEASURES), height=1.1 + 0.36 * len(numbers), sharey=True, width_ratios=[1.3, 1, 1, 1, 0.8, 0.8])
    rows = frame["lesson"].map({number: row for row, number in enumerate(numbers)})
    for axis, (measure, heading) in zip(axes, MEASURES.items()):
        axis.set_title(heading, fontsize=9, loc="left")
        if measure in ALARMS:
            _range(axis, frame.groupby(rows)[measure].agg(["min", "max"]), ALARMS[measure])
        else:
            _marks(axis, rows, frame[measure])
        axis.grid(axis="y", color=canvas.PALE, lw=0.6)
        axis.set_axisbelow(True)
    axes[0].set_yticks(range(len(numbers)), [f"{number:02d} {name}" for number, name in lessons.items()], color=canvas.INK)
    axes[0].set_ylim(len(numbers) - 0.5, -0.5)
    for axis in axes:
        axis.tick_params(axis="y", length=0)
    for row, number in enumerate(numbers):
        if number not in set(frame["lesson"]):
            axes[0].text(0.03, row, "not run yet", transform=axes[0].get_yaxis_transform(), va="center", color=canvas.GREY, style="italic")
    return canvas.done(figure)


def _marks(axis: Axes, rows: pd.Series, values: pd.Series) -> None:
    known = values > 0
    axis.plot(values[known], rows[known], "o", color=canvas.VARIANTS[0], mfc="none", ms=5, clip_on=False)
    low, high = canvas.log_axis(axis.xaxis, values)
    powers = np.arange(np.ceil(np.log10(low)), np.floor(np.log10(high)) + 1)
    ticks = 10.0 ** powers[:: max(1, int(np.ceil(len(powers) / 3)))]
    axis.set_xticks(ticks, [f"{canvas.number(tick / 1000)}k" if tick >= 1000 else canvas.number(tick) for tick in ticks])


def _range(axis: Axes, found: pd.DataFrame, colour: str) -> None:
    axis.set_xticks([])
    axis.set_xlim(0, 1)
    axis.spines["bottom"].set_visible(False)
    for row, least, most in found.itertuples():
        text = canvas.number(most) if least == most or np.isnan(most) else f"{canvas.number(least)} – {canvas.number(most)}"
        look = {"color": colour, "weight": "bold"} if most > 0 else {"color": canvas.GREY}
        axis.text(0.06, row, text, va="center", **look)
