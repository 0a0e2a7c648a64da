"""Figures of a sweep."""

import pandas as pd
import pytest

from helpers import charts

GRID = pd.DataFrame(
    [
        (linger, batch, 1_000 * batch + linger, 5 + linger)
        for linger in (0, 5, 20)
        for batch in (1, 4, 32)
    ],
    columns=["linger_ms", "batch_size", "messages_per_s", "p99_ms"],
)
AXES = dict(
    x="linger_ms",
    y="batch_size",
    value="messages_per_s",
    x_label="linger",
    y_label="batch",
    unit="messages/s",
)


def test_heat_map_writes_every_number_at_its_place():
    [axis] = charts.heat_map(GRID.sample(frac=1, random_state=1), title="A finding", **AXES).axes
    written = {text.get_position(): text.get_text() for text in axis.texts}
    assert written[0, 0] == "1,000" and written[2, 0] == "1,020" and written[0, 2] == "32,000"
    assert [label.get_text() for label in axis.get_yticklabels()] == ["1", "4", "32"]


def test_heat_map_refuses_a_pair_twice():
    with pytest.raises(ValueError, match="twice"):
        charts.heat_map(pd.concat([GRID, GRID]), title="Double", **AXES)


def test_heat_map_needs_a_value_above_0():
    with pytest.raises(ValueError, match="above 0"):
        charts.heat_map(GRID.assign(messages_per_s=0), title="Nothing", **AXES)


def test_front_holds_what_no_other_beats_in_both():
    frame = pd.DataFrame(
        {"messages_per_s": [10, 20, 15, 30, 30], "p99_ms": [1, 2, 3, 4, 5]}, index=list("abcde")
    )
    assert list(charts.front(frame).index) == ["a", "b", "d"]


def test_pareto_names_the_front_without_overlaps():
    frame = GRID.assign(name=[f"linger {linger} ms" for linger in GRID["linger_ms"]])
    frame["p99_ms"] = [5.0, 5.1, 5.2, 9, 9.1, 9.2, 20, 21, 22]
    figure = charts.pareto(frame, colour="batch_size", colour_label="batch", title="A finding")
    names = [text for text in figure.axes[0].texts if text.get_text().startswith("linger")]
    assert [text.get_text() for text in names] == [
        frame["name"][row] for row in charts.front(frame).index
    ]
    boxes = [text.get_window_extent() for text in names]
    assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[n + 1 :])
    assert len(figure.png()) < 60_000


def test_the_word_better_stands_above_all_points_and_the_front():
    flat = pd.DataFrame(
        {
            "name": ["a", "b", "c"],
            "kind": [0, 5, 100],
            "p99_ms": [12.7, 30, 103],
            "messages_per_s": [48_000, 40_000, 49_500],
        }
    )
    [axis] = charts.pareto(flat, colour="kind", colour_label="linger_ms", title="A finding").axes
    [better] = [text for text in axis.texts if text.get_text() == "better"]
    assert better.get_window_extent().y0 > axis.transData.transform((12.7, 49_500))[1] + 5


def test_no_name_lies_on_the_axis():
    names = ["each message", "every 10th", "every 100th"]
    frame = pd.DataFrame(
        {
            "name": names,
            "kind": [1, 10, 100],
            "p99_ms": [2.05, 20, 200],
            "messages_per_s": [210, 2_000, 20_700],
        }
    )
    [axis] = charts.pareto(
        frame, colour="kind", colour_label="commit after", title="A finding"
    ).axes
    spots = [text.get_window_extent() for text in axis.texts if text.get_text() in names]
    assert len(spots) == len(names)
    assert all(axis.bbox.contains(spot.x0, spot.y0) for spot in spots)


def test_pareto_names_a_missing_column():
    with pytest.raises(ValueError, match="name"):
        charts.pareto(GRID, colour="batch_size", colour_label="batch", title="Half")


def test_pareto_takes_another_cost():
    frame = pd.DataFrame(
        {
            "name": ["every", "every 10th"],
            "every": [1, 10],
            "repeated": [3, 19],
            "messages_per_s": [350, 3_000],
        }
    )
    figure = charts.pareto(
        frame,
        cost="repeated",
        cost_label="done twice",
        colour="every",
        colour_label="commit after",
        title="A finding",
    )
    assert figure.axes[0].get_xlabel() == "done twice"
    assert {text.get_text() for text in figure.axes[0].texts} >= {"every", "every 10th"}
    with pytest.raises(ValueError, match="p99_ms"):
        charts.pareto(frame, colour="every", colour_label="commit after", title="Half")
