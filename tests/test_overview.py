"""The whole course on one page."""

import html
import json
import re

import nbformat
import pytest

from helpers import notebooks, overview

LESSONS = {1: "Fire and forget", 2: "Simple consumer"}
CARD = {
    "title": "A finding",
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
    frame = overview.load(folder)
    assert frame[["lesson", "variant"]].values.tolist() == [[1, "acks=0"], [1, "acks=all"]]
    assert frame["own"].tolist() == [True, False]
    assert frame["finding"].unique().tolist() == ["A finding"]
    assert frame["lost"].tolist() == [179, 0] and frame["p99_ms"].isna().tolist() == [False, True]


def test_lessons_that_have_not_run_are_named(folder):
    assert overview.missing(overview.load(folder), LESSONS) == ["02 Simple consumer"]
    assert overview.missing(overview.load(folder / "nowhere"), LESSONS) == [
        "01 Fire and forget",
        "02 Simple consumer",
    ]


def test_the_page_writes_what_was_lost_and_says_what_is_missing(folder):
    axes = overview.page(overview.load(folder), LESSONS, title="A page").axes
    assert [label.get_text() for label in axes[0].get_yticklabels()] == [
        "01 Fire and forget",
        "02 Simple consumer",
    ]
    assert "not run yet" in {text.get_text() for text in axes[0].texts}
    assert [text.get_text() for text in axes[4].texts] == ["179", "others: 0"]
    assert [text.get_text() for text in axes[5].texts] == ["0"]


def test_the_pattern_is_filled_and_what_it_is_compared_with_is_hollow(folder):
    marks = overview.page(overview.load(folder), LESSONS, title="A page").axes[0].lines
    assert {line.get_markerfacecolor() == "none": list(line.get_xdata()) for line in marks} == {
        True: [15_000],
        False: [20_000],
    }


def test_a_lesson_whose_variants_are_all_unknown_has_no_numbers_of_its_own(folder):
    frame = overview.load(folder).assign(own=False)
    axes = overview.page(frame, LESSONS, title="A page").axes
    assert [text.get_text() for text in axes[4].texts] == ["–", "others: 0 – 179"]


def test_every_lesson_names_variants_that_its_scorecard_has():
    assert list(overview.OWN) == list(overview.lessons())
    course = nbformat.read(notebooks.all_notebooks()[-1], as_version=4)
    [table] = next(cell.outputs for cell in course.cells if cell.id == "overview-table")
    heads = re.findall(r"<th[^>]*>(.*?)</th>", table.data["text/html"].split("<tbody>")[1])
    saved = {}
    for head in map(html.unescape, heads):
        if head.isdigit():
            variants = saved.setdefault(int(head), [])
        elif head not in "●○":
            variants.append(head)
    # After a run of the last lesson alone the page lacks those that had not run.
    assert saved
    assert not {
        lesson: wrong
        for lesson, found in saved.items()
        if (wrong := set(overview.OWN[lesson]) - set(found))
    }


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
