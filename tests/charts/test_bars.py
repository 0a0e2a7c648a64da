"""throughput, scorecard, ledger: bars, a row per variant."""

import pytest
from matplotlib.collections import PathCollection

from helpers import charts
from helpers.charts import canvas

from figures import SENT, TITLE, book, card, drawn, rounds, written


def panels(figure):
    return [[text.get_text() for text in axes.texts] for axes in figure.axes]


def test_throughput_writes_medians_and_draws_every_round():
    figure = charts.throughput(rounds(values=[23_000, 21_500, 21_000]), title=TITLE)
    medians = [f"{value * 0.995:,.0f}" for value in (23_000, 21_500, 21_000)]
    assert set(medians) <= set(written(figure))
    dots = [c for c in figure.axes[0].collections if isinstance(c, PathCollection)]
    assert [len(c.get_offsets()) for c in dots] == [5, 5, 5]


def test_scorecard_writes_its_numbers_in_their_panels():
    assert panels(drawn("scorecard")) == [
        ["23,011", "21,502", "20,987"],
        ["0.31", "1.7", "1.83"],
        ["1.1", "6.2", "8.9"],
        ["1,200", "0", "–"],
        ["1,153", "12", "0"],
        ["0", "0", "3"],
    ]


def test_losses_alarm_and_zero_is_calm():
    lost = drawn("scorecard").axes[4]
    assert [text.get_color() for text in lost.texts] == [canvas.SILENT, canvas.SILENT, canvas.GREY]


def test_ledger_writes_its_numbers():
    assert panels(drawn("ledger")) == [
        ["11,559 unconfirmed", "11,552 acknowledged\n7 failed", "11,559 acknowledged"],
        ["10,406\nof 11,559\n90.02%", "11,547\nof 11,559\n99.89%", "11,559\nof 11,559\n100%"],
        ["0", "7", "0"],
        ["1,153", "5", "0"],
        ["0", "0", "3"],
    ]


def test_ledger_never_rounds_a_loss_away():
    almost = charts.ledger(book(sent=[10**6] * 3, stored=[10**6 - 1] * 3), title=TITLE)
    assert "999,999\nof 1,000,000\n99.99%" in written(almost)


def test_ledger_leaves_out_no_message_that_nobody_spoke_of():
    books = book(acknowledged=[0, SENT - 10, SENT], pending=[0, 3, 0])
    assert panels(charts.ledger(books, title=TITLE))[0] == [
        "11,559 unconfirmed",
        "11,549 acknowledged\n7 failed\n3 pending",
        "11,559 acknowledged",
    ]


def test_ledger_draws_what_readers_did_where_they_were_watched():
    watched = drawn("ledger", "processed")
    assert {"never\nprocessed", "processed\nagain"} <= set(written(watched))
    assert panels(watched)[2:4] == [["0", "4", "11,559"], ["31", "0", "0"]]
    for column in ("missed", "repeated"):
        books = book(processed=SENT, missed=0, repeated=0).drop(columns=column)
        with pytest.raises(ValueError, match=f"ledger: missing column {column};"):
            charts.ledger(books, title=TITLE)


def test_ledger_draws_the_order_where_it_is_asked_for():
    books = book(["a"], out_of_order=4)
    asked = charts.ledger(books, title=TITLE, order=True)
    assert "out of\norder" in written(asked) and panels(asked)[-1] == ["4"]
    assert "out of\norder" not in written(charts.ledger(books, title=TITLE))
    with pytest.raises(ValueError, match="ledger: missing column out_of_order;"):
        charts.ledger(books.drop(columns="out_of_order"), title=TITLE, order=True)


@pytest.mark.parametrize(
    "draw, frame",
    [(charts.scorecard, card), (charts.ledger, book)],
)
def test_a_variant_that_stands_there_twice_is_refused(draw, frame):
    with pytest.raises(ValueError, match=f"{draw.__name__}: .*names a variant twice"):
        draw(frame(["acks=0", "acks=0"]), title=TITLE)
