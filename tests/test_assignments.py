"""Assignments: who owned which partition when. (The figure of it: charts/test_ownership.py.)"""

import pytest

from helpers.meters import Assignments


@pytest.fixture
def record():
    record = Assignments()
    start = record.start = record.start - 10  # as if all had been 10 seconds ago
    record.gained("A", [0, 1], start + 1)
    record.read("A", 0, start + 1.5)
    record.lost("A", [1], start + 2)
    record.gained("B", [1], start + 3)
    record.read("B", 1, start + 3.5)
    return record


def spans(record):
    return {
        (row.member, row.partition, round(row.start), round(row.end))
        for row in record.owned().itertuples()
    }


def test_a_span_lasts_from_gained_to_lost(record):
    record.lost("A", [0], record.start + 5)
    record.lost("B", [1], record.start + 6)
    assert spans(record) == {("A", 0, 1, 5), ("A", 1, 1, 2), ("B", 1, 3, 6)}


def test_what_a_dead_member_owned_ends_with_it(record):
    assert record.died("B", record.start + 4) == [1]
    assert ("B", 1, 3, 4) in spans(record)


def test_losing_what_one_does_not_own_is_nothing(record):
    record.lost("B", [0], record.start + 4)
    assert not [
        row for row in record.owned().itertuples() if row.member == "B" and row.partition == 0
    ]


def test_readers_since(record):
    assert record.readers() == {"A", "B"}
    assert record.readers(since=2) == {"B"}


def test_what_happens_after_the_end_is_not_noted(record):
    record.finish()
    before = len(record.owned()), len(record.reads())
    later = record.start + 20
    record.gained("C", [5], later)
    record.read("C", 5, later)
    record.lost("A", [0], later)
    assert (len(record.owned()), len(record.reads())) == before
    assert record.owned()["end"].max() < 20


def test_how_long_a_partition_was_not_read(record):
    record.read("B", 1, record.start + 4.5)
    assert record.silence(3, 5, partitions=[1]) == pytest.approx(1.0)  # 3.5 to 4.5
    assert record.silence(3, 5, partitions=[0, 1]) == pytest.approx(2.0)  # nobody read 0
    assert record.silence(1, 5, member="A") == pytest.approx(3.5)  # from 1.5 on
    assert record.silence(1, 5) == pytest.approx(2.0)  # from 1.5 to 3.5
    with pytest.raises(ValueError, match="no partition"):
        record.silence(1, 5, partitions=[])


def test_who_owned_what_and_what_was_taken(record):
    assert record.owned_by("A", 1.5) == [0, 1] and record.owned_by("A", 2.5) == [0]
    moved = record.moved(1.5, 2.5)
    assert moved[["member", "partition"]].values.tolist() == [["A", 1]]
    record.finish(record.start + 5)
    assert record.owned()["end"].max() == pytest.approx(5)
