"""live: what runs now; and Screen, which shows it again and again."""

import io

import numpy as np
import pytest
from PIL import Image

from helpers import charts

from figures import CLOSE, EVENTS, TITLE, drawn, now, written


def size(png):
    return Image.open(io.BytesIO(png)).size


def test_the_newest_numbers_stand_beside_their_panels():
    frames = now(per_s=1_980, p50_ms=1.75, p99_ms=[6.2] * 79 + [2_300], lag=np.arange(80))
    texts = written(charts.live(frames, window=(0, 20), title=TITLE))
    assert {"1,980", "p50 1.75", "p99 2,300", "79"} <= set(texts)


def test_what_is_not_measured_yet_reads_as_a_dash():
    assert written(drawn("live", "just begun")).count("–") == 2
    assert {"p50 –", "p99 –"} <= set(written(drawn("live", "just begun")))


def test_a_mark_goes_through_all_three_panels_where_it_was():
    figure = charts.live(now(), window=(0, 20), events=[(12.5, "leader killed")], title=TITLE)
    for axis in figure.axes:
        assert [12.5, 12.5] in [list(line.get_xdata()) for line in axis.lines]
    assert "leader killed" in written(figure)


def test_only_the_window_is_drawn():
    figure = charts.live(
        now(), window=(10, 15), events=[(2, "too early"), (12, "seen")], title=TITLE
    )
    assert figure.axes[0].get_xlim() == (10, 15)
    for line in (axis.lines[0] for axis in figure.axes):
        assert min(line.get_xdata()) == 10 and max(line.get_xdata()) == 15
    assert "seen" in written(figure) and "too early" not in written(figure)


def test_where_labels_have_no_room_the_newest_ones_stay():
    texts = written(charts.live(now(), window=(0, 20), events=CLOSE, title=TITLE))
    shown = [label for _, label in CLOSE if label in texts]
    assert shown and len(shown) < len(CLOSE)
    assert shown == [label for _, label in CLOSE][-len(shown) :]


def test_all_pictures_of_a_screen_have_one_size():
    screen = charts.Screen("before the start")
    sizes = {
        size(screen.show(frames, window=(0, 20), events=events, title=title).png(quick=True))
        for frames, events, title in [
            (now(0), [], "acks=0"),
            (now(), EVENTS, None),
            (now(per_s=1e6, p99_ms=1e5, lag=1e6), CLOSE, "acks=1"),
        ]
    }
    assert len(sizes) == 1


def test_a_screen_keeps_nothing_of_the_picture_before():
    screen = charts.Screen("once")
    first = screen.show(now(), window=(0, 20), events=[(3, "acks=1")], title="twice").png()
    for n in range(5):
        screen.show(now(lag=n), window=(0, 20), events=EVENTS, title=f"number {n}")
    pieces = len(screen.figure.findobj())
    again = screen.show(now(), window=(0, 20), events=[(3, "acks=1")], title="twice").png()
    assert again == first
    screen.show(now(), window=(0, 20), events=EVENTS)
    assert len(screen.figure.findobj()) <= pieces


def test_an_axis_stays_as_it_is_while_the_values_differ_little():
    screen = charts.Screen("calm")
    limits = set()
    for rate, slow in [(2_010, 6), (1_990, 9), (2_010, 3), (1_990, 6)]:
        figure = screen.show(now(per_s=rate, p99_ms=slow), window=(0, 20))
        limits.add(tuple(axis.get_ylim() for axis in figure.axes))
    assert len(limits) == 1


@pytest.mark.parametrize("name", ["throughput", "latency", "lag"])
def test_a_frame_or_column_that_is_missing_is_told(name):
    frames = now()
    with pytest.raises(ValueError, match=f"live: there is no frame {name}"):
        charts.live({key: frames[key] for key in frames if key != name}, window=(0, 1), title="")
    column = frames[name].columns[-1]
    frames[name] = frames[name].drop(columns=column)
    with pytest.raises(ValueError, match=f"live, {name}: missing column {column}"):
        charts.live(frames, window=(0, 1), title="")


def test_a_window_that_ends_before_it_starts_is_refused():
    with pytest.raises(ValueError, match="live: the window .*ends before"):
        charts.live(now(), window=(3, 3), title="")
