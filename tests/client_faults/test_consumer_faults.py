"""What the course works around in kafka-python's consumer. Each test shows that the fault is still
there; a red one says which workaround can go.

A poll that never returns runs in a process of its own, which is killed.
"""

import pytest
from kafka import ConsumerRebalanceListener, KafkaConsumer, KafkaProducer, TopicPartition, codec
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaConfigurationError
from mended import mended, never

from helpers import clients
from helpers.base.waiting import until
from helpers.workers import Worker


def polls(tell, stopping, servers, topic, decodes):
    """Polls until it is told to end, and tells what each poll did."""
    from kafka import KafkaConsumer, TopicPartition

    settings = {"value_deserializer": lambda value: int(value)} if decodes else {}
    with KafkaConsumer(
        bootstrap_servers=servers, auto_offset_reset="earliest", **settings
    ) as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        while not stopping():
            try:
                tell("returned", len(consumer.poll(timeout_ms=200)))
            except Exception as error:
                tell("raised", type(error).__name__)


def poll_after_the_error(servers, topic, decodes=False):
    """The kind of error that a poll raised, and whether the next poll never returned."""
    with Worker(polls, servers, topic, decodes) as worker:
        worker.wait_for(lambda told: any(what == "raised" for _, what, _ in list(told)))
        told = list(worker.told)
        error = next(kind for _, what, kind in told if what == "raised")
        return error, never(lambda: len(worker.told) > len(told), 1)


def test_a_poll_after_a_deserializer_that_raised_never_returns(running, servers, new_topic):
    topic = new_topic()
    running.write(topic, "1", "2", "no number", "4")
    error, hung = poll_after_the_error(servers, topic, decodes=True)
    assert error == "ValueError"
    assert hung, mended(
        "poll returns after a value_deserializer that raised; lesson 02 may use one"
    )


def test_a_poll_after_a_codec_that_is_missing_never_returns(running, servers, new_topic):
    known = {"snappy": codec.has_snappy, "lz4": codec.has_lz4, "zstd": codec.has_zstd}
    missing = [name for name, is_there in known.items() if not is_there()]
    if not missing:
        pytest.skip("The libraries of all codecs are installed here, so no batch is unreadable")
    topic = new_topic(compression_type=missing[0])  # the broker compresses
    running.write(topic, "packed")
    error, hung = poll_after_the_error(servers, topic)
    assert error == "UnsupportedCodecError"
    assert hung, mended("poll returns after a codec that is missing; lesson 05 says otherwise")


class Watch(ConsumerRebalanceListener):
    """Keeps how many partitions each rebalance gave."""

    def __init__(self):
        self.given = []

    def on_partitions_assigned(self, assigned):
        self.given.append(len(assigned))

    def on_partitions_revoked(self, revoked):
        pass


def first_share(servers, topic, group, asks):
    """How many partitions the only member of a group gets first."""
    # It asks for metadata once in retry_backoff_ms, and has just asked when it subscribes. With a
    # second, it has surely joined before it asks again.
    settings = {"bootstrap_servers": servers, "group_id": group, "retry_backoff_ms": 1000}
    watch = Watch()
    with KafkaConsumer(**settings) as consumer:
        consumer.subscribe([topic], listener=watch)
        if asks:
            consumer.partitions_for_topic(topic)  # what the lessons do
        until(lambda: consumer.poll(timeout_ms=300) or watch.given, 10, "it has joined")
    return watch.given[0]


def test_a_member_that_does_not_know_the_topic_deals_out_nothing(servers, new_topic, group):
    topic = new_topic(partitions=4)
    assert first_share(servers, topic, group, asks=True) == 4
    assert first_share(servers, topic, group, asks=False) == 0, mended(
        "a member knows its topics before it joins; the lessons' partitions_for_topic can go"
    )


def test_an_answer_that_comes_between_two_polls_is_thrown_away(servers, new_topic, group):
    topic = new_topic()
    with KafkaConsumer(bootstrap_servers=servers, group_id=group) as consumer:
        consumer.subscribe([topic])
        consumer.partitions_for_topic(topic)
        # An answer takes some ms, so each one comes after one of these polls and before the next.
        assert never(lambda: consumer.poll(timeout_ms=0) or consumer.assignment(), 1, nap=0.1), (
            mended("poll takes an answer that came before it; lesson 06 may poll briefly")
        )
        assert consumer.group_metadata().generation_id > 1, "it was answered again and again"
        longer = lambda: consumer.poll(timeout_ms=300) or consumer.assignment()
        until(longer, 10, "it has its partition, with a longer poll")


def test_a_member_that_missed_its_answer_stays_without_a_partition(
    admin, servers, new_topic, group
):
    one, two = new_topic(), new_topic()
    with KafkaConsumer(bootstrap_servers=servers, group_id=group) as consumer:
        for topic in (one, two):
            consumer.partitions_for_topic(topic)
        mine = lambda: {partition.topic for partition in consumer.assignment()}
        consumer.subscribe([one])
        until(lambda: consumer.poll(timeout_ms=300) or mine(), 10, "it has the first topic")
        consumer.subscribe([one, two])
        consumer.partitions_for_topic(two)
        consumer.poll(timeout_ms=0)  # joins, and does not wait for the answer

        def given():
            [member] = admin.describe_groups([group])[group]["members"]
            topics = (member["member_assignment"] or {}).get("assigned_partitions", [])
            return {topic["topic"] for topic in topics} == {one, two}

        until(given, 10, "the coordinator has given it both topics")
        # From now on it may poll for as long as it likes.
        assert never(lambda: consumer.poll(timeout_ms=300) or two in mine(), 0.9), mended(
            "a member takes an answer that it missed; lesson 06 need not poll for half a second"
        )


def test_poll_brings_nothing_while_a_cooperative_group_rebalances(admin, servers, new_topic, group):
    topic, other = new_topic(), new_topic()
    settings = {
        "bootstrap_servers": servers,
        "group_id": group,
        "auto_offset_reset": "earliest",
        "heartbeat_interval_ms": 100,
        "partition_assignment_strategy": [CooperativeStickyAssignor],
    }
    with KafkaConsumer(**settings) as reader, KafkaConsumer(**settings) as idle:
        for member in (reader, idle):
            member.subscribe([topic])
            member.partitions_for_topic(topic)
        until(lambda: reader.poll(timeout_ms=300) or reader.assignment(), 10, "the reader reads")

        def both_are_in():
            idle.poll(timeout_ms=200)
            reader.poll(timeout_ms=300)
            return clients.members_of(admin, group) == 2 and not idle.assignment()

        until(both_are_in, 10, "the other one is a member, too")
        with KafkaProducer(bootstrap_servers=servers) as producer:
            producer.send(topic, b"for the reader").get(timeout=10)
        # The group rebalances until the other member polls, too. The reader keeps its partition.
        reader.subscribe([topic, other])
        assert never(lambda: reader.poll(timeout_ms=200), 0.9), mended(
            "poll goes on while a cooperative group rebalances; lesson 06 says that it pauses"
        )
        assert reader.assignment() == {TopicPartition(topic, 0)}
        assert reader.position(TopicPartition(topic, 0), timeout_ms=5000) == 0, "it is not read yet"


@pytest.mark.parametrize("leaves_some", [True, False])
def test_a_partition_that_was_paused_with_records_left_over_never_comes_back(
    servers, new_topic, leaves_some
):
    topic = new_topic(partitions=2)
    held, other = TopicPartition(topic, 0), TopicPartition(topic, 1)
    with (
        KafkaProducer(bootstrap_servers=servers) as producer,
        KafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest") as consumer,
    ):
        for _ in range(5):
            producer.send(topic, b"held", partition=0)
        producer.flush()
        consumer.assign([held, other])
        some = {"max_records": 1} if leaves_some else {}
        poll = lambda: consumer.poll(timeout_ms=300, **some)
        until(lambda: held in poll(), 10, "the first ones have come")
        consumer.pause(held)
        consumer.seek(held, 0)
        producer.send(topic, b"other", partition=1).get(timeout=10)
        until(lambda: other in poll(), 10, "those of the other partition have come")
        consumer.resume(held)
        assert never(lambda: held in poll(), 1) == leaves_some, mended(
            "a paused partition comes back; lesson 13 may poll with a small max_records"
        )


def test_the_new_group_protocol_is_not_spoken(servers, group):
    settings = {"bootstrap_servers": servers, "group_id": group, "group_protocol": "consumer"}
    try:
        KafkaConsumer(**settings).close()
        outcome = "accepted"
    except (KafkaConfigurationError, ValueError, AssertionError) as error:
        outcome = str(error)
    assert "group_protocol" in outcome, mended(
        f"the group protocol of Kafka 4 is {outcome}; lesson 06 says that it is not spoken"
    )
