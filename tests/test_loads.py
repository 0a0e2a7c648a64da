"""The figure of a system under rising load."""

import pandas as pd
import pytest

from helpers import charts

FRAME = pd.DataFrame(
    {
        "offered": [1_000, 10_000, 80_000],
        "delivered": [1_000, 9_800, 21_000],
        "p50_ms": [3, 5, 900],
        "p99_ms": [9, 30, 2_000],
    }
)


def test_shows_every_load_at_its_place():
    figure = charts.load_curve(FRAME, title="A finding")
    left, right = figure.axes
    assert list(left.lines[1].get_ydata()) == FRAME["delivered"].tolist()
    assert [list(line.get_ydata()) for line in right.lines] == [
        FRAME["p50_ms"].tolist(),
        FRAME["p99_ms"].tolist(),
    ]
    assert [label.get_text() for label in left.get_xticklabels()] == ["1,000", "10,000", "80,000"]
    assert len(figure.png()) < 60_000


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="p99_ms"):
        charts.load_curve(FRAME.drop(columns="p99_ms"), title="Half")


def test_latency_draws_a_line_per_variant():
    frame = pd.concat([FRAME.assign(variant=name) for name in ("quick", "slow")])
    [axis] = charts.load_latency(frame, title="A finding").axes
    assert [list(line.get_ydata()) for line in axis.lines] == [FRAME["p50_ms"].tolist()] * 2
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["quick", "slow"]


def test_latency_names_a_missing_column():
    with pytest.raises(ValueError, match="variant"):
        charts.load_latency(FRAME, title="Half")
