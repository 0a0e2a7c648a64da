"""What a notebook imports first: the run's own topics and groups, its claims, its scorecard, and the clean-up."""

from __future__ import annotations

import gc
import json
import secrets
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition, errors
from kafka.admin import MemberToRemove, OffsetSpec
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    GroupIdNotFoundError,
    KafkaError,
    KafkaTimeoutError,
    LeaderNotAvailableError,
    NonEmptyGroupError,
    NotCoordinatorError,
    NotLeaderForPartitionError,
    UnknownMemberIdError,
    UnknownTopicOrPartitionError,
)
from kafka.net.selector import NetworkSelector
from matplotlib.figure import Figure

from . import canvas, charts, compose, workers
from .cluster import connect

SCORECARDS = compose.FILE.parent / ".scorecards"  # a file a lesson: what this learner's own runs measured
SCRATCH = compose.FILE.parent / ".scratch"
CLIENT_THREADS = ("kafka-", "lag-sampler", "worker-")
POOL_THREADS = "ThreadPoolExecutor-"
PATIENCE = 10.0  # seconds for clients and threads to end, and for brokers that were just started to be ready
NOT_READY = (CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError)


class ClaimFailed(AssertionError):
    """The notebook says something that is not true in this run."""


class Lesson:
    """One run of one notebook."""

    def __init__(self, number: int):
        self.number = number
        self.run = secrets.token_hex(3)
        self._topics: Counter[str] = Counter()
        self.cluster = connect()
        self.bootstrap_servers = self.cluster.bootstrap_servers
        self._prefix = f"lesson-{number:02d}-"
        # An interrupted run may have left threads, workers and clients at work, a broker dead, and topics behind.
        _end_all_work()
        self.cluster.heal()
        self._delete_leftovers()

    def topic(self, name: str, partitions: int = 1, replicas: list[int] | None = None, **settings: str | int) -> str:
        """Makes a topic of this run, waits until it can be used, and returns its full name.

        Asked for the same name again (a cell that is run twice), it makes another one, so that every experiment begins empty.

        `replicas` are the ids of the brokers that hold each partition's copies, the preferred leader first (left to Kafka if
        not given; three copies). `settings` are topic settings, with _ for . as in ``min_insync_replicas=2``.
        """
        self._topics[name] += 1
        again = f"-{self._topics[name]}" if self._topics[name] > 1 else ""
        topic = f"{self._prefix}{self.run}-{name}{again}"
        options: dict = {"configs": {key.replace("_", "."): str(value) for key, value in settings.items()}}
        if replicas:
            options["assignments"] = {number: replicas for number in range(partitions)}
        else:
            options |= {"num_partitions": partitions, "replication_factor": 3}
        with self._admin() as admin:
            admin.create_topics({topic: options})
            self.cluster.wait_for_topic(topic, partitions)
            _wait_for_leaders_at_work(admin, topic, partitions)
        return topic

    @property
    def folder(self) -> Path:
        """A folder of this run for files of the lesson, inside the clone. The clean-up deletes it."""
        folder = SCRATCH / f"{self._prefix}{self.run}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def group(self, name: str) -> str:
        """The full name of a consumer group of this run."""
        return f"{self._prefix}{self.run}-{name}"

    def wait_until(self, condition: Callable[[], bool], what: str, timeout: float = 20) -> None:
        """Returns when ``condition()`` is true. Raises TimeoutError after `timeout` seconds, with `what` was waited for."""
        limit = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > limit:
                raise TimeoutError(f"Waited {timeout:.0f} s in vain until {what}")
            time.sleep(0.01)

    def wait_for_members(self, group: str, count: int, timeout: float = 20) -> None:
        """Returns when the group has that many members and is stable: all have joined and know their partitions.

        Raises TimeoutError after `timeout` seconds.
        """
        with self._admin() as admin:

            def joined() -> bool:
                try:
                    seen = admin.describe_groups([group])[group]
                except CoordinatorLoadInProgressError:
                    return False
                return seen["group_state"] == "Stable" and len(seen["members"]) == count

            self.wait_until(joined, f"the group {group} is stable with {count} members", timeout)

    def claim(
        self,
        text: str,
        measured: float,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        equals: float | None = None,
        unit: str = "",
    ) -> None:
        """Checks a claim of the notebook against a measured number and prints both. Raises ClaimFailed where it is false."""
        bounds = {
            "at least": (at_least, lambda bound: measured >= bound),
            "at most": (at_most, lambda bound: measured <= bound),
            "exactly": (equals, lambda bound: measured == bound),
        }
        given = {words: pair for words, pair in bounds.items() if pair[0] is not None}
        if not given:
            raise ValueError(f"The claim {text!r} can't fail: give at_least, at_most or equals")
        promise = " and ".join(f"{words} {canvas.number(bound)}" for words, (bound, _) in given.items())
        line = f"{text}: {canvas.number(measured)}{unit and ' ' + unit} (claimed: {promise})"
        if not all(holds(bound) for bound, holds in given.values()):
            raise ClaimFailed(f"This claim does not hold in this run: {line}")
        print(f"✔ {line}")

    def scorecard(self, frame: pd.DataFrame, *, title: str) -> Figure:
        """Draws the lesson's scorecard (see charts.scorecard) and keeps its numbers for the last lesson's overview."""
        SCORECARDS.mkdir(exist_ok=True)
        file = SCORECARDS / f"{self.number:02d}.json"
        file.write_text(json.dumps({"title": title, "variants": json.loads(frame.to_json(orient="index"))}, indent=1))
        return charts.scorecard(frame, title=title)

    def clean_up(self) -> None:
        """Deletes the lesson's topics and groups (of interrupted runs, too) and makes the cluster whole. Raises RuntimeError for clients or workers left open."""
        running = workers.kill_all()
        self.cluster.heal()
        self._delete_leftovers()
        left = _client_threads()
        if left or running:
            _close_clients()
            raise RuntimeError(f"The notebook has not closed these: {', '.join(sorted([*left, *running]))}")
        print("All clients are closed, this run's topics are deleted, and all brokers are in sync.")

    def _delete_leftovers(self) -> None:
        """Deletes the files, topics and groups that this run and interrupted earlier ones have left."""
        for folder in SCRATCH.glob(f"{self._prefix}*"):
            shutil.rmtree(folder)
        with self._admin() as admin:
            for topic in [topic for topic in admin.list_topics() if topic.startswith(self._prefix)]:
                try:
                    admin.delete_topics([topic])
                except UnknownTopicOrPartitionError:
                    pass
        _patiently(self._delete_groups, *NOT_READY, NonEmptyGroupError, UnknownMemberIdError)

    def _delete_groups(self) -> None:
        """Deletes the lesson's groups; all of its clients have ended by now. Raises the KafkaError of one that stays."""
        # With a client of its own for each try: one that lives on never asks anew which broker coordinates a group.
        with self._admin() as admin:
            groups = [group["group_id"] for group in admin.list_groups() if group["group_id"].startswith(self._prefix)]
            for group, seen in admin.describe_groups(groups).items():
                # A reader that was killed counts as a member for its session timeout, and a group with members can't be deleted.
                if dead := [MemberToRemove(member_id=member["member_id"]) for member in seen["members"]]:
                    admin.remove_group_members(group, dead)
            for group, answer in admin.delete_groups(groups).items():
                if answer not in ("OK", GroupIdNotFoundError.__name__):
                    raise getattr(errors, answer)(group)

    def _admin(self) -> KafkaAdminClient:
        return KafkaAdminClient(bootstrap_servers=self.bootstrap_servers)


def start(number: int) -> Lesson:
    """Begins a run of lesson `number`: connects, mends what an earlier run left, and says where it is.

    Raises NoCluster (with the command that starts one) where no cluster runs.
    """
    lesson = Lesson(number)
    brokers = ", ".join(lesson.bootstrap_servers)
    print(f"Lesson {number}, run {lesson.run}: {len(lesson.cluster.brokers())} brokers answer at {brokers}.")
    return lesson


def abandon(producer: KafkaProducer, timeout: float = 1.0) -> None:
    """Closes a producer within about `timeout` seconds, even one that is stuck; what it has not sent yet is given up.

    In kafka-python 3.0.12, close(timeout=...) of a producer with an unfinished message raises and leaves its thread running.
    """
    try:
        producer.close(timeout=timeout)
    except KafkaTimeoutError:
        producer._sender.force_close()
        producer._sender.join(timeout)
        producer._closed = True


def _wait_for_leaders_at_work(admin: KafkaAdminClient, topic: str, partitions: int) -> None:
    """Returns when each partition's leader answers for it.

    A broker is known as the leader a moment before it is ready to be one. What a producer with acks=0 sends it in that moment
    is lost, without a word.
    """
    wanted = {TopicPartition(topic, number): OffsetSpec.LATEST for number in range(partitions)}
    not_yet = (UnknownTopicOrPartitionError, NotLeaderForPartitionError, LeaderNotAvailableError)
    _patiently(lambda: admin.list_partition_offsets(wanted), *not_yet)


def _patiently(act: Callable[[], object], *passing: type[KafkaError]) -> None:
    """Does something, again while it raises one of the `passing` errors. Raises the last of them after PATIENCE seconds."""
    limit = time.monotonic() + PATIENCE
    while True:
        try:
            act()
            return
        except passing:
            if time.monotonic() > limit:
                raise
            time.sleep(0.02)


def _end_all_work() -> None:
    """Ends the threads, workers and clients that an interrupted cell left at work in this kernel.

    Raises RuntimeError for a thread that does not end.
    """
    for pool in [thing for thing in gc.get_objects() if type(thing) is ThreadPoolExecutor]:
        pool.shutdown(wait=False, cancel_futures=True)
    limit = time.monotonic() + PATIENCE
    while True:
        # What a thread works with is taken from it; by then it may have begun something new.
        workers.kill_all()
        _close_clients()
        left = [thread.name for thread in threading.enumerate() if thread.name.startswith(POOL_THREADS)]
        if not left:
            return
        if time.monotonic() > limit:
            raise RuntimeError(f"An interrupted cell is still at work ({', '.join(left)}). Restart the kernel: Kernel > Restart Kernel")
        time.sleep(0.05)


def _close_clients() -> None:
    """Closes Kafka clients that an interrupted cell left open in this kernel."""
    # Asking every object its class through isinstance would wake up lazy proxies of other libraries.
    for client in [thing for thing in gc.get_objects() if type(thing) in (KafkaProducer, KafkaConsumer, KafkaAdminClient)]:
        if type(client) is KafkaProducer:
            abandon(client)
        elif type(client) is KafkaConsumer:
            client.close(autocommit=False, timeout_ms=1000)
        else:
            client.close()
    # A client whose constructor failed, or that nobody holds any more, is gone, but its network thread is not.
    for loop in [thing for thing in gc.get_objects() if type(thing) is NetworkSelector]:
        loop.stop(timeout_ms=2000)
    _client_threads()


def _client_threads() -> set[str]:
    """Names of the clients' threads that still live after a little patience."""
    end = time.monotonic() + PATIENCE
    while True:
        left = {thread.name for thread in threading.enumerate() if thread.name.startswith(CLIENT_THREADS)}
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.02)
