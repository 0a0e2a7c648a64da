"""What a run was: one recording holds everything, on one clock; all numbers come from it.

A recording is of one variant, in one round. Its times are in seconds since its first message was
due.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .. import meters
from . import record
from .record import NAMES

WARM_UP = 0.25  # seconds; what is due in them waits for connections, and is in no latency
PLACES = {"position": record.READ, "done": record.DONE, "committed": record.COMMITTED}
UNCONFIRMED, FAILED, PENDING = (
    meters.OUTCOMES.index(name) for name in ("unconfirmed", "failed", "pending")
)


def assignments(rows: np.ndarray, start: float, until: str) -> meters.Assignments:
    """Who owned which partition since `start`, and read it, as readers noted that in these rows."""
    book = meters.Assignments(start)
    counts = record.DONE if until == "done" else record.READ
    rows = rows[rows["member"] != record.NOBODY]
    for row in rows[np.argsort(rows["at"], kind="stable")]:
        member, at = NAMES[row["member"]], float(row["at"])
        match int(row["kind"]):
            case record.ASSIGNED:
                book.gained(member, [int(row["partition"])], at)
            case record.REVOKED:
                book.lost(member, [int(row["partition"])], at)
            case record.ENDED | record.CRASHED:
                book.died(member, at)
            case kind if kind == counts:
                book.read(member, int(row["partition"]), at)
    return book


@dataclass
class Recording:
    """One run of one variant. `Experiment.measure` makes it."""

    variant: str
    round: int
    topic: str
    until: str  # one of record.UNTIL
    answered: bool  # False: with acks=0 no broker answers, and a success is the client's own word
    start: float  # on time.perf_counter
    seconds: float  # how long messages were paced
    rows: np.ndarray  # of all programs; see record.ROW
    stored: list[int]  # ids in the topic, in its order
    lanes: list[tuple]  # of each of them its partition and key, which must keep their order
    ends: pd.DataFrame  # high watermarks: at (on time.perf_counter), partition, end
    events: list[tuple[float, str]]
    loads: list[tuple[float, float]]  # from when on (seconds) so many messages per second were due

    def messages(self) -> pd.DataFrame:
        """A row per message, by id.

        Columns: id (int64), seconds (float64, when it was due; NaN in a burst), outcome (str,
        one of meters.OUTCOMES), error (str, "" for none), copies (int64, in the topic), stored and
        silent (bool; see Ledger.frame), latency_ms (float64, from due until the producer was told
        of success; else NaN), sent_ms (float64, from due until `send` had returned: what it waited
        in the program), read_ms and done_ms (float64, from due until a reader had it first, and was
        done with it first), times_done (int64, how often readers were done with it). A copy.
        """
        return self._messages.copy()

    @functools.cached_property
    def _messages(self) -> pd.DataFrame:
        """Worked out once: all numbers come from it."""
        sent = self._first(record.SENT)
        told = self._of(record.TOLD)
        # Of several answers the best one counts.
        told = told.sort_values(["id", "error"], kind="stable").drop_duplicates("id")
        frame = sent[["id", "due", "at"]].merge(
            told[["id", "at", "error"]], on="id", how="left", suffixes=("", "_told")
        )
        error = frame["error"].fillna(0).astype(int)
        success = 0 if self.answered else UNCONFIRMED
        frame["outcome"] = np.select(
            [frame["at_told"].isna(), error > 0], [PENDING, FAILED], success
        )
        frame["error"] = [record.ERRORS[place] for place in error]
        frame = meters.found_again(frame, self.stored, f"{self.variant}, round {self.round}")
        read, done = (
            self._first(kind).set_index("id")["at"].reindex(frame["id"]).to_numpy()
            for kind in (record.READ, record.DONE)
        )
        often = self._of(record.DONE)["id"].value_counts()
        good = frame["outcome"].isin(["acknowledged", "unconfirmed"])
        return frame.assign(
            times_done=often.reindex(frame["id"], fill_value=0).to_numpy(),
            latency_ms=(1000 * (frame["at_told"] - frame["due"])).where(good),
            sent_ms=1000 * (frame["at"] - frame["due"]),
            read_ms=1000 * (read - frame["due"]),
            done_ms=1000 * (done - frame["due"]),
            seconds=frame["due"] - self.start,
        ).drop(columns=["at", "due", "at_told"])

    def counts(self) -> dict[str, int]:
        """The books, as Ledger.counts; read: how many different messages readers had.

        out_of_order: stored behind a later one of the same key, or without a key, partition. Where
        time counts until readers are done: missed (stored, and none was done with it) and repeated
        (how often one was done with a message again).
        """
        frame = self.messages()
        read = self._of(record.READ)["id"].nunique()
        counts = {**meters.counted(frame, self.stored, self.lanes), "read": read}
        if self.until == "done":
            counts["missed"] = int((frame["stored"] & (frame["times_done"] == 0)).sum())
            counts["repeated"] = int((frame["times_done"] - 1).clip(lower=0).sum())
        return counts

    def assignments(self) -> meters.Assignments:
        """Which reader owned which partition and read it, as it noted that; see charts.gantt."""
        book = assignments(self.rows, self.start, self.until)
        book.finish(float(self.rows["at"].max()))
        return book

    def throughput(self) -> float:
        """Messages per second from the burst's first send until the last one ended (record.UNTIL).

        NaN without a burst. A reader may still be busy with earlier ones: those count, too.
        """
        sent = self._of(record.SENT)
        burst = sent[sent["due"].isna()]
        if burst.empty:
            return float("nan")
        begin, ended = burst["at"].min(), self._of(record.UNTIL[self.until])
        mine = ended["id"].isin(burst["id"]) if self.until == "told" else ended["at"] >= begin
        ended = ended[mine & (ended["error"] == 0)]
        return ended["id"].nunique() / (ended["at"].max() - begin) if len(ended) else float("nan")

    def latencies(self) -> np.ndarray:
        """Seconds from due until told of success, read or done (record.UNTIL), of paced messages
        after the warm-up.
        """
        frame = self.messages()
        return frame.loc[frame["seconds"] >= WARM_UP, self._waited].dropna().to_numpy() / 1000

    def lag(self, behind: str = "", last: float | None = None, each: bool = False) -> pd.DataFrame:
        """How far something was behind the end: the readers' `position`, what they are `done` with,
        each partition in its order, or what they have `committed`. By default that which ends a
        message (record.UNTIL): done, or else the position.

        A row per sample: seconds, lag (messages, summed over the partitions; of `each` of them,
        with a column partition); from the warm-up until `last` (seconds; else as long as messages
        were paced).
        """
        behind = behind or ("done" if self.until == "done" else "position")
        rows = self.rows[self.rows["kind"] == PLACES[behind]]
        places = pd.DataFrame(
            {
                "at": rows["at"],
                "partition": rows["partition"].astype(np.int64),
                # A position is the offset to read next; so is what is committed.
                "position": rows["offset"] + (behind != "committed"),
            }
        ).sort_values("at", kind="stable")
        frame = meters.behind(self.ends, places)
        frame["seconds"] = frame["at"] - self.start
        keys = ["seconds", "partition"] if each else ["seconds"]
        total = frame.groupby(keys, as_index=False)["lag"].sum()
        return self._sampled(total, last)

    def by_load(self) -> pd.DataFrame:
        """A row per load that was offered, one after the other (faults.offer).

        Columns: offered, delivered (messages per second; those that ended meanwhile, see
        record.UNTIL), p50_ms, p99_ms (from due until they ended, of those due then, after the
        warm-up).
        """
        frame = self.messages().dropna(subset="seconds")
        waited = frame[self._waited]
        ended = frame["seconds"] + waited / 1000
        begins, offered = map(list, zip(*self.loads, strict=True))
        edges = [*begins, self.seconds]
        part = pd.cut(frame["seconds"].where(frame["seconds"] >= WARM_UP), edges, right=False)
        quantiles = waited.groupby(part, observed=False).quantile([0.5, 0.99]).unstack()
        return pd.DataFrame(
            {
                "offered": offered,
                "delivered": np.histogram(ended.dropna(), edges)[0] / np.diff(edges),
                "p50_ms": quantiles[0.5].to_numpy(),
                "p99_ms": quantiles[0.99].to_numpy(),
            }
        )

    def in_flight(self) -> pd.DataFrame:
        """How many messages were sent and not yet answered: seconds, in_flight, whenever that
        changed.
        """
        rows = self._of(record.SENT), self._of(record.TOLD)
        # An answer may be noted before the `send` that it is for: by less than a millisecond.
        frame = pd.concat(each[["at"]].assign(step=step) for each, step in zip(rows, (1, -1)))
        frame = frame.sort_values("at", kind="stable")
        flying = frame["step"].cumsum().clip(lower=0)
        return pd.DataFrame({"seconds": frame["at"] - self.start, "in_flight": flying})

    def waiting(self, last: float | None = None) -> pd.DataFrame:
        """How many of the messages that end in this run (record.UNTIL) had been taken and not ended
        yet: their lag, wherever they wait.

        A row per change: seconds, lag (messages), over the same time as `lag`.
        """
        ended = self._first(record.UNTIL[self.until])
        taken = self._first(record.SENT)
        taken = taken[taken["id"].isin(ended["id"])]
        both = [(taken, 1), (ended, -1)]
        frame = pd.concat(rows[["at"]].assign(step=step) for rows, step in both)
        frame = frame.sort_values("at", kind="stable")
        seconds, lag = frame["at"] - self.start, frame["step"].cumsum().clip(lower=0)
        return self._sampled(pd.DataFrame({"seconds": seconds, "lag": lag}), last)

    def _sampled(self, frame: pd.DataFrame, last: float | None) -> pd.DataFrame:
        """Its rows from the warm-up until `last`, or as long as messages were paced."""
        until = self.seconds if last is None else last
        return frame[frame["seconds"].between(WARM_UP, until)].reset_index(drop=True)

    @property
    def _waited(self) -> str:
        """The column of messages that says when one ended (record.UNTIL)."""
        return "latency_ms" if self.until == "told" else f"{self.until}_ms"

    def _of(self, kind: int) -> pd.DataFrame:
        return pd.DataFrame(self.rows[self.rows["kind"] == kind])

    def _first(self, kind: int) -> pd.DataFrame:
        """The first row of each message."""
        return (
            self._of(kind).sort_values("at", kind="stable").drop_duplicates("id").sort_values("id")
        )


class Runs(Mapping[str, list[Recording]]):
    """What was measured: the recordings of each variant, one a round."""

    def __init__(self, recordings: list[Recording]):
        self._recordings = recordings

    def __getitem__(self, variant: str) -> list[Recording]:
        found = [each for each in self._recordings if each.variant == variant]
        if not found:
            raise KeyError(f"There is no variant {variant!r}; there are {', '.join(self)}")
        return found

    def __iter__(self) -> Iterator[str]:
        # In the order in which the variants were given: the first round's.
        first = min(each.round for each in self._recordings)
        return iter(each.variant for each in self._recordings if each.round == first)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def rates(self) -> pd.DataFrame:
        """Throughput in the bursts, a row per round: variant, messages_per_s."""
        rows = [(name, each.throughput()) for name in self for each in self[name]]
        return pd.DataFrame(rows, columns=["variant", "messages_per_s"])

    def latencies(self) -> dict[str, np.ndarray]:
        """Variant -> seconds from due until it ended (see record.UNTIL), of all rounds."""
        return {name: np.concatenate([each.latencies() for each in self[name]]) for name in self}

    def lag(self, behind: str = "", last: float | None = None, each: bool = False) -> pd.DataFrame:
        """A row per sample of all rounds: variant, seconds, lag (messages). See Recording.lag."""
        frame = self._joined(lambda one: one.lag(behind, last, each))
        return frame[["variant", *["partition"] * each, "seconds", "lag"]]

    def by_load(self) -> pd.DataFrame:
        """A row per load and round: variant, and the columns of Recording.by_load."""
        return self._joined(Recording.by_load)

    def in_flight(self) -> pd.DataFrame:
        """A row per change of all rounds: variant, seconds, in_flight. See Recording.in_flight."""
        return self._joined(Recording.in_flight)

    def waiting(self, last: float | None = None) -> pd.DataFrame:
        """A row per change of all rounds: variant, seconds, lag. See Recording.waiting."""
        return self._joined(lambda one: one.waiting(last))

    def messages(self) -> pd.DataFrame:
        """A row per message of all rounds: variant, round, and Recording.messages."""
        return self._joined(lambda each: each.messages().assign(round=each.round))

    def _joined(self, part: Callable[[Recording], pd.DataFrame]) -> pd.DataFrame:
        """That part of every recording, with its variant."""
        frames = [part(each).assign(variant=name) for name in self for each in self[name]]
        return pd.concat(frames, ignore_index=True)

    def ledger(self) -> pd.DataFrame:
        """The books, a row per variant, summed over the rounds; what charts.ledger draws."""
        return pd.DataFrame(
            {name: pd.DataFrame([each.counts() for each in self[name]]).sum() for name in self}
        ).T

    def table(self) -> pd.DataFrame:
        """A row per variant; columns: throughput (messages per second, the rounds' median), p50_ms,
        p99_ms, lag (messages, the rounds' median of the largest), and those of ledger.
        """
        latencies = meters.percentiles(self.latencies())
        lag = {name: np.median([each.lag()["lag"].max() for each in self[name]]) for name in self}
        rates = self.rates().groupby("variant")["messages_per_s"].median()
        numbers = {"throughput": rates, **latencies[["p50_ms", "p99_ms"]], "lag": lag}
        return pd.DataFrame(numbers).loc[list(self)].join(self.ledger())

    def errors(self) -> dict[str, dict[str, int]]:
        """Variant -> error -> how many messages it was told of."""
        frame = self.messages()
        frame = frame[frame["error"] != ""]
        return {
            name: dict(frame.loc[frame["variant"] == name, "error"].value_counts()) for name in self
        }

    @property
    def events(self) -> list[tuple[float, str]]:
        """The faults as they happened: (seconds, label)."""
        return sorted({event for each in self._recordings for event in each.events})

    def moment(self, label: str) -> float:
        """When that fault first happened, in seconds. Raises KeyError for one that didn't."""
        for seconds, happened in self.events:
            if happened == label:
                return seconds
        there = ", ".join(repr(happened) for _, happened in self.events) or "nothing"
        raise KeyError(f"No {label!r} happened; what did: {there}")
