"""The figures: nothing overlaps, the numbers are the input's, a variant keeps its colour, a
notebook shows one PNG.
"""

import io
from itertools import combinations, pairwise

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.text import Text
from nbclient import NotebookClient
from PIL import Image

from helpers import charts
from helpers.charts import canvas

ACKS = ["acks=0", "acks=1", "acks=all"]
LONG = [
    "acks=all, min.insync.replicas=2, linger.ms=5, compression.type=zstd",
    "one_name_without_any_blank_that_is_far_too_long_for_a_row",
    "acks=$x$ & 100%",
    *(f"variant number {number} of several" for number in range(5)),
]
TITLE = "acks=0 is the fastest and loses 1,153 messages without a word"
LONG_TITLE = " ".join(
    ["With acks=all the producer waits for every follower, and so not one message is lost."] * 3
)
EVENTS = [
    (10.0, "broker 1 killed"),
    (10.4, "new leader elected"),
    (19.0, "broker 1 is back"),
    (29.9, "the end of it all"),
]
SENT = 11_559


# ------------------------------------------------------------------------------------------ made-up data


def rounds(variants=ACKS, values=(23_000, 21_500, 21_000), count=5):
    spread = np.linspace(0.97, 1.02, count) if count > 1 else [1]
    rows = [
        (name, value * part)
        for name, value in zip(variants, np.resize(values, len(variants)))
        for part in spread
    ]
    return pd.DataFrame(rows, columns=["variant", "messages_per_s"])


def series(column, variants=ACKS, values=(23_000, 21_500, 21_000), seconds=np.arange(0, 30, 0.25)):
    values = np.resize(np.array(values, float), len(variants))
    return pd.concat(
        pd.DataFrame({"variant": n, "seconds": seconds, column: v})
        for n, v in zip(variants, values)
    )


def messages(losses=((1153, 0), (5, 7), (0, 0)), variants=ACKS, sent=SENT):
    frames = []
    for name, (silent, failed) in zip(variants, np.resize(losses, (len(variants), 2))):
        place, first = np.arange(sent), sent // 3
        stored = (place < first) | (place >= first + silent + failed)
        frames.append(
            pd.DataFrame(
                {
                    "variant": name,
                    "seconds": np.linspace(0, 30, sent),
                    "stored": stored,
                    "silent": ~stored & (place < first + silent),
                }
            )
        )
    return pd.concat(frames)


def book(variants=ACKS, **columns):
    rows = {
        "sent": [SENT] * 3,
        "acknowledged": [0, SENT - 7, SENT],
        "unconfirmed": [SENT, 0, 0],
        "failed": [0, 7, 0],
        "stored": [SENT - 1153, SENT - 12, SENT],
        "lost": [1153, 12, 0],
        "silently_lost": [1153, 5, 0],
        "duplicated": [0, 0, 3],
    }
    rows.update(columns)
    return pd.DataFrame(
        {name: np.resize(values, len(variants)) for name, values in rows.items()}, index=variants
    )


def card(variants=ACKS, **columns):
    rows = {
        "throughput": [23_011, 21_502, 20_987],
        "p50_ms": [0.31, 1.7, 1.83],
        "p99_ms": [1.1, 6.2, 8.9],
        "lag": [1200, 0, np.nan],
        "lost": [1153, 12, 0],
        "duplicated": [0, 0, 3],
    }
    rows.update(columns)
    return pd.DataFrame(
        {name: np.resize(np.array(values, float), len(variants)) for name, values in rows.items()},
        index=variants,
    )


def spread(middles=(0.3e-3, 1.7e-3, 1.8e-3), variants=ACKS, count=2000):
    shape = np.random.default_rng(1).lognormal(0, 0.5, count) if count > 1 else np.ones(count)
    return {
        name: middle * shape for name, middle in zip(variants, np.resize(middles, len(variants)))
    }


REPLICATION = (
    {
        "producer": (0, 0, "one message", "client"),
        "consumer": (0, 1, "group: billing", "client"),
        "broker 1": (1, 0.5, "leader of partition 0", "leader"),
        "broker 2": (2, 0, "follower"),
        "broker 3": (2, 1, "follower"),
    },
    [
        ("producer", "broker 1", "message"),
        ("broker 1", "producer", "acknowledged", "dashed"),
        ("consumer", "broker 1", "poll"),
        ("broker 1", "consumer", "messages", "dashed"),
        ("broker 2", "broker 1", "fetch"),
        ("broker 1", "broker 2", "copy", "dashed"),
        ("broker 3", "broker 1", "fetch"),
        ("broker 1", "broker 3", "copy", "dashed"),
    ],
)
CROWDED = (
    {
        "a producer with a long name": (0, 0, "sends 10,000 messages a second to it", "client"),
        "proxy": (1, 0, "", "other"),
        "leader": (2, 0, "partition 0", "leader"),
        "follower": (3, 0),
        "consumer": (2, 1, "", "client"),
        "database": (0, 1),
    },
    [
        ("a producer with a long name", "proxy", "1: message with a long label, acks=all"),
        ("proxy", "a producer with a long name", "6: acknowledged", "dashed"),
        ("proxy", "leader", "2: the same message"),
        ("leader", "proxy", "5: all have it", "dashed"),
        ("follower", "leader", "3: fetch"),
        ("leader", "follower", "4: copy", "dashed"),
        ("consumer", "leader", "poll"),
        ("leader", "consumer", "up to 500 messages", "dashed"),
        ("a producer with a long name", "database", "the order, in the same transaction"),
    ],
)

CASES = {
    "throughput": lambda: charts.throughput(rounds(), title=TITLE),
    "throughput, long names": lambda: charts.throughput(rounds(LONG, count=1), title=LONG_TITLE),
    "throughput, extremes": lambda: charts.throughput(
        rounds("abcde", [0, 1, 1e6, np.nan, 0.0012], count=1), title=TITLE
    ),
    "throughput, zero": lambda: charts.throughput(
        rounds(["only"], [0], count=1), title="Nothing went through"
    ),
    "rate": lambda: charts.rate_over_time(series("messages_per_s"), title=TITLE, events=EVENTS),
    "rate, long names": lambda: charts.rate_over_time(
        series("messages_per_s", LONG), title=LONG_TITLE, events=EVENTS
    ),
    "rate, extremes": lambda: charts.rate_over_time(
        series("messages_per_s", "abcd", [0, 1, 1e6, np.nan], seconds=np.array([3.0])), title=TITLE
    ),
    "rate, nothing but NaN": lambda: charts.rate_over_time(
        series("messages_per_s", "ab", [np.nan]), title=TITLE
    ),
    "rate, ten marks": lambda: charts.rate_over_time(
        series("messages_per_s"),
        title=TITLE,
        events=[(5 + n / 10, f"a longish event number {n}") for n in range(10)],
    ),
    "lag": lambda: charts.lag(series("lag", values=[0, 0, 0]), title=TITLE, events=EVENTS),
    "lag, high": lambda: charts.lag(
        series("lag", LONG, [1e6, 1e9, 3]), title=TITLE, events=[(500, "long after the end")]
    ),
    "lag, long after the start": lambda: charts.lag(
        series("lag", seconds=1.7e9 + np.linspace(0, 0.4, 9)),
        title=TITLE,
        events=[(1.7e9 + 0.2, "broker 1 killed")],
    ),
    "latency over time": lambda: charts.latency_over_time(
        series("latency_ms", values=[0.3, 1.7, 1.8]), title=TITLE, events=EVENTS
    ),
    "latency over time, extremes": lambda: charts.latency_over_time(
        series("latency_ms", LONG, [0, 1e-3, 1e6, np.nan]), title=LONG_TITLE, events=EVENTS
    ),
    "latency over time, a single one": lambda: charts.latency_over_time(
        series("latency_ms", ["only"], [3], np.array([7.0])), title=TITLE
    ),
    "latency": lambda: charts.latency(spread(), title=TITLE),
    "latency, stages": lambda: charts.latency(
        {
            (name, stage): values
            for name, values in spread().items()
            for stage in ("in the queue", "on the wire")
        },
        title=TITLE,
    ),
    "latency, long names": lambda: charts.latency(spread(variants=LONG), title=LONG_TITLE),
    "latency, extremes": lambda: charts.latency(
        {"zero": [0.0], "one": [1.0], "NaN": [np.nan], "none": [], "long": [1e-6, 1e6]}, title=TITLE
    ),
    "latency, three decades": lambda: charts.latency(
        {"commit every 100th": [0.0025, 0.104], "commit each message": [1.1, 1.9]}, title=TITLE
    ),
    "latency, a single one": lambda: charts.latency({"only": [0.0033]}, title=TITLE),
    "latency, µs": lambda: charts.latency(spread([1e-5, 2e-5, 3e-4]), title=TITLE),
    "stored": lambda: charts.stored_over_time(messages(), title=TITLE, events=EVENTS),
    "stored, window": lambda: charts.stored_over_time(
        messages(), title=TITLE, events=EVENTS, window=(9, 14), bin_s=0.05
    ),
    "stored, long names": lambda: charts.stored_over_time(
        messages(variants=LONG), title=LONG_TITLE, events=EVENTS
    ),
    "stored, one message": lambda: charts.stored_over_time(
        messages([(1, 0)], ["only"], 1), title=TITLE
    ),
    "ledger": lambda: charts.ledger(book(), title=TITLE),
    "ledger, processed": lambda: charts.ledger(
        book(processed=[SENT, SENT - 4, 0], missed=[0, 4, SENT], repeated=[31, 0, 0]), title=TITLE
    ),
    "ledger, only readers": lambda: charts.ledger(
        book(
            processed=[SENT] * 3,
            missed=0,
            repeated=[31, 0, 0],
            lost=0,
            silently_lost=0,
            duplicated=0,
        ),
        title=TITLE,
    ),
    "ledger, pending": lambda: charts.ledger(
        book(acknowledged=[5000] * 3, unconfirmed=[6000] * 3, failed=[7] * 3, pending=[552] * 3),
        title=TITLE,
    ),
    "ledger, long names": lambda: charts.ledger(book(LONG), title=LONG_TITLE),
    "ledger, nothing": lambda: charts.ledger(book(["only"]) * 0, title=TITLE),
    "ledger, extremes": lambda: charts.ledger(
        book(
            sent=[10**6, 1, np.nan],
            acknowledged=[10**6, 10**6, 1],
            unconfirmed=[10**6] * 3,
            failed=[10**6] * 3,
            stored=[10**6 - 1, 0, np.nan],
            lost=[10**6] * 3,
            silently_lost=[1, 10**6, np.nan],
            duplicated=[10**6, 0, np.nan],
            processed=[10**6, 1, 0],
            missed=[10**6, 1, 0],
            repeated=[10**6, 1, 0],
        ),
        title=TITLE,
    ),
    "scorecard": lambda: charts.scorecard(card(), title=TITLE),
    "scorecard, long names": lambda: charts.scorecard(card(LONG), title=LONG_TITLE),
    "scorecard, nothing measured": lambda: charts.scorecard(card(["only"]) * np.nan, title=TITLE),
    "scorecard, extremes": lambda: charts.scorecard(
        card(
            throughput=[1e6, 1, 0],
            p50_ms=[1e6, 1e-4, 0],
            p99_ms=[1e6, 1e6, 0],
            lag=[1e6, 0, 1],
            lost=[1e6, 1, 0],
            duplicated=[1e6, np.nan, 0],
        ),
        title=TITLE,
    ),
    "pattern": lambda: charts.diagram(
        *REPLICATION, title="The producer writes to the leader; the followers copy"
    ),
    "pattern, crowded": lambda: charts.diagram(*CROWDED, title=LONG_TITLE),
    "pattern, one box": lambda: charts.diagram({"broker": (0, 0)}, [], title="One broker, alone"),
}


# --------------------------------------------------------------------------------------------- helpers


def visible_texts(figure):
    """Every text that is drawn, and its box in pixels, tight around the letters (without an
    annotation's arrow).
    """
    figure.canvas.draw()
    texts = list(figure.texts)
    for axes in figure.axes:
        texts += axes.texts
        if not axes.axison:
            continue
        texts += [
            axes.title,
            axes._left_title,
            axes._right_title,
            axes.xaxis.label,
            axes.yaxis.label,
        ]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            texts += [
                tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high
            ]
            texts += [axis.get_offset_text()]
    drawn = [text for text in texts if text.get_visible() and text.get_text().strip()]
    return [(text.get_text(), Text.get_window_extent(text)) for text in drawn]


def written(figure):
    return [text for text, _ in visible_texts(figure)]


def touches(path, box):
    # Piece by piece: intersects_bbox takes the jump from an arrow's shaft to its head for a line.
    return any(
        Path(piece).intersects_bbox(box, filled=False)
        for piece in path.to_polygons(closed_only=False)
    )


def colour_of_bars(axes):
    return [to_hex(bar.get_facecolor()) for bar in axes.patches]


# ----------------------------------------------------------------------------------------------- tests


@pytest.fixture(params=CASES, scope="module")
def figure(request):
    return CASES[request.param]()


def test_no_two_texts_overlap_and_all_lie_inside(figure):
    texts = visible_texts(figure)
    width, height = figure.canvas.get_width_height()
    outside = [
        (text, box)
        for text, box in texts
        if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height
    ]
    assert not outside
    # Half a pixel of two boxes may touch: letters don't reach the edge of theirs.
    overlapping = [
        (a, b)
        for (a, box), (b, other) in combinations(texts, 2)
        if box.padded(-0.5).overlaps(other.padded(-0.5))
    ]
    assert not overlapping


def test_numbers_along_an_axis_stand_apart(figure):
    """Two that only just don't overlap, 1,000 and 2,000, read as one: 1,0002,000."""
    figure.canvas.draw()
    for axes in figure.axes:
        labels = [tick.label1 for tick in axes.xaxis.get_major_ticks()]
        boxes = sorted(
            (
                label.get_window_extent()
                for label in labels
                if label.get_visible() and not label.get_rotation()
            ),
            key=lambda box: box.x0,
        )
        assert all(
            right.x0 - left.x1 > 3 for left, right in pairwise(boxes) if left.width and right.width
        )


def test_the_picture_is_small_opaque_and_light(figure):
    png = figure.png()
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    assert len(png) < 60_000
    assert picture.width == 768 and 100 <= picture.height <= 1000
    assert picture.getextrema()[3] == (255, 255)
    assert min(picture.getpixel((1, 1))[:3]) > 240


def test_pyplot_knows_of_no_figure(figure):
    assert plt.get_fignums() == []


def test_the_title_is_the_callers():
    figure = charts.throughput(rounds(), title=LONG_TITLE)
    assert " ".join(figure.get_suptitle().split()) == LONG_TITLE


def test_many_messages_still_make_a_small_picture():
    random = np.random.default_rng(1)
    frame = series("latency_ms", seconds=np.arange(0, 30, 0.003))
    frame["latency_ms"] = random.lognormal(0, 1, len(frame))
    assert len(charts.latency_over_time(frame, title=TITLE).png()) < 60_000


def test_pattern_keeps_labels_boxes_and_arrows_apart():
    for boxes_and_arrows in (REPLICATION, CROWDED):
        figure = charts.diagram(*boxes_and_arrows, title=TITLE)
        texts = visible_texts(figure)
        [axes] = figure.axes
        arrows = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
        boxes = [
            patch.get_window_extent() for patch in axes.patches if isinstance(patch, FancyBboxPatch)
        ]
        assert len(arrows) == len(boxes_and_arrows[1]) and len(boxes) == len(boxes_and_arrows[0])
        assert not any(box.overlaps(other) for box, other in combinations(boxes, 2))
        for text, box in texts:
            inside = [
                b
                for b in boxes
                if b.x0 < box.x0 and box.x1 < b.x1 and b.y0 < box.y0 and box.y1 < b.y1
            ]
            assert inside or not any(box.overlaps(b) for b in boxes), text
            assert not any(
                touches(axes.transData.transform_path(arrow.get_path()), box) for arrow in arrows
            ), text


def test_pattern_draws_an_answer_dashed_and_grey():
    [axes] = charts.diagram(*REPLICATION, title=TITLE).axes
    arrows = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
    assert [to_hex(a.get_edgecolor()) for a in arrows[:2]] == [
        canvas.INK.lower(),
        canvas.GREY.lower(),
    ]
    assert arrows[0].get_linestyle() in ("-", "solid") and arrows[1].get_linestyle() not in (
        "-",
        "solid",
    )


@pytest.mark.parametrize(
    "boxes, arrows, message",
    [
        ({}, [], "no box"),
        ({"a": (0, 0), "b": (0, 0)}, [], "b and a are both at column 0, row 0"),
        ({"a": (0, 0)}, [("a", "b", "x")], "names b, which is no box"),
        ({"a": (0, 0)}, [("a", "a", "x")], "to itself"),
        ({"a": (0, 0), "b": (1, 0)}, [("a", "b", "x", "dotted")], "style dotted"),
        ({"a": (0, 0, "", "cloud")}, [], "kind cloud"),
        ({"a": (0, 0), "b": (1, 0), "c": (2, 0)}, [("a", "c", "x")], "from a to c runs through b"),
    ],
)
def test_pattern_says_what_is_wrong(boxes, arrows, message):
    with pytest.raises(ValueError, match=message):
        charts.diagram(boxes, arrows, title=TITLE)


def test_throughput_writes_medians_and_draws_every_round():
    figure = charts.throughput(rounds(values=[23_000, 21_500, 21_000]), title=TITLE)
    medians = [f"{value * 0.995:,.0f}" for value in (23_000, 21_500, 21_000)]
    assert set(medians) <= set(written(figure))
    dots = [c for c in figure.axes[0].collections if isinstance(c, PathCollection)]
    assert [len(c.get_offsets()) for c in dots] == [5, 5, 5]


def test_scorecard_writes_its_numbers_in_their_panels():
    panels = [
        [text.get_text() for text in axes.texts]
        for axes in charts.scorecard(card(), title=TITLE).axes
    ]
    assert panels == [
        ["23,011", "21,502", "20,987"],
        ["0.31", "1.7", "1.83"],
        ["1.1", "6.2", "8.9"],
        ["1,200", "0", "–"],
        ["1,153", "12", "0"],
        ["0", "0", "3"],
    ]


def test_ledger_writes_its_numbers_and_never_rounds_a_loss_away():
    panels = [
        [text.get_text() for text in axes.texts] for axes in charts.ledger(book(), title=TITLE).axes
    ]
    assert panels == [
        ["11,559 unconfirmed", "11,552 acknowledged\n7 failed", "11,559 acknowledged"],
        ["10,406\nof 11,559\n90.02%", "11,547\nof 11,559\n99.89%", "11,559\nof 11,559\n100%"],
        ["0", "7", "0"],
        ["1,153", "5", "0"],
        ["0", "0", "3"],
    ]
    almost = charts.ledger(book(sent=[10**6] * 3, stored=[10**6 - 1] * 3), title=TITLE)
    assert "999,999\nof 1,000,000\n99.99%" in written(almost)


def test_ledger_leaves_out_no_message_that_nobody_spoke_of():
    told = (
        charts.ledger(book(acknowledged=[0, SENT - 10, SENT], pending=[0, 3, 0]), title=TITLE)
        .axes[0]
        .texts
    )
    assert [text.get_text() for text in told] == [
        "11,559 unconfirmed",
        "11,549 acknowledged\n7 failed\n3 pending",
        "11,559 acknowledged",
    ]


def test_latency_names_stages_that_are_numbers():
    assert "acks=0, 3" in written(charts.latency({("acks=0", 3): [0.001]}, title=TITLE))


def test_latency_writes_the_percentiles_and_chooses_the_unit():
    figure = charts.latency({"acks=0": np.linspace(0, 0.1, 101), "none": []}, title=TITLE)
    assert [t.get_text() for t in figure.axes[0].texts][:6] == ["50", "99", "100", "–", "–", "–"]
    assert any("(ms" in text for text in written(figure))
    assert any("(µs" in text for text in written(charts.latency({"acks=0": [25e-6]}, title=TITLE)))


def test_stored_over_time_draws_and_writes_every_message():
    figure = charts.stored_over_time(messages(), title=TITLE)
    assert [[text.get_text() for text in axes.texts] for axes in figure.axes] == [
        ["acks=0", "1,153 lost silently"],
        ["acks=1", "5 lost silently", "7 lost, error told"],
        ["acks=all", "0 lost"],
    ]
    for axes, sizes in zip(figure.axes, [(SENT - 1153, 0, 1153), (SENT - 12, 7, 5), (SENT, 0, 0)]):
        steps = [patch.get_data() for patch in axes.patches]
        assert tuple(int((step.values - step.baseline).sum()) for step in steps) == sizes


@pytest.mark.parametrize(
    "low, high", [(-1.5, 4), (0, 30), (10, 10.4), (119, 121.5), (0, 1e6), (1.7e9, 1.7e9 + 0.4)]
)
def test_ticks_are_round_and_say_where_they_stand(low, high):
    span = np.linspace(low, high, 200)
    for figure in (
        charts.lag(series("lag", values=[3], variants=["only"], seconds=span), title=TITLE),
        charts.stored_over_time(
            messages(((1, 0),), ["only"], 200).assign(seconds=span),
            title=TITLE,
            window=(low, high),
            bin_s=(high - low) / 50,
        ),
    ):
        figure.canvas.draw()
        for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis):
            ticks = axis.get_major_ticks()
            assert [
                float(tick.label1.get_text().replace(",", "").replace("−", "-")) for tick in ticks
            ] == pytest.approx([tick.get_loc() for tick in ticks], rel=1e-11, abs=1e-9)
            step = ticks[1].get_loc() - ticks[0].get_loc()
            assert f"{step:.0e}"[0] in "125"


def test_lines_draw_the_values_given():
    frame = series("lag", values=[10, 200, 3000])
    lines = {
        to_hex(line.get_color()): line for line in charts.lag(frame, title=TITLE).axes[0].lines
    }
    for name, value in zip(ACKS, [10, 200, 3000]):
        line = lines[canvas.palette(ACKS)[name].lower()]
        assert set(line.get_ydata()) == {value}
    assert [lines[colour.lower()].get_linestyle() for colour in canvas.palette(ACKS).values()] == [
        "-",
        "--",
        "-.",
    ]


def test_the_lag_is_broken_where_no_sample_could_be_taken():
    times = np.concatenate([np.arange(0, 1, 0.1), np.arange(2.5, 3, 0.1)])
    [line, *_] = charts.lag(series("lag", ["a"], [7], seconds=times), title=TITLE).axes[0].lines
    assert np.flatnonzero(np.isnan(line.get_xdata())).tolist() == [10], (
        "between the sample at 0.9 s and the one at 2.5 s"
    )
    [whole, *_] = (
        charts.in_flight(series("in_flight", ["a"], [7], seconds=times), title=TITLE).axes[0].lines
    )
    assert not np.isnan(whole.get_xdata()).any()


def test_the_ledger_draws_the_order_where_it_is_asked_for():
    books = pd.DataFrame(
        {
            "sent": 9,
            "acknowledged": 9,
            "unconfirmed": 0,
            "failed": 0,
            "stored": 9,
            "lost": 0,
            "silently_lost": 0,
            "duplicated": 0,
            "out_of_order": [4],
        },
        index=["a"],
    )
    texts = lambda figure: {text.get_text() for text in figure.findobj(Text)}
    assert {"out of\norder", "4"} <= texts(charts.ledger(books, title=TITLE, order=True))
    assert "out of\norder" not in texts(charts.ledger(books, title=TITLE))
    with pytest.raises(ValueError, match="out_of_order"):
        charts.ledger(books.drop(columns="out_of_order"), title=TITLE, order=True)


def test_a_variant_has_one_colour_everywhere():
    colours = [colour.lower() for colour in canvas.palette(ACKS).values()]
    assert len(set(colours)) == 3
    assert colour_of_bars(charts.throughput(rounds(), title=TITLE).axes[0]) == colours
    assert colour_of_bars(charts.scorecard(card(), title=TITLE).axes[0]) == colours
    for figure in (
        charts.lag(series("lag"), title=TITLE),
        charts.rate_over_time(series("messages_per_s"), title=TITLE),
        charts.latency_over_time(series("latency_ms"), title=TITLE),
        charts.latency(spread(), title=TITLE),
    ):
        assert (
            list(
                dict.fromkeys(
                    to_hex(line.get_color())
                    for line in figure.axes[0].lines
                    if len(line.get_xdata()) > 1
                )
            )[:3]
            == colours
        )


def test_some_of_the_variants_keep_their_colours_if_told_all():
    all_colours = canvas.palette(ACKS)
    figure = charts.throughput(rounds(ACKS[1:]), title=TITLE, colours=all_colours)
    assert colour_of_bars(figure.axes[0]) == [all_colours[name].lower() for name in ACKS[1:]]
    with pytest.raises(ValueError, match="acks=2"):
        charts.throughput(rounds(["acks=2"]), title=TITLE, colours=all_colours)


def test_losses_alarm_and_zero_is_calm():
    lost = charts.scorecard(card(), title=TITLE).axes[4]
    assert [text.get_color() for text in lost.texts] == [canvas.SILENT, canvas.SILENT, canvas.GREY]


@pytest.mark.parametrize(
    "draw, frame",
    [
        (charts.throughput, rounds()),
        (charts.rate_over_time, series("messages_per_s")),
        (charts.latency_over_time, series("latency_ms")),
        (charts.lag, series("lag")),
        (charts.stored_over_time, messages()),
        (charts.ledger, book()),
        (charts.scorecard, card()),
    ],
)
def test_a_missing_column_and_an_empty_frame_are_named(draw, frame):
    for column in frame.columns:
        with pytest.raises(ValueError, match=f"missing column {column};"):
            draw(frame.drop(columns=column), title=TITLE)
    with pytest.raises(ValueError, match="no rows"):
        draw(frame.iloc[:0], title=TITLE)


def test_other_wrong_inputs_are_named():
    with pytest.raises(ValueError, match="no variant to draw"):
        charts.latency({}, title=TITLE)
    with pytest.raises(ValueError, match="no variant has a sample"):
        charts.latency({"acks=0": [np.nan]}, title=TITLE)
    with pytest.raises(ValueError, match="names a variant twice"):
        charts.scorecard(card(["acks=0", "acks=0"]), title=TITLE)
    with pytest.raises(ValueError, match="bin_s must be positive"):
        charts.stored_over_time(messages(), title=TITLE, bin_s=0)
    for draw, frame in ((charts.stored_over_time, messages()), (charts.lag, series("lag"))):
        with pytest.raises(ValueError, match="the column seconds holds no number"):
            draw(frame.assign(seconds=np.nan), title=TITLE, events=EVENTS)
    with pytest.raises(ValueError, match="wider bin_s"):
        charts.stored_over_time(messages(), title=TITLE, bin_s=1e-4)
    with pytest.raises(ValueError, match="ends before it starts"):
        charts.stored_over_time(messages(), title=TITLE, window=(5, 5))


@pytest.mark.parametrize("before", ["", "import matplotlib.pyplot as plt", "%matplotlib inline"])
def test_a_notebook_shows_exactly_one_picture(before):
    code = (
        "import pandas as pd\nfrom helpers import charts\n"
        "frame = pd.DataFrame({'variant': ['a', 'b'], 'messages_per_s': [1, 2]})\n"
        "charts.throughput(frame, title='b is twice as fast')"
    )
    cells = [nbformat.v4.new_code_cell(before), nbformat.v4.new_code_cell(code)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    [output] = notebook.cells[1].outputs
    assert output.output_type == "execute_result"
    assert output.data == {
        "image/png": output.data["image/png"],
        "text/plain": "<Chart: b is twice as fast>",
    }


def test_agreement_shows_missing_events_and_ghosts():
    frame = pd.DataFrame(
        {"agreed": [52, 53], "missing": [2, 0], "ghosts": [0, 7], "repeated": [0, 0]},
        index=["database first", "topic first"],
    )
    axes = charts.agreement(frame, title="A finding").axes
    assert [[text.get_text() for text in axis.texts] for axis in axes] == [
        ["52", "53"],
        ["2", "0"],
        ["0", "7"],
        ["0", "0"],
    ]
    assert (
        axes[1].get_xlim() == axes[2].get_xlim() == axes[3].get_xlim()
    )  # 2 missing are fewer than 7 ghosts, to the eye too
    with pytest.raises(ValueError, match="ghosts"):
        charts.agreement(frame.drop(columns="ghosts"), title="A finding")
