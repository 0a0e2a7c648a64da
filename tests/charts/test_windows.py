"""window_counts, arrivals, lateness: windows over event time."""

import pandas as pd
import pytest

from helpers import charts

from figures import FIGURES, draw, drawn, shares, times, windows

WINDOWS = pd.DataFrame(
    {
        "kind": ["tumbling", "tumbling", "hopping", "hopping"],
        "begin": times("10:00", "11:00", "10:00", "10:15"),
        "end": times("11:00", "12:00", "11:00", "11:15"),
        "count": [3, 5, 3, 4],
    }
)
ARRIVALS = pd.DataFrame(
    {
        "arrived": times("10:40", "10:10", "13:00"),
        "happened": times("10:30", "10:05", "10:20"),
        "kind": ["in time", "in time", "too late"],
    }
)


def test_each_kind_of_window_has_a_panel_with_a_box_per_window():
    axes = charts.window_counts(WINDOWS, title="A finding").axes
    assert [[round(box.get_height()) for box in axis.patches] for axis in axes] == [[3, 5], [3, 4]]
    assert [axis.texts[0].get_text() for axis in axes] == [
        "tumbling\n2 windows",
        "hopping\n2 windows",
    ]
    hour = axes[0].patches[0].get_width()
    assert hour == pytest.approx(1 / 24)


def test_no_kind_of_window_is_left_out_where_there_are_more_than_colours():
    kinds = [f"kind {number}" for number in range(9)]
    axes = charts.window_counts(windows(kinds, 2), title="A finding").axes
    assert [axis.texts[0].get_text() for axis in axes] == [f"{kind}\n2 windows" for kind in kinds]


def test_the_watermark_is_the_latest_event_time_so_far_and_never_falls():
    [axis] = charts.arrivals(ARRIVALS, title="A finding").axes
    line = next(line for line in axis.lines if line.get_label() == "watermark")
    mark = pd.to_datetime(pd.Series(line.get_ydata(orig=True)), utc=True)
    assert mark.dt.strftime("%H:%M").tolist() == ["10:05", "10:30", "10:30"]


def test_the_legend_counts_the_kinds():
    [axis] = charts.arrivals(ARRIVALS, title="A finding").axes
    assert [text.get_text() for text in axis.get_legend().get_texts()] == [
        "watermark",
        "in time: 2",
        "within grace: 0",
        "too late: 1",
    ]


def test_pieces_of_a_row_add_up():
    [axis] = drawn("lateness").axes
    ends = [round(bar.get_x() + bar.get_width()) for bar in axis.patches]
    assert ends == [584, 584, 584, 848, 883, 883]
    assert {"584", "264", "299", "35"} == {text.get_text() for text in axis.texts}


def test_what_cannot_be_drawn_is_refused():
    case = FIGURES["arrivals"]["ordinary"]
    with pytest.raises(ValueError, match="arrivals: unknown kind early"):
        draw("arrivals", case._replace(data=case.data.assign(kind="early")))
    with pytest.raises(ValueError, match="lateness: .*twice"):
        charts.lateness(shares(["no grace", "no grace"]), title="A finding")
