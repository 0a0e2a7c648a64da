"""load_curve, load_latency: a system under rising load."""

import numpy as np
import pytest

from figures import FIGURES, drawn, loads


def test_every_load_stands_at_its_place():
    frame = loads()
    left, right = drawn("load_curve").axes
    assert list(left.lines[1].get_ydata()) == frame["delivered"].tolist()
    assert [list(line.get_ydata()) for line in right.lines] == [
        frame["p50_ms"].tolist(),
        frame["p99_ms"].tolist(),
    ]
    assert [label.get_text() for label in left.get_xticklabels()] == ["1,000", "10,000", "80,000"]


def test_latency_draws_a_line_per_variant():
    [axis] = drawn("load_latency").axes
    assert [list(line.get_ydata()) for line in axis.lines] == [[3, 5, 900], [3.75, 6.25, 1_125]]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["quick", "slow"]


@pytest.mark.parametrize("name, which", [("load_curve", "crowded"), ("load_latency", "long names")])
def test_where_loads_stand_close_the_highest_is_named_and_every_one_has_a_tick(name, which):
    axis = drawn(name, which).axes[0]
    ticks = axis.xaxis.get_major_ticks()
    offered = np.unique(FIGURES[name][which].data["offered"])
    assert [tick.get_loc() for tick in ticks] == offered.tolist()
    named = [tick.label1.get_visible() for tick in ticks]
    assert named[0] and named[-1] and not all(named)
