"""offsets: a partition as a line of offsets."""

import pytest

from helpers import charts

from figures import drawn, places


def texts(figure):
    return {text.get_text() for axis in figure.axes for text in axis.texts}


def test_every_offset_is_written_and_the_lag():
    assert texts(drawn("offsets")) == {
        "committed 20,000",
        "position 28,000",
        "end 40,000",
        "lag 12,000",
    }


def test_a_row_per_reader():
    figure = charts.offsets(places(["map", "report"], position=[28_000, 40_000]), title="Two")
    assert {"lag 12,000", "lag 0"} <= texts(figure)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["map", "report"]


@pytest.mark.parametrize("wrong", [{"committed": 30_000}, {"end": 100}, {"beginning": 25_000}])
def test_offsets_out_of_order_are_refused(wrong):
    with pytest.raises(ValueError, match="offsets: .*in this order"):
        charts.offsets(places(**wrong), title="Nonsense")


def test_a_reader_that_stands_there_twice_is_refused():
    with pytest.raises(ValueError, match="offsets: .*twice"):
        charts.offsets(places(["map", "map"]), title="Double")
