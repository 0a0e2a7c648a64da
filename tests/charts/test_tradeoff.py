"""tradeoff: what a variant gains and pays, in three panels."""

import numpy as np
import pandas as pd
import pytest

from helpers import charts

from figures import ACKS, TITLE, drawn, rounds, series, spread


def test_it_draws_medians_percentiles_and_the_largest_lag():
    latencies = {"a": np.linspace(0.001, 0.1, 100), "b": np.full(100, 0.02)}
    lag = pd.DataFrame({"variant": list("aaabbb"), "lag": [0, 10, 400, 5, 5, 5]})
    figure = charts.tradeoff(
        rounds("ab", [1_000, 2_000]), latencies=latencies, lag=lag, title=TITLE
    )
    bars, spans, lags = figure.axes
    # The median of five rounds, from 0.97 to 1.02 times as many.
    assert [bar.get_width() for bar in bars.patches] == pytest.approx([995, 1_990])
    ends = [line.get_xdata() for line in spans.lines if len(line.get_xdata()) == 2]
    assert ends[0] == pytest.approx([50.5, 99.01]) and ends[1] == pytest.approx([20, 20])
    ends = [list(line.get_xdata()) for line in lags.lines if len(line.get_xdata()) == 2]
    assert ends == [[10, 400], [5, 5]]


@pytest.mark.parametrize("what", ["latencies", "lag"])
def test_a_variant_without_one_of_them_is_told(what):
    data = {"latencies": spread(), "lag": series("lag", values=[0, 1, 2])}
    if what == "lag":
        data["lag"] = data["lag"][data["lag"]["variant"] != ACKS[1]]
    else:
        del data["latencies"][ACKS[1]]
    with pytest.raises(ValueError, match=f"tradeoff: {ACKS[1]} has no {what}"):
        charts.tradeoff(rounds(), **data, title=TITLE)


def test_rows_have_the_colours_of_their_variants():
    bars = drawn("tradeoff").axes[0].patches
    assert len({bar.get_facecolor() for bar in bars}) == 3
