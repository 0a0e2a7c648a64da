"""What a lesson gets from `course`: its run's topics and groups, claims, scorecard, clean-up."""

import contextlib
import gc
import json
import secrets
import shutil
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    LeaderNotAvailableError,
    NonEmptyGroupError,
    NotCoordinatorError,
    NotLeaderForPartitionError,
    UnknownMemberIdError,
    UnknownTopicOrPartitionError,
)
from matplotlib.figure import Figure

from .. import charts, clients, meters, workers
from ..base import places
from ..base.errors import ClaimFailed, NotInTime, StillAtWork
from ..base.waiting import until
from ..cluster import connect, turns
from ..experiment import Experiment, Programs
from ..learn import drawn, exercises, panel, predict
from . import cells, runs

if TYPE_CHECKING:
    from kafka.consumer.fetcher import ConsumerRecord

    from ..cluster.database import Database

THREADS = (clients.THREADS, "lag-sampler", "worker-")
POOL_THREADS = "ThreadPoolExecutor-"
# Seconds for clients and threads to end, and for brokers that were just started to be ready.
PATIENCE = 10.0
NOT_READY = (CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError)


class Lesson:
    """One run of one notebook. `start` makes it."""

    def __init__(self, number: int):
        self.number = number
        self.run_id = secrets.token_hex(3)
        self.cluster = connect()
        self.bootstrap_servers = self.cluster.bootstrap_servers
        self._topics: Counter[str] = Counter()
        self._outputs: dict[str, list[str]] = {}
        self._prefix = f"lesson-{number:02d}-"
        self._database: Database | None = None
        self._ended = False

    def _begin_again(self) -> None:
        """After the clean-up: what a cell makes that is run again is this run's, as before."""
        if self._ended:
            self._ended = False
            runs.begin(self.number, self.run_id)

    def new_name(self, name: str) -> str:
        """A topic's full name for a cell that makes it itself: another one each time.

        The clean-up deletes it as any topic of this run.
        """
        self._begin_again()
        self._topics[name] += 1
        again = f"-{self._topics[name]}" if self._topics[name] > 1 else ""
        return f"{self._prefix}{self.run_id}-{name}{again}"

    def topic(
        self,
        name: str,
        partitions: int = 1,
        replicas: list[int] | None = None,
        outputs: Sequence[str] | Mapping[str, Mapping[str, str | int]] = (),
        **settings: str | int,
    ) -> str:
        """Makes a topic of this run, waits until it can be used, and returns its full name.

        Asked for the same name again (a cell that is run twice), it makes another one, so that
        every experiment begins empty.

        `replicas` are the ids of the brokers that hold each partition's copies, the preferred
        leader first (left to Kafka if not given; three copies). `settings` are topic settings, with
        _ for . as in ``min_insync_replicas=2``. `outputs` are more topics, made in the same way,
        for what a program makes of this one's messages: ``outputs=["points"]`` adds one that is
        named like it, and ``-points``. A mapping gives them topic settings of their own beside
        these: ``outputs={"changelog": dict(cleanup_policy="compact")}``.
        """
        topic = self.new_name(name)
        placed: dict = {"num_partitions": partitions, "replication_factor": 3}
        if replicas:
            placed = {"assignments": dict.fromkeys(range(partitions), replicas)}
        own = outputs if isinstance(outputs, Mapping) else dict.fromkeys(outputs, {})
        named = {topic: {}, **{f"{topic}-{output}": own[output] for output in own}}
        self._outputs[topic] = list(named)[1:]
        topics = {
            made: {**placed, "configs": _configs({**settings, **more})}
            for made, more in named.items()
        }
        with self._admin() as admin:
            admin.create_topics(topics)
            for made in topics:
                self.cluster.wait_for_topic(made, partitions)
                _wait_for_leaders_at_work(admin, made, partitions)
        return topic

    def delete_topic(self, topic: str) -> None:
        """Deletes a topic of this run, and its outputs, before the run's end.

        One that is gone is no error.
        """
        with self._admin() as admin:
            for one in [topic, *self._outputs.pop(topic, ())]:
                with contextlib.suppress(UnknownTopicOrPartitionError):
                    admin.delete_topics([one])

    @property
    def folder(self) -> Path:
        """A folder of this run, inside the clone, for the lesson's files. Clean-up deletes it."""
        folder = places.SCRATCH / f"{self._prefix}{self.run_id}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def group(self, name: str) -> str:
        """The full name of a consumer group of this run."""
        return f"{self._prefix}{self.run_id}-{name}"

    def experiment(
        self,
        *programs: Callable,
        name: str = "stream",
        partitions: int = 1,
        replicas: list[int] | None = None,
        outputs: Sequence[str] | Mapping[str, Mapping[str, str | int]] = (),
        until: str = "told",
        **settings: str | int,
    ) -> Experiment:
        """An experiment with these programs of the notebook; see experiment.Experiment.

        Latency and throughput count until the producer is "told", or until a reader has "read" a
        message, or is "done" with it. Each run has a topic of its own, made with `partitions`,
        `replicas`, `outputs` and `settings` as `topic` makes it.
        """
        topic = {"partitions": partitions, "replicas": replicas, "outputs": outputs, **settings}
        return Experiment(Programs(self, programs, name, topic, until))

    def records(self, topic: str, **reading: object) -> "list[ConsumerRecord]":
        """All records of a topic; see meters.records."""
        return meters.records(topic, bootstrap_servers=self.bootstrap_servers, **reading)

    def stored_ids(self, topic: str, **reading: object) -> list[int]:
        """Ids of all messages of a topic; see meters.stored_ids."""
        return meters.stored_ids(topic, bootstrap_servers=self.bootstrap_servers, **reading)

    def disk_bytes(self, topic: str) -> int:
        """Bytes of a topic on the disk of the broker that has most of it; 0 where none has."""
        with self._admin() as admin:
            return clients.disk_bytes(admin, topic)

    def lag(self, topic: str, **how: object) -> meters.LagSampler:
        """A sampler of the readers' lag, to be used in a with statement; see meters.LagSampler."""
        return meters.LagSampler(topic, bootstrap_servers=self.bootstrap_servers, **how)

    @staticmethod
    def wait_until(condition: Callable[[], bool], what: str, timeout: float = 20) -> None:
        """Returns when ``condition()`` is true.

        Raises NotInTime after `timeout` seconds, with `what` was waited for.
        """
        until(condition, timeout, what, nap=0.01)

    def wait_for_members(self, group: str, count: int, timeout: float = 20) -> None:
        """Returns when the group has that many members, and all know their partitions.

        Raises NotInTime after `timeout` seconds.
        """
        with self._admin() as admin:
            joined = lambda: clients.members_of(admin, group) == count
            self.wait_until(joined, f"the group {group} is stable with {count} members", timeout)

    @staticmethod
    def claim(
        text: str,
        measured: float,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        equals: float | None = None,
        unit: str = "",
    ) -> None:
        """Checks a claim of the notebook against a measured number and prints both.

        Raises ClaimFailed where it is false.
        """
        bounds = {
            "at least": (at_least, lambda bound: measured >= bound),
            "at most": (at_most, lambda bound: measured <= bound),
            "exactly": (equals, lambda bound: measured == bound),
        }
        given = {words: pair for words, pair in bounds.items() if pair[0] is not None}
        if not given:
            raise ValueError(f"The claim {text!r} can't fail: give at_least, at_most or equals")
        promise = " and ".join(
            f"{words} {charts.number(bound)}" for words, (bound, _) in given.items()
        )
        line = f"{text}: {charts.number(measured)}{unit and ' ' + unit} (claimed: {promise})"
        if not all(holds(bound) for bound, holds in given.values()):
            raise ClaimFailed(f"This claim does not hold in this run: {line}")
        print(f"✔ {line}")

    def predict(self, letters: Iterable[str] = "ABCD", *, about: str = "") -> None:
        """Shows buttons for the options of a question; what they say stands in the text above.

        A choice is kept when the cell is run again. `about` tells several questions of a lesson
        apart.
        """
        predict.question(self.number, about).ask(letters)

    def answer(
        self,
        measured: float | str,
        *,
        about: str = "",
        unit: str = "",
        **options: tuple[float, float] | float | str,
    ) -> None:
        """Prints what the learner predicted, what was measured, and which option that makes right.

        Each option comes with the numbers for which it is right, as in ``A=(0, 0.15), B=(0.15,
        inf)``: from the first to below the second; or with the one value, as in ``C=638``. Raises
        ClaimFailed where no option is right, ValueError where two are.
        """
        result = predict.result(measured, options, unit)
        print(predict.question(self.number, about).answer(result))

    def panel(
        self,
        experiment: Experiment | Callable[..., charts.Chart],
        *,
        faults: bool | str = False,
        title: str = "",
        **knobs: tuple | list | dict,
    ) -> "panel.Panel | drawn.Drawn | charts.Chart":
        """Knobs and buttons over the experiment's programs, without end; see learn.panel.

        Where nobody is there to press a button (nbval, make notebooks-run), the figure of a
        scripted turn through two settings; `title` is that figure's.

        A function that returns a figure can stand in place of the experiment: its arguments are the
        knobs, and nothing runs; see learn.drawn.
        """
        if not isinstance(experiment, Experiment):
            return drawn.show(experiment, knobs)
        return panel.show(experiment.live, knobs, faults=faults, title=title)

    def check(self, number: int, answer: object) -> None:
        """Tries a learner's answer to an exercise and prints, in a sentence, what is wrong.

        Raises ValueError for an exercise that this lesson doesn't have.
        """
        exercises.check(self, number, answer)

    def hint(self, number: int) -> None:
        """Prints a hint for an exercise, and how to load its solution. Raises as check does."""
        exercises.hint(self.number, number)

    def scorecard(self, frame: pd.DataFrame, *, own: Iterable[str], title: str) -> Figure:
        """Draws the lesson's scorecard (charts.scorecard); keeps its numbers for the overview.

        `own`: the variants that are the lesson's pattern, with one setting or another. The others
        are what it is compared with: another pattern, or a mistake. Raises ValueError for one that
        the frame doesn't have.
        """
        own = list(own)
        if strangers := [name for name in own if name not in frame.index]:
            raise ValueError(
                f"The scorecard has no variant {', '.join(strangers)}; "
                f"it has {', '.join(frame.index)}"
            )
        places.SCORECARDS.mkdir(exist_ok=True)
        file = places.SCORECARDS / f"{self.number:02d}.json"
        card = {"title": title, "own": own, "variants": json.loads(frame.to_json(orient="index"))}
        file.write_text(json.dumps(card, indent=1))
        return charts.scorecard(frame, title=title)

    def database(self) -> "Database":
        """PostgreSQL for this run, which gets schemas of its own; see cluster.database.

        The clean-up drops them.
        """
        from ..cluster.database import Database  # psycopg takes its time, and one lesson needs it

        living = lambda: [run.id for run in runs.others(self.number)]
        self._database = Database(self.cluster, self.run_id, living)
        return self._database

    def clean_up(self) -> None:
        """Deletes the lesson's topics, groups and schemas (of dead runs, too) and makes the cluster
        whole.

        Raises StillAtWork for clients or workers left open.
        """
        running = workers.kill_all()
        self.cluster.heal()
        if self._database:
            self._database.clean_up()
        self.delete_leftovers(own=True)
        runs.end(self.number, self.run_id)
        self._ended = True
        left = clients.wait_for_threads(*THREADS)
        if left or running:
            clients.close_all()
            names = ", ".join(sorted([*left, *running]))
            raise StillAtWork(f"The notebook has not closed these: {names}")
        print("All clients are closed, this run's topics are deleted, and all brokers are in sync.")

    def delete_leftovers(self, own: bool = False) -> None:
        """Deletes files, topics, groups of the lesson's dead runs; with `own` of this one, too."""
        living = [run.id for run in runs.others(self.number)] + [self.run_id] * (not own)
        kept = tuple(f"{self._prefix}{run_id}" for run_id in living)

        def is_left(name: str) -> bool:
            return name.startswith(self._prefix) and not name.startswith(kept)

        for folder in places.SCRATCH.glob(f"{self._prefix}*"):
            if is_left(folder.name):
                shutil.rmtree(folder)
        with self._admin() as admin:
            for topic in filter(is_left, admin.list_topics()):
                with contextlib.suppress(UnknownTopicOrPartitionError):
                    admin.delete_topics([topic])

        def groups_deleted() -> bool:
            # With a client of its own for each try.
            # Fault: test_an_admin_client_never_asks_again_for_the_coordinator.
            with self._admin() as admin:
                clients.delete_groups(admin, is_left)
            return True

        not_yet = (*NOT_READY, NonEmptyGroupError, UnknownMemberIdError)
        until(groups_deleted, PATIENCE, "the lesson's groups are deleted", passing=not_yet)

    def _admin(self) -> KafkaAdminClient:
        return KafkaAdminClient(bootstrap_servers=self.bootstrap_servers)


def start(number: int) -> Lesson:
    """Begins a run of lesson `number`: connects, mends what an earlier run left, says where it is.

    Raises NoCluster (with the command that starts one) where no cluster runs, and StillAtWork where
    an interrupted cell does not end, or another notebook does not give up its turn.
    """
    turns.who = f"Lesson {number}"
    cells.one_at_a_time()
    lesson = Lesson(number)
    # An interrupted run may have left threads, workers and clients at work, a broker dead, and
    # topics behind.
    end_all_work()
    clients.let_producers_wait()
    clients.tell_callback_errors(_tell_once())
    lesson.cluster.heal()
    runs.begin(number, lesson.run_id)
    lesson.delete_leftovers()
    brokers = ", ".join(lesson.bootstrap_servers)
    alive = len(lesson.cluster.brokers())
    print(f"Lesson {number}, run {lesson.run_id}: {alive} brokers answer at {brokers}.")
    for run in runs.others(number):
        print(
            f"Process {run.pid} is at work on this lesson, too, since {run.since}. Neither touches "
            "the other's topics, and their cells take turns."
        )
    return lesson


def _tell_once() -> Callable[[str], None]:
    """Prints each error of a callback, the first time: else a typo there hangs a cell in silence.

    To stderr, which is not kept when a notebook is saved.
    """
    told = set()

    def tell(error: str) -> None:
        if error not in told:
            told.add(error)
            print(f"{error}. (kafka-python only logs this.)", file=sys.stderr)

    return tell


def end_all_work() -> None:
    """Ends the threads, workers and clients that an interrupted cell left at work in this kernel.

    Raises StillAtWork for a thread that does not end.
    """
    for pool in [thing for thing in gc.get_objects() if type(thing) is ThreadPoolExecutor]:
        pool.shutdown(wait=False, cancel_futures=True)

    def at_work() -> list[str]:
        return [
            thread.name for thread in threading.enumerate() if thread.name.startswith(POOL_THREADS)
        ]

    def ended() -> bool:
        # What a thread works with is taken from it; by then it may have begun something new.
        workers.kill_all()
        clients.close_all()
        return not at_work()

    try:
        until(ended, PATIENCE, "the threads have ended", nap=0.05)
    except NotInTime:
        names = ", ".join(at_work())
        raise StillAtWork(
            f"An interrupted cell is still at work ({names}). "
            "Restart the kernel: Kernel > Restart Kernel"
        ) from None


def _configs(settings: Mapping[str, str | int]) -> dict[str, str]:
    """Topic settings as Kafka names and takes them."""
    return {key.replace("_", "."): str(value) for key, value in settings.items()}


def _wait_for_leaders_at_work(admin: KafkaAdminClient, topic: str, partitions: int) -> None:
    """Returns when each partition's leader answers for it.

    A broker is known as the leader a moment before it is ready to be one. What a producer with
    acks=0 sends it in that moment is lost, without a word.
    """
    wanted = {TopicPartition(topic, number): OffsetSpec.LATEST for number in range(partitions)}
    not_yet = (UnknownTopicOrPartitionError, NotLeaderForPartitionError, LeaderNotAvailableError)
    at_work = lambda: admin.list_partition_offsets(wanted)
    until(at_work, PATIENCE, f"the leaders of {topic} are at work", passing=not_yet)
