"""Knobs over a figure that a function draws, with its widgets used as a browser uses them."""

import pandas as pd
import pytest

from helpers import charts
from helpers.base import places
from helpers.base.widgets import VIEW
from helpers.learn import drawn

asked = []


def draw(count, colour):
    asked.append((count, colour))
    if count == 7:
        raise ValueError("seven <is> too many")
    frame = pd.DataFrame({"variant": ["a"], "messages_per_s": [float(count)]})
    return charts.throughput(frame, title=f"{count} of {colour}")


KNOBS = {"count": (1, 9, 3), "colour": ["red", "blue"]}


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    monkeypatch.delenv(places.UNATTENDED, raising=False)
    asked.clear()


def test_it_shows_what_the_knobs_say_and_follows_them():
    shown = drawn.show(draw, KNOBS)
    before = shown.picture.value
    shown.knobs["colour"].widget.value = "blue"
    assert asked == [(3, "red"), (3, "blue")]
    assert shown.picture.value != before and bytes(shown.picture.value).startswith(b"\x89PNG")


def test_an_error_is_shown_and_the_next_figure_takes_it_away():
    shown = drawn.show(draw, KNOBS)
    before = shown.picture.value
    shown.knobs["count"].widget.value = 7
    assert "ValueError: seven &lt;is&gt; too many" in shown.trouble.value
    assert shown.picture.value == before
    shown.knobs["count"].widget.value = 8
    assert shown.trouble.value == "" and shown.picture.value != before


def test_where_nobody_turns_it_it_is_the_figure(monkeypatch):
    monkeypatch.setenv(places.UNATTENDED, "1")
    assert repr(drawn.show(draw, KNOBS)) == "<Chart: 3 of red>"


def test_who_sees_no_widgets_reads_what_it_is():
    bundle = drawn.show(draw, KNOBS)._repr_mimebundle_()
    assert bundle["text/plain"] == repr(drawn.show(draw, KNOBS)) == drawn.INSTEAD
    assert VIEW in bundle


def test_knobs_that_cannot_be_made_are_refused():
    with pytest.raises(ValueError, match="one to 4 knobs, not 0"):
        drawn.show(draw, {})
