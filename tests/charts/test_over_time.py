"""lag, in_flight, done_over_time, latency_over_time, stored_over_time."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from helpers import charts

from figures import ACKS, EVENTS, FIGURES, SENT, TITLE, draw, drawn, messages, series, written

VALUES = {"lag": "lag", "in_flight": "in_flight", "latency_over_time": "latency_ms"}
OVER_TIME = [*VALUES, "done_over_time", "stored_over_time", "calls_over_time"]


def per_variant(frame):
    return {name: group.drop(columns="variant") for name, group in frame.groupby("variant")}


@pytest.mark.parametrize("name", OVER_TIME)
def test_a_frame_per_variant_draws_the_same_as_one_with_a_column_variant(name):
    one = FIGURES[name]["ordinary"]
    several = draw(name, one._replace(data=per_variant(one.data)))
    assert written(several) == written(drawn(name))
    for axes, others in zip(several.axes, drawn(name).axes):
        assert axes.dataLim.bounds == others.dataLim.bounds
        for line, other in zip(axes.lines, others.lines, strict=True):
            assert np.array_equal(line.get_xydata(), other.get_xydata(), equal_nan=True)
        for patch, other in zip(axes.patches, others.patches, strict=True):
            assert np.array_equal(patch.get_data().values, other.get_data().values)


@pytest.mark.parametrize("name", OVER_TIME)
def test_of_several_frames_the_one_that_is_wrong_is_named(name):
    case = FIGURES[name]["ordinary"]
    frames = per_variant(case.data)
    for column in frames["acks=1"].columns:
        wrong = {**frames, "acks=1": frames["acks=1"].drop(columns=column)}
        with pytest.raises(ValueError, match=f"^{name}, acks=1: missing column {column};"):
            draw(name, case._replace(data=wrong))
    with pytest.raises(ValueError, match=f"^{name}: there is no variant to draw"):
        draw(name, case._replace(data={}))


@pytest.mark.parametrize("name", OVER_TIME)
def test_a_variant_without_rows_is_not_passed_over_in_silence(name):
    case = FIGURES[name]["ordinary"]
    frames = per_variant(case.data)
    empty = case._replace(data={**frames, "acks=1": frames["acks=1"].iloc[:0]})
    if name in [*VALUES, "done_over_time"]:  # none of them failed, say: that is a finding
        [axis] = draw(name, empty).axes
        assert "acks=1: no values" in {text.get_text() for text in axis.texts}
    else:
        with pytest.raises(ValueError, match=f"^{name}, acks=1: the frame has no rows"):
            draw(name, empty)


@pytest.mark.parametrize("name", VALUES)
def test_the_values_given_are_drawn_each_variant_in_its_look(name):
    frame = series(VALUES[name], values=[10, 200, 3000])
    axes = draw(name, FIGURES[name]["ordinary"]._replace(data=frame)).axes[0]
    lines = [line for line in axes.lines if len(line.get_xdata()) > 2]
    assert [set(line.get_ydata()) for line in lines] == [{10}, {200}, {3000}]
    colours = [colour.lower() for colour in charts.palette(ACKS).values()]
    assert [to_hex(line.get_color()) for line in lines] == colours
    # Colour is never the only sign.
    if name == "latency_over_time":
        assert [line.get_marker() for line in lines] == ["o", "^", "s"]
    else:
        assert [line.get_linestyle() for line in lines] == ["-", "--", "-."]


def test_what_is_done_is_counted_in_the_order_of_time():
    frames = {
        "a": pd.DataFrame({"seconds": [3, 1, np.nan, 2]}),
        "b": pd.DataFrame({"seconds": [2]}),
    }
    [axis] = charts.done_over_time(frames, title=TITLE).axes
    a, b = axis.lines
    assert a.get_xydata().tolist() == [[1, 1], [2, 2], [3, 3]]
    assert b.get_xydata().tolist() == [[2, 1]]


@pytest.mark.parametrize("log", [True, False])
def test_the_axis_of_latencies_is_linear_where_that_is_asked_for(log):
    frame = series("latency_ms", values=[10, 200, 3000])
    axes = charts.latency_over_time(frame, title="T", log=log).axes[0]
    assert axes.get_yscale() == ("log" if log else "linear")
    assert ("log" in axes.get_ylabel()) == log


@pytest.mark.parametrize("name", [*VALUES, "stored_over_time"])
def test_events_are_marked_and_named(name):
    figure = drawn(name)
    assert {label for _, label in EVENTS} <= set(written(figure))
    for axes in figure.axes:
        upright = {
            line.get_xdata()[0]
            for line in axes.lines
            if len(line.get_xdata()) == 2 and line.get_xdata()[0] == line.get_xdata()[1]
        }
        assert {when for when, _ in EVENTS} <= upright


def test_the_lag_is_broken_where_no_sample_could_be_taken():
    times = np.concatenate([np.arange(0, 1, 0.1), np.arange(2.5, 3, 0.1)])
    [line, *_] = charts.lag(series("lag", ["a"], [7], seconds=times), title=TITLE).axes[0].lines
    assert np.flatnonzero(np.isnan(line.get_xdata())).tolist() == [10], (
        "between the sample at 0.9 s and the one at 2.5 s"
    )
    frame = series("in_flight", ["a"], [7], seconds=times)
    [whole, *_] = charts.in_flight(frame, title=TITLE).axes[0].lines
    assert not np.isnan(whole.get_xdata()).any()


def test_stored_over_time_draws_and_writes_every_message():
    figure = drawn("stored_over_time")
    assert [[text.get_text() for text in axes.texts][:3] for axes in figure.axes] == [
        ["acks=0", "1,153 lost silently", *[label for _, label in EVENTS[:1]]],
        ["acks=1", "5 lost silently", "7 lost, error told"],
        ["acks=all", "0 lost"],
    ]
    for axes, sizes in zip(figure.axes, [(SENT - 1153, 0, 1153), (SENT - 12, 7, 5), (SENT, 0, 0)]):
        steps = [patch.get_data() for patch in axes.patches]
        assert tuple(int((step.values - step.baseline).sum()) for step in steps) == sizes


@pytest.mark.parametrize(
    "low, high", [(-1.5, 4), (0, 30), (10, 10.4), (119, 121.5), (0, 1e6), (1.7e9, 1.7e9 + 0.4)]
)
def test_ticks_are_round_and_say_where_they_stand(low, high):
    span = np.linspace(low, high, 200)
    figures = [charts.lag(series("lag", ["only"], [3], span), title=TITLE)]
    if high - low < 1000:  # longer ones have too many bars
        frame = messages(((1, 0),), ["only"], 200).assign(seconds=span)
        figures.append(charts.stored_over_time(frame, title=TITLE, window=(low, high)))
    for figure in figures:
        for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis):
            ticks = axis.get_major_ticks()
            texts = [tick.label1.get_text().replace(",", "").replace("−", "-") for tick in ticks]
            places = [tick.get_loc() for tick in ticks]
            assert [float(text) for text in texts] == pytest.approx(places, rel=1e-11, abs=1e-9)
            assert f"{places[1] - places[0]:.0e}"[0] in "125"


@pytest.mark.parametrize("name", [*VALUES, "stored_over_time"])
def test_times_that_are_no_numbers_are_refused(name):
    case = FIGURES[name]["ordinary"]
    with pytest.raises(ValueError, match=f"{name}: the column seconds holds no number"):
        draw(name, case._replace(data=case.data.assign(seconds=np.nan)))


def test_a_window_that_holds_too_much_or_nothing_is_refused():
    hour = pd.concat([messages(), messages().assign(seconds=3_600.0)])
    with pytest.raises(ValueError, match="stored_over_time: 3600 s are too many.*choose a window"):
        charts.stored_over_time(hour, title=TITLE)
    with pytest.raises(ValueError, match="stored_over_time: .*ends before it starts"):
        charts.stored_over_time(messages(), title=TITLE, window=(5, 5))
