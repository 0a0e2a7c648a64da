"""The meters' arithmetic, with clocks made by hand. (Against real brokers: test_truth.py.)"""

import io
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from helpers import meters


class Clock:
    """Time that passes only when somebody sleeps or works."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        assert seconds > 0
        self.now += seconds


def test_paced_is_never_early_and_hardly_late():
    clock = Clock()
    lateness = [clock() - due for _, due in meters.paced(2_000, 1, clock, clock.sleep)]
    assert len(lateness) == 2_000
    assert min(lateness) >= 0
    assert max(lateness) < 0.0005


def test_a_stall_makes_every_message_late_that_was_due_in_it():
    clock = Clock()
    lateness = []
    for n, due in meters.paced(1_000, 2, clock, clock.sleep):
        lateness.append(clock() - due)
        if n == 500:
            clock.now += 0.5
    late = [seconds for seconds in lateness if seconds > 0.001]
    assert len(late) == pytest.approx(499, abs=2), (
        "one for each millisecond of the stall, not one for the stall"
    )
    assert late[0] == pytest.approx(0.499, abs=0.002)
    assert np.diff(late) == pytest.approx(-0.001), (
        "each waits a millisecond less than the one before"
    )


class Screen(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("seconds, bar", [(1, False), (3, True)])
def test_paced_shows_that_it_goes_on_where_it_takes_long(seconds, bar, monkeypatch):
    screen, clock = Screen(), Clock()
    monkeypatch.setattr(sys, "stderr", screen)
    assert len(list(meters.paced(100, seconds, clock, clock.sleep))) == 100 * seconds
    assert bool(screen.getvalue()) == bar


def test_paced_shows_nothing_from_another_thread(monkeypatch):
    screen, clock = Screen(), Clock()
    monkeypatch.setattr(sys, "stderr", screen)
    with ThreadPoolExecutor() as threads:
        assert (
            threads.submit(lambda: len(list(meters.paced(100, 3, clock, clock.sleep)))).result()
            == 300
        )
    assert not screen.getvalue()


@pytest.mark.parametrize("rate, seconds", [(0, 1), (-5, 1), (100, 0), (100, -1), (float("nan"), 1)])
def test_paced_refuses_nonsense(rate, seconds):
    with pytest.raises(ValueError, match="must be positive"):
        next(meters.paced(rate, seconds))


def test_alternating_rotates_the_order():
    assert list(meters.alternating("ABC", 3)) == [
        (0, "A"),
        (0, "B"),
        (0, "C"),
        (1, "B"),
        (1, "C"),
        (1, "A"),
        (2, "C"),
        (2, "A"),
        (2, "B"),
    ]


def test_percentiles_are_numpys_in_milliseconds():
    seconds = np.random.default_rng(1).exponential(0.004, 10_000)
    row = meters.percentiles({"x": seconds}).loc["x"]
    assert row["messages"] == 10_000
    assert row["p50_ms"] == pytest.approx(1000 * np.median(seconds))
    assert row["p99_ms"] == pytest.approx(1000 * np.sort(seconds)[9_899], rel=0.01)
    assert row["max_ms"] == 1000 * seconds.max()


def test_percentiles_of_nothing_are_an_error():
    with pytest.raises(ValueError, match="acks=1"):
        meters.percentiles({"acks=0": np.array([0.1]), "acks=1": np.array([])})


def test_latencies_count_from_due():
    clock = Clock()
    latencies = meters.Latencies(clock)
    for due, done in [(100.0, 100.002), (100.01, 100.5), (99.99, 100.6)]:
        clock.now = done
        latencies.done(due)
    assert latencies.seconds() == pytest.approx([0.002, 0.49, 0.61])
    frame = latencies.frame()
    assert frame["seconds"].tolist() == pytest.approx([0, 0.01, 0.02])
    assert frame["latency_ms"].tolist() == pytest.approx([610, 2, 490])


def test_no_latencies_are_no_error():
    assert len(meters.Latencies().seconds()) == 0
    assert meters.Latencies().frame().empty
