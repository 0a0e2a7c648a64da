"""The scorecards that all lessons have left, for the course on one page."""

import json
from pathlib import Path

import pandas as pd

from .. import charts
from ..base import places


def lessons() -> dict[int, str]:
    """The lessons of the course: number -> name."""
    return {
        int(path.stem[:2]): path.stem[3:].replace("-", " ").capitalize()
        for path in sorted(places.NOTEBOOKS.glob("[0-9][0-9]-*.ipynb"))
    }


def scorecards(folder: Path = places.SCORECARDS) -> pd.DataFrame:
    """All scorecards that this learner's runs have left: a row per lesson and variant.

    Columns: lesson (int), finding (str, the scorecard's title), variant (str), own (bool: is the
    lesson's pattern; see Lesson.scorecard), and charts.MEASURES (float64, NaN where not measured).
    No rows where no lesson has run. Raises ValueError, with its name, for a file that is no
    scorecard.
    """
    rows = []
    for file in sorted(folder.glob("*.json")):
        try:
            card = json.loads(file.read_text())
            for variant, measured in card["variants"].items():
                row = (int(file.stem), card["title"], variant, variant in card["own"])
                rows.append((*row, *(measured[name] for name in charts.MEASURES)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{file} is no scorecard ({type(error).__name__}: {error}). "
                "Delete it and run that lesson again"
            ) from error
    frame = pd.DataFrame(rows, columns=["lesson", "finding", "variant", "own", *charts.MEASURES])
    return frame.astype({"lesson": int, "own": bool, **dict.fromkeys(charts.MEASURES, float)})
