"""arrivals: events, the watermark, and windows over event time."""

import pandas as pd
import pytest

from helpers import charts

from figures import FIGURES, draw, times

ARRIVALS = pd.DataFrame(
    {
        "arrived": times("10:40", "10:10", "13:00"),
        "happened": times("10:30", "10:05", "10:20"),
        "watermark": [*times("10:20"), pd.NaT, *times("12:20")],
        "kind": ["in time", "in time", "too late"],
    }
)
WINDOWS = pd.DataFrame(
    {
        "begin": times("09:00", "10:00"),
        "end": times("10:00", "11:00"),
        "closed": [*times("11:10"), pd.NaT],
    }
)


def hours_of(values):
    return pd.to_datetime(pd.Series(values), utc=True).dt.strftime("%H:%M").tolist()


def test_the_watermark_is_drawn_in_the_order_of_arrival():
    [axis] = charts.arrivals(ARRIVALS, title="A finding").axes
    line = next(line for line in axis.lines if line.get_label() == "watermark")
    assert hours_of(line.get_ydata(orig=True)) == ["10:20", "12:20"]


def test_a_window_is_a_box_until_it_is_closed_or_to_the_end():
    [axis] = charts.arrivals(ARRIVALS, windows=WINDOWS, title="A finding").axes
    minutes = [round(box.get_width() * 24 * 60) for box in axis.patches]
    assert minutes == [60, 170]
    assert [round(box.get_height() * 24) for box in axis.patches] == [1, 1]


def test_the_legend_counts_the_kinds():
    [axis] = charts.arrivals(ARRIVALS, title="A finding").axes
    assert [text.get_text() for text in axis.get_legend().get_texts()] == [
        "watermark",
        "in time: 2",
        "within grace: 0",
        "too late: 1",
    ]


def test_what_cannot_be_drawn_is_refused():
    case = FIGURES["arrivals"]["ordinary"]
    with pytest.raises(ValueError, match="arrivals: unknown kind early"):
        draw("arrivals", case._replace(data=case.data.assign(kind="early")))
    with pytest.raises(ValueError, match="arrivals: windows"):
        charts.arrivals(ARRIVALS, windows=WINDOWS[["begin"]], title="A finding")
