"""The run of a lesson, on the real cluster: its claims can fail, and it leaves nothing behind."""

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pandas as pd
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, KafkaError
from kafka.future import Future

from helpers import clients, lesson
from helpers.base import places
from helpers.base.errors import ClaimFailed, NotInTime, StillAtWork
from helpers.lesson import Lesson
from helpers.lesson.lesson import _tell_once
from helpers.workers import Worker


@pytest.fixture
def course():
    course = lesson.start(98)
    yield course
    course.clean_up()


def topics_of(course):
    with KafkaAdminClient(bootstrap_servers=course.bootstrap_servers) as admin:
        return [topic for topic in admin.list_topics() if topic.startswith("lesson-98-")]


def groups_of(course):
    with KafkaAdminClient(bootstrap_servers=course.bootstrap_servers) as admin:
        return [
            group["group_id"]
            for group in admin.list_groups()
            if group["group_id"].startswith("lesson-98-")
        ]


def test_a_claim_prints_what_was_measured(capsys):
    Lesson.claim("messages lost", 1153, at_least=10)
    assert capsys.readouterr().out == "✔ messages lost: 1,153 (claimed: at least 10)\n"


@pytest.mark.parametrize(
    "bounds", [{"at_least": 3}, {"at_most": 1}, {"equals": 1}, {"at_least": 1, "at_most": 1.5}]
)
def test_a_false_claim_fails(bounds):
    with pytest.raises(ClaimFailed, match="does not hold.*messages: 2 "):
        Lesson.claim("messages", 2, **bounds)


def test_a_number_that_is_none_fails():
    with pytest.raises(ClaimFailed):
        Lesson.claim("messages", float("nan"), at_least=0)


def test_a_claim_that_cannot_fail_is_refused():
    with pytest.raises(ValueError, match="can't fail"):
        Lesson.claim("anything", 1)


def test_a_topic_is_usable_at_once_and_gone_afterwards(course):
    topic = course.topic("fresh", partitions=2, min_insync_replicas=1)
    with KafkaProducer(bootstrap_servers=course.bootstrap_servers) as producer:
        assert producer.send(topic, b"first").get(timeout=10).offset == 0
    assert course.cluster.leader(topic, 1) in (1, 2, 3)
    assert topics_of(course) == [topic]
    course.clean_up()
    assert topics_of(course) == []


def test_a_cell_that_runs_again_gets_an_empty_topic(course):
    first, second = course.topic("again"), course.topic("again")
    assert first != second
    assert set(topics_of(course)) == {first, second}


def test_outputs_may_have_topic_settings_of_their_own(course):
    outputs = {"log": dict(cleanup_policy="compact"), "results": {}}
    topic = course.topic("in", partitions=2, outputs=outputs, retention_ms=-1)
    names = [topic, f"{topic}-log", f"{topic}-results"]
    with KafkaAdminClient(bootstrap_servers=course.bootstrap_servers) as admin:
        kinds = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        found = admin.describe_configs(kinds, config_filter="all")["topic"]
    values = lambda setting: [found[name][setting]["value"] for name in names]
    assert values("cleanup.policy") == ["delete", "compact", "delete"]
    assert values("retention.ms") == ["-1", "-1", "-1"]


def test_the_leader_can_be_chosen(course):
    topic = course.topic("led", replicas=[3, 1, 2])
    assert course.cluster.leader(topic) == 3
    assert course.cluster.in_sync(topic) == [1, 2, 3]


def test_a_lessons_files_are_gone_afterwards():
    course = lesson.start(98)
    (course.folder / "store.db").write_text("a place")
    assert (course.folder / "store.db").read_text() == "a place"
    course.clean_up()
    assert not list(places.SCRATCH.glob("lesson-98-*"))


def test_an_open_client_is_told_and_closed(course, monkeypatch):
    monkeypatch.setattr(clients, "PATIENCE", 1.0)
    producer = KafkaProducer(bootstrap_servers=course.bootstrap_servers)
    with pytest.raises(StillAtWork, match="not closed"):
        course.clean_up()
    with pytest.raises(KafkaError):
        producer.send(course.topic("closed"), b"too late")
    course.clean_up()


def test_a_new_run_mends_what_an_interrupted_one_left(course):
    left = course.topic("left", replicas=[2, 3, 1])
    KafkaProducer(bootstrap_servers=course.bootstrap_servers)
    KafkaConsumer(left, bootstrap_servers=course.bootstrap_servers, group_id=course.group("left"))
    course.cluster.kill(2)
    course.cluster.wait_for_leader(left, other_than=2)
    again = lesson.start(98)
    assert again.cluster.brokers() == [1, 2, 3]
    assert topics_of(course) == []
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("kafka-")]


WRONG = [
    {"auto_offset_rest": "earliest"},  # misspelt
    {"api_version_auto_timeout_ms": 1},  # of an older kafka-python
    {"bootstrap_servers": "localhost:1", "bootstrap_timeout_ms": 100},  # nobody is there
]


def test_a_new_run_begins_whatever_client_could_not_be_made(course):
    """Its traceback holds what was half-made."""
    held = []
    for kind, wrong in product((KafkaConsumer, KafkaProducer, KafkaAdminClient), WRONG):
        with pytest.raises((KafkaError, ValueError)) as refused:
            kind(**{"bootstrap_servers": course.bootstrap_servers, **wrong})
        held.append(refused)
    lesson.start(98)
    assert len(held) == 9
    assert not clients.wait_for_threads(clients.THREADS)


def test_a_new_run_ends_the_threads_of_an_interrupted_one(course):
    topic, begun = course.topic("endless"), threading.Event()

    def read():
        with KafkaConsumer(topic, bootstrap_servers=course.bootstrap_servers) as consumer:
            while True:
                consumer.poll(timeout_ms=100)
                begun.set()

    pool = ThreadPoolExecutor(1)
    at_work, waiting = pool.submit(read), pool.submit(read)
    assert begun.wait(timeout=10)
    lesson.start(98)
    assert at_work.done() and waiting.cancelled()
    assert not [
        thread.name
        for thread in threading.enumerate()
        if thread.name.startswith("ThreadPoolExecutor-")
    ]


def test_a_thread_that_does_not_end_is_told(course, monkeypatch):
    monkeypatch.setattr("helpers.lesson.lesson.PATIENCE", 0.2)
    end = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(end.wait)
        with pytest.raises(StillAtWork, match="still at work.*Restart Kernel"):
            lesson.start(98)
        end.set()


def test_the_scorecard_is_kept(course, monkeypatch, tmp_path):
    monkeypatch.setattr(places, "SCORECARDS", tmp_path / "cards")
    columns = ["throughput", "p50_ms", "p99_ms", "lag", "lost", "duplicated"]
    frame = pd.DataFrame(
        [[20_000.0, 1.5, 9.0, float("nan"), 12, 0]], index=["acks=0"], columns=columns
    )
    course.scorecard(frame, own=["acks=0"], title="A finding")
    kept = json.loads((tmp_path / "cards" / "98.json").read_text())
    assert kept["title"] == "A finding"
    assert kept["variants"]["acks=0"]["lost"] == 12
    assert kept["variants"]["acks=0"]["lag"] is None


def test_a_stuck_producer_can_be_abandoned(course):
    topic = course.topic("stuck", replicas=[1, 2, 3])
    producer = KafkaProducer(bootstrap_servers=course.bootstrap_servers)
    producer.send(topic, b"arrives").get(timeout=10)
    for broker in (1, 2, 3):
        course.cluster.pause(broker)
    try:
        producer.send(topic, b"waits for brokers that do nothing")
        clients.abandon(producer, timeout=0.5)
    finally:
        for broker in (1, 2, 3):
            course.cluster.resume(broker)
    course.clean_up()  # raises where the producer's thread still lives
    with pytest.raises(KafkaError):
        producer.send(topic, b"too late")


def test_waiting_in_vain_says_for_what(course):
    with pytest.raises(NotInTime, match="until pigs fly"):
        course.wait_until(lambda: False, "pigs fly", timeout=0.05)


def test_waiting_for_members_ends_when_the_group_is_stable(course):
    topic, group = course.topic("shared", partitions=2), course.group("one")
    with pytest.raises(NotInTime, match="stable with 1 members"):
        course.wait_for_members(group, 1, timeout=0.1)
    with KafkaConsumer(bootstrap_servers=course.bootstrap_servers, group_id=group) as consumer:
        consumer.subscribe([topic])
        consumer.partitions_for_topic(topic)
        while not consumer.assignment():
            consumer.poll(timeout_ms=500)
        course.wait_for_members(group, 1)


def test_the_clean_up_tells_of_a_worker_that_still_runs():
    course = lesson.start(98)
    worker = Worker(idle)
    worker.wait_for(bool)
    with pytest.raises(StillAtWork, match="not closed these: idle"):
        course.clean_up()
    assert not worker.alive


def test_a_group_whose_reader_was_killed_is_gone_afterwards(course):
    topic, group = course.topic("read"), course.group("killed")
    worker = Worker(member, course.bootstrap_servers, topic, group)
    course.wait_for_members(group, 1)
    worker.kill()  # for 45 s the broker goes on counting it as a member
    assert groups_of(course) == [group]
    course.clean_up()
    assert groups_of(course) == []


def member(tell, stopping, servers, topic, group):
    from kafka import KafkaConsumer

    consumer = KafkaConsumer(topic, bootstrap_servers=servers, group_id=group)
    while not stopping():
        consumer.poll(timeout_ms=100)


def idle(tell, stopping):
    import time

    tell("here")
    while not stopping():
        time.sleep(0.05)


OTHER_RUN = """
import sys
from helpers import lesson
course = lesson.start(98)
print(course.topic("theirs"), flush=True)
(course.folder / "file").write_text("theirs")
sys.stdin.read()
"""


def test_a_run_deletes_only_what_no_living_run_owns_and_says_who_is_at_work(capsys):
    other = subprocess.Popen(
        [sys.executable, "-c", OTHER_RUN],
        cwd=places.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        other.stdout.readline()
        topic = other.stdout.readline().strip()
        course = lesson.start(98)
        said = capsys.readouterr().out
        assert f"Process {other.pid} is at work on this lesson, too, since " in said
        assert topics_of(course) == [topic]
        course.clean_up()
        assert topics_of(course) == [topic]
        assert [folder.name for folder in places.SCRATCH.glob("lesson-98-*")] == [topic[:16]]
    finally:
        other.kill()
        other.communicate()
    again = lesson.start(98)
    assert topics_of(again) == []
    assert "is at work" not in capsys.readouterr().out
    again.clean_up()


@pytest.mark.parametrize(
    "error",
    [CoordinatorLoadInProgressError, CoordinatorNotAvailableError],
    ids=lambda e: e.__name__,
)
def test_a_coordinator_that_is_just_being_found_is_waited_for(error):
    class Admin:
        def describe_groups(self, groups):
            raise error

    assert clients.members_of(Admin(), "a group") is None


def test_an_error_in_a_callback_is_printed_once(course, capsys):
    clients.tell_callback_errors(_tell_once())

    def typo(_):
        raise AttributeError("no relase")

    for n in range(3):
        Future().add_callback(typo).success(n)
    said = capsys.readouterr()
    assert said.err.count("Error processing callback: AttributeError('no relase')") == 1
    assert said.out == ""
    told = []
    clients.tell_callback_errors(told.append)
    Future().add_callback(typo).success(1)
    assert len(told) == 1 and capsys.readouterr().err == ""
