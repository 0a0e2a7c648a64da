"""A lesson's program in a process of its own, and what it is handed there: the run.

Nothing here sends, reads or commits: that stands in the notebook.
"""

import functools
import json
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from .. import clients, meters
from . import record

if TYPE_CHECKING:
    from kafka import KafkaConsumer, TopicPartition
    from kafka.consumer.fetcher import ConsumerRecord
    from kafka.future import Future

DONE = "done"  # what a crash may wait for, beside what a program says that it has reached


class Feed:
    """What a sender is to send: pairs (n, due), each when it is due, until the run is over.

    n = 0, 1, 2, … numbers the messages; `due` is the moment from which a message's latency counts,
    in seconds on time.perf_counter. Never early. A program that falls behind gets the overdue ones
    at once, so that their latencies hold the wait of every message that a stall delayed. In a burst
    messages come as fast as the program takes them, and `due` is NaN.

    The first message comes when all programs of the run are ready. Whoever iterates is ready then:
    so connect before. Threads may share it: each message goes to one of them.
    """

    def __init__(
        self,
        tell: Callable,
        rate: float,
        seconds: float,
        burst: int,
        burst_seconds: float = math.inf,
    ):
        self._tell, self.rate = tell, rate
        self._seconds, self._burst, self._burst_seconds = seconds, burst, burst_seconds
        self._begun = threading.Event()
        self._start, self._next = 0.0, 0
        self.end = 0.0  # of what is paced; on time.perf_counter
        self._pairs, self._lock = self._paced(), threading.Lock()

    def go(self, start: float, first: int) -> None:
        """Lets it begin at `start`, with message number `first`."""
        self._start, self._next = start, first
        self.end = start + self._seconds
        self._begun.set()

    def __iter__(self) -> Iterator[tuple[int, float]]:
        return self

    def __next__(self) -> tuple[int, float]:
        with self._lock:
            return next(self._pairs)

    def _paced(self) -> Iterator[tuple[int, float]]:
        stopping = self._tell.stopping
        self._tell("ready", "sends")
        while not self._begun.wait(0.1) and not stopping():
            pass
        due = since = self._start
        rate, place = self.rate, 0
        # As many as rate x seconds, rounded: sums of fractions would be off by one now and then.
        while due < self.end - 0.5 / rate and not stopping():
            meters.sleep_until(due)
            yield self._take(), due
            if rate != self.rate:
                rate, since, place = self.rate, due, 0
            place += 1
            due = since + place / rate
        if self._burst and not stopping():
            meters.sleep_until(self.end)  # what was paced is over then, and not before
        last = time.perf_counter() + self._burst_seconds
        for _ in range(self._burst):
            if stopping() or time.perf_counter() > last:
                break
            yield self._take(), math.nan
        self._tell("ended", self._next)

    def _take(self) -> int:
        self._next += 1
        return self._next - 1


class Run:
    """What a program is handed first: its names, its feed, and what it notes in the record.

    `topic` is the experiment's topic; `group` a name for a consumer group, new in each run; `name`
    the program's own, for a client_id; `member` ("A", "B", …) is the same after a restart, and so
    good for a group_instance_id or a transactional_id; `life` counts its restarts; `folder` is one
    for its files.
    """

    def __init__(self, tell: Callable, order: dict):
        self.topic, self.name = order["topic"], order["name"]
        self.member, self.life = order["member"], order["life"]
        self.folder = Path(order["folder"])
        pace = (order[name] for name in ("rate", "seconds", "burst", "burst_seconds"))
        self.feed = Feed(tell, *pace)
        self._tell, self._looks, self._ready, self._group = tell, 0, False, order["group"]
        self._write = record.Writer(self.folder / self.name, order["number"]).write
        self._crash, self._times = order["crash"], Counter({DONE: order["done"]})

    @property
    def group(self) -> str:
        """The name of the run's group. Who asks for it is waited for: it will be a member."""
        self._tell("joins")
        return self._group

    def goes_on(self, consumer: "KafkaConsumer | None" = None) -> bool:
        """True until the run is over: the condition of a reader's loop.

        With a consumer, as of a program that reads what another one writes, until it has also read
        all that is there then.
        """
        self._looks += 1
        if self._looks == 1:
            self._tell("begins")
        # It has been through its loop, so its client is connected, and has its partitions.
        if not self._ready and self._looks > 1 and clients.all_joined():
            self._ready = True
            self._tell("ready", "reads")
        if not self._tell.stopping():
            return True
        if consumer is None:
            return False
        ends = consumer.end_offsets(list(consumer.assignment()))
        return any(consumer.position(partition) < end for partition, end in ends.items())

    def sent(self, n: int, due: float, future: "Future") -> None:
        """Notes that `send` took message n, and later what the producer is told of it."""
        self._write(record.SENT, n, due)
        future.add_callback(self._acknowledged, n)
        future.add_errback(self._failed, n)

    def confirmed(self, n: int, due: float) -> None:
        """Notes that somebody else than a producer has taken message n for good, as a database that
        has committed it.
        """
        self._write(record.SENT, n, due)
        self._write(record.TOLD, n)

    def refused(self, n: int, due: float, error: Exception) -> None:
        """Notes that `send` itself raised, or whoever else was to take the message."""
        self._write(record.SENT, n, due)
        self._failed(n, error)

    def read(self, received: "ConsumerRecord") -> None:
        """Notes that a reader got the record, whose value is a JSON object with a field "id"."""
        id = json.loads(received.value)["id"]
        self._write(record.READ, id, math.nan, received.offset, received.partition)

    def done(self, received: "ConsumerRecord") -> None:
        """Notes that a reader is done with the record."""
        id = json.loads(received.value)["id"]
        self._write(record.DONE, id, math.nan, received.offset, received.partition)
        self.reached(DONE)

    def committed(self, offsets: dict) -> None:
        """Notes committed offsets, as they are given to commit: TopicPartition -> offset."""
        for partition, offset in offsets.items():
            place = getattr(offset, "offset", offset)
            self._write(record.COMMITTED, -1, math.nan, place, partition.partition)

    def assigned(self, partitions: "Iterable[TopicPartition]") -> None:
        """Notes partitions that a rebalance gave to this reader."""
        self._tell("assigned")
        for partition in partitions:
            self._write(record.ASSIGNED, partition=partition.partition)

    def revoked(self, partitions: "Iterable[TopicPartition]") -> None:
        """Notes partitions that a rebalance took from this reader."""
        for partition in partitions:
            self._write(record.REVOKED, partition=partition.partition)

    def reached(self, point: str) -> None:
        """Says that the program is at this point, where the experiment may have it crash."""
        self._times[point] += 1
        if self._crash and (point, self._times[point]) == (self._crash[0], self._crash[1]):
            self._write(record.CRASHED)
            if self._crash[2]:
                psutil.Process().kill()  # SIGKILL
            raise RuntimeError(f"The experiment makes the program fail: {point}")

    def ended(self) -> None:
        """Notes that the program has come to its end."""
        self._write(record.ENDED)

    def _acknowledged(self, n: int, metadata) -> None:
        self._write(record.TOLD, n, math.nan, metadata.offset, metadata.partition)

    def _failed(self, n: int, error: Exception) -> None:
        self._write(record.TOLD, n, math.nan, -1, -1, record.place_of(error))


def carry_out(tell: Callable, _: Callable, function: Callable, settings: dict, order: dict) -> None:
    """What a program's process does."""
    clients.tell_callback_errors(functools.partial(tell, "logged"))
    run = Run(tell, order)
    threading.Thread(target=_listen, args=(tell.orders, run.feed), daemon=True).start()
    try:
        function(run, **settings)
    finally:
        run.ended()


def _listen(orders, feed: Feed) -> None:
    while True:
        match orders.get():
            case ["go", start, first]:
                feed.go(start, first)
            case ["rate", rate]:
                feed.rate = rate
            case ["end", moment]:
                feed.end = moment
