"""Lesson 11's own functions, read out of its cells, with whatever a topic can hold: drawn messages.

No cluster is needed. What is "sent" goes through kafka-python's own checks and its own encoding.
"""

import itertools
import json
from collections import Counter
from types import SimpleNamespace

import nbformat
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from kafka import KafkaProducer, errors
from kafka.consumer.fetcher import ConsumerRecord
from kafka.future import Future
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder

from helpers import flights
from helpers.base import places

NOTEBOOK = places.NOTEBOOKS / "11-stateless-processing.ipynb"
CELLS = ("parsed", "steps", "outcome", "hand-on")
BOOKINGS = flights.bookings(50)
TOPICS = {"clean", "JFK", "LGA", "EWR", "rejected"}
# An example is each of these values with each of two keys and of two lists of headers.
VALUES_EACH, EXAMPLES = 25, 100
EACH = VALUES_EACH * 2 * 2  # messages; 10,000 in all
DRAWN = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,  # the same ones in each run
    phases=[Phase.generate],  # to make a failure smaller may take minutes
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def cells() -> SimpleNamespace:
    """What the lesson's cells define."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    names = {"json": json, "flights": flights, "errors": errors}
    for cell in notebook.cells:
        if cell.id in CELLS:
            exec(cell.source, names)
    return SimpleNamespace(**names)


# ------------------------------------------------------------------------------------ what is drawn

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
ANY = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
FIELDS = st.sampled_from([*BOOKINGS[0], "remarks"])
CODES = st.sampled_from(["JFK", "LGA", "EWR", "BOS", "XXX", "ZZ99", "UA1", "", "\ud800", "\x00"])


@st.composite
def documents(draw) -> bytes:
    """JSON of a booking in which some fields are others, or missing; perhaps cut or broken."""
    booking = dict(draw(st.sampled_from(BOOKINGS)))
    for field, value in draw(st.dictionaries(FIELDS, CODES | ANY, max_size=2)).items():
        booking[field] = value
    for field in draw(st.lists(FIELDS, max_size=1)):
        booking.pop(field, None)
    text = json.dumps(booking, ensure_ascii=draw(st.booleans()))
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-16", "latin-1"]))
    value = text.encode(encoding, errors="surrogatepass" if encoding == "utf-8" else "replace")
    return value[: draw(st.sampled_from([None, None, None, 1, 40, -1]))]


VALUES = st.one_of(
    documents(),
    documents(),
    st.none(),
    st.binary(max_size=30),
    ANY.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(
        [b"", b"[" * 100_000, b'{"a":' * 50_000, b"1" * 5_000, b"\xef\xbb\xbf{}", b"NaN", b"1e999"]
    ),
)
NAMES = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(["from", "reason"])
HEADERS = st.lists(st.tuples(NAMES, st.none() | st.binary(max_size=6)), max_size=3)


@st.composite
def messages(draw) -> list[ConsumerRecord]:
    def several(what: st.SearchStrategy, count: int) -> list:
        return draw(st.lists(what, min_size=count, max_size=count))

    values, offset = several(VALUES, VALUES_EACH), draw(st.integers(0, 2**62))
    keys = several(st.none() | st.binary(max_size=8), 2)
    headers, times = several(HEADERS, 2), several(st.integers(-1, 4_000_000_000_000), 2)
    parts = itertools.product(values, keys, zip(headers, times))
    return [
        ConsumerRecord("raw", 0, -1, offset + n, time, 0, key, value, own, None, -1, -1, -1)
        for n, (value, key, (own, time)) in enumerate(parts)
    ]


# ----------------------------------------------------------------------------- what becomes of it


class Producer:
    """Takes what kafka-python's producer takes. What `fails` says is answered with that error."""

    def __init__(self, fails=lambda topic, fields: None):
        self._fails, self.stored = fails, []

    def send(self, topic: str, value=None, key=None, headers=None, timestamp_ms=None) -> Future:
        encoded = KafkaProducer.send.__get__(_Checks())
        record = encoded(topic, value, key=key, headers=headers, timestamp_ms=timestamp_ms)
        future = Answer()
        fields = dict(value=value, key=key, headers=headers)
        if error := self._fails(topic, fields):
            return future.failure(error)
        self.stored.append((topic, record))
        return future.success(None)


class Answer(Future):
    def get(self, timeout: float) -> object:
        if self.exception:
            raise self.exception
        return self.value


class _Checks:
    """As much of a producer as its `send` looks at; it returns the record as a reader finds it."""

    _closed, _transaction_manager = False, None
    config = dict(api_version=(4, 0), key_serializer=None, value_serializer=None)
    _metadata = SimpleNamespace(partitions_for_topic=lambda topic: {0})
    _sender = SimpleNamespace(wakeup=lambda: None)

    def __init__(self):
        self._accumulator = self

    def __str__(self):
        return "a producer"

    def _serialize(self, _, topic, headers, data):
        return data

    def _partition(self, *_):
        return 0

    def _estimate_size_in_bytes(self, *_):
        return 0

    def _ensure_valid_record_size(self, _):
        pass

    def append(self, _, timestamp_ms, key, value, headers, abort_on_new_batch):
        builder = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=1 << 30)
        builder.append(timestamp=timestamp_ms, key=key, value=value, headers=headers)
        builder.close()
        (record,) = MemoryRecords(builder.buffer()).next_batch()
        return record, False, False, False


def strict(value: bytes) -> dict:
    """JSON as the next one reads it, who knows no NaN."""

    def unknown(constant: str):
        raise ValueError(constant)

    return json.loads(value.decode(), parse_constant=unknown)


def test_each_of_10_000_messages_is_routed_left_out_or_rejected(cells):
    drawn, ends = Counter(), Counter()

    @DRAWN
    @given(messages())
    def each(messages):
        for step in (cells.clean, cells.route):
            producer = Producer()
            decided = [(message, *cells.outcome(step, message)) for message in messages]
            sent = [(to, fields) for _, to, fields in decided if to != "left out"]
            cells.hand_on(producer, "raw", sent)
            assert len(producer.stored) == len(sent)
            drawn[step.__name__] += len(messages)
            ends.update(to for _, to, _ in decided)
            stored = iter(producer.stored)
            for message, to, _ in decided:
                if to != "left out":
                    carried_on(message, to, *next(stored))

    each()
    assert min(drawn.values()) >= 10_000 == EACH * EXAMPLES
    assert set(ends) == TOPICS | {"left out"}  # so it was no test of one of them only


def carried_on(message, to, topic, record):
    """Is it there, with all that it had, and with where it came from?"""
    assert topic == f"raw-{to}" and to in TOPICS
    assert record.key == message.key and record.timestamp == message.timestamp
    had = [(name, value or b"") for name, value in message.headers]
    assert record.headers[: len(had)] == had
    added = dict(record.headers[len(had) :])
    assert added["from"] == f"raw/0/{message.offset}".encode()
    if to == "rejected":
        assert record.value == (message.value or (b"" if message.key is None else message.value))
        assert 0 < len(added["reason"]) <= 800
        assert len(added) == 2
    else:
        assert len(added) == 1
        booking = strict(record.value) if to != "clean" else json.loads(record.value)
        assert to in ("clean", booking["origin"])


@pytest.mark.parametrize("error", [errors.KafkaTimeoutError, errors.NotEnoughReplicasError])
def test_a_send_that_fails_for_another_reason_is_raised(cells, error):
    sent = [cells.outcome(cells.clean, message) for message in some(cells)]
    for _, bad in sent:
        fails = lambda _, fields, bad=bad: fields["headers"] is bad["headers"] and error()
        with pytest.raises(error):
            cells.hand_on(Producer(fails), "raw", sent)


def test_what_is_too_large_is_rejected_by_a_reference_even_among_the_rejected(cells):
    @settings(DRAWN, max_examples=10)
    @given(messages(), st.sets(st.integers(0, EACH - 1), max_size=20))
    def each(messages, large):
        sent = [cells.outcome(cells.route, message) for message in messages]
        too_large = {id(sent[place][1]["headers"]) for place in large}
        producer = Producer(
            lambda _, fields: (
                id(fields["headers"]) in too_large and errors.MessageSizeTooLargeError()
            )
        )
        cells.hand_on(producer, "raw", sent)
        assert len(producer.stored) == len(messages)
        references = producer.stored[len(messages) - len(large) :]
        assert {topic for topic, _ in references} <= {"raw-rejected"}
        found = Counter(dict(record.headers)["from"] for _, record in references)
        assert found == Counter(f"raw/0/{messages[place].offset}".encode() for place in large)
        assert all(len(record.headers) == 2 for _, record in references)

    each()


def test_a_rejects_topic_that_can_not_be_written_is_raised(cells):
    sent = [cells.outcome(cells.clean, message) for message in some(cells)]
    with pytest.raises(errors.MessageSizeTooLargeError):
        cells.hand_on(Producer(lambda *_: errors.MessageSizeTooLargeError()), "raw", sent)


def some(cells) -> list:
    """A good booking, and one that is none."""
    values = [flights.as_json(booking) for booking in BOOKINGS if booking["dest"] != "BOS"][:3]
    return [
        ConsumerRecord("raw", 0, -1, n, 0, 0, None, value, [], None, -1, -1, -1)
        for n, value in enumerate([*values, b"{", None])
    ]
