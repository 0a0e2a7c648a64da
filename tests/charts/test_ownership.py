"""gantt: who owns which partition when."""

import pandas as pd
import pytest

from helpers import charts
from helpers.meters import Assignments

from figures import FIGURES, Run, drawn, run

SPANS = pd.DataFrame(
    [("A", 0, 1, 5), ("A", 1, 1, 2), ("B", 1, 3, 5)],
    columns=["member", "partition", "start", "end"],
)
READS = pd.DataFrame(
    [("A", 0, 1.5), ("B", 1, 3.5)],
    columns=["member", "partition", "seconds"],
)


def test_a_bar_per_span_a_piece_per_message_and_the_members_names():
    figure = charts.gantt(
        {"one run": Run(SPANS, READS)},
        events={"one run": [(2, "A gives one up")]},
        title="A finding",
    )
    [axis] = figure.axes
    bars = {
        (round(bar.get_x()), round(bar.get_width()), round(bar.get_y() + 0.43))
        for bar in axis.patches
    }
    assert bars == {(1, 4, 0), (1, 1, 1), (3, 2, 1)}
    pieces = [piece.get_paths()[0].get_extents() for piece in axis.collections]
    assert [(round(piece.x0, 2), round(piece.y0 + 0.43)) for piece in pieces] == [
        (1.5, 0),
        (3.5, 1),
    ]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["A", "B"]
    assert [text.get_text() for text in axis.texts] == ["A gives one up", "A", "A", "B"]


def test_it_draws_what_a_meter_has_recorded():
    record = Assignments()
    record.start -= 10  # as if it had begun 10 seconds ago
    record.gained("A", [0], record.start + 1)
    record.read("A", 0, record.start + 2)
    record.died("A", record.start + 5)
    [bar] = charts.gantt({"one run": record}, title="A finding").axes[0].patches
    assert (bar.get_x(), bar.get_width()) == pytest.approx((1, 4))


def test_a_run_in_which_nobody_has_read_shows_who_owned():
    [axis] = charts.gantt({"one run": Run(SPANS, READS.iloc[:0])}, title="A finding").axes
    assert len(axis.patches) == 3 and not axis.collections


def test_a_name_stands_in_a_bar_only_where_it_fits():
    short = Run(SPANS.replace({"member": {"A": "a member with a long name"}}), READS.iloc[:0])
    # The whole axis is 5 seconds long: 4 hold the name, 1 doesn't.
    [axis] = charts.gantt({"one run": short}, title="A finding").axes
    assert [text.get_text() for text in axis.texts] == ["a member with a long name", "B"]


def test_each_panel_has_its_own_events_below_its_name():
    close = FIGURES["gantt"]["close events"]
    axes = drawn("gantt", "close events").axes
    for axis, (name, events) in zip(axes, close.more["events"].items()):
        labels = axis.texts[: len(events)]
        assert [text.get_text() for text in labels] == [label for _, label in events]
        assert [line.get_xdata()[0] for line in axis.lines] == [when for when, _ in events]
        heading = axis._left_title
        assert heading.get_text() == name
        tops = [text.get_window_extent().y1 for text in labels]
        assert max(tops) < heading.get_window_extent().y0


def test_a_run_in_which_nobody_owned_anything_is_refused_by_its_name():
    with pytest.raises(ValueError, match="gantt, empty run: .*no rows"):
        charts.gantt({"full": run(), "empty run": Assignments()}, title="Nobody")
