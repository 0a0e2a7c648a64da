"""The drawing of a partition as a line of offsets."""

import pandas as pd
import pytest

from helpers import charts

PLACES = {"beginning": 0, "committed": 20_000, "position": 28_000, "end": 40_000}


def texts(figure):
    return {text.get_text() for axis in figure.axes for text in axis.texts}


def test_writes_every_offset_and_the_lag():
    figure = charts.offsets(pd.DataFrame([PLACES], index=["map"]), title="A finding")
    assert texts(figure) == {"committed 20,000", "position 28,000", "end 40,000", "lag 12,000"}
    assert len(figure.png()) < 60_000


def test_a_row_per_reader():
    frame = pd.DataFrame([PLACES, {**PLACES, "position": 40_000}], index=["map", "report"])
    assert {"lag 12,000", "lag 0"} <= texts(charts.offsets(frame, title="Two readers"))


@pytest.mark.parametrize("wrong", [{"committed": 30_000}, {"end": 100}, {"beginning": 25_000}])
def test_offsets_out_of_order_are_refused(wrong):
    with pytest.raises(ValueError, match="in this order"):
        charts.offsets(pd.DataFrame([{**PLACES, **wrong}], index=["map"]), title="Nonsense")


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="committed"):
        charts.offsets(pd.DataFrame([PLACES]).drop(columns="committed"), title="Half")
