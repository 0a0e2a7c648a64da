"""latency: how latencies spread."""

import numpy as np
import pytest

from helpers import charts

from figures import TITLE, drawn, written


def test_percentiles_are_written_in_the_unit_that_suits_them():
    figure = charts.latency({"acks=0": np.linspace(0, 0.1, 101), "none": []}, title=TITLE)
    assert [t.get_text() for t in figure.axes[0].texts][:6] == ["50", "99", "100", "–", "–", "–"]
    assert any("(ms" in text for text in written(figure))
    assert any("(µs" in text for text in written(drawn("latency", "µs")))


def test_stages_that_are_numbers_are_named():
    assert "acks=0, 3" in written(charts.latency({("acks=0", 3): [0.001]}, title=TITLE))


def test_variants_without_a_sample_are_refused():
    with pytest.raises(ValueError, match="latency: no variant has a sample"):
        charts.latency({"acks=0": [np.nan]}, title=TITLE)
