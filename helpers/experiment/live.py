"""An experiment without end: programs whose settings somebody changes while they run.

A program with new settings connects first and takes over then: what a learner sees is the setting,
not a program that starts.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from ..base.errors import CourseError, NotInTime, WorkerFailed
from ..base.waiting import until
from ..cluster import turns
from . import record
from .programs import PATIENCE, TOPIC, Program, Programs, count_of
from .record import NAMES
from .recording import WARM_UP
from .side import ENDLESS, Pace
from .tape import Tape

KEPT = 30.0  # seconds for which single messages are known; older ones are only counted
LATE = 1.0  # seconds after which a message that was overtaken will not come any more
HANDOVER = 0.5  # seconds that a program which is replaced has to send what it took
GIVEN_UP = 120.0  # seconds more, after which nobody waits for the fate of a single message
BIN = 0.25  # seconds
MESSAGE = np.dtype(
    [
        ("due", "f8"),
        ("told", "f8"),
        ("read", "f8"),
        ("done", "f8"),
        ("error", "i2"),
        ("partition", "i2"),
        ("offset", "i8"),
        ("copies", "i4"),
        ("answered", "?"),
        ("warm", "?"),
    ]
)


@dataclass
class Snapshot:
    """What a live run looks like at one moment; times in seconds since it began."""

    now: float
    # seconds, per_s: messages stored per second, as a reader finds them; or, where time counts
    # until they are done, what readers get done, again or not.
    throughput: pd.DataFrame
    # seconds, p50_ms, p99_ms: until the producer was told, of those due then; or until a reader had
    # read or done them, of those that it did then (see record.UNTIL).
    latency: pd.DataFrame
    lag: pd.DataFrame  # seconds, lag (messages)
    counts: dict[str, int]  # of the whole live run; see Live.snapshot
    events: list[tuple[float, str]]
    errors: list[str]
    settings: dict[str, object]  # now at work, with rate
    tape: tuple[pd.DataFrame, pd.DataFrame, int] | None  # what charts.tape draws; see Tape.view


class Live:
    """Programs that run until `stop`. `Experiment.live` makes it."""

    def __init__(self, programs: Programs, settings: Mapping[str, object], rate: float):
        Pace(rate, ENDLESS)
        self._all, self._course = programs, programs.course
        self._settings, self._rate = dict(settings), rate  # wanted
        self._at_work = self._settings
        self._shares = programs.share(settings)
        self._lock = threading.Lock()  # of what snapshot changes
        self._messages = np.empty(0, MESSAGE)
        self._first = 0  # the id of the first of them
        self._totals: dict[str, int] = {}
        self._positions: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        self._tape = Tape()
        self._done = np.empty(0)  # when records were done
        self._lag: list[tuple[float, int]] = []
        self._sampled = 0.0
        self._latest: dict[int, int] = {}  # partition -> the highest id that was read there
        # Of each sender: its first id, whether brokers answer it, and when it began.
        self._takeovers: list[tuple[int, bool, float]] = []
        self.events: list[tuple[float, str]] = []
        self.errors: list[str] = []
        self._stopped = False
        with ExitStack() as stack:
            stack.enter_context(turns.turn("its panel is at work (Stop ends that)"))
            self.topic = programs.new_topic("live", settings)
            stack.callback(self._course.delete_topic, self.topic)
            self._retired: list[Program] = []
            self._programs: dict[tuple[int, str], Program] = {}  # by place and member
            self._lives: Counter[tuple[int, str]] = Counter()
            stack.callback(self._end_programs)
            for place in range(len(self._shares)):
                for member in self._members(place, settings):
                    self._programs[place, member] = self._new(place, member)
            for each in self._programs.values():
                each.wait_until_ready()
            self._sampler = stack.enter_context(self._course.lag(self.topic, every=BIN))
            self.began = time.perf_counter()
            for each in self._programs.values():
                each.worker.order("go", self.began, 0)
            self._takeovers.append((0, self._answered(settings), self.began))
            # Each in its order; what happens to the cluster does not wait for a change.
            self._changes = stack.enter_context(ThreadPoolExecutor(1, "ThreadPoolExecutor-changes"))
            self._broken = 0  # the broker that a fault has taken away
            # Before all else that ends: with a broker frozen, it would take half a minute and fail.
            stack.callback(self._make_whole)
            self._faults = stack.enter_context(ThreadPoolExecutor(1, "ThreadPoolExecutor-faults"))
            self._stack = stack.pop_all()

    def __enter__(self) -> "Live":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def change(
        self,
        rate: float | None = None,
        label: str = "",
        without: Iterable[str] = (),
        **settings: object,
    ) -> None:
        """Changes the pace, or gives the programs other settings; returns at once.

        Settings that are not named stay, but for those `without`: they are left to the client.
        `label` is what figures call the change; else it is made of the settings. Raises what can't
        work, at once.
        """
        if rate is not None:
            Pace(rate, ENDLESS)
        wanted = {name: self._settings[name] for name in self._settings if name not in without}
        wanted |= settings
        self._all.share(wanted)
        if wanted.get(TOPIC) != self._settings.get(TOPIC):
            raise ValueError("A topic's settings can't be changed while programs work with it")
        if rate not in (None, self._rate):
            self._rate = rate
            for each in list(self._programs.values()):
                each.worker.order("rate", rate)
            if wanted == self._settings:
                self._happened(label or f"{rate:,.0f}/s")
        if wanted != self._settings:
            self._settings = wanted
            label = label or ", ".join(f"{name}={value}" for name, value in settings.items())
            self._submit(self._changes, self._take_over, wanted, label)

    def kill_leader(self) -> None:
        """Ends the leader of the topic at once (SIGKILL); returns before that is done."""
        self._submit(self._faults, self._fault, self._course.cluster.kill, "leader killed")

    def freeze_leader(self) -> None:
        """Stops the leader (SIGSTOP); returns before that is done."""
        self._submit(self._faults, self._fault, self._course.cluster.pause, "leader frozen")

    def kill_reader(self) -> None:
        """Ends a process of the last program at once (SIGKILL); returns before that is done."""
        self._submit(self._changes, self._kill_reader)

    def bring_back(self) -> None:
        """Wakes or starts the broker that a fault took away, and readers that were killed; returns
        before that is done.
        """
        self._submit(self._faults, self._bring_back)
        self._submit(self._changes, self._bring_readers_back)

    def stop(self) -> None:
        """Ends the programs, makes the cluster whole and deletes the topic. Twice is no error."""
        if not self._stopped:
            self._stopped = True
            self._stack.close()

    def _make_whole(self) -> None:
        if self._broken:
            self._course.cluster.heal()

    def snapshot(self, last: float = 20.0) -> Snapshot:
        """How it goes: the `last` seconds, and the counts of the whole live run.

        counts: sent, acknowledged, unconfirmed, failed, pending (sent, and neither of these yet),
        stored, lost, silently_lost, duplicated, read; for readers that note what they are done
        with, done and repeated. `lost` are messages of which the producer was told more than a
        second ago, and whose place in the log the reader has passed. The reader's word stands for
        what is stored.
        """
        with self._lock:
            self._take()
            now = time.perf_counter()
            since = max(self.began, now - last)
            return Snapshot(
                now=now - self.began,
                throughput=self._throughput(since, now),
                latency=self._latency(since, now),
                lag=self._lags(since),
                counts=self._counts(),
                events=[event for event in self.events if event[0] >= since - self.began],
                errors=list(self.errors),
                settings={**self._at_work, "rate": self._rate},
                tape=self._tape.view(self._ends, self._positions),
            )

    # Programs

    def _members(self, place: int, settings: Mapping[str, object]) -> str:
        """The names of the processes that the program at this place has."""
        return NAMES[: count_of(settings)] if place == self._all.last else NAMES[0]

    def _new(self, place: int, member: str) -> Program:
        pace = asdict(Pace(self._rate, ENDLESS))
        life = self._lives[place, member]
        self._lives[place, member] += 1
        return self._all.start(place, self._shares[place], self.topic, pace, member, life)

    def _take_over(self, settings: dict, label: str) -> None:
        for place, share in enumerate(self._all.share(settings)):
            changed = share != self._shares[place]
            self._shares[place] = share
            members = self._members(place, settings)
            for name in members:
                if changed or (place, name) not in self._programs:
                    self._replace(place, name, settings)
            for at, name in list(self._programs):
                if at == place and name not in members:
                    self._retire(place, name)
        self._at_work = settings
        self._happened(label)

    def _replace(self, place: int, name: str, settings: Mapping[str, object]) -> None:
        """Starts a process, which then takes over from the one that had its place, if any."""
        before = self._programs.get((place, name))
        if before and before.is_member:
            # Not beside each other: two with one group_instance_id would fence each other.
            self._retire(place, name)
            with suppress(NotInTime):
                until(lambda one=before: not one.worker.alive, PATIENCE, "it has ended")
            before = None
        after = self._new(place, name)
        try:
            after.wait_until_ready()
        except CourseError:
            after.worker.kill()
            self._settings = self._at_work
            self._shares[place] = self._all.share(self._at_work)[place]
            raise
        first = 0
        if before:
            before.leaves = True
            before.worker.ask_to_end()
        if before and before.sends:
            before.worker.wait_for(lambda _, one=before: one.said("ended"), PATIENCE)
            [(_, first)] = before.said("ended")
            # Until all that it sent is there, or it has to wait for a broker.
            with suppress(NotInTime):
                until(lambda one=before: not one.worker.alive, HANDOVER, "it has ended")
        now = time.perf_counter()
        after.worker.order("rate", self._rate)
        after.worker.order("go", now, first)
        with self._lock:
            if before:
                self._retired.append(before)
            self._programs[place, name] = after
            if before and before.sends:
                self._takeovers.append((first, self._answered(settings), now))

    def _retire(self, place: int, name: str) -> None:
        """Asks a process to end; nobody takes over from it."""
        with self._lock:
            each = self._programs.pop((place, name))
            each.leaves = True
            self._retired.append(each)
        each.worker.ask_to_end()

    def _end_programs(self) -> None:
        for each in (*self._programs.values(), *self._retired):
            each.worker.kill()
            each.record.delete()

    # Faults

    def _fault(self, act: Callable[[int], None], label: str) -> None:
        if self._broken:
            raise CourseError("One broker is away already. Bring it back first")
        leader = self._course.cluster.leader(self.topic)
        if leader == -1:
            raise CourseError("There is no leader at this moment: the brokers elect one")
        self._broken = leader
        act(leader)
        self._happened(label)

    def _bring_back(self) -> None:
        if self._broken:
            self._course.cluster.heal()
            self._broken = 0
            self._happened("broker back")

    def _kill_reader(self) -> None:
        place = self._all.last
        if not (names := [name for at, name in self._programs if at == place]):
            raise CourseError("No reader is left. Bring it back first")
        each = self._programs[place, names[0]]
        self._retire(place, names[0])
        each.worker.kill()
        self._happened(f"reader {names[0]} killed" if len(names) > 1 else "reader killed")

    def _bring_readers_back(self) -> None:
        place = self._all.last
        for name in self._members(place, self._at_work):
            if (place, name) not in self._programs:
                self._replace(place, name, self._at_work)
                self._happened("reader back")

    def _happened(self, label: str) -> None:
        self.events.append((time.perf_counter() - self.began, label))

    def _submit(self, threads: ThreadPoolExecutor, act: Callable, *args: object) -> None:
        def told() -> None:
            try:
                if not self._stopped:  # what was asked for before it, and has not begun, is left
                    act(*args)
            except Exception as error:
                self.errors.append(_words(error))

        if not self._stopped:
            threads.submit(told)

    @staticmethod
    def _answered(settings: Mapping[str, object]) -> bool:
        return settings.get("acks") != 0

    # What is known of the messages

    def _take(self) -> None:
        """Takes what programs and sampler have written since the last time."""
        for each in (*self._retired, *self._programs.values()):
            ended = not each.worker.alive
            self._note(each.record.new(ended))
            self._look_after(each, ended)
            if ended and each in self._retired:
                self._retired.remove(each)
                each.worker.kill()  # what is left of it: its thread and its line
                each.record.delete()
        self._sample_lag()
        self._forget()

    def _look_after(self, program: Program, ended: bool) -> None:
        told = [f"{program.worker.name}: {text}" for _, text in program.said("logged")]
        if ended and not program.leaves:
            try:
                program.worker.join(timeout=0)
                told.append(f"{program.worker.name} has ended")
            except CourseError as error:
                told.append(_words(error))
        self.errors += [text for text in dict.fromkeys(told) if text not in self.errors]

    def _note(self, rows: np.ndarray) -> None:
        self._tape.note(rows)
        # On a busy machine a reader has noted a message before its producer could.
        seen = rows[np.isin(rows["kind"], (record.SENT, record.READ))]
        missing = int(seen["id"].max(initial=-1)) + 1 - self._first - len(self._messages)
        if missing > 0:
            fresh = np.zeros(missing, MESSAGE)
            for moment in ("due", "told", "read", "done"):
                fresh[moment] = math.nan
            self._messages = np.concatenate([self._messages, fresh])
        sent = rows[rows["kind"] == record.SENT]
        if len(sent):
            at = sent["id"] - self._first
            self._messages["due"][at] = sent["due"]
            firsts, answered, starts = map(np.array, zip(*self._takeovers, strict=True))
            takeover = np.searchsorted(firsts, sent["id"], "right") - 1
            self._messages["answered"][at] = answered[takeover]
            self._messages["warm"][at] = sent["due"] >= starts[takeover] + WARM_UP
        told = rows[rows["kind"] == record.TOLD]
        told = told[told["id"] >= self._first]
        self._messages["told"][told["id"] - self._first] = told["at"]
        self._messages["error"][told["id"] - self._first] = told["error"]
        self._messages["partition"][told["id"] - self._first] = told["partition"]
        self._messages["offset"][told["id"] - self._first] = told["offset"]
        read = rows[rows["kind"] == record.READ]
        again = np.zeros(len(read), bool)
        if len(read):
            for partition in np.unique(read["partition"]).tolist():
                own = read[read["partition"] == partition]
                # What a reader before has had already is no further copy.
                again[read["partition"] == partition] = own["offset"] < self._positions.get(
                    partition, 0
                )
                place, latest = int(own["offset"].max()) + 1, int(own["id"].max())
                self._positions[partition] = max(self._positions.get(partition, 0), place)
                self._latest[partition] = max(self._latest.get(partition, -1), latest)
        again &= ~self._unread(read)
        self._add("read", len(read))
        self._note_first("read", read)
        np.add.at(self._messages["copies"], self._known(read[~again])["id"] - self._first, 1)
        done = rows[rows["kind"] == record.DONE]
        if len(done):
            self._done = np.concatenate([self._done, done["at"]])
            self._add("done", len(done))
            self._add("repeated", self._note_first("done", done))

    def _unread(self, rows: np.ndarray) -> np.ndarray:
        """Which rows are the first of a message that nobody had before.

        Of two readers, the one that took over may be heard of before the one that had the
        partition.
        """
        mask = np.zeros(len(rows), bool)
        mask[np.unique(rows["id"], return_index=True)[1]] = True
        at = rows["id"] - self._first
        mask &= (at >= 0) & (at < len(self._messages))
        mask[mask] = np.isnan(self._messages["read"][at[mask]])
        return mask

    def _note_first(self, moment: str, rows: np.ndarray) -> int:
        """Notes when each message was read, or done, first; how many rows are of one that was."""
        known = self._known(rows)
        at, moments = known["id"] - self._first, self._messages[moment]
        fresh = np.unique(at[np.isnan(moments[at])])
        np.fmin.at(moments, at, known["at"])  # the earlier one, and any number rather than NaN
        return len(known) - len(fresh)

    def _known(self, rows: np.ndarray) -> np.ndarray:
        """Those of the rows whose messages are not only counted yet."""
        known = (rows["id"] >= self._first) & (rows["id"] < self._first + len(self._messages))
        return rows[known]

    def _sample_lag(self) -> None:
        frame = self._sampler.ends()
        frame = frame[frame["at"] > self._sampled]
        if frame.empty:
            return
        self._sampled = float(frame["at"].max())
        for at, ends in frame.groupby("at"):
            self._ends |= dict(zip(ends["partition"].tolist(), ends["end"].tolist(), strict=True))
            behind = [
                max(0, int(end) - self._positions.get(int(number), 0))
                for number, end in zip(ends["partition"], ends["end"], strict=True)
            ]
            self._lag.append((float(at), sum(behind)))

    def _forget(self) -> None:
        """What is older than KEPT seconds, and decided, is only counted from now on."""
        limit = time.perf_counter() - KEPT
        self._lag = [sample for sample in self._lag if sample[0] >= limit]
        self._done = self._done[self._done >= limit]
        due = np.nan_to_num(self._messages["due"], nan=np.inf)
        stored = self._messages["copies"] > 0
        ended = ~np.isnan(self._messages["told"]) & ~np.isnan(self._messages[self._all.until])
        decided = (stored & ended) | self._lost(self._messages)
        decided |= due < limit - GIVEN_UP
        old = int(np.searchsorted(due, limit))
        old = old if decided[:old].all() else int(decided[:old].argmin())
        if old:
            for name, count in self._count(self._messages[:old]).items():
                self._add(name, count)
            self._messages = self._messages[old:].copy()
            self._first += old

    def _add(self, name: str, count: int) -> None:
        self._totals[name] = self._totals.get(name, 0) + int(count)

    def _lost(self, messages: np.ndarray) -> np.ndarray:
        """Which of the first so many messages are lost; see snapshot."""
        numbers = range(-1, len(self._sampler.partitions))
        partition = messages["partition"] + 1
        position = np.array([self._positions.get(number, -1) for number in numbers])[partition]
        latest = np.array([self._latest.get(number, -1) for number in numbers])[partition]
        # The reader is past its place; or, where no broker gave it one, past later messages.
        ids = np.arange(len(messages)) + self._first
        passed = np.where(messages["answered"], messages["offset"] < position, ids < latest)
        overtaken = passed | (messages["error"] > 0)
        late = messages["told"] < time.perf_counter() - LATE
        return (messages["copies"] == 0) & late & overtaken

    def _count(self, messages: np.ndarray) -> dict[str, int]:
        told = ~np.isnan(messages["told"])
        failed = told & (messages["error"] > 0)
        success = told & ~failed
        stored = messages["copies"] > 0
        lost = self._lost(messages)
        return {
            "sent": int((~np.isnan(messages["due"])).sum()),
            "acknowledged": int((success & messages["answered"]).sum()),
            "unconfirmed": int((success & ~messages["answered"]).sum()),
            "failed": int(failed.sum()),
            "pending": int((~told & ~np.isnan(messages["due"])).sum()),
            "stored": int(stored.sum()),
            "lost": int(lost.sum()),
            "silently_lost": int((lost & ~failed).sum()),
            "duplicated": int((messages["copies"] - 1).clip(min=0).sum()),
        }

    def _counts(self) -> dict[str, int]:
        recent = self._count(self._messages)
        return {
            name: recent.get(name, 0) + self._totals.get(name, 0)
            for name in {**recent, "read": 0, **self._totals}
        }

    def _throughput(self, since: float, now: float) -> pd.DataFrame:
        edges = self._edges(since, now)
        ended = self._done if self._all.until == "done" else self._messages["read"]
        counts, _ = np.histogram(ended, edges)
        return pd.DataFrame({"seconds": edges[1:] - self.began, "per_s": counts / BIN})

    def _latency(self, since: float, now: float) -> pd.DataFrame:
        until = self._all.until
        when = "due" if until == "told" else until
        good = self._messages[
            self._messages["warm"]
            & ~np.isnan(self._messages[until])
            & (self._messages["error"] == 0)
            & (self._messages[when] >= since)
        ]
        edges = self._edges(since, now)
        frame = pd.DataFrame(
            {
                "bin": np.digitize(good[when], edges),
                "ms": 1000 * (good[until] - good["due"]),
            }
        )
        found = frame.groupby("bin")["ms"].quantile([0.5, 0.99]).unstack()
        found = found.reindex(range(1, len(edges)), columns=[0.5, 0.99])
        latency = pd.DataFrame(
            {
                "seconds": edges[1:] - self.began,
                "p50_ms": found[0.5].to_numpy(),
                "p99_ms": found[0.99].to_numpy(),
            }
        )
        # A reader that takes many at once is done with none in between: no gap in what is known.
        return latency if until == "told" else latency.dropna(ignore_index=True)

    def _lags(self, since: float) -> pd.DataFrame:
        rows = [(at - self.began, lag) for at, lag in self._lag if at >= since]
        return pd.DataFrame(rows, columns=["seconds", "lag"])

    def _edges(self, since: float, now: float) -> np.ndarray:
        """Whole bins since the run began; the last one has just ended."""
        first = math.ceil((since - self.began) / BIN)
        last = max(first + 1, math.floor((now - self.began) / BIN))
        return self.began + BIN * np.arange(first, last + 1)


def _words(error: Exception) -> str:
    """The error in one line: a program's traceback ends with what a reader needs."""
    if isinstance(error, WorkerFailed):
        return str(error).strip().splitlines()[-1]
    if isinstance(error, CourseError):
        return str(error)
    return f"{type(error).__name__}: {error}"
