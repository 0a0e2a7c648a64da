"""One variant in a run: its topic, and the processes of its programs."""

import math
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass

import numpy as np
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from .. import meters
from ..base.errors import WorkerFailed
from ..base.waiting import until
from ..workers import stop_all
from . import record
from .faults import Crash
from .programs import MEMBERS, PATIENCE, Program, Programs, count_of, group_of
from .record import NAMES
from .recording import Recording, assignments

ENDLESS = meters.MOST  # seconds
SETTLED = 1.0  # seconds without growth after which nothing more is on its way to a topic
LOOK = 0.01  # seconds until a crash is noticed


@dataclass(frozen=True)
class Pace:
    """So many messages per second for so many seconds, then a burst as fast as it goes."""

    rate: float
    seconds: float
    burst: int = 0
    burst_seconds: float = math.inf  # it takes no message later

    def __post_init__(self):
        paced = 0 < self.rate <= ENDLESS and 0 < self.seconds <= ENDLESS
        if not (paced and self.burst_seconds > 0 and self.burst >= 0):
            raise ValueError(
                "rate (messages per second), seconds and burst_seconds must be positive (up to a "
                f"billion), and burst (messages) not negative, not {self.rate}, {self.seconds}, "
                f"{self.burst_seconds} and {self.burst}"
            )


class Side:
    """One variant in a run: its topic, its programs, and its readers' lag. A context manager."""

    def __init__(
        self,
        programs: Programs,
        variant: str,
        settings: dict,
        pace: Pace,
        waits: bool,
        crashes: Sequence[Crash],
    ):
        self._waits = waits
        self._all, self._variant, self._settings, self._pace = programs, variant, settings, pace
        self._course = programs.course
        self._shares = programs.share(settings)
        self._programs: list[Program] = []  # all that have been started
        self._members: dict[str, list[Program]] = {}  # the last program's: name -> its lives
        self._positions: dict[int, dict[int, int]] = {}  # of each in _programs, by partition
        self._rows = np.empty(0, record.ROW)
        self._lock = threading.RLock()
        self._crashes = deque(crashes)  # that have not happened yet
        self._happened: list[Crash] = []
        self._over = threading.Event()

    def __enter__(self) -> "Side":
        with ExitStack() as stack:
            self.topic = self._all.new_topic(self._variant, self._settings)
            self._stack = stack
            for place in range(self._all.last):
                self._begin(place)
            for number in range(count_of(self._settings)):
                self._start_member(NAMES[number])
            self._admin = stack.enter_context(
                KafkaAdminClient(bootstrap_servers=self._course.bootstrap_servers)
            )
            self._sampler = stack.enter_context(self._course.lag(self.topic, every=0.1))
            if self._crashes:
                watch = threading.Thread(target=self._start_again, daemon=True)
                watch.start()
                stack.callback(watch.join)
                stack.callback(self._over.set)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.__exit__(*error)

    # Programs

    def _begin(self, place: int, **which: object) -> Program:
        """Starts a process of the program at this place."""
        # Faults that wait make it longer; then `end` is told when they have happened.
        pace = asdict(self._pace) | ({"seconds": ENDLESS} if self._waits else {})
        each = self._all.start(place, self._shares[place], self.topic, pace, **which)
        self._stack.callback(each.record.delete)
        self._stack.enter_context(each.worker)
        with self._lock:
            self._programs.append(each)
        return each

    def _start_member(self, name: str) -> None:
        lives = self._members.setdefault(name, [])
        which = {"member": name, "life": len(lives)}
        if self._crashes and name == NAMES[0]:
            which |= {"crash": self._crashes[0].order, "done": self._done_by(name)}
        lives.append(self._begin(self._all.last, **which))

    def change_member(self, what: str, name: str) -> None:
        """Kills, stops or starts the reader of this name. Raises ValueError for one that isn't."""
        if what == "start":
            self._start_member(name)
            return
        if not (lives := self._members.get(name)):
            raise ValueError(f"There is no reader {name} that could be made to {what}")
        lives[-1].leaves = True
        if what == "stop":
            lives[-1].worker.ask_to_end()
        else:
            at = lives[-1].worker.kill()
            row = np.zeros(1, record.ROW)
            row["member"], row["at"], row["kind"] = NAMES.index(name), at, record.ENDED
            with self._lock:
                self._rows = np.concatenate([self._rows, row])

    def wait_until_it_has_partitions(self, name: str) -> None:
        """Returns when no rebalance has just taken all partitions from the reader of this name.

        At once for one that has noted none: it is in no group, or does not tell.
        """

        def has() -> bool:
            self._take()
            if not len(self._of(record.ASSIGNED, name)):
                return True
            book = assignments(self._rows, 0.0, self._all.until)
            return bool(book.owned_by(name, time.perf_counter()))

        until(has, PATIENCE, f"{name} has partitions")

    def wait_for_member(self, name: str) -> None:
        """Returns when the newest reader of this name begins to read."""
        newest = self._members[name][-1]
        newest.worker.wait_for(lambda _: newest.said("begins"), timeout=PATIENCE)

    def _start_again(self) -> None:
        """Starts the first reader again after each crash; in a thread of its own."""
        while self._crashes:
            reader = self._members[NAMES[0]][-1]
            while reader.worker.alive:
                if self._over.wait(LOOK):
                    return
            self._take()
            crashed = self._of(record.CRASHED, NAMES[0])
            if len(crashed) < len(self._members[NAMES[0]]):
                self._crashes.clear()  # it has ended in another way, which `finish` tells
                return
            reader.leaves = True
            with suppress(WorkerFailed):  # the crash's own error
                reader.worker.join()
            self._happened.append(self._crashes.popleft())
            self._start_member(NAMES[0])

    def _done_by(self, name: str) -> int:
        """How much this reader was done with in the lives that it has had."""
        self._take()
        return len(self._of(record.DONE, name))

    def _of(self, kind: int, name: str) -> np.ndarray:
        rows = self._rows
        return rows[(rows["kind"] == kind) & (rows["member"] == NAMES.index(name))]

    # The run

    def wait_until_ready(self) -> None:
        for each in self._programs:
            each.wait_until_ready()
        if MEMBERS in self._settings and self._readers()[-1].said("joins"):
            self._course.wait_for_members(group_of(self.topic), len(self._members))

    def go(self, start: float) -> None:
        for each in self._programs:
            each.worker.order("go", start, 0)

    def offer(self, rate: float) -> None:
        """Paces the senders by so many messages per second from now on."""
        for each in self._programs:
            each.worker.order("rate", rate)

    def has(self, told: int, since: float, read: int) -> bool:
        """Was the producer told of so many successes since then, and has the reader so many?"""
        self._take()
        kind = self._rows["kind"]
        good = (kind == record.TOLD) & (self._rows["error"] == 0) & (self._rows["at"] > since)
        return good.sum() >= told and (kind == record.READ).sum() >= read

    def end(self, start: float) -> None:
        """Lets the pace end when its seconds have passed since `start`."""
        for each in self._programs:
            each.worker.order("end", start + self._pace.seconds)

    def finish(self) -> None:
        """Returns when the senders have ended, all crashes have happened, and the readers have read
        all that is stored.
        """
        for each in self._programs:
            if each.sends:
                each.worker.join(timeout=self._pace.seconds + PATIENCE)
        self._take()
        ends = self._settled()
        if not all(each.sends for each in self._programs):
            what = f"{self.topic} is read to its end"
            if self._crashes:
                what += f", and its reader comes to the point where it is {self._crashes[0].label}"
            until(lambda: self._has_all(ends), PATIENCE, what)
        self._over.set()
        # Whoever reads what the last program writes ends after it, and so can have all of it.
        last = [each for lives in self._members.values() for each in lives]
        for ending in (last, [each for each in self._programs if each not in last]):
            stop_all(each.worker for each in self._readers() if each in ending)
        self._take(ended=True)

    def _readers(self) -> list[Program]:
        """The processes that read, and that nobody has ended."""
        return [each for each in self._programs if not (each.sends or each.leaves)]

    def recording(self, number: int, start: float, events: list, loads: list) -> Recording:
        stored = self._course.records(self.topic)
        labels = [each.label for each in self._happened]
        crashes = zip(self._of(record.CRASHED, NAMES[0])["at"] - start, labels, strict=True)
        return Recording(
            variant=self._variant,
            round=number,
            topic=self.topic,
            until=self._all.until,
            answered=self._settings.get("acks") != 0,
            start=start,
            seconds=self._pace.seconds,
            rows=self._rows,
            stored=[meters.by_json_id(each) for each in stored],
            lanes=[(each.partition, each.key) for each in stored],
            ends=self._sampler.ends(),
            events=sorted([*events, *crashes]),
            loads=loads,
        )

    def _take(self, ended: bool = False) -> None:
        with self._lock:  # faults and crashes have threads of their own
            parts = [self._rows]
            for number, each in enumerate(self._programs):
                parts.append(each.record.new(ended or not each.worker.alive))
                read = parts[-1][parts[-1]["kind"] == record.READ]
                places = self._positions.setdefault(number, {})
                for partition in np.unique(read["partition"]).tolist():
                    last = int(read["offset"][read["partition"] == partition].max())
                    places[partition] = max(places.get(partition, 0), last + 1)
            self._rows = np.concatenate(parts)

    def _settled(self) -> dict[TopicPartition, int]:
        """The topic's ends, when nothing more is on its way to it.

        That is sure when it holds as many as were sent. Else, as with acks=0 nobody can say when
        the last one has arrived, when it has not grown for a while.
        """
        sent = int((self._rows["kind"] == record.SENT).sum())
        last: dict[TopicPartition, int] = {}
        since = time.monotonic()

        def settled() -> bool:
            nonlocal last, since
            if (now := self._ends()) != last:
                last, since = now, time.monotonic()
            return sum(last.values()) >= sent or time.monotonic() - since > SETTLED

        until(settled, PATIENCE, f"{self.topic} does not grow", passing=(KafkaError,), nap=0.05)
        return last

    def _ends(self) -> dict[TopicPartition, int]:
        wanted = dict.fromkeys(self._sampler.partitions, OffsetSpec.LATEST)
        found = self._admin.list_partition_offsets(wanted, timeout_ms=2000)
        return {partition: end.offset for partition, end in found.items()}

    def _has_all(self, ends: dict[TopicPartition, int]) -> bool:
        """Has each partition been read to its end by a reader that lives, or is it committed?"""
        if self._crashes:
            return False
        readers = self._readers()
        for each in readers:
            if not each.worker.alive:
                each.worker.join()  # raises its error
        self._take()
        alive = [n for n, each in enumerate(self._programs) if each in readers]
        rows = self._rows[self._rows["kind"] == record.COMMITTED]
        noted = set(zip(rows["partition"].tolist(), rows["offset"].tolist(), strict=True))
        left = {
            partition: end
            for partition, end in ends.items()
            if end
            and not any(
                self._positions.get(n, {}).get(partition.partition, 0) >= end for n in alive
            )
            and (partition.partition, end) not in noted
        }
        return not left or self._are_committed(left)

    def _are_committed(self, ends: dict[TopicPartition, int]) -> bool:
        group = group_of(self.topic)
        with suppress(KafkaError):  # its coordinator may be away
            found = self._admin.list_group_offsets({group: list(ends)})[group]
            return all(each in found and found[each].offset >= end for each, end in ends.items())
        return False
