"""Readers of an experiment: members of a group that come and go, and crashes at a point."""

import time
from collections import Counter
from collections.abc import Iterator

import pytest
from kafka import (
    ConsumerRebalanceListener,
    KafkaConsumer,
    KafkaProducer,
    OffsetAndMetadata,
    TopicPartition,
)

from helpers import charts, lesson
from helpers.base.errors import CourseError
from helpers.base.waiting import until
from helpers.experiment import (
    Experiment,
    crash,
    fail,
    kill_member,
    record,
    start_member,
    stop_member,
)
from helpers.lesson import Lesson


@pytest.fixture(scope="module")
def course() -> Iterator[Lesson]:
    course = lesson.start(20)  # no lesson's number
    yield course
    course.clean_up()


def produce(run, servers):
    with KafkaProducer(bootstrap_servers=servers) as producer:
        producer.partitions_for(run.topic)
        for n, due in run.feed:
            value = b'{"id":%d}' % n
            run.sent(n, due, producer.send(run.topic, value, partition=n % 3))


def consume(run, servers, every=10, first=False, wait=500, revoke=0, **settings):
    """Commits what it is done with after each so many records, or each batch before it is done.

    It takes so many seconds to give up (revoke) partitions.
    """
    done, since = {}, 0

    class Listener(ConsumerRebalanceListener):
        def on_partitions_assigned(self, assigned):
            run.assigned(assigned)

        def on_partitions_revoked(self, revoked):
            run.revoked(revoked)
            time.sleep(revoke)

    own = dict(group_id=run.group, enable_auto_commit=False, auto_offset_reset="earliest")
    own |= dict(heartbeat_interval_ms=200, session_timeout_ms=3_000)
    with KafkaConsumer(bootstrap_servers=servers, **own | settings) as consumer:
        consumer.subscribe([run.topic], listener=Listener())
        consumer.partitions_for_topic(run.topic)
        while run.goes_on():
            batch = consumer.poll(timeout_ms=wait, max_records=20)
            if first and batch:
                consumer.commit()
            run.reached("polled")
            for partition, records in batch.items():
                for received in records:
                    run.read(received)
                    run.done(received)
                    done[partition] = OffsetAndMetadata(received.offset + 1, "", -1)
                    since += 1
                    if since == every and not first:
                        consumer.commit(done)
                        run.committed(done)
                        since = 0


@pytest.fixture(scope="module")
def stream(course) -> Experiment:
    return course.experiment(produce, consume, until="done", partitions=3)


def settings(course, **more) -> dict:
    return {"servers": course.bootstrap_servers, **more}


# Back at once after a crash, however long its process takes to start.
STAYS = dict(group_instance_id="the reader", session_timeout_ms=30_000)


def test_what_a_crash_costs_depends_on_when_one_commits(course, stream):
    variants = {
        "each": settings(course, every=1, **STAYS),
        "every 10th": settings(course, every=10, **STAYS),
    }
    crashes = [crash(done=37), fail(done=60), crash(done=101)]
    runs = stream.measure(variants, rate=300, seconds=0.6, together=True, faults=crashes)
    for variant, [run] in runs.items():
        assert [label for _, label in run.events] == ["killed", "fails", "killed"]
        counts = run.counts()
        assert counts["sent"] == counts["stored"] == 180
        assert counts["missed"] == 0
        # What was done since the last commit, or since the start.
        assert counts["repeated"] == {"each": 3, "every 10th": 7 + 3 + 1}[variant]
        often = Counter(run.messages()["times_done"])
        assert often[2] + 2 * often[3] == counts["repeated"]
    assert runs.table()["repeated"].tolist() == [3, 11]


def test_who_commits_first_misses_what_was_left_of_the_batch(course, stream):
    runs = stream.measure(
        {"first": settings(course, first=True, **STAYS)},
        rate=300,
        seconds=0.6,
        faults=[crash(done=37)],
    )
    [counts] = [run.counts() for run in runs["first"]]
    assert counts["repeated"] == 0
    assert 0 <= counts["missed"] < 20


def test_a_point_of_the_program_may_be_where_it_crashes(course, stream):
    runs = stream.measure(
        {"any": settings(course, **STAYS)},
        rate=300,
        seconds=0.5,
        faults=[crash(reached="polled", times=3), fail(reached="polled", times=2)],
    )
    [run] = runs["any"]
    assert [label for _, label in run.events] == ["killed", "fails"]
    assert run.counts()["missed"] == 0


def test_members_come_and_go_and_it_is_known_who_owned_what(course, stream):
    faults = [start_member(0.3, "C"), kill_member(1.5, "B"), stop_member(1.5, "A")]
    runs = stream.measure(
        {"group": settings(course, every=1, members=2)}, rate=100, seconds=2.5, faults=faults
    )
    [run] = runs["group"]
    assert {label for _, label in run.events} == {"C joins", "B killed", "A leaves"}
    assert run.counts()["missed"] == 0
    book = run.assignments()
    owned, reads = book.owned(), book.reads()
    assert set(owned["member"]) == {"A", "B", "C"}
    died = runs.moment("B killed")
    assert owned[owned["member"] == "B"]["end"].max() <= died + 0.5
    last = owned[owned["end"] > owned["end"].max() - 0.01]
    assert set(last["member"]) == {"C"} and sorted(last["partition"]) == [0, 1, 2]
    assert len(reads) == run.counts()["sent"] + run.counts()["repeated"]
    charts.gantt({"one": book}, title="Who owned what")


def test_who_is_killed_has_partitions_also_where_a_rebalance_takes_long(course, stream):
    faults = [start_member(0.3, "C"), kill_member(2.5, "B")]
    slow = settings(course, every=1, members=2, revoke=1.5)
    runs = stream.measure({"slow": slow}, rate=100, seconds=2.5, faults=faults)
    [run] = runs["slow"]
    book, died = run.assignments(), runs.moment("B killed")
    assert book.owned_by("B", died)
    assert run.counts()["missed"] == 0


def test_a_run_begins_when_its_readers_have_their_partitions(course, stream):
    hasty = settings(course, wait=1)  # ms; joining takes longer
    [run] = stream.measure({"hasty": hasty}, rate=100, seconds=0.2)["hasty"]
    assigned = run.rows[run.rows["kind"] == record.ASSIGNED]
    assert sorted(assigned["partition"]) == [0, 1, 2]
    assert assigned["at"].max() < run.start


def test_members_that_ask_for_no_group_are_not_waited_for(course):
    def assigned(run, servers):
        own = TopicPartition(run.topic, "ABC".index(run.member))
        settings = dict(auto_offset_reset="earliest", enable_auto_commit=False)
        with KafkaConsumer(bootstrap_servers=servers, **settings) as consumer:
            consumer.assign([own])
            while run.goes_on():
                for received in consumer.poll(timeout_ms=100).get(own, []):
                    run.read(received)
                    run.done(received)

    stream = course.experiment(produce, assigned, until="done", partitions=3)
    runs = stream.measure({"any": settings(course, members=3)}, rate=300, seconds=1)
    assert runs.ledger().loc["any", ["missed", "repeated"]].tolist() == [0, 0]
    total, each = runs.lag(), runs.lag(each=True)
    assert set(each["partition"]) == {0, 1, 2}
    assert each.groupby("seconds")["lag"].sum().tolist() == total["lag"].tolist()


def test_a_crash_that_never_comes_is_told(course, stream, monkeypatch):
    monkeypatch.setattr("helpers.experiment.side.PATIENCE", 3.0)
    with pytest.raises(CourseError, match="comes to the point where it is killed"):
        stream.measure(
            {"any": settings(course, **STAYS)}, rate=100, seconds=0.3, faults=[crash(done=10_000)]
        )


def test_a_reader_that_fails_by_itself_is_not_started_again(course):
    def broken(run, servers):
        with KafkaConsumer(run.topic, bootstrap_servers=servers) as consumer:
            while run.goes_on():
                for records in consumer.poll(timeout_ms=100).values():
                    raise LookupError(f"its own error, at {records[0].offset}")

    stream = course.experiment(produce, broken, until="done", partitions=3)
    with pytest.raises(CourseError, match="its own error"):
        stream.measure(
            {"any": settings(course)}, rate=100, seconds=0.3, faults=[crash(done=10_000)]
        )


@pytest.mark.parametrize("count", [0, 17, "two"])
def test_a_number_of_members_that_can_not_be_is_refused(course, stream, count):
    with pytest.raises(ValueError, match="members must be a number from 1 to 16"):
        stream.measure({"any": settings(course, members=count)}, rate=100, seconds=0.3)


def test_a_fault_without_its_reader_is_refused(course, stream):
    with pytest.raises(ValueError, match="A member is one of A, B"):
        kill_member(1, "Bob")
    with pytest.raises(ValueError, match="There is no reader B that could be made to kill"):
        stream.measure(
            {"any": settings(course, **STAYS)},
            rate=100,
            seconds=0.3,
            faults=[kill_member(0.1, "B")],
        )
    with pytest.raises(ValueError, match="time number 0"):
        crash(done=0)


# ------------------------------------------------------------------------------------------- live


def happened(live, label) -> None:
    until(lambda: label in [each for _, each in live.events], 30, label)


def done_since(live, more: int) -> None:
    """Waits until so many more messages are done."""
    done = live.snapshot().counts.get("done", 0)
    until(lambda: live.snapshot().counts.get("done", 0) >= done + more, 30, f"{more} more are done")


def test_a_live_reader_is_killed_and_brought_back_and_its_tape_shows_what_it_repeated(
    course, stream
):
    with stream.live(settings(course, every=100, **STAYS), rate=300) as live:
        done_since(live, 150)
        live.kill_reader()
        happened(live, "reader killed")
        live.kill_reader()
        until(lambda: "No reader is left" in str(live.snapshot().errors), 10, "that is told")
        live.bring_back()
        again = lambda: "repeated" in set(live.snapshot().tape[1]["state"])
        until(again, 30, "the tape shows what is done again")
        happened(live, "reader back")
        done_since(live, 150)
        counts = live.snapshot().counts
        assert counts["repeated"] > 0 and counts["lost"] == 0


def test_live_members_are_as_many_as_the_knob_says(course, stream):
    with stream.live(settings(course, every=1, members=1), rate=100) as live:
        done_since(live, 50)
        for members in (3, 2):
            live.change(members=members)
            happened(live, f"members={members}")
            course.wait_for_members(f"{live.topic}-group", members)
            assert [name for place, name in live._programs if place == 1] == list("ABC"[:members])
            done_since(live, 50)
        live.change(every=5)  # of all members, one after the other
        happened(live, "every=5")
        done_since(live, 50)
        shot = live.snapshot()
        assert shot.errors == [] and shot.counts["lost"] == 0


def relay(run, servers):
    """Writes what it reads into the topic for it, each message once more."""
    with (
        KafkaProducer(bootstrap_servers=servers) as producer,
        KafkaConsumer(run.topic, bootstrap_servers=servers, auto_offset_reset="earliest") as reader,
    ):
        while run.goes_on():
            for records in reader.poll(timeout_ms=100).values():
                for received in records:
                    run.read(received)
                    producer.send(f"{run.topic}-copies", received.value)
        producer.flush()


def collect(run, servers):
    copies = f"{run.topic}-copies"
    reading = dict(bootstrap_servers=servers, auto_offset_reset="earliest", max_poll_records=1)
    with KafkaConsumer(copies, **reading) as reader:
        while run.goes_on(reader):
            for records in reader.poll(timeout_ms=100).values():
                for received in records:
                    run.done(received)


def test_who_reads_what_the_last_program_writes_has_all_of_it_in_the_end(course):
    chain = course.experiment(
        produce, collect, relay, until="done", partitions=3, outputs=["copies"]
    )
    runs = chain.measure(
        {"any": {"servers": course.bootstrap_servers}}, rate=100, seconds=0.3, burst=500
    )
    [run] = runs["any"]
    assert sorted(course.stored_ids(f"{run.topic}-copies")) == list(range(530))
    assert (run.messages()["times_done"] == 1).all()
