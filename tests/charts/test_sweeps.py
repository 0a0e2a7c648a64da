"""heat_map, pareto, front: a sweep over settings."""

import pandas as pd
import pytest

from helpers import charts

from figures import FIGURES, HEAT, PARETO, drawn, grid


def test_heat_map_writes_every_number_at_its_place():
    shuffled = grid().sample(frac=1, random_state=1)
    [axis] = charts.heat_map(shuffled, title="A finding", **HEAT).axes
    numbers = {text.get_position(): text.get_text() for text in axis.texts}
    assert numbers[0, 0] == "1,000" and numbers[2, 0] == "1,020" and numbers[0, 2] == "32,000"
    assert [label.get_text() for label in axis.get_yticklabels()] == ["1", "4", "32"]


def test_heat_map_refuses_a_pair_twice():
    with pytest.raises(ValueError, match="heat_map: .*twice"):
        charts.heat_map(pd.concat([grid(), grid()]), title="Double", **HEAT)


def test_heat_map_needs_a_value_above_0():
    with pytest.raises(ValueError, match="heat_map: no messages_per_s is above 0"):
        charts.heat_map(grid().assign(messages_per_s=0), title="Nothing", **HEAT)


def test_front_holds_what_no_other_beats_in_both():
    frame = pd.DataFrame(
        {"messages_per_s": [10, 20, 15, 30, 30], "p99_ms": [1, 2, 3, 4, 5]}, index=list("abcde")
    )
    assert list(charts.front(frame).index) == ["a", "b", "d"]


@pytest.mark.parametrize("which", FIGURES["pareto"])
def test_pareto_names_the_front_inside_the_axes_and_below_the_word_better(which):
    frame = FIGURES["pareto"][which].data
    [axis] = drawn("pareto", which).axes
    better, *names = axis.texts
    assert better.get_text() == "better"
    assert [text.get_text() for text in names] == charts.front(frame)["name"].tolist()
    spots = [text.get_window_extent() for text in names]
    assert all(axis.bbox.contains(spot.x0, spot.y0) for spot in spots)
    most = axis.transData.transform((1, frame["messages_per_s"].max()))[1]
    assert better.get_window_extent().y0 > most + 5


def test_pareto_leaves_points_that_are_beaten_without_a_name():
    frame = grid().assign(p99_ms=[5.0, 5.1, 5.2, 9, 9.1, 9.2, 20, 21, 22])
    frame["name"] = [f"linger {linger} ms" for linger in frame["linger_ms"]]
    figure = charts.pareto(frame, colour="batch_size", colour_label="batch", title="A finding")
    names = [text.get_text() for text in figure.axes[0].texts][1:]
    assert names == charts.front(frame)["name"].tolist() and len(names) < len(frame)


def test_pareto_takes_another_cost():
    frame = pd.DataFrame(
        {
            "name": ["every", "every 10th"],
            "kind": [1, 10],
            "repeated": [3, 19],
            "messages_per_s": [350, 3_000],
        }
    )
    figure = charts.pareto(
        frame, cost="repeated", cost_label="done twice", title="A finding", **PARETO
    )
    assert figure.axes[0].get_xlabel() == "done twice"
    assert {text.get_text() for text in figure.axes[0].texts} >= {"every", "every 10th"}
    with pytest.raises(ValueError, match="pareto: missing column p99_ms;"):
        charts.pareto(frame, title="Half", **PARETO)
