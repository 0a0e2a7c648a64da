"""The figure of calls at a service."""

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


def heights(axis):
    return [round(bar.get_height()) for bar in axis.patches]


def test_a_panel_per_variant_with_a_stack_per_bin():
    axes = charts.calls_over_time(CALLS, title="A finding").axes
    fixed, jitter = axes[:2]
    assert sum(heights(fixed)) == 3 and max(heights(fixed)) == 2
    assert sum(heights(jitter)) == 2 and max(heights(jitter)) == 1
    assert [axis.texts[0].get_text() for axis in (fixed, jitter)] == [
        "fixed\n3 calls\nhighest bar: 2",
        "jitter\n2 calls\nhighest bar: 1",
    ]


def test_all_panels_have_one_scale_and_say_where_it_cuts_bars_off():
    fixed, jitter = charts.calls_over_time(CALLS, title="A finding").axes[:2]
    assert fixed.get_ylim() == jitter.get_ylim() and fixed.get_ylim()[1] >= 2
    fixed, jitter = charts.calls_over_time(CALLS, title="A finding", top=1.5).axes[:2]
    assert fixed.get_ylim() == jitter.get_ylim() == (0, 1.5)
    assert [axis.texts[0].get_text().splitlines()[2] for axis in (fixed, jitter)] == [
        "highest bar: 2, cut off",
        "highest bar: 1",
    ]


def test_events_are_marked_in_all_panels_and_named_above():
    axes = charts.calls_over_time(CALLS, title="A finding", events=[(0.25, "it is back")]).axes
    assert all(line.get_xdata()[0] == 0.25 for axis in axes[:2] for line in axis.lines)
    assert "it is back" in {text.get_text() for text in axes[0].texts}
    assert [axis.texts[0].get_text().splitlines()[3] for axis in axes[:2]] == [
        "after the mark: 1",
        "after the mark: 0",
    ]
    assert any(
        abs(bar.get_x() - 0.25) < 1e-9 for bar in axes[0].patches
    )  # a bar begins at the mark
    early = charts.calls_over_time(CALLS, title="A finding", events=[(-0.25, "before all")]).axes
    assert early[0].texts[0].get_text().splitlines()[3] == "after the mark: 2"


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="unknown outcome lost"):
        charts.calls_over_time(CALLS.assign(outcome="lost"), title="A finding")
    with pytest.raises(ValueError, match="bin_s must be positive"):
        charts.calls_over_time(CALLS, title="A finding", bin_s=0)
    with pytest.raises(ValueError, match="top must be positive"):
        charts.calls_over_time(CALLS, title="A finding", top=0)
    with pytest.raises(ValueError, match="seconds"):
        charts.calls_over_time(CALLS.drop(columns="seconds"), title="A finding")
