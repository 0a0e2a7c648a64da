"""What was sent, acknowledged, failed, stored, processed; so lost, duplicated, silently lost.

Nothing here talks to a producer or takes part in a pattern: the notebook sends, the ledger keeps
the books. Every message carries a number of its own, its id.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from kafka import KafkaConsumer, TopicPartition

from ..base.errors import NotInTime

if TYPE_CHECKING:
    from kafka.consumer.fetcher import ConsumerRecord
    from kafka.future import Future

OUTCOMES = ["acknowledged", "unconfirmed", "failed", "pending"]  # from best to worst


class Ledger:
    """The books of one variant of an experiment.

    Sent ids are noted with `sent`, which is made to be called in a hot loop (under 0.5 µs). A
    program may send the same id twice (a retry of its own): the message then has the best outcome
    of its attempts, in the order of OUTCOMES.

    `acks` is the producer's setting: with 0 no broker ever answers, and a success is only the
    client's own word. (The offset does not tell. Fault:
    test_acks_0_reports_an_offset_that_no_broker_gave.)
    """

    def __init__(self, name: str, *, acks: int | str = "all"):
        self.name = name
        self._answered = acks != 0
        # Three lists and not one of tuples: the garbage collector would go through all those tuples
        # again and again.
        self._ids: list[int] = []
        self._answers: list[Future | Exception] = []
        self._dues: list[float] = []
        self._stored: list[int] | None = None
        self._processed: list[int] | None = None

    def sent(self, id: int, future: "Future | Exception", due: float = float("nan")) -> None:
        """Notes that `send` took the message and returned `future`.

        `due` is when it should have been sent (seconds).
        """
        self._ids.append(id)
        self._answers.append(future)
        self._dues.append(due)

    def refused(self, id: int, error: Exception) -> None:
        """Notes that `send` itself raised: the message failed, and the program knows."""
        self.sent(id, error)

    def stored(self, ids: Iterable[int]) -> None:
        """Notes what the topic holds, in the order in which it is stored; see stored_ids.

        Replaces an earlier note.
        """
        self._stored = list(ids)

    def processed(self, ids: Iterable[int]) -> None:
        """Notes what a consumer did, in its order. Replaces an earlier note."""
        self._processed = list(ids)

    def frame(self) -> pd.DataFrame:
        """One row per sent message, ordered by id.

        Columns: id (int64); due (float64, seconds, NaN where not given); outcome (str, one of
        OUTCOMES: *acknowledged* by a broker, *unconfirmed*: reported as success although no broker
        answered (acks=0), *failed* with an error told to the program, *pending*: nothing told yet);
        error (str, "" for none); copies (int64, how often it is stored); stored (bool); silent
        (bool: not stored, and the program was not told). With `processed` noted: times_processed
        (int64).

        Raises ValueError where `stored` was not noted, or the topic holds ids that were never sent.
        """
        if self._stored is None:
            raise ValueError(
                f"Ledger {self.name!r} does not know what is stored yet: "
                "call ledger.stored(stored_ids(topic))"
            )
        told = [self._outcome(answer) for answer in self._answers]
        frame = pd.DataFrame(
            {
                "id": np.array(self._ids, np.int64),
                "due": np.array(self._dues, np.float64),
                "outcome": np.fromiter((outcome for outcome, _ in told), np.int64, len(told)),
                "error": [error for _, error in told],
            }
        )
        # Of several attempts the best one counts, at the time at which the first was due.
        first_due = frame.groupby("id")["due"].min()
        frame = (
            frame.sort_values(["id", "outcome"], kind="stable")
            .drop_duplicates("id")
            .reset_index(drop=True)
        )
        frame["due"] = first_due.reindex(frame["id"]).to_numpy()
        frame = found_again(frame, self._stored, self.name)
        if self._processed is not None:
            frame["times_processed"] = _times(
                self._processed, frame["id"], f"{self.name}: processed"
            )
        return frame

    def counts(self) -> dict[str, int]:
        """The books in numbers of messages.

        sent; acknowledged, unconfirmed, failed, pending (they sum up to sent; see frame); stored
        (distinct messages in the topic); lost = sent - stored; silently_lost (lost, and the program
        was told of no error); duplicated (copies beyond the first); out_of_order (stored behind a
        message with a larger id; of copies the first counts). With `processed` noted:
        processed (distinct), missed = sent - processed, repeated (processings beyond the first).
        Raises what frame raises.
        """
        frame = self.frame()
        counts = counted(frame, self._stored)
        if "times_processed" in frame:
            counts["processed"] = int((frame["times_processed"] > 0).sum())
            counts["missed"] = len(frame) - counts["processed"]
            counts["repeated"] = int((frame["times_processed"] - 1).clip(lower=0).sum())
        return counts

    def errors(self) -> dict[str, int]:
        """How many attempts ended in which kind of error."""
        return dict(Counter(error for _, error in map(self._outcome, self._answers) if error))

    def _outcome(self, answer: "Future | Exception") -> tuple[int, str]:
        """Index in OUTCOMES, and the error's name."""
        error = answer if isinstance(answer, Exception) else answer.exception
        if error is not None:
            return OUTCOMES.index("failed"), type(error).__name__
        if not answer.is_done:
            return OUTCOMES.index("pending"), ""
        return OUTCOMES.index("acknowledged" if self._answered else "unconfirmed"), ""


def found_again(frame: pd.DataFrame, stored: Sequence[int], name: str) -> pd.DataFrame:
    """A frame of sent messages, with what the topic holds of them: copies, stored, silent.

    frame: a row per message; columns id, and outcome as a place in OUTCOMES, which becomes its
    name. `stored`: the ids that the topic holds. Raises ValueError, in the name of the books, for
    an id that was never sent.
    """
    copies = _times(stored, frame["id"], f"{name}: stored")
    silent = (copies == 0) & (frame["outcome"] < OUTCOMES.index("failed"))
    names = frame["outcome"].map(dict(enumerate(OUTCOMES)))
    return frame.assign(outcome=names, copies=copies, stored=copies > 0, silent=silent)


def counted(frame: pd.DataFrame, stored: Sequence[int], lanes: Sequence = ()) -> dict[str, int]:
    """The numbers of a frame from found_again, as Ledger.counts names them.

    `stored`: the ids that the topic holds, in its order. `lanes`: what each of them must keep its
    order in, such as its key; else all in one.
    """
    outcomes = Counter(frame["outcome"])
    return {
        "sent": len(frame),
        **{outcome: outcomes[outcome] for outcome in OUTCOMES},
        "stored": int(frame["stored"].sum()),
        "lost": int((~frame["stored"]).sum()),
        "silently_lost": int(frame["silent"].sum()),
        "duplicated": int((frame["copies"] - 1).clip(lower=0).sum()),
        "out_of_order": _overtaken(stored, lanes or [None] * len(stored)),
    }


def _overtaken(stored: Sequence[int], lanes: Sequence) -> int:
    """How many messages are stored behind a later one of their lane. Of copies the first counts."""
    frame = pd.DataFrame({"id": stored, "lane": pd.factorize(pd.Series(lanes, dtype=object))[0]})
    first = frame.drop_duplicates("id")
    return int((first["id"] < first.groupby("lane")["id"].cummax()).sum())


def _times(ids: Sequence[int], known: pd.Series, what: str) -> np.ndarray:
    """How often each of the known ids is among `ids`."""
    found = pd.Series(1, index=ids, dtype=np.int64).groupby(level=0).sum()
    strangers = found.index.difference(pd.Index(known))
    if len(strangers):
        raise ValueError(
            f"{what}: {len(strangers)} messages were never sent, such as {list(strangers[:3])}"
        )
    return found.reindex(known, fill_value=0).to_numpy()


def compare(*ledgers: Ledger) -> pd.DataFrame:
    """The counts of several ledgers: a row each, named by the ledger.

    Raises what Ledger.counts raises.
    """
    return pd.DataFrame(
        [ledger.counts() for ledger in ledgers], index=[ledger.name for ledger in ledgers]
    )


def by_json_id(record: "ConsumerRecord") -> int:
    """The id of a message whose value is a JSON object with a field "id"."""
    return json.loads(record.value)["id"]


def records(
    topic: str,
    *,
    bootstrap_servers: list[str],
    isolation_level: str = "read_uncommitted",
    settled_for: float = 0.0,
    timeout: float = 30.0,
) -> "list[ConsumerRecord]":
    """All records that the topic holds, partition after partition, each in stored order.

    A producer with acks=0 cannot say when its last message has arrived. For one of that kind, this
    begins when the topic has not grown for `settled_for` seconds. Reads with a plain consumer that
    belongs to no group. Raises NotInTime where the end is not reached in `timeout` seconds, and
    ValueError for an unknown topic.
    """
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        isolation_level=isolation_level,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
    )
    try:
        partitions = [
            TopicPartition(topic, number)
            for number in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        if not partitions:
            raise ValueError(
                f"There is no topic {topic!r}. A lesson's clean-up deletes its topics: "
                "run the cell again that made this one"
            )
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        limit = time.monotonic() + timeout
        ends = _settled_ends(consumer, partitions, settled_for, limit)
        found: dict[TopicPartition, list[ConsumerRecord]] = {
            partition: [] for partition in partitions
        }
        # Positions, not counts: markers of transactions take offsets too, but are no records.
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            if time.monotonic() > limit:
                where = {
                    partition.partition: f"{consumer.position(partition)} of {ends[partition]}"
                    for partition in partitions
                }
                raise NotInTime(
                    f"{topic} could not be read to its end within {timeout:.0f} s; "
                    f"offsets reached: {where}"
                )
            for partition, batch in consumer.poll(timeout_ms=200, max_records=5000).items():
                found[partition] += [record for record in batch if record.offset < ends[partition]]
        return [record for batch in found.values() for record in batch]
    finally:
        consumer.close(autocommit=False, timeout_ms=5000)


def stored_ids(
    topic: str, *, id_of: "Callable[[ConsumerRecord], int]" = by_json_id, **reading: object
) -> list[int]:
    """Ids of all messages that the topic holds, in the order of `records`.

    That takes the `reading`. Raises what `id_of` raises, too.
    """
    return [id_of(record) for record in records(topic, **reading)]


def _settled_ends(
    consumer: KafkaConsumer, partitions: list[TopicPartition], settled_for: float, limit: float
) -> dict[TopicPartition, int]:
    ends, since = consumer.end_offsets(partitions), time.monotonic()
    while time.monotonic() < min(since + settled_for, limit):
        time.sleep(0.05)
        now = consumer.end_offsets(partitions)
        if now != ends:
            ends, since = now, time.monotonic()
    return ends
