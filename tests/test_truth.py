"""The meters and the ledger against something that doesn't come from them: the brokers' own
numbers, on the real cluster.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import OffsetSpec

from helpers import lesson, meters
from helpers.meters import Ledger, stored_ids

VALUE = b'{"id": %d, "text": "' + b"x" * 80 + b'"}'


@pytest.fixture(scope="module")
def course():
    course = lesson.start(99)
    yield course
    course.clean_up()


@pytest.fixture
def admin(course):
    with KafkaAdminClient(bootstrap_servers=course.bootstrap_servers) as admin:
        yield admin


def ends(admin, topic, partitions):
    """The brokers' own count of a topic: end offsets summed up."""
    wanted = {TopicPartition(topic, number): OffsetSpec.LATEST for number in range(partitions)}
    return sum(end.offset for end in admin.list_partition_offsets(wanted).values())


def test_stored_is_what_the_partitions_hold(course, admin):
    topic = course.topic("stored", partitions=3)
    ledger = Ledger("acks=all")
    with KafkaProducer(bootstrap_servers=course.bootstrap_servers, acks="all") as producer:
        for n in range(3_000):
            ledger.sent(n, producer.send(topic, VALUE % n))
        for n in range(100):  # the program sends these twice
            ledger.sent(n, producer.send(topic, VALUE % n))
    ledger.stored(stored_ids(topic, bootstrap_servers=course.bootstrap_servers))
    counts = ledger.counts()
    assert counts["stored"] + counts["duplicated"] == ends(admin, topic, 3) == 3_100
    assert counts["duplicated"] == 100
    assert counts["acknowledged"] == 3_000
    assert counts["lost"] == 0


def test_deleted_messages_are_lost_to_the_ledger(course, admin):
    topic = course.topic("deleted")
    ledger = Ledger("acks=0", acks=0)
    settings = {"acks": 0, "retries": 0, "enable_idempotence": False}
    with KafkaProducer(bootstrap_servers=course.bootstrap_servers, **settings) as producer:
        for n in range(500):
            ledger.sent(n, producer.send(topic, VALUE % n))
    assert len(stored_ids(topic, bootstrap_servers=course.bootstrap_servers)) == 500
    admin.delete_records({TopicPartition(topic, 0): 120})
    ledger.stored(stored_ids(topic, bootstrap_servers=course.bootstrap_servers))
    counts = ledger.counts()
    assert (counts["unconfirmed"], counts["stored"], counts["lost"], counts["silently_lost"]) == (
        500,
        380,
        120,
        120,
    )


def test_transaction_markers_are_not_messages(course, admin):
    topic = course.topic("markers")
    producer = KafkaProducer(
        bootstrap_servers=course.bootstrap_servers, transactional_id=course.group("markers")
    )
    producer.init_transactions()
    for n in range(6):
        producer.begin_transaction()
        producer.send(topic, VALUE % n).get(
            timeout=10
        )  # what was not sent yet, an abort would simply forget
        if n % 2:
            producer.abort_transaction()
        else:
            producer.commit_transaction()
    producer.close()
    assert ends(admin, topic, 1) > 6, "markers take offsets"
    assert stored_ids(
        topic, bootstrap_servers=course.bootstrap_servers, isolation_level="read_committed"
    ) == [0, 2, 4]
    assert sorted(stored_ids(topic, bootstrap_servers=course.bootstrap_servers)) == [
        0,
        1,
        2,
        3,
        4,
        5,
    ]


def test_the_rate_is_the_growth_of_the_log(course):
    topic = course.topic("growth")
    with (
        KafkaProducer(bootstrap_servers=course.bootstrap_servers) as producer,
        meters.LagSampler(topic, bootstrap_servers=course.bootstrap_servers, every=0.1) as sampler,
    ):
        producer.send(topic, VALUE % 0).get(timeout=10)
        acknowledged = []
        note = lambda _: acknowledged.append(time.perf_counter())
        for n, _ in meters.paced(2_000, seconds=2):
            producer.send(topic, VALUE % n).add_callback(note)
        producer.flush()
        # By the brokers' own word, over the same part of the log: a busy machine stalls anywhere.
        part = acknowledged[200:3_800]
        rate = len(part) / (part[-1] - part[0])
        time.sleep(0.3)  # one more sample
    frame = sampler.frame()
    growing = frame[(frame["end"] > 200) & (frame["end"] < 3_800)]
    slope = np.polyfit(growing["seconds"], growing["end"], 1)[0]
    assert slope == pytest.approx(rate, rel=0.15)
    assert frame["end"].max() == 4_001


def test_bytes_are_on_every_broker(course, admin):
    topic = course.topic("bytes")
    with KafkaProducer(bootstrap_servers=course.bootstrap_servers, acks="all") as producer:
        for n in range(2_000):
            producer.send(topic, VALUE % n)
    payload = sum(len(VALUE % n) for n in range(2_000))
    sizes = [
        partition["partition_size"]
        for broker in admin.describe_log_dirs()
        for folder in broker["log_dirs"]
        for entry in folder["topics"]
        if entry["name"] == topic
        for partition in entry["partitions"]
    ]
    assert len(sizes) == 3
    assert all(payload < size < 1.5 * payload for size in sizes), sizes


def test_a_pause_delays_every_message_that_was_due_in_it(course):
    pause = 0.5
    topic = course.topic("pause", replicas=[1, 2, 3])
    latencies = meters.Latencies()
    settings = {"acks": 1, "enable_idempotence": False}
    with (
        KafkaProducer(bootstrap_servers=course.bootstrap_servers, **settings) as producer,
        ThreadPoolExecutor() as threads,
    ):
        producer.send(topic, VALUE % 0).get(timeout=10)

        def freeze():
            course.cluster.pause(1)
            frozen = time.perf_counter()
            time.sleep(pause)
            course.cluster.resume(1)
            return frozen, time.perf_counter()

        answered = {}  # when the client's own thread had each answer, noted without the recorder

        def note(due, _):
            answered[due] = time.perf_counter()

        for n, due in meters.paced(1_000, seconds=2):
            if n == 700:
                frozen = threads.submit(freeze)
            future = producer.send(topic, VALUE % n)
            future.add_callback(note, due)
            future.add_callback(latencies.done, due)
        producer.flush(timeout=20)
        begin, end = frozen.result()
    seen = latencies.frame(start=begin)
    assert len(seen) == 2_000
    inside = seen[(seen["seconds"] > 0.05) & (seen["seconds"] < end - begin - 0.05)]
    assert len(inside) > 300, "the messages that were due in the pause"
    # Each of them waits for what is left of the pause: 450 ms the early ones, 50 ms the late ones.
    left = 1000 * (end - begin - inside["seconds"])
    assert (inside["latency_ms"] >= left - 20).all()
    # And no longer than it took: how long a broker needs to catch up is the machine's affair.
    true = pd.Series({due - begin: 1000 * (at - due) for due, at in answered.items()}).sort_index()
    extra = seen["latency_ms"].to_numpy() - true.to_numpy()
    assert (extra >= 0).all()
    assert np.median(extra) < 1
    before = seen[seen["seconds"] < -0.1]
    assert before["latency_ms"].median() < inside["latency_ms"].median() / 2


def test_lag_is_what_the_group_has_not_committed(course, admin):
    topic, group = course.topic("lag", partitions=2), course.group("lag")
    with KafkaProducer(bootstrap_servers=course.bootstrap_servers) as producer:
        for n in range(1_000):
            producer.send(topic, VALUE % n, partition=n % 2)
    consumer = KafkaConsumer(
        bootstrap_servers=course.bootstrap_servers, group_id=group, enable_auto_commit=False
    )
    try:
        partitions = [TopicPartition(topic, number) for number in (0, 1)]
        consumer.assign(partitions)
        consumer.seek(partitions[0], 300)
        consumer.seek(partitions[1], 450)
        consumer.commit()
        with meters.LagSampler(
            topic, bootstrap_servers=course.bootstrap_servers, group=group, every=0.1
        ) as sampler:
            time.sleep(0.35)
    finally:
        consumer.close(autocommit=False)
    committed = admin.list_group_offsets({group: partitions})[group]
    true_lag = ends(admin, topic, 2) - sum(place.offset for place in committed.values())
    assert true_lag == 250
    assert len(sampler.total()) >= 2
    assert set(sampler.total()["lag"]) == {true_lag}


def sampler_of_100_messages(course, topic):
    with KafkaProducer(bootstrap_servers=course.bootstrap_servers) as producer:
        for n in range(100):
            producer.send(topic, VALUE % n)
    return meters.LagSampler(topic, bootstrap_servers=course.bootstrap_servers, every=0.05)


def test_lag_by_a_readers_own_word(course):
    with sampler_of_100_messages(course, course.topic("word")) as sampler:
        time.sleep(0.2)
        sampler.position(0, 60)
        time.sleep(0.2)
    lags = sampler.total()["lag"].tolist()
    assert lags[0] == 100
    assert lags[-1] == 40


def test_a_position_can_be_told_later_with_its_time(course):
    with sampler_of_100_messages(course, course.topic("later")) as sampler:
        time.sleep(0.4)
    sampler.position(0, 60, at=sampler.start + 0.2)
    total = sampler.total()
    assert set(total.query("seconds < 0.2")["lag"]) == {100}
    assert set(total.query("seconds > 0.2")["lag"]) == {40}


def test_a_dead_broker_leaves_a_gap_and_no_error(course):
    topic = course.topic("gap", replicas=[3, 1, 2])
    with meters.LagSampler(topic, bootstrap_servers=course.bootstrap_servers, every=0.1) as sampler:
        course.cluster.kill(3)
        course.cluster.wait_for_leader(topic, other_than=3)
        course.cluster.start(3)
        course.cluster.wait_for_in_sync(topic)
        before = len(sampler.frame())
        end = time.monotonic() + 20
        while len(sampler.frame()) <= before and time.monotonic() < end:
            time.sleep(0.1)
        assert len(sampler.frame()) > before, "sampling goes on"
    assert (sampler.frame()["end"] == 0).all()


def test_a_sampler_that_reaches_nobody_leaves_no_thread(course):
    with sampler_of_100_messages(course, course.topic("nobody")) as sampler:
        sampler._settings["bootstrap_servers"] = ["localhost:1"]
        sampler._ask_anew()
        before = len(sampler.frame())
        course.wait_until(lambda: len(sampler.frame()) > before, "the client that it had goes on")
    assert not [thread.name for thread in threading.enumerate() if "lag-sampler" in thread.name]


def java_hash(text):
    """By which Kafka chooses the partition, and so the coordinator, of a group."""
    number = 0
    for letter in text:
        number = (31 * number + ord(letter)) & 0xFFFFFFFF
    return abs(number - (1 << 32) if number >= 1 << 31 else number)


def test_lag_of_a_group_goes_on_when_another_broker_coordinates_it(course, admin):
    topic, group = course.topic("moved"), course.group("moved")
    with KafkaProducer(bootstrap_servers=course.bootstrap_servers) as producer:
        for n in range(10):
            producer.send(topic, VALUE % n)
    partition = TopicPartition(topic, 0)
    admin.alter_group_offsets(group, {partition: OffsetAndMetadata(4, "", -1)})
    with meters.LagSampler(
        topic, bootstrap_servers=course.bootstrap_servers, group=group, every=0.1
    ) as sampler:
        course.wait_until(lambda: len(sampler._ends), "there is a sample")
        place = ("__consumer_offsets", java_hash(group) % 8)
        # A broker that a test before this one has killed may not have caught up yet: without it
        # there would be nobody to coordinate the group next.
        course.cluster.wait_for_in_sync()
        coordinator = course.cluster.leader(*place)
        course.cluster.kill(coordinator)
        killed = time.perf_counter() - sampler.start
        course.cluster.wait_for_leader(*place, other_than=coordinator)
        course.wait_until(
            lambda: sampler.total()["seconds"].iloc[-1] > killed + 1,
            "samples come from another coordinator",
        )
        course.cluster.start(coordinator)
    assert set(sampler.total()["lag"]) == {6}
