"""All figures of helpers.charts, with made-up data to draw: for each an ordinary input, and hard
ones (long names, eight variants, events close together, a title of three lines).

A new figure gets its place in FIGURES; the tests of what all figures share are then its tests, too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from helpers import charts

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
    (10.3, "new leader elected"),
    (19.0, "broker 1 is back"),
    (29.9, "the end of it all"),
]
CLOSE = [(10 + n / 10, f"a longish event number {n}") for n in range(10)]
SENT = 11_559
HALF_A_MINUTE = np.arange(0, 30, 0.25)


# ------------------------------------------------------------------------------------ made-up data


def rounds(variants=ACKS, values=(23_000, 21_500, 21_000), count=5):
    spread = np.linspace(0.97, 1.02, count) if count > 1 else [1]
    rows = [
        (name, value * part)
        for name, value in zip(variants, np.resize(values, len(variants)))
        for part in spread
    ]
    return pd.DataFrame(rows, columns=["variant", "messages_per_s"])


def series(column, variants=ACKS, values=(23_000, 21_500, 21_000), seconds=HALF_A_MINUTE):
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
        columns = {
            "variant": name,
            "seconds": np.linspace(0, 30, sent),
            "stored": stored,
            "silent": ~stored & (place < first + silent),
        }
        frames.append(pd.DataFrame(columns))
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
        **columns,
    }
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
        **columns,
    }
    return pd.DataFrame(
        {name: np.resize(np.array(values, float), len(variants)) for name, values in rows.items()},
        index=variants,
    )


def cards(numbers, variants=ACKS, **columns):
    """Lessons' scorecards, as lesson.scorecards() reads them; the first variant is the lesson's."""
    frames = [
        card(variants, **columns)
        .rename_axis("variant")
        .reset_index()
        .assign(lesson=number, own=[True] + [False] * (len(variants) - 1))
        for number in numbers
    ]
    return pd.concat(frames, ignore_index=True)


def spread(middles=(0.3e-3, 1.7e-3, 1.8e-3), variants=ACKS, count=2000):
    shape = np.random.default_rng(1).lognormal(0, 0.5, count) if count > 1 else np.ones(count)
    return {
        name: middle * shape for name, middle in zip(variants, np.resize(middles, len(variants)))
    }


def calls(variants=ACKS, count=300, seconds=30.0):
    outcomes = np.array(["served", "turned away", "nobody there"])
    return pd.concat(
        pd.DataFrame(
            {
                "variant": name,
                "seconds": np.linspace(0, seconds, count) ** (1 + place / 8) % seconds,
                "outcome": outcomes[np.arange(count) % (1 + place % 3)],
            }
        )
        for place, name in enumerate(variants)
    )


def crashes(variants=("commit first", "work first"), batches=(1, 100), most=1_119):
    rows = [
        (name, batch, *((most * batch // 100, 0) if place % 2 else (0, most * batch // 100)))
        for place, name in enumerate(variants)
        for batch in batches
    ]
    return pd.DataFrame(rows, columns=["variant", "batch", "lost", "repeated"])


def loads(offered=(1_000, 10_000, 80_000), p50_ms=(3, 5, 900), p99_ms=(9, 30, 2_000)):
    return pd.DataFrame(
        {
            "offered": offered,
            "delivered": [min(load, 21_000 + load // 100) for load in offered],
            "p50_ms": np.resize(p50_ms, len(offered)),
            "p99_ms": np.resize(p99_ms, len(offered)),
        }
    )


def loads_of(variants, **shape):
    frame = loads(**shape)[["offered", "p50_ms"]]
    return pd.concat(
        frame.assign(variant=name, p50_ms=frame["p50_ms"] * (1 + place / 4))
        for place, name in enumerate(variants)
    )


def grid(xs=(0, 5, 20), ys=(1, 4, 32), scale=1_000):
    rows = [(x, y, scale * y + x) for x in xs for y in ys]
    return pd.DataFrame(rows, columns=["linger_ms", "batch_size", "messages_per_s"])


def settings(names, kinds, p99_ms, messages_per_s):
    return pd.DataFrame(
        {"name": names, "kind": kinds, "p99_ms": p99_ms, "messages_per_s": messages_per_s}
    )


def places(readers=("map",), **columns):
    rows = {"beginning": 0, "committed": 20_000, "position": 28_000, "end": 40_000, **columns}
    return pd.DataFrame(
        {name: np.resize(values, len(readers)) for name, values in rows.items()}, index=readers
    )


def times(*clock):
    return pd.to_datetime([f"2013-07-10 {time}" for time in clock], utc=True)


def now(end=20.0, begin=0.0, **columns):
    """What a live run looks back on: three frames on one clock."""
    seconds = np.arange(begin, end, 0.25)
    values = {"per_s": 2_000, "p50_ms": 1.7, "p99_ms": 6.2, "lag": 12, **columns}
    of = lambda *names: pd.DataFrame(
        {
            "seconds": seconds,
            **{name: np.resize(np.array(values[name], float), len(seconds)) for name in names},
        }
    )
    return {"throughput": of("per_s"), "latency": of("p50_ms", "p99_ms"), "lag": of("lag")}


def tape_records(partitions=("partition 0", "partition 1"), count=40, states=("done",)):
    return pd.DataFrame(
        {
            "partition": np.repeat(list(partitions), count),
            "offset": np.tile(np.arange(count), len(partitions)),
            "state": np.resize(np.repeat(list(states), 5), count * len(partitions)),
        }
    )


def late(count=6, lateness=(0, 5, 0, 150), kinds=("in time", "in time", "in time", "too late")):
    arrived = times("06:00")[0] + pd.to_timedelta(np.arange(count) * 9, "min")
    return pd.DataFrame(
        {
            "arrived": arrived,
            "happened": arrived - pd.to_timedelta(np.resize(lateness, count), "min"),
            "watermark": arrived - pd.to_timedelta(30, "min"),
            "kind": np.resize(kinds, count),
        }
    )


def hours(count=4):
    begin = times("05:00")[0] + pd.to_timedelta(np.arange(count), "h")
    closed = [*(begin[:-1] + pd.to_timedelta(2, "h")), pd.NaT]
    return pd.DataFrame({"begin": begin, "end": begin + pd.to_timedelta(1, "h"), "closed": closed})


@dataclass(frozen=True)
class Run:
    """What meters.Assignments has recorded, made up."""

    spans: pd.DataFrame
    done: pd.DataFrame

    def owned(self):
        return self.spans

    def reads(self):
        return self.done


def run(members="ABC", partitions=6, seconds=8.0, change=2.0, pause=0.5):
    """Every `change` seconds each partition goes to the next member, after a pause."""
    spans, done = [], []
    for turn, start in enumerate(np.arange(0, seconds, change)):
        for partition in range(partitions):
            member = members[(partition + turn) % len(members)]
            end = start + change - pause
            spans.append((member, partition, start, end))
            done += [(member, partition, at) for at in np.arange(start + pause / 4, end, 0.04)]
    return Run(
        pd.DataFrame(spans, columns=["member", "partition", "start", "end"]),
        pd.DataFrame(done, columns=["member", "partition", "seconds"]),
    )


REPLICATION = {
    "producer": (0, 0, "one message", "client"),
    "consumer": (0, 1, "group: billing", "client"),
    "broker 1": (1, 0.5, "leader of partition 0", "leader"),
    "broker 2": (2, 0, "follower"),
    "broker 3": (2, 1, "follower"),
}
COPIES = [
    ("producer", "broker 1", "message"),
    ("broker 1", "producer", "acknowledged", "dashed"),
    ("consumer", "broker 1", "poll"),
    ("broker 1", "consumer", "messages", "dashed"),
    ("broker 2", "broker 1", "fetch"),
    ("broker 1", "broker 2", "copy", "dashed"),
    ("broker 3", "broker 1", "fetch"),
    ("broker 1", "broker 3", "copy", "dashed"),
]
PROXY = {
    "a producer with a long name": (0, 0, "sends 10,000 messages a second to it", "client"),
    "proxy": (1, 0, "", "other"),
    "leader": (2, 0, "partition 0", "leader"),
    "follower": (3, 0),
    "consumer": (2, 1, "", "client"),
    "database": (0, 1),
}
THROUGH = [
    ("a producer with a long name", "proxy", "1: message with a long label, acks=all"),
    ("proxy", "a producer with a long name", "6: acknowledged", "dashed"),
    ("proxy", "leader", "2: the same message"),
    ("leader", "proxy", "5: all have it", "dashed"),
    ("follower", "leader", "3: fetch"),
    ("leader", "follower", "4: copy", "dashed"),
    ("consumer", "leader", "poll"),
    ("leader", "consumer", "up to 500 messages", "dashed"),
    ("a producer with a long name", "database", "the order, in the same transaction"),
]
NAMES = ["Fire and forget", "Manual assignment of partitions", "Exactly once"] * 5
COURSE = dict(enumerate(NAMES, 1))
HEAT = dict(
    x="linger_ms",
    y="batch_size",
    value="messages_per_s",
    x_label="linger",
    y_label="batch",
    unit="messages/s",
)
CRASHES = dict(x="batch", x_label="messages in a batch")
PARETO = dict(colour="kind", colour_label="linger_ms")


# ----------------------------------------------------------------------------------- the figures


class Case(NamedTuple):
    data: pd.DataFrame | Mapping  # the first argument
    more: dict = {}  # what else the figure is given
    title: str = TITLE


FIGURES: dict[str, dict[str, Case]] = {
    "throughput": {
        "ordinary": Case(rounds()),
        "long names": Case(rounds(LONG, count=1), title=LONG_TITLE),
        "extremes": Case(rounds("abcde", [0, 1, 1e6, np.nan, 0.0012], count=1)),
        "zero": Case(rounds(["only"], [0], count=1), title="Nothing went through"),
    },
    "tradeoff": {
        "ordinary": Case(
            rounds(), dict(latencies=spread(), lag=series("lag", values=[0, 12, 1_300]))
        ),
        "long names": Case(
            rounds(LONG, count=1),
            dict(latencies=spread(variants=LONG), lag=series("lag", LONG, [0, 1e6, 3])),
            LONG_TITLE,
        ),
        "extremes": Case(
            rounds("abc", [0, 1e6, np.nan], count=1),
            dict(
                latencies=spread([1e-6, 1, 1e3], "abc"), lag=series("lag", "abc", [0, 1e6, np.nan])
            ),
        ),
    },
    "lag": {
        "ordinary": Case(series("lag", values=[0, 0, 0]), dict(events=EVENTS)),
        "high": Case(
            series("lag", LONG, [1e6, 1e9, 3]),
            dict(events=[(500, "long after the end")]),
            LONG_TITLE,
        ),
        "long after the start": Case(
            series("lag", seconds=1.7e9 + np.linspace(0, 0.4, 9)),
            dict(events=[(1.7e9 + 0.2, "broker 1 killed")]),
        ),
        "one sample": Case(series("lag", "abcd", [0, 1, 1e6, np.nan], seconds=np.array([3.0]))),
        "nothing but NaN": Case(series("lag", "ab", [np.nan])),
    },
    "in_flight": {
        "ordinary": Case(series("in_flight"), dict(events=EVENTS)),
        "long names": Case(series("in_flight", LONG), dict(events=EVENTS), LONG_TITLE),
        "ten marks": Case(series("in_flight"), dict(events=CLOSE)),
    },
    "done_over_time": {
        "ordinary": Case(series("lag")[["variant", "seconds"]], dict(events=EVENTS)),
        "long names": Case(
            series("lag", LONG)[["variant", "seconds"]], dict(events=EVENTS), LONG_TITLE
        ),
        "one message": Case(series("lag", ["only"], [1], np.array([3.0]))[["variant", "seconds"]]),
    },
    "latency_over_time": {
        "ordinary": Case(series("latency_ms", values=[0.3, 1.7, 1.8]), dict(events=EVENTS)),
        "extremes": Case(
            series("latency_ms", LONG, [0, 1e-3, 1e6, np.nan]), dict(events=EVENTS), LONG_TITLE
        ),
        "a single one": Case(series("latency_ms", ["only"], [3], np.array([7.0]))),
        "linear": Case(
            series("latency_ms", values=[2, 1700, 3200]), dict(events=EVENTS, log=False)
        ),
    },
    "stored_over_time": {
        "ordinary": Case(messages(), dict(events=EVENTS)),
        "window": Case(messages(), dict(events=EVENTS, window=(9, 14))),
        "long names": Case(messages(variants=LONG), dict(events=EVENTS), LONG_TITLE),
        "one message": Case(messages([(1, 0)], ["only"], 1)),
    },
    "calls_over_time": {
        "ordinary": Case(calls(), dict(events=[(10.0, "the service is back")])),
        "long names": Case(calls(LONG), dict(events=EVENTS), LONG_TITLE),
        "ten marks": Case(calls(["only"]), dict(events=CLOSE, top=1.5)),
        "cut off": Case(calls(LONG[:2], 60_000), dict(events=EVENTS[:2], top=100)),
        "one call": Case(calls(["only"], 1)),
    },
    "ledger": {
        "ordinary": Case(book()),
        "processed": Case(
            book(processed=[SENT, SENT - 4, 0], missed=[0, 4, SENT], repeated=[31, 0, 0])
        ),
        "only readers": Case(
            book(
                processed=SENT, missed=0, repeated=[31, 0, 0], lost=0, silently_lost=0, duplicated=0
            )
        ),
        "pending": Case(book(acknowledged=5000, unconfirmed=6000, failed=7, pending=552)),
        "order": Case(
            book(out_of_order=[0, 4, 10**6], lost=10**6, silently_lost=10**6, duplicated=10**6),
            dict(order=True),
        ),
        "long names": Case(book(LONG), title=LONG_TITLE),
        "nothing": Case(book(["only"]) * 0),
        "extremes": Case(
            book(
                sent=[10**6, 1, np.nan],
                acknowledged=[10**6, 10**6, 1],
                unconfirmed=10**6,
                failed=10**6,
                stored=[10**6 - 1, 0, np.nan],
                lost=10**6,
                silently_lost=[1, 10**6, np.nan],
                duplicated=[10**6, 0, np.nan],
                processed=[10**6, 1, 0],
                missed=[10**6, 1, 0],
                repeated=[10**6, 1, 0],
            ),
        ),
    },
    "scorecard": {
        "ordinary": Case(card()),
        "long names": Case(card(LONG), title=LONG_TITLE),
        "nothing measured": Case(card(["only"]) * np.nan),
        "extremes": Case(
            card(
                throughput=[1e6, 1, 0],
                p50_ms=[1e6, 1e-4, 0],
                p99_ms=[1e6, 1e6, 0],
                lag=[1e6, 0, 1],
                lost=[1e6, 1, 0],
                duplicated=[1e6, np.nan, 0],
            )
        ),
    },
    "lost_and_repeated": {
        "ordinary": Case(crashes(), CRASHES),
        "long names": Case(crashes(LONG, (1, 100, 1_000), 123_456), CRASHES, LONG_TITLE),
        "nothing": Case(crashes(most=0), CRASHES),
        "the highest on the left": Case(crashes(("work first",), (100,), 1_119), CRASHES),
    },
    "load_curve": {
        "ordinary": Case(loads()),
        "crowded": Case(
            loads(range(1_000, 81_000, 10_000), [3, 3, 4, 5], [3.2, 3.1, 4, 6]), title=LONG_TITLE
        ),
        "one load": Case(loads([1_000])),
    },
    "load_latency": {
        "ordinary": Case(loads_of(("quick", "slow"))),
        "long names": Case(loads_of(LONG, offered=range(1_000, 81_000, 10_000)), title=LONG_TITLE),
        "one load": Case(loads_of(["only"], offered=[1_000])),
    },
    "heat_map": {
        "ordinary": Case(grid(), HEAT),
        "crowded": Case(
            grid([10**n for n in range(8)], [2**n for n in range(10, 20)]), HEAT, LONG_TITLE
        ),
        "one field": Case(grid([5], [4]), HEAT),
    },
    "pareto": {
        "ordinary": Case(
            settings(
                ["each message", "every 10th", "every 100th"],
                [1, 10, 100],
                [2.05, 20, 200],
                [210, 2_000, 20_700],
            ),
            PARETO,
        ),
        "flat": Case(
            settings("abc", [0, 5, 100], [12.7, 30, 103], [48_000, 40_000, 49_500]), PARETO
        ),
        "crowded": Case(
            settings(
                [f"linger {n} ms, batch {1000 * n:,}" for n in range(8)],
                range(8),
                [5.0, 5.1, 5.2, 9, 9.1, 9.2, 20, 21],
                np.linspace(20_000, 24_000, 8),
            ),
            PARETO,
            LONG_TITLE,
        ),
        "one setting": Case(settings(["only"], [1], [5], [100]), PARETO),
    },
    "offsets": {
        "ordinary": Case(places()),
        "caught up": Case(
            places(["map", "report", "late"], committed=[40_000, 0], position=[40_000, 0])
        ),
        "almost caught up": Case(places(committed=38_000, position=38_500)),
        "long names": Case(
            places(LONG, committed=39_998, position=[39_999, 39_998], end=[40_000, 10**6]),
            title=LONG_TITLE,
        ),
        "empty": Case(places(committed=0, position=0, end=0)),
    },
    "live": {
        "ordinary": Case(now(), dict(window=(0, 20), events=EVENTS)),
        "just begun": Case(now(end=0.0), dict(window=(-20, 0))),
        "one value": Case(now(end=0.2), dict(window=(-19.8, 0.2), events=[(0.1, "acks=1")])),
        "ten marks": Case(
            now(1_000, 980, p99_ms=[3, np.nan, 4_000], lag=[0, 1e6], per_s=[0, 123_456]),
            dict(window=(980, 1_000), events=[(970 + at, name) for at, name in CLOSE * 3]),
            LONG_TITLE,
        ),
        "a close window": Case(
            now(p50_ms=0.04, p99_ms=0.06),
            dict(window=(9.5, 12), events=[*CLOSE, (11, "word " * 30)]),
        ),
        "nothing but NaN": Case(
            now(per_s=np.nan, p50_ms=np.nan, p99_ms=np.nan, lag=np.nan), dict(window=(0, 20))
        ),
    },
    "tape": {
        "ordinary": Case(
            places(["partition 0", "partition 1"], committed=[30, 40], position=[34, 40], end=60),
            dict(records=tape_records(states=charts.STATES)),
        ),
        "without records": Case(places(["map", "report"], committed=[39_998, np.nan])),
        "long names": Case(
            places(LONG, committed=39_998, position=[39_999, 39_998], end=[40_000, 10**6]),
            dict(records=tape_records(LONG, 2_000, ["repeated", "lost"])),
            LONG_TITLE,
        ),
        "the last ones": Case(
            places(["a", "b"], committed=[10_000, 39_950], position=[39_900, np.nan]),
            dict(last=60, records=tape_records("ab", 40_000, charts.STATES)),
        ),
        "nothing read": Case(places(["a"], committed=np.nan, position=np.nan, end=5)),
        "empty": Case(places(committed=0, position=0, end=0)),
    },
    "arrivals": {
        "ordinary": Case(late()),
        "crowded": Case(
            late(2_000, [0, 60, 0, 9_000], ["in time", "within grace", "in time", "too late"]),
            title=LONG_TITLE,
        ),
        "windows": Case(late(), dict(windows=hours())),
        "no watermark": Case(late().assign(watermark=pd.NaT)),
        "one event": Case(late(1)),
    },
    "gantt": {
        "ordinary": Case(
            {"eager": run(), "cooperative": run(pause=0.1)},
            dict(events={"eager": [(2.0, "C joins")], "cooperative": [(2.0, "C joins")]}),
        ),
        "close events": Case(
            {"eager, the members stop": run(), "cooperative, they go on": run(pause=0.1)},
            dict(
                events={
                    "eager, the members stop": [(2.0, "C joins"), (2.3, "C has its partitions")],
                    "cooperative, they go on": [(0.0, "A joins"), (0.3, "A has its partitions")],
                }
            ),
        ),
        "long names": Case(
            {name: run(LONG, 8, 12.0, 3, 0.6) for name in LONG[:2]},
            dict(events={LONG[0]: [*EVENTS, *CLOSE[:3]], LONG[1]: [(11.0, "the end of it")]}),
            LONG_TITLE,
        ),
    },
    "diagram": {
        "ordinary": Case(REPLICATION, dict(arrows=COPIES)),
        "crowded": Case(PROXY, dict(arrows=THROUGH), LONG_TITLE),
        "one box": Case({"broker": (0, 0)}, dict(arrows=[]), "One broker, alone"),
    },
    "overview": {
        "ordinary": Case(cards([1, 3]), dict(lessons={1: "One", 2: "Two", 3: "Three"})),
        "the whole course": Case(
            cards(
                COURSE,
                LONG,
                throughput=[1e6, 3, 20_000],
                lag=[1e6, 0, np.nan],
                lost=[1_153, 123_456, 0],
                duplicated=[0, 5, 11_000],
            ),
            dict(lessons=COURSE),
            LONG_TITLE,
        ),
        "nothing measured": Case(
            cards([1]).assign(**dict.fromkeys(charts.MEASURES, np.nan)), dict(lessons={1: "One"})
        ),
    },
}


def draw(name: str, case: Case) -> Figure:
    return getattr(charts, name)(case.data, **case.more, title=case.title)


@cache
def drawn(name: str, which: str = "ordinary") -> Figure:
    """The figure of the table: drawn once, for all tests that only look at it."""
    return draw(name, FIGURES[name][which])


def emptied(case: Case) -> Case:
    """The same with no data."""
    return case._replace(data=case.data.iloc[:0] if isinstance(case.data, pd.DataFrame) else {})


def without_a_column(case: Case) -> Iterator[tuple[str, Case]]:
    """The same for each column, which its frames then lack."""
    if isinstance(case.data, pd.DataFrame):
        for column in case.data.columns:
            yield column, case._replace(data=case.data.drop(columns=column))
    else:
        for key, record in case.data.items():
            for part in ("spans", "done") if isinstance(record, Run) else ():
                for column in (frame := getattr(record, part)).columns:
                    less = replace(record, **{part: frame.drop(columns=column)})
                    yield column, case._replace(data={**case.data, key: less})


# ----------------------------------------------------------------------- what a drawn figure shows


class Written(NamedTuple):
    """A text that is drawn, and where: its four corners in pixels, tight around the letters."""

    text: str
    corners: np.ndarray

    @property
    def box(self) -> Bbox:
        return Bbox([self.corners.min(axis=0), self.corners.max(axis=0)])

    def overlaps(self, other: "Written") -> bool:
        if not self.box.overlaps(other.box):
            return False
        # Slanted texts can stand close: they overlap if no line parallel to a side parts them.
        for corners in (self.corners, other.corners):
            for side in corners[1:3] - corners[:2]:
                across = np.array([-side[1], side[0]])
                here, there = self.corners @ across, other.corners @ across
                if here.max() <= there.min() or there.max() <= here.min():
                    return False
        return True


def visible_texts(figure: Figure) -> list[Text]:
    """Every text that is drawn, of the axes, their ticks and the legends."""
    texts = list(figure.texts)
    legends = list(figure.legends)
    for axes in figure.axes:
        texts += axes.texts
        legends += [axes.get_legend()] if axes.get_legend() else []
        if not axes.axison:
            continue
        titles = [axes.title, axes._left_title, axes._right_title]
        texts += [*titles, axes.xaxis.label, axes.yaxis.label]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            texts += [
                tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high
            ]
            texts += [axis.get_offset_text()]
    for legend in legends:
        texts += [legend.get_title(), *legend.get_texts()]
    return [text for text in texts if text.get_visible() and text.get_text().strip()]


def written(figure: Figure) -> list[str]:
    return [text.get_text() for text in visible_texts(figure)]


def corners(text: Text) -> np.ndarray:
    """Where a text of a figure lies that has been drawn (without an annotation's arrow)."""
    box, slant = Text.get_window_extent(text), text.get_rotation()
    if slant % 90:
        text.set_rotation(0)
        flat = Text.get_window_extent(text)
        text.set_rotation(slant)
    else:
        slant, flat = 0, box
    # Half a pixel of two boxes may touch: letters don't reach the edge of theirs.
    wide, high = flat.width / 2 - 0.5, flat.height / 2 - 0.5
    around = np.array([[-wide, -high], [wide, -high], [wide, high], [-wide, high]])
    cos, sin = np.cos(np.radians(slant)), np.sin(np.radians(slant))
    middle = [(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2]
    return around @ np.array([[cos, sin], [-sin, cos]]) + middle
