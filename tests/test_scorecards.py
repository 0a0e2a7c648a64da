"""The scorecards that the lessons have left, for the overview."""

import json
import re

import nbformat
import pandas as pd
import pytest

from helpers import charts, lesson
from helpers.base import places

LESSONS = {1: "Fire and forget", 2: "Simple consumer"}
CARD = {
    "title": "A finding",
    "own": ["acks=0"],
    "variants": {
        "acks=0": {
            "throughput": 20_000.0,
            "p50_ms": 0.5,
            "p99_ms": 7.0,
            "lag": 20.0,
            "lost": 179.0,
            "duplicated": 0.0,
        },
        "acks=all": {
            "throughput": 15_000.0,
            "p50_ms": 4.0,
            "p99_ms": None,
            "lag": None,
            "lost": 0.0,
            "duplicated": 0.0,
        },
    },
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "01.json").write_text(json.dumps(CARD))
    return tmp_path


def test_a_row_per_lesson_and_variant(folder):
    frame = lesson.scorecards(folder)
    assert frame[["lesson", "variant"]].values.tolist() == [[1, "acks=0"], [1, "acks=all"]]
    assert frame["own"].tolist() == [True, False]
    assert frame["finding"].unique().tolist() == ["A finding"]
    assert frame["lost"].tolist() == [179, 0] and frame["p99_ms"].isna().tolist() == [False, True]


def test_the_overview_draws_them_and_refuses_none(folder, tmp_path):
    axes = charts.overview(lesson.scorecards(folder), LESSONS, title="A page").axes
    assert [text.get_text() for text in axes[4].texts] == ["179", "others: 0"]
    with pytest.raises(ValueError, match="no rows"):
        charts.overview(lesson.scorecards(tmp_path / "nowhere"), LESSONS, title="A page")


@pytest.mark.parametrize(
    "text",
    [
        '{"title": "half',
        "[]",
        json.dumps({"title": "no variants", "own": []}),
        json.dumps({"title": "as before own was kept", "variants": CARD["variants"]}),
        json.dumps({**CARD, "variants": {"acks=0": {"lost": 1}}}),
    ],
)
def test_a_file_that_is_no_scorecard_is_named(folder, text):
    (folder / "02.json").write_text(text)
    with pytest.raises(ValueError, match="02.json is no scorecard"):
        lesson.scorecards(folder)


def test_what_a_lesson_leaves_is_read_again(monkeypatch, tmp_path):
    monkeypatch.setattr(places, "SCORECARDS", tmp_path)
    frame = pd.DataFrame.from_dict(CARD["variants"], orient="index", dtype=float)
    run = object.__new__(lesson.Lesson)  # without a cluster
    run.number = 7
    run.scorecard(frame, own=["acks=all"], title="A finding")
    read = lesson.scorecards(tmp_path)
    assert read["lesson"].tolist() == [7, 7] and read["own"].tolist() == [False, True]
    assert read.set_index("variant")[list(charts.MEASURES)].equals(
        frame[list(charts.MEASURES)].rename_axis("variant")
    )


def test_a_pattern_that_the_scorecard_lacks_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(places, "SCORECARDS", tmp_path)
    frame = pd.DataFrame.from_dict(CARD["variants"], orient="index", dtype=float)
    with pytest.raises(ValueError, match="no variant acks=1; it has acks=0, acks=all"):
        object.__new__(lesson.Lesson).scorecard(frame, own=["acks=1"], title="A finding")
    assert not list(tmp_path.iterdir())


def test_the_lessons_are_the_notebooks():
    assert lesson.lessons()[1] == "Fire and forget"
    assert list(lesson.lessons()) == list(range(1, 16))


def test_the_readme_has_the_table_of_the_last_lesson():
    [path] = places.NOTEBOOKS.glob("15-*.ipynb")
    [page] = [cell.source for cell in nbformat.read(path, 4).cells if cell.id == "page"]
    readme = (places.ROOT / "README.md").read_text(encoding="utf-8").replace("](notebooks/", "](")
    table = [line for line in page.splitlines() if line.startswith("|")]
    assert "\n".join(table) in readme
    linked = {int(number) for line in table for number in re.findall(r"\]\((\d\d)-", line)}
    assert linked == set(lesson.lessons())
