"""Whatever is in a topic, lesson 14 goes on, and each message has its ticket or its letter: 10,000
drawn messages through the functions in the notebook's cells, without a cluster.
"""

import ast
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass

import nbformat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kafka.consumer.fetcher import ConsumerRecord
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from helpers.base import places

NOTEBOOK = places.NOTEBOOKS / "14-dead-letter-queue.ipynb"
CELLS = ("permanent", "booking-of", "letter", "settle", "replayed")
TOPIC, PARTITION, LARGEST = "bookings", 2, 2_200_000
MESSAGES, EACH = 10_000, 5  # so many values, and so many keys and headers, make a poll's messages
AT_ONCE = EACH * EACH


def is_plain(line: ast.stmt) -> bool:
    """An import, or constants that get a name."""
    constants = isinstance(line, ast.Assign) and not any(
        isinstance(part, ast.Call | ast.Attribute) for part in ast.walk(line)
    )
    return constants or isinstance(line, ast.Import | ast.ImportFrom)


def taken_from_the_notebook() -> dict:
    """Imports and constants of its first cell, and what the cells of the pattern define."""
    cells = {cell.id: cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells}
    # Of the first cell only what needs no cluster.
    first = [line for line in ast.parse(cells["start"]).body if is_plain(line)]
    names: dict = {}
    exec(compile(ast.Module(first, []), "start", "exec"), names)
    for cell in CELLS:
        exec(compile(cells[cell], cell, "exec"), names)
    return names


LESSON = taken_from_the_notebook()
OURS, letter, settle, replayed = (LESSON[name] for name in ("OURS", "letter", "settle", "replayed"))

# ---------------------------------------------------------------------------------- what is drawn

GOOD = {"id": 7, "flight": "UA15", "departure": "2013-01-31T06:05:00Z"}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "id": st.just(7) | json_values,
        "departure": st.just(GOOD["departure"]) | json_values,
        "flight": json_values,
    },
)
good = st.just(json.dumps(GOOD).encode())
values = st.one_of(
    good,
    good.flatmap(lambda whole: st.integers(0, len(whole)).map(lambda end: whole[:end])),
    documents.map(lambda document: json.dumps(document).encode()),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.none(),
    st.binary(max_size=40),
    st.sampled_from(
        [b"[" * 100_000, b'{"a":' * 50_000, b"9" * 5_000, b'{"id": "\\ud800"}', b"NaN"]
    ),
)
large = st.sampled_from([1_048_476, 1_999_900, 2_000_000, 3_000_000]).map(bytes)
names = st.text(st.characters(codec="utf-8"), max_size=10) | st.sampled_from(
    ["topic", "attempts", f"{OURS}topic", f"{OURS}attempts", f"{OURS}kept", OURS]
)
texts = st.none() | st.binary(max_size=10) | st.sampled_from([b"3", b"-1", b"1e9", b"9" * 5_000])
headers = st.lists(st.tuples(names, texts), max_size=4)


class Batch(list[ConsumerRecord]):
    """What one `poll` may bring of a partition."""

    def __repr__(self) -> str:  # of values of a megabyte, too
        return "\n".join(
            f"{each.key} {repr(each.value)[:80]} {repr(each.headers)[:400]}" for each in self
        )


@st.composite
def messages(draw) -> Batch:
    """Each drawn value with each drawn key and headers. Offsets may have holes."""
    around = st.tuples(st.none() | st.binary(max_size=10), headers)
    drawn = draw(st.lists(values, min_size=EACH, max_size=EACH))
    if draw(st.integers(0, 20)) == 0:  # now and then, as it takes time
        drawn[-1] = draw(large)
    pairs = itertools.product(drawn, draw(st.lists(around, min_size=EACH, max_size=EACH)))
    first, step = draw(st.integers(0, 2**40)), draw(st.integers(1, 3))
    time = draw(st.integers(0, 2**41))
    return Batch(
        record(offset=first + n * step, timestamp=time + n, key=key, value=value, headers=own)
        for n, (value, (key, own)) in enumerate(pairs)
    )


def record(topic: str = TOPIC, partition: int = PARTITION, **parts) -> ConsumerRecord:
    rest = dict.fromkeys(ConsumerRecord._fields)
    return ConsumerRecord(**rest | {"topic": topic, "partition": partition} | parts)


# ---------------------------------------------------------------------- what stands in for brokers


def stored(offset: int, value, key=None, headers=(), timestamp_ms: int | None = None):
    """A message as a reader gets it, of one that the client takes and the brokers store."""
    assert value is not None or key is not None
    assert isinstance(headers, list)
    assert all(isinstance(name, str) and isinstance(text, bytes) for name, text in headers)
    size = DefaultRecordBatchBuilder.estimate_size_in_bytes(key, value, headers)
    assert size <= LARGEST
    builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, LARGEST)
    builder.append(0, timestamp_ms or 0, key, value, headers)
    (read,) = DefaultRecordBatch(bytes(builder.build()))
    return record(
        topic="letters",
        partition=0,
        offset=offset,
        timestamp=read.timestamp,
        key=read.key,
        value=read.value,
        headers=read.headers,
    )


@dataclass
class Answer:
    """What `send` returns, when the answer is there."""

    error: Exception | None = None

    def get(self, timeout: float) -> None:
        if self.error:
            raise self.error


class Printer:
    """Where tickets and letters go; calls for some offsets fail, as in an outage."""

    def __init__(self, failing: Sequence[int] = ()):
        self.failing, self.tickets, self.letters = set(failing), [], {}

    def ticket(self, record: ConsumerRecord, booking: dict) -> None:
        if record.offset in self.failing:
            raise ConnectionError("the database does not answer")
        assert isinstance(booking["id"], int)
        self.tickets.append(record.offset)

    def write(self, record: ConsumerRecord, error: Exception) -> "Answer":
        written = stored(len(self.letters), **letter(record, error))
        if record.offset in self.failing:
            return Answer(TimeoutError("the queue does not answer"))
        self.letters[record.offset] = written
        return Answer()

    def settle(self, records: list[ConsumerRecord]) -> tuple[int, Exception | None]:
        return settle(records, self.ticket, self.write)


# -------------------------------------------------------------------------------------- what holds


@settings(
    max_examples=MESSAGES // AT_ONCE,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(messages(), st.sets(st.integers(0, AT_ONCE - 1), max_size=3))
def test_in_is_tickets_and_letters_and_all_come_back(records, failing):
    printer = Printer()
    assert printer.settle(records) == (records[-1].offset + 1, None)
    assert sorted([*printer.tickets, *printer.letters]) == [each.offset for each in records]
    for each in records:
        if each.offset in printer.letters:
            tells_its_origin(printer.letters[each.offset], each)
            comes_back(printer.letters[each.offset], each)
        is_no_letter(each)
    stops_where_something_fails(records, [records[place].offset for place in failing])


def tells_its_origin(written: ConsumerRecord, message: ConsumerRecord) -> None:
    """Whatever headers the message had itself."""
    ours = [(name, text) for name, text in written.headers if name.startswith(OURS)]
    about = dict(ours)
    assert len(about) == len(ours)
    origin = [about[OURS + name].decode() for name in ("topic", "partition", "offset")]
    assert origin == [TOPIC, str(PARTITION), str(message.offset)]
    assert len(about[OURS + "error"]) <= 800
    assert 1 <= int(about[OURS + "attempts"]) <= 10_000
    if about[OURS + "kept"] != b"nothing":
        own = [(name, text or b"") for name, text in message.headers if not name.startswith(OURS)]
        assert written.headers == own + ours
        assert (written.value, written.key) == (message.value or b"", message.key)


def comes_back(written: ConsumerRecord, message: ConsumerRecord) -> None:
    """To its partition, as it was, unless it was too large or has failed too often."""
    about = dict(written.headers)
    if about[OURS + "kept"] == b"nothing" or int(about[OURS + "attempts"]) >= 3:
        is_refused(written)
        return
    back = replayed(written, TOPIC, lambda value: value)
    assert back["partition"] == message.partition
    assert back["timestamp_ms"] == message.timestamp
    assert (back["key"], back["value"]) == (message.key, message.value)
    again = record(offset=0, timestamp=0, key=None, value=b"", headers=back["headers"])
    told = dict(letter(again, ValueError())["headers"])
    assert int(told[OURS + "attempts"]) == int(about[OURS + "attempts"]) + 1


def is_no_letter(message: ConsumerRecord) -> None:
    """Somebody has put the message itself into the queue."""
    is_refused(message)


def is_refused(message: ConsumerRecord) -> None:
    """With an error that a replay knows; see the lesson's cell."""
    try:
        replayed(message, TOPIC, lambda value: value)
    except (LookupError, TypeError, ValueError):
        return
    raise AssertionError(f"It goes back: {message}")


def stops_where_something_fails(records: list[ConsumerRecord], failing: list[int]) -> None:
    """Before that all have a ticket or a letter; behind it none is printed; then it goes on."""
    printer = Printer(failing)
    place, error = printer.settle(records)
    assert place == min(failing, default=records[-1].offset + 1)
    assert (error is None) == (not failing)
    before = [each.offset for each in records if each.offset < place]
    assert set(before) <= {*printer.tickets, *printer.letters}
    assert all(offset < place for offset in printer.tickets)
    if failing:
        printer.failing.clear()
        rest = [each for each in records if each.offset >= place]
        assert printer.settle(rest) == (records[-1].offset + 1, None)
        assert len(set(printer.tickets)) == len(printer.tickets)
        assert {*printer.tickets, *printer.letters} == {each.offset for each in records}


def test_what_could_not_be_decoded_leaves_its_origin():
    """As clients.undecoded gives it."""
    empty = record(offset=7, timestamp=None, key=None, value=None, headers=[])
    printer = Printer()
    assert printer.settle([empty]) == (8, None)
    tells_its_origin(printer.letters[7], empty)
    assert dict(printer.letters[7].headers)[OURS + "kept"] == b"nothing"
    is_refused(printer.letters[7])
