"""tape: partitions as their offsets, with what became of each record."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from helpers import charts

from figures import TITLE, places, tape_records, written

TWO = ["partition 0", "partition 1"]


def pieces(figure, row=0):
    """The runs of records of one state, as (first offset, offset behind the last, colour)."""
    return [
        (piece.get_x(), piece.get_x() + piece.get_width(), to_hex(piece.get_facecolor()))
        for piece in figure.axes[row].patches
    ]


def colour(state):
    return to_hex(charts.STATES[state][0])


def test_every_place_is_written_and_the_lag():
    figure = charts.tape(places(["map"], beginning=1_000), title=TITLE)
    assert {
        "map",
        "beginning 1,000",
        "committed 20,000",
        "position 28,000",
        "end 40,000",
        "lag 12,000",
    } <= set(written(figure))


def test_neighbours_of_one_state_are_one_piece_on_the_stored_tape():
    records = tape_records(["map"], 12, ["done", "lost"])
    records = records[records["offset"] != 3]
    figure = charts.tape(
        places(["map"], committed=12, position=12, end=20), records=records, title=TITLE
    )
    assert pieces(figure) == [
        (0, 20, colour("stored")),
        (0, 3, colour("done")),
        (4, 5, colour("done")),
        (5, 10, colour("lost")),
        (10, 12, colour("done")),
    ]


def test_what_went_wrong_is_counted_in_words():
    records = tape_records(TWO, 40, ["repeated", "lost", "done", "done"])
    figure = charts.tape(places(TWO, end=60, committed=40, position=40), records=records, title="")
    assert written(figure).count("repeated 10") == written(figure).count("lost 10") == 2


def test_the_legend_explains_states_only_where_records_are_given():
    words = {words for _, _, words in charts.STATES.values()}
    given = charts.tape(places(["map"]), records=tape_records(["map"]), title=TITLE)
    assert words <= set(written(given))
    assert not words & set(written(charts.tape(places(["map"]), title=TITLE)))


def test_the_last_offsets_alone_and_markers_before_them_at_the_edge():
    figure = charts.tape(
        places(TWO, committed=[39_980, 10], position=[39_990, 20], end=40_000),
        records=tape_records(TWO, 40_000),
        last=50,
        title=TITLE,
    )
    assert [axis.get_xlim() for axis in figure.axes] == [(39_950, 40_000)] * 2
    assert all(first >= 39_950 for row in (0, 1) for first, _, _ in pieces(figure, row))
    assert {"committed 39,980", "◂ committed 10", "◂ position 20"} <= set(written(figure))


def test_each_partition_is_drawn_up_to_its_own_end():
    figure = charts.tape(places(TWO, committed=0, position=0, end=[1_000, 30]), last=50, title="")
    assert [axis.get_xlim() for axis in figure.axes] == [(950, 1_000), (0, 30)]


def test_a_reader_that_has_no_place_yet_has_no_marker():
    figure = charts.tape(places(["map"], committed=np.nan, position=np.nan), title=TITLE)
    assert not [text for text in written(figure) if text.startswith(("position", "committed"))]
    assert not [text for text in written(figure) if text.startswith("lag")]


@pytest.mark.parametrize(
    "column, value, told", [("partition", "elsewhere", "partition 0"), ("state", "eaten", "done")]
)
def test_an_unknown_partition_or_state_is_refused_with_what_there_is(column, value, told):
    records = tape_records(TWO)
    records.loc[3, column] = value
    with pytest.raises(ValueError, match=f"tape, records: unknown {column} {value}; .*{told}"):
        charts.tape(places(TWO), records=records, title=TITLE)


def test_a_beginning_behind_the_end_is_refused():
    with pytest.raises(ValueError, match="tape: the beginning .*behind its end"):
        charts.tape(places(["map"], beginning=50_000), title=TITLE)


def test_records_without_a_column_are_refused():
    with pytest.raises(ValueError, match="tape, records: missing column state"):
        charts.tape(places(TWO), records=tape_records(TWO).drop(columns="state"), title=TITLE)
