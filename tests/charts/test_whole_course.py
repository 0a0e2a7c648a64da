"""overview: the whole course on one page."""

import pytest

from helpers import charts

from figures import cards

LESSONS = {1: "Fire and forget", 2: "Simple consumer"}


@pytest.fixture
def frame():
    return cards(
        [1],
        ["acks=0", "acks=all"],
        throughput=[20_000, 15_000],
        lost=[179, 0],
        duplicated=0,
    )


def test_what_was_lost_is_written_and_which_lesson_is_missing(frame):
    axes = charts.overview(frame, LESSONS, title="A page").axes
    assert [label.get_text() for label in axes[0].get_yticklabels()] == [
        "01 Fire and forget",
        "02 Simple consumer",
    ]
    assert "not run yet" in {text.get_text() for text in axes[0].texts}
    assert [text.get_text() for text in axes[4].texts] == ["179", "others: 0"]
    assert [text.get_text() for text in axes[5].texts] == ["0"]


def test_the_pattern_is_filled_and_what_it_is_compared_with_is_hollow(frame):
    marks = charts.overview(frame, LESSONS, title="A page").axes[0].lines
    assert {line.get_markerfacecolor() == "none": list(line.get_xdata()) for line in marks} == {
        True: [15_000],
        False: [20_000],
    }


def test_a_lesson_whose_variants_are_all_for_comparison_has_no_numbers_of_its_own(frame):
    axes = charts.overview(frame.assign(own=False), LESSONS, title="A page").axes
    assert [text.get_text() for text in axes[4].texts] == ["–", "others: 0 – 179"]
