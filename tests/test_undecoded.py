"""What kafka-python can not even decode: which offsets it is, and that a reader goes on behind."""

from collections.abc import Iterator

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition, codec
from kafka.errors import KafkaError

from helpers import clients, lesson
from helpers.base.waiting import until
from helpers.lesson import Lesson


@pytest.fixture(scope="module")
def course() -> Iterator[Lesson]:
    course = lesson.start(20)  # no lesson's number
    yield course
    course.clean_up()


class NoText(str):
    """A header's name that another client may send."""

    def encode(self, *how: str) -> bytes:
        return b"\xff\xfe"


def send(course: Lesson, topic: str, count: int, bad: set[int], together: bool) -> None:
    wait = {"linger_ms": 300} if together else {}
    with KafkaProducer(bootstrap_servers=course.bootstrap_servers, **wait) as producer:
        for n in range(count):
            headers = [(NoText("name"), b"")] if n in bad else []
            future = producer.send(topic, b"%d" % n, headers=headers, partition=0)
            if not together:
                future.get(timeout=10)


def read_all(course: Lesson, topic: str, partitions: int) -> tuple[list, list]:
    """The partition and offset of all that could be read, and of what could not be decoded."""
    places = [TopicPartition(topic, number) for number in range(partitions)]
    good, empty = [], []
    with KafkaConsumer(bootstrap_servers=course.bootstrap_servers) as consumer:
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = consumer.end_offsets(places)

        def read() -> bool:
            try:
                batch, found = consumer.poll(timeout_ms=200), good
            except KafkaError:
                batch, found = clients.undecoded(consumer), empty
            for records in batch.values():
                found += [(each.partition, each.offset) for each in records]
                assert all(each.value is None for each in records if found is empty)
            return all(consumer.position(place) >= ends[place] for place in places)

        until(read, 20, "all is read")
    return sorted(good), sorted(empty)


def test_a_reader_goes_on_behind_a_header_whose_name_is_no_text(course):
    topic = course.topic("names", partitions=2)
    send(course, topic, 6, {2, 3}, together=False)
    with KafkaProducer(bootstrap_servers=course.bootstrap_servers) as producer:
        for _ in range(5):
            producer.send(topic, b"good", partition=1)
    good, empty = read_all(course, topic, 2)
    assert empty == [(0, 2), (0, 3)]
    assert good == [(0, 0), (0, 1), (0, 4), (0, 5), *((1, n) for n in range(5))]


def test_a_batch_is_lost_from_there_on(course):
    topic = course.topic("batch")
    send(course, topic, 5, {2}, together=True)
    send(course, topic, 1, set(), together=False)
    assert read_all(course, topic, 1) == ([(0, 0), (0, 1), (0, 5)], [(0, 2), (0, 3), (0, 4)])


def test_a_codec_that_is_missing(course):
    known = {"snappy": codec.has_snappy, "lz4": codec.has_lz4, "zstd": codec.has_zstd}
    missing = [name for name, is_there in known.items() if not is_there()]
    if not missing:
        pytest.skip("The libraries of all codecs are installed here, so no batch is unreadable")
    topic = course.topic("packed", compression_type=missing[0])  # the broker compresses
    send(course, topic, 3, set(), together=False)
    assert read_all(course, topic, 1) == ([], [(0, 0), (0, 1), (0, 2)])


def test_another_error_is_raised_again(course):
    topic = course.topic("sound")
    send(course, topic, 1, set(), together=False)
    with KafkaConsumer(bootstrap_servers=course.bootstrap_servers) as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        consumer.seek_to_beginning()
        with pytest.raises(KafkaError, match="something else"):
            try:
                raise KafkaError("something else")
            except KafkaError:
                clients.undecoded(consumer)
