"""calls_over_time: calls at a service."""

import numpy as np
import pandas as pd
import pytest

from helpers import charts

CALLS = pd.DataFrame(
    [
        ("fixed", 0.01, "nobody there"),
        ("fixed", 0.05, "nobody there"),
        ("fixed", 0.31, "served"),
        ("jitter", 0.02, "turned away"),
        ("jitter", 0.12, "served"),
    ],
    columns=["variant", "seconds", "outcome"],
)


def pieces(axis):
    """What is drawn of each outcome: served, turned away, nobody there."""
    steps = [patch.get_data() for patch in axis.patches]
    return [(step.values - step.baseline).round().astype(int).tolist() for step in steps]


def told(axis):
    return axis.texts[0].get_text().splitlines()


def test_a_panel_per_variant_with_a_stack_per_tenth_of_a_second():
    fixed, jitter = charts.calls_over_time(CALLS, title="A finding").axes
    assert pieces(fixed) == [[0, 0, 0, 1], [0, 0, 0, 0], [2, 0, 0, 0]]
    assert pieces(jitter) == [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert told(fixed) == ["fixed", "3 calls", "highest bar: 2"]
    assert told(jitter) == ["jitter", "2 calls", "highest bar: 1"]


def test_a_piece_stands_upon_the_one_before():
    both = CALLS.assign(seconds=0.0, variant="both")
    [axis] = charts.calls_over_time(both, title="A finding").axes
    assert [patch.get_data().baseline.tolist() for patch in axis.patches] == [[0], [2], [3]]
    assert told(axis) == ["both", "5 calls", "highest bar: 5"]


def test_all_panels_have_one_scale_and_say_where_it_cuts_bars_off():
    fixed, jitter = charts.calls_over_time(CALLS, title="A finding").axes
    assert fixed.get_ylim() == jitter.get_ylim() and fixed.get_ylim()[1] >= 2
    fixed, jitter = charts.calls_over_time(CALLS, title="A finding", top=1.5).axes
    assert fixed.get_ylim() == jitter.get_ylim() == (0, 1.5)
    assert told(fixed)[2] == "highest bar: 2, cut off"
    assert told(jitter)[2] == "highest bar: 1"


def test_events_are_marked_in_all_panels_and_named_above():
    axes = charts.calls_over_time(CALLS, title="A finding", events=[(0.25, "it is back")]).axes
    assert all(line.get_xdata()[0] == 0.25 for axis in axes for line in axis.lines)
    assert "it is back" in {text.get_text() for text in axes[0].texts}
    assert [told(axis)[3] for axis in axes] == ["after the mark: 1", "after the mark: 0"]
    # A bar begins at the mark.
    assert np.isclose(axes[0].patches[0].get_data().edges, 0.25).any()
    early = charts.calls_over_time(CALLS, title="A finding", events=[(-0.25, "before all")]).axes
    assert told(early[0])[3] == "after the mark: 2"


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="calls_over_time: unknown outcome lost"):
        charts.calls_over_time(CALLS.assign(outcome="lost"), title="A finding")
    for top in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="calls_over_time: top must be positive"):
            charts.calls_over_time(CALLS, title="A finding", top=top)
