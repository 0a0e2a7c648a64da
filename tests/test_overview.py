"""The whole course on one page."""

import json

import pytest

from helpers import overview

LESSONS = {1: "Fire and forget", 2: "Simple consumer"}
CARD = {
    "title": "A finding",
    "variants": {
        "acks=0": {"throughput": 20_000.0, "p50_ms": 0.5, "p99_ms": 7.0, "lag": 20.0, "lost": 179.0, "duplicated": 0.0},
        "acks=all": {"throughput": 15_000.0, "p50_ms": 4.0, "p99_ms": None, "lag": None, "lost": 0.0, "duplicated": 0.0},
    },
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "01.json").write_text(json.dumps(CARD))
    return tmp_path


def test_a_row_per_lesson_and_variant(folder):
    frame = overview.load(folder)
    assert frame[["lesson", "variant"]].values.tolist() == [[1, "acks=0"], [1, "acks=all"]]
    assert frame["finding"].unique().tolist() == ["A finding"]
    assert frame["lost"].tolist() == [179, 0] and frame["p99_ms"].isna().tolist() == [False, True]


def test_lessons_that_have_not_run_are_named(folder):
    assert overview.missing(overview.load(folder), LESSONS) == ["02 Simple consumer"]
    assert overview.missing(overview.load(folder / "nowhere"), LESSONS) == ["01 Fire and forget", "02 Simple consumer"]


def test_the_page_writes_what_was_lost_and_says_what_is_missing(folder):
    axes = overview.page(overview.load(folder), LESSONS, title="A page").axes
    assert [label.get_text() for label in axes[0].get_yticklabels()] == ["01 Fire and forget", "02 Simple consumer"]
    assert "not run yet" in {text.get_text() for text in axes[0].texts}
    assert {text.get_text() for text in axes[4].texts} == {"0 – 179"}
    assert {text.get_text() for text in axes[5].texts} == {"0"}
    assert sorted(axes[0].lines[0].get_xdata()) == [15_000, 20_000]


def test_a_file_that_is_no_scorecard_is_named(folder):
    (folder / "02.json").write_text('{"title": "half')
    with pytest.raises(ValueError, match="02.json is no scorecard"):
        overview.load(folder)


def test_no_rows_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no rows"):
        overview.page(overview.load(tmp_path), LESSONS, title="A page")


def test_the_lessons_are_the_notebooks():
    assert overview.lessons()[1] == "Fire and forget"
    assert list(overview.lessons()) == list(range(1, 16))
