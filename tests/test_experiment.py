"""An experiment: what its programs record is true, whatever happens to them and to the cluster."""

import itertools
import math
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from helpers import charts, lesson, workers
from helpers.base.errors import CourseError, WorkerFailed
from helpers.base.places import ROOT
from helpers.base.waiting import until
from helpers.experiment import (
    Experiment,
    Fault,
    freeze_followers,
    freeze_leader,
    kill_followers,
    kill_leader,
    kill_service,
    measure,
    offer,
    record,
    start_broker,
    start_brokers,
    start_service,
    wake_followers,
    wake_leader,
)
from helpers.experiment.program import Feed
from helpers.experiment.tape import Tape
from helpers.lesson import Lesson

ACKS_0 = {"acks": 0, "retries": 0, "enable_idempotence": False}
ACKS_1 = {"acks": 1, "retries": 0, "enable_idempotence": False}


@pytest.fixture(scope="module")
def course() -> Iterator[Lesson]:
    course = lesson.start(20)  # no lesson's number
    yield course
    course.clean_up()


def produce(run, servers, **settings):
    with KafkaProducer(bootstrap_servers=servers, **settings) as producer:
        producer.partitions_for(run.topic)
        for n, due in run.feed:
            run.sent(n, due, producer.send(run.topic, b'{"id":%d}' % n))


def consume(run, servers):
    with KafkaConsumer(
        run.topic, bootstrap_servers=servers, auto_offset_reset="earliest"
    ) as consumer:
        while run.goes_on():
            for records in consumer.poll(timeout_ms=100).values():
                for received in records:
                    run.read(received)


@pytest.fixture(scope="module")
def stream(course) -> Experiment:
    return course.experiment(produce, consume, partitions=2, replicas=[2, 3, 1])


def settings(course, **more) -> dict:
    return {"servers": course.bootstrap_servers, **more}


# ------------------------------------------------------------------------------------- the record


def test_rows_are_read_once_and_in_their_order(tmp_path):
    writer, reader = record.Writer(tmp_path / "one"), record.Reader(tmp_path / "one")
    assert len(reader.new()) == 0
    writer.write(record.SENT, 7, 1.5)
    writer.write(record.TOLD, 7, math.nan, 12, 3, record.place_of(TimeoutError()))
    rows = reader.new()
    assert rows["kind"].tolist() == [record.SENT, record.TOLD]
    assert rows["id"].tolist() == [7, 7]
    assert rows["due"][0] == 1.5 and math.isnan(rows["due"][1])
    assert (rows["offset"][1], rows["partition"][1]) == (12, 3)
    assert [record.ERRORS[place] for place in rows["error"]] == ["", record.OTHER]
    assert len(reader.new()) == 0


def test_rows_go_on_in_another_file_and_leave_none_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "ROWS", 100)
    writer, reader = record.Writer(tmp_path / "one"), record.Reader(tmp_path / "one")
    for n in range(250):
        writer.write(record.SENT, n)
    assert reader.new()["id"].tolist() == list(range(250))
    assert len(list(tmp_path.iterdir())) == 1
    reader.delete()
    assert not list(tmp_path.iterdir())


def test_threads_lose_no_row(tmp_path):
    writer, reader = record.Writer(tmp_path / "one"), record.Reader(tmp_path / "one")

    def write(thread):
        for n in range(20_000):
            writer.write(record.SENT, 100_000 * thread + n)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = reader.new()["id"]
    assert len(set(ids.tolist())) == len(ids) == 80_000
    for thread in range(4):  # each thread's rows in its own order
        own = ids[ids // 100_000 == thread]
        assert (np.diff(own) > 0).all()


def test_a_row_that_is_not_whole_holds_up_the_others_until_the_program_has_ended(tmp_path):
    writer, reader = record.Writer(tmp_path / "one"), record.Reader(tmp_path / "one")
    writer.write(record.SENT, 0)
    next(writer._slots)  # a thread that took its place and was killed then
    writer.write(record.SENT, 2)
    assert reader.new()["id"].tolist() == [0]
    assert reader.new()["id"].tolist() == []
    assert reader.new(ended=True)["id"].tolist() == [2]


def test_a_killed_programs_last_row_is_there(tmp_path):
    program = (
        "import os, pathlib; from helpers.experiment import record\n"
        f"writer = record.Writer(pathlib.Path({str(tmp_path / 'one')!r}))\n"
        "for n in range(1_000): writer.write(record.SENT, n)\n"
        "os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert record.Reader(tmp_path / "one").new(ended=True)["id"].tolist() == list(range(1_000))


# --------------------------------------------------------------------------------------- the feed


class Told:
    """Stands for the line to the notebook."""

    def __init__(self):
        self.said, self.stop = [], threading.Event()
        self.stopping = self.stop.is_set

    def __call__(self, *values):
        self.said.append(values)


def test_the_feed_is_paced_then_a_burst():
    feed = Feed(Told(), rate=500, seconds=0.2, burst=50)
    feed.go(start := time.perf_counter() + 0.02, 10)
    taken = [(n, due, time.perf_counter()) for n, due in feed]
    assert [n for n, _, _ in taken] == list(range(10, 160))
    paced, burst = taken[:100], taken[100:]
    assert [due for _, due, _ in paced] == pytest.approx([start + n / 500 for n in range(100)])
    assert all(at >= due for _, due, at in paced)
    assert all(math.isnan(due) for _, due, _ in burst)
    assert burst[0][2] >= feed.end
    assert feed._tell.said == [("ready", "sends"), ("ended", 160)]


def test_threads_share_the_feed():
    told = Told()
    feed = Feed(told, rate=2_000, seconds=0.2, burst=100)
    feed.go(time.perf_counter(), 0)
    with ThreadPoolExecutor(5) as pool:
        shares = [each.result() for each in [pool.submit(list, feed) for _ in range(5)]]
    assert sorted(n for share in shares for n, _ in share) == list(range(500))
    assert told.said == [("ready", "sends"), ("ended", 500)]


def test_the_feed_changes_its_pace_and_ends_when_it_is_told_to():
    told = Told()
    feed = Feed(told, rate=100, seconds=1e9, burst=0)
    feed.go(time.perf_counter(), 0)
    dues = []
    for n, due in feed:
        dues.append(due)
        if n == 20:
            feed.rate = 1_000
        if n == 60:
            told.stop.set()
    assert np.diff(dues)[:20] == pytest.approx(0.01)
    assert np.diff(dues)[20:] == pytest.approx(0.001)
    assert told.said[-1] == ("ended", 61)


# --------------------------------------------------------------------------------------- measured


def test_each_setting_goes_to_the_program_that_takes_it(course):
    def one(run, a, b=2): ...

    def other(run, **settings): ...

    programs = course.experiment(one, other)._programs
    assert programs.share({"a": 1, "c": 3}) == [{"a": 1}, {"c": 3}]
    with pytest.raises(TypeError, match=r"None of the programs \(one\) takes c"):
        course.experiment(one)._programs.share({"a": 1, "c": 3})
    with pytest.raises(TypeError, match="one needs a"):
        programs.share({"c": 3})


def test_what_was_measured_is_what_the_brokers_have(course, stream):
    variants = {"acks=0": settings(course, **ACKS_0), "all": settings(course, acks="all")}
    runs = stream.measure(variants, rate=500, seconds=0.6, burst=700, rounds=2)
    assert list(runs) == ["acks=0", "all"]
    books = runs.ledger()
    assert (books["sent"] == 2_000).all() and (books["stored"] == 2_000).all()
    assert (books["read"] == 2_000).all() and (books["lost"] == 0).all()
    assert books["unconfirmed"].tolist() == [2_000, 0]
    assert books["acknowledged"].tolist() == [0, 2_000]
    for each in (*runs["acks=0"], *runs["all"]):
        with KafkaAdminClient(bootstrap_servers=course.bootstrap_servers) as admin:
            [described] = admin.describe_topics([each.topic])
        assert len(described["partitions"]) == 2
        assert sorted(each.stored) == sorted(course.stored_ids(each.topic)) == list(range(1_000))
        messages = each.messages()
        assert (messages["latency_ms"].dropna() >= 0).all()
        assert messages["seconds"].notna().sum() == 300
        # A reader can't have it before it is stored, nor much before the producer is told.
        assert (messages["read_ms"].dropna() > 0).all()
    assert (runs.table().notna()).all(axis=None)
    assert len({each.topic for name in runs for each in runs[name]}) == 4


def test_a_burst_ends_in_time(course, stream):
    runs = stream.measure(
        {"all": settings(course)}, rate=100, seconds=0.1, burst=10**6, burst_seconds=0.3
    )
    [each] = runs["all"]
    counts = each.counts()
    assert 100 < counts["sent"] == counts["stored"] < 10**5
    assert each.throughput() > 100


def test_throughput_is_that_of_the_burst_by_the_brokers_own_clock(course, stream):
    """The brokers stamp a message when they append it, if the topic is set so."""
    stamped = course.experiment(
        produce, consume, message_timestamp_type="LogAppendTime", name="stamped"
    )
    runs = stamped.measure(
        {"all": settings(course, acks="all")}, rate=100, seconds=0.5, burst=6_000
    )
    [each] = runs["all"]
    stamps = np.array([r.timestamp for r in course.records(each.topic) if r.offset >= 50]) / 1000
    assert len(stamps) == 6_000
    span = stamps.max() - stamps.min()
    # From the first append to the last one, against from the first send to the last answer.
    assert each.throughput() < 6_000 / span * 1.05
    told = each.rows[(each.rows["kind"] == record.TOLD) & (each.rows["id"] >= 50)]["at"]
    assert each.throughput() == pytest.approx(
        6_000 / (told.max() - each.rows[each.rows["id"] == 50]["at"].min()), rel=0.001
    )


def test_a_readers_numbers_count_until_it_is_done_and_its_lag_from_either_place(course):
    def consume(run, servers, work):
        with KafkaConsumer(
            bootstrap_servers=servers,
            group_id=run.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        ) as consumer:
            partition = TopicPartition(run.topic, 0)
            consumer.assign([partition])
            while run.goes_on():
                for records in consumer.poll(timeout_ms=100, max_records=10).values():
                    for received in records:
                        run.read(received)
                        time.sleep(work)
                        run.done(received)
                        if received.offset == 19:
                            consumer.commit({partition: OffsetAndMetadata(20, "", -1)})
                            run.committed({partition: 20})

    stream = course.experiment(produce, consume, until="done")
    work = 0.01
    runs = stream.measure({"slow": settings(course, work=work)}, rate=50, seconds=1.5, burst=100)
    [each] = runs["slow"]
    messages = each.messages()
    paced = messages["seconds"].notna()
    assert paced.sum() == 75 and messages.loc[paced, ["read_ms", "done_ms"]].notna().all(axis=None)
    assert (messages["done_ms"] - messages["read_ms"])[paced].min() >= 1000 * work
    assert min(each.latencies()) >= work
    assert 50 < each.throughput() <= 1 / work
    felt, shown = each.lag("position"), each.lag("committed")
    assert felt["seconds"].tolist() == shown["seconds"].tolist()
    assert (shown["lag"] >= felt["lag"]).all()
    in_work = each.lag()["lag"] - felt["lag"]  # each is read just before its work
    assert in_work.between(0, 1).all() and in_work.any()
    # At the end of the pace the high watermark is at about 75.
    assert 40 <= shown["lag"].iloc[-1] <= 55 and felt["lag"].iloc[-1] <= 15
    assert each.lag(last=99)["lag"].max() > 50  # the burst
    with pytest.raises(ValueError, match="until one of told, read, done, not 'soon'"):
        course.experiment(consume, until="soon")


def test_a_frozen_leader_delays_every_message_that_was_due_meanwhile(course, stream):
    faults = [freeze_leader(at=0.6), wake_leader(at=1.2)]
    runs = stream.measure({"all": settings(course, acks="all")}, rate=500, seconds=2, faults=faults)
    (frozen, first), (awake, second) = runs.events
    assert (first, second) == ("leader frozen", "leader goes on")
    assert 0.6 <= frozen < awake and awake >= 1.2
    assert runs.moment("leader goes on") == awake
    with pytest.raises(KeyError, match="No 'leader killed' happened; what did: 'leader frozen', "):
        runs.moment("leader killed")
    messages = runs.messages()
    assert len(messages) == 1_000 and messages["stored"].all()
    inside = messages[messages["seconds"].between(frozen + 0.05, awake - 0.05)]
    assert len(inside) > 50
    assert (inside["latency_ms"] >= 1000 * (awake - inside["seconds"]) - 20).all()
    before = messages[messages["seconds"].between(0.25, 0.5)]
    assert before["latency_ms"].median() < inside["latency_ms"].median() / 2


def test_one_death_hits_all_that_run_together_and_the_cluster_is_whole_afterwards(course, stream):
    variants = {"acks=0": settings(course, **ACKS_0), "all": settings(course, acks="all")}
    # What the followers have not copied is lost for certain. Without that it is luck.
    faults = [freeze_followers(at=0.6), kill_leader(at=0.8), wake_followers(at=0.9)]
    runs = stream.measure(variants, rate=500, seconds=2.5, together=True, faults=faults)
    books = runs.ledger()
    assert books.loc["all", "lost"] == 0 and books.loc["all", "stored"] == 1_250
    assert books.loc["acks=0", "silently_lost"] == books.loc["acks=0", "lost"] > 0
    labels = [label for _, label in runs.events]
    assert labels == ["followers frozen", "leader killed", "followers go on"]
    assert course.cluster.brokers() == [1, 2, 3]
    assert runs["all"][0].start == runs["acks=0"][0].start


def test_a_fault_waits_for_what_a_producer_was_told_and_the_next_keeps_its_distance(course, stream):
    faults = [freeze_leader(at=0.1, told={"all": 200}), wake_leader(at=0.3)]
    runs = stream.measure(
        {"all": settings(course, acks="all")}, rate=200, seconds=1.5, faults=faults
    )
    frozen, awake = (runs.moment(label) for label in ("leader frozen", "leader goes on"))
    # The 200th is due after 0.995 s. The run is longer by what it had to wait.
    assert runs.messages()["seconds"].max() == pytest.approx(1.5 + frozen - 0.1, abs=0.1)
    assert frozen > 0.99 and awake - frozen >= 0.15
    told = runs["all"][0].rows
    told = told[(told["kind"] == record.TOLD) & (told["at"] < runs["all"][0].start + frozen)]
    assert len(told) >= 200
    with pytest.raises(ValueError, match="waits for nobody, which is no variant"):
        faults = [freeze_leader(at=0.1, told={"nobody": 1})]
        stream.measure({"all": settings(course)}, rate=10, seconds=1, faults=faults)


def test_followers_are_frozen_when_the_reader_has_enough_and_copy_nothing_then(course, stream):
    faults = [freeze_followers(at=0.1, read=150), wake_followers(at=0.6)]
    runs = stream.measure({"one": settings(course, **ACKS_1)}, rate=300, seconds=1.5, faults=faults)
    frozen, awake = (runs.moment(label) for label in ("followers frozen", "followers go on"))
    messages = runs.messages()
    read = messages["seconds"] + messages["read_ms"] / 1000
    assert (read < frozen).sum() >= 150
    # The high watermark stands still: what is sent then is read only when they are awake. (On a
    # busy machine a reader may be late with what was sent before.)
    then = messages["seconds"].between(frozen, awake)
    assert then.any() and (read[then] > awake).all()
    assert runs.ledger().loc["one", "read"] == runs.ledger().loc["one", "sent"]


def test_followers_die_and_are_started_again(course, stream):
    faults = [kill_followers(at=0.3), start_brokers(at=0.8)]
    runs = stream.measure({"one": settings(course, **ACKS_1)}, rate=100, seconds=1.5, faults=faults)
    assert [label for _, label in runs.events] == ["followers killed", "all in sync again"]
    # What it lasts does not shorten the run.
    assert runs.messages()["seconds"].max() > runs.moment("all in sync again") + 0.5 > 1.3
    assert course.cluster.in_sync(runs["one"][0].topic) == [1, 2, 3]
    assert runs.ledger().loc["one", "lost"] == 0


def test_a_broker_that_has_nothing_of_the_topic_is_started_again(course):
    apart = course.experiment(produce, consume, partitions=1, replicas=[1, 2])
    alone = course.topic("alone", replicas=[3], min_insync_replicas=1)
    course.cluster.kill(3)
    # Until the others know, a client may be sent to it.
    until(lambda: course.cluster.leader(alone) == -1, 20, "the others know that it is dead")
    faults = [start_broker(at=0.2, broker=3)]
    runs = apart.measure({"one": settings(course)}, rate=100, seconds=0.6, faults=faults)
    assert [label for _, label in runs.events] == ["broker 3 there again"]
    # What it lasts does not make the run longer.
    assert runs.ledger().loc["one", ["sent", "stored", "read", "failed"]].tolist() == [60] * 3 + [0]
    assert course.cluster.in_sync(course.topic("all-in-sync")) == [1, 2, 3]


def test_a_load_rises_and_each_part_of_it_is_known(course, stream):
    rising = [offer(at=0.5, rate=200), offer(at=1, rate=600)]
    runs = stream.measure({"one": settings(course)}, rate=50, seconds=1.5, faults=rising)
    assert [label for _, label in runs.events] == ["200/s", "600/s"]
    table, messages = runs.by_load(), runs.messages()
    assert table["offered"].tolist() == [50, 200, 600]
    # Due as fast as that, and delivered when the answers came: on a busy machine, late.
    steps = [0, runs.moment("200/s"), runs.moment("600/s"), 1.5]
    told = messages["seconds"] + messages["latency_ms"] / 1000
    for (begin, end), load, delivered in zip(
        itertools.pairwise(steps), table["offered"], table["delivered"], strict=True
    ):
        due = messages["seconds"].between(begin, end, inclusive="left").sum()
        assert due == pytest.approx(load * (end - begin), rel=0.1)
        answered = told.between(begin, end, inclusive="left").sum()
        assert delivered == pytest.approx(answered / (end - begin), rel=0.01)
    assert (table["p50_ms"] > 0).all() and (table["p99_ms"] >= table["p50_ms"]).all()
    assert runs.ledger().loc["one", "sent"] == pytest.approx(25 + 100 + 300, rel=0.1)
    with pytest.raises(ValueError, match="rate .* must be positive, not 0"):
        offer(at=1, rate=0)


def test_what_waits_in_the_program_and_what_is_in_flight_are_told_apart(course):
    def hold_back(run, servers, places):
        held = threading.Semaphore(places)
        with KafkaProducer(bootstrap_servers=servers) as producer:
            producer.partitions_for(run.topic)
            for n, due in run.feed:
                held.acquire()
                future = producer.send(run.topic, b'{"id":%d}' % n)
                run.sent(n, due, future.add_both(lambda _: held.release()))

    bounded = course.experiment(hold_back, replicas=[2, 3, 1])
    faults = [freeze_leader(at=0.5), wake_leader(at=1.2)]
    variants = {"5": settings(course, places=5), "many": settings(course, places=10**6)}
    runs = bounded.measure(variants, rate=100, seconds=1.5, together=True, faults=faults)
    most = runs.in_flight().groupby("variant")["in_flight"].max()
    assert most["5"] in (5, 6)  # a place may be given back a moment before the answer is noted
    assert 60 <= most["many"] <= 90
    assert (runs.in_flight().groupby("variant")["in_flight"].last() == 0).all()
    slow = runs.messages().query("latency_ms > 200").set_index("variant")
    assert (slow["sent_ms"] <= slow["latency_ms"] + 1).all()
    assert slow.loc["5", "sent_ms"].gt(100).sum() > 30
    assert slow.loc["many", "sent_ms"].max() < 200


def test_what_somebody_else_has_taken_waits_until_readers_are_done(course):
    """As in an outbox: a message is confirmed long before it is sent, or it is refused."""

    def hold_back(run, servers):
        held = []
        with KafkaProducer(bootstrap_servers=servers) as producer:
            producer.partitions_for(run.topic)
            for n, due in run.feed:
                if n < 10:
                    run.refused(n, due, ConnectionError("nobody takes it"))
                else:
                    run.confirmed(n, due)
                    held.append(n)
            for n in held:
                producer.send(run.topic, b'{"id":%d}' % n)

    held = course.experiment(hold_back, consume, until="read")
    faults = [kill_service(0.3, "postgres"), start_service(0.4, "postgres")]
    runs = held.measure({"one": settings(course)}, rate=50, seconds=1, faults=faults)
    assert [label for _, label in runs.events] == ["postgres killed", "postgres started"]
    assert course.cluster.runner.states()["postgres"] == "running"
    counts = runs.ledger().loc["one"]
    assert (counts["acknowledged"], counts["failed"], counts["lost"]) == (40, 10, 10)
    assert counts["silently_lost"] == 0
    assert runs.waiting(last=60)["lag"].max() == 40
    assert runs.waiting(last=60)["lag"].iloc[-1] == 0
    assert runs.waiting()["seconds"].max() <= 1


def test_a_variant_may_have_settings_of_its_topic(course, stream):
    variants = {
        "strict": settings(course, topic={"max_message_bytes": 20}, **ACKS_1),
        "as given": settings(course, **ACKS_1),
    }
    books = stream.measure(variants, rate=50, seconds=0.4).ledger()
    assert books["failed"].tolist() == [20, 0] and books["stored"].tolist() == [0, 20]
    refused = pytest.raises(ValueError, match="can't be changed while programs work with it")
    with stream.live(settings(course), 10) as live, refused:
        live.change(topic={"min_insync_replicas": 1})


def test_a_fault_that_fails_ends_the_run_with_its_error(course, stream):
    def act(cluster, leader):
        raise CourseError("no such broker")

    with pytest.raises(CourseError, match="no such broker"):
        stream.measure(
            {"one": settings(course)}, rate=50, seconds=0.5, faults=[Fault(0.1, "fails", act)]
        )
    assert workers.kill_all() == []


def test_faults_ask_for_one_leader():
    class Leaders:
        def leader(self, topic):
            return {"a": 1, "b": 1, "c": 2}[topic]

    assert measure._one_leader(Leaders(), ["a", "b"]) == 1
    with pytest.raises(ValueError, match="different leaders: give the experiment replicas="):
        measure._one_leader(Leaders(), ["a", "b", "c"])


@pytest.mark.parametrize(
    "wrong",
    [{"rate": 0}, {"seconds": -1}, {"burst": -5}, {"burst_seconds": 0}, {"rate": float("nan")}],
)
def test_a_pace_that_can_not_be_is_refused(stream, course, wrong):
    with pytest.raises(ValueError, match="must be positive"):
        stream.measure({"a": settings(course)}, **{"rate": 10, "seconds": 1, **wrong})


def test_no_variant_and_no_program_are_refused(stream, course):
    with pytest.raises(ValueError, match="no variant"):
        stream.measure({}, rate=10, seconds=1)
    with pytest.raises(ValueError, match="needs a program"):
        course.experiment()


def test_a_programs_error_ends_the_run_with_its_words(course):
    def breaks(run):
        for n, _ in run.feed:
            if n == 3:
                raise KeyError("no such flight")

    with pytest.raises(WorkerFailed, match="no such flight"):
        course.experiment(breaks).measure({"a": {}}, rate=100, seconds=5)
    assert workers.kill_all() == []


def test_nothing_is_left_of_a_run(course, stream):
    stream.measure({"a": settings(course)}, rate=100, seconds=0.2)
    assert workers.kill_all() == []
    assert not list(course.folder.glob("*.rows"))


# ------------------------------------------------------------------------------------------ tape


def rows_of(*rows: tuple[int, int, int]) -> np.ndarray:
    """(kind, partition, offset), …"""
    made = np.zeros(len(rows), record.ROW)
    made["kind"], made["partition"], made["offset"] = zip(*rows, strict=True)
    return made


def test_the_tape_tells_done_repeated_and_lost():
    tape = Tape()
    assert tape.view({0: 5}, {}) is None
    tape.note(rows_of((record.DONE, 0, 0), (record.DONE, 0, 1), (record.DONE, 0, 1)))
    tape.note(rows_of((record.COMMITTED, 0, 4), (record.DONE, 0, 4), (record.READ, 0, 5)))
    frame, records, last = tape.view({0: 7, 1: 0}, {0: 5})
    assert frame.loc["partition 0"].tolist() == [0, 4, 5, 7]
    assert frame.loc["partition 1"].isna().tolist() == [False, True, True, False]
    states = dict(zip(records["offset"], records["state"], strict=True))
    # 2 and 3 were committed, never done, and the reader has gone on; 5 and 6 may still be done.
    assert states == {0: "done", 1: "repeated", 2: "lost", 3: "lost", 4: "done"}
    assert charts.tape(frame, records=records, last=last, title="").get_axes()


def test_the_tape_remembers_the_last_offsets_only():
    tape = Tape()
    tape.note(rows_of(*((record.DONE, 0, offset) for offset in range(45_000))))
    assert len(tape._done[0]) == 20_000 and max(tape._done[0]) == 44_999


def test_the_tape_is_long_enough_for_the_last_reader():
    tape = Tape()
    tape.note(rows_of((record.COMMITTED, 0, 1_000), (record.DONE, 0, 1_200)))
    assert [tape.view({0: end}, {0: 1_201})[2] for end in (1_040, 1_100, 1_301, 90_000)] == [
        60,
        150,
        600,
        20_000,
    ]


# ------------------------------------------------------------------------------------------ live


def grown(live, name: str, above: int) -> int:
    return until(lambda: live.snapshot().counts[name] > above, 20, f"{name} is above {above}")


def test_a_live_run_changes_its_settings_without_losing_a_message(course, stream):
    with stream.live(settings(course, acks="all"), rate=500) as live:
        grown(live, "read", 300)
        live.change(rate=1_000)
        live.change(acks=1, enable_idempotence=False, label="acks=1")
        until(lambda: any(e == "acks=1" for _, e in live.events), 20, "it has taken over")
        sent = live.snapshot().counts["sent"]
        grown(live, "read", sent + 500)
        labels = [label for _, label in live.events]
        assert labels == ["1,000/s", "acks=1"]
        assert live.snapshot().settings["rate"] == 1_000
        ids = sorted(course.stored_ids(live.topic))
        # Of the newest, one partition may have been read a moment before the other.
        assert ids[:sent] == list(range(sent)) and len(set(ids)) == len(ids) > sent + 500
        shot = live.snapshot()
        assert shot.errors == [] and shot.counts["lost"] == shot.counts["duplicated"] == 0
        assert shot.throughput["per_s"].tail(8).median() == pytest.approx(1_000, rel=0.3)
        assert shot.latency["p50_ms"].notna().any()
        assert (shot.lag["lag"] >= 0).all()
        topic = live.topic
    live.stop()  # twice is no error
    with KafkaAdminClient(bootstrap_servers=course.bootstrap_servers) as admin:
        until(lambda: topic not in admin.list_topics(), 10, "the topic is deleted")
    assert workers.kill_all() == []
    assert not [t.name for t in threading.enumerate() if t.name.startswith("ThreadPool")]


def test_what_is_read_before_it_is_noted_as_sent_is_not_lost(course, stream, monkeypatch):
    with stream.live(settings(course, acks=1, enable_idempotence=False), rate=500) as live:
        grown(live, "read", 100)
        with monkeypatch.context() as held_up:  # as by a row that is not whole
            nothing = lambda ended=False: np.empty(0, record.ROW)
            held_up.setattr(live._programs[0, "A"].record, "new", nothing)
            grown(live, "read", live.snapshot().counts["read"] + 200)
        # Long enough for what is missing to count as lost.
        grown(live, "read", live.snapshot().counts["read"] + 1_000)
        counts = live.snapshot().counts
        assert counts["lost"] == 0 and counts["stored"] == counts["read"]


def test_a_live_run_counts_what_a_death_has_cost(course, stream):
    with stream.live(settings(course, **ACKS_0), rate=1_000) as live:
        grown(live, "read", 300)
        live.kill_leader()
        until(lambda: live.snapshot().counts["silently_lost"] > 0, 20, "something is lost")
        lost = live.snapshot().counts["silently_lost"]
        live.bring_back()
        until(lambda: "broker back" in dict(map(reversed, live.events)), 60, "it is back")
        grown(live, "read", live.snapshot().counts["read"] + 500)
        shot = live.snapshot()
        assert [label for _, label in live.events] == ["leader killed", "broker back"]
        assert shot.counts["silently_lost"] >= lost and shot.counts["failed"] == 0
    assert course.cluster.brokers() == [1, 2, 3]


def test_a_setting_that_is_left_out_is_the_clients_again_and_the_old_program_leaves_nothing(
    course, stream
):
    with stream.live(settings(course, **ACKS_0), rate=500) as live:
        grown(live, "read", 100)
        assert live.snapshot().counts["acknowledged"] == 0
        before = len(list(course.folder.glob("produce-*")))
        live.change(label="acks=all", without=ACKS_0)
        until(lambda: live.events, 20, "it has taken over")
        grown(live, "acknowledged", 100)
        assert live.snapshot().settings == {**settings(course), "rate": 500}
        files = lambda: len(list(course.folder.glob("produce-*")))
        until(lambda: live.snapshot() and files() <= before, 20, "its record is deleted")
        assert len(workers._running) == 2


def test_a_live_run_that_ends_with_its_leader_frozen_leaves_a_whole_cluster(course, stream):
    with stream.live(settings(course, **ACKS_0), rate=500) as live:
        grown(live, "read", 100)
        live.freeze_leader()
        until(lambda: live.events, 20, "it is frozen")
        live.change(acks=1)  # can't take over
        begin = time.monotonic()
    assert time.monotonic() - begin < 20
    assert course.cluster.brokers() == [1, 2, 3]
    with KafkaAdminClient(bootstrap_servers=course.bootstrap_servers) as admin:
        until(lambda: live.topic not in admin.list_topics(), 10, "the topic is deleted")


def test_a_live_run_tells_of_errors_and_goes_on(course):
    def clumsy(run, servers, wrong=False, broken=False):
        if broken:
            raise KeyError("no such flight")
        with KafkaProducer(bootstrap_servers=servers) as producer:
            for n, due in run.feed:
                future = producer.send(run.topic, b'{"id":%d}' % n)
                run.sent(n, due, future)
                if wrong:
                    future.add_callback(lambda _: 1 / 0)

    live = course.experiment(clumsy, consume).live(settings(course), rate=200)
    with live:
        grown(live, "read", 50)
        with pytest.raises(TypeError, match="takes colour"):
            live.change(colour="red")
        with pytest.raises(ValueError, match="must be positive"):
            live.change(rate=0)
        live.change(broken=True)
        until(lambda: live.snapshot().errors, 20, "the error is told")
        assert live.snapshot().errors == ["KeyError: 'no such flight'"]
        grown(live, "read", live.snapshot().counts["read"] + 50)  # the old program goes on
        assert "broken" not in live.snapshot().settings
        live.change(wrong=True)
        told = lambda: any("division by zero" in text for text in live.snapshot().errors)
        until(told, 20, "the callback's error is told")


def test_a_live_runs_memory_is_of_the_last_moments_only(course, stream, monkeypatch):
    from helpers.experiment import live as module

    monkeypatch.setattr(module, "KEPT", 2.0)
    with stream.live(settings(course, acks="all"), rate=1_000) as live:
        until(lambda: live.snapshot().counts["read"] > 5_000, 30, "5,000 are read")
        shot = live.snapshot()
        assert len(live._messages) < shot.counts["sent"] - 1_000
        assert shot.counts["sent"] >= shot.counts["stored"] > 5_000 and shot.counts["lost"] == 0
        assert shot.counts["acknowledged"] >= shot.counts["stored"] - len(live._messages)
