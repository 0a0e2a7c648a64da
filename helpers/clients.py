"""All that touches the inside of kafka-python, or the shape of its answers.

A new version of it costs this module alone.

What is private, or has moved before, is imported where it is used: a function whose import fails is
then the only thing that does. Each workaround of a fault in kafka-python 3.0.12 names its test in
tests/client_faults, which turns red once the fault is gone.
"""

import gc
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING

from .base.errors import NotInTime
from .base.waiting import until

if TYPE_CHECKING:
    from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

# Places in a partition, as ListOffsets names them: they stand where else a time in ms does.
EARLIEST, LATEST, FIRST_MESSAGE = -2, -1, 0
THREADS = "kafka-"  # how the names of the clients' own threads begin
PATIENCE = 10.0  # seconds for threads to end
WAIT = 100.0  # milliseconds; so long a producer sleeps at most while it waits for a broker


def abandon(producer: "KafkaProducer", timeout: float = 1.0) -> None:
    """Closes a producer, even one that is stuck; what it has not sent yet is given up.

    Takes about `timeout` seconds.

    Fault: test_close_with_an_unfinished_message_leaves_the_thread.
    """
    from kafka.errors import KafkaTimeoutError

    try:
        producer.close(timeout=timeout)
    except KafkaTimeoutError:
        producer._sender.force_close()
        producer._sender.join(timeout)
        producer._closed = True


def let_producers_wait() -> None:
    """From now on no producer of this process keeps a processor busy while it waits for a broker.

    A producer's thread asks how many milliseconds it has to wait until it can send to a broker. It
    is told seconds, and none at all where requests are on their way, or the connection is. So it
    asks again and again, all the while, and takes the processor from the broker that is to answer.

    Fault: test_a_producer_that_waits_for_a_broker_keeps_a_processor_busy.
    """
    from kafka.net.compat import KafkaNetClient

    def connection_delay(self: KafkaNetClient, node_id: int) -> float:
        delay = 1000 * self._manager.connection_delay(node_id)
        # What it waits for wakes it: an answer, or a connection.
        return delay or (WAIT if node_id in self._manager._conns else 0)

    KafkaNetClient.connection_delay = connection_delay


def new_admin(bootstrap_servers: list[str], **settings: object) -> "KafkaAdminClient":
    """An admin client that leaves nothing behind where nobody answers. Raises KafkaError then.

    Fault: test_a_client_that_reaches_nobody_leaves_its_thread.
    """
    from kafka import KafkaAdminClient
    from kafka.net.compat import KafkaNetClient

    made: list[KafkaNetClient] = []

    def remembered(**net: object) -> KafkaNetClient:
        made.append(KafkaNetClient(**net))
        return made[-1]

    try:
        return KafkaAdminClient(
            bootstrap_servers=bootstrap_servers, kafka_client=remembered, **settings
        )
    except BaseException:
        for network in made:
            network.close()
        raise


def close_all() -> None:
    """Closes the clients that an interrupted cell left open here, and waits for their threads."""
    from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

    for client in _alive(KafkaProducer, KafkaConsumer, KafkaAdminClient):
        # One whose constructor failed, for a misspelt setting say, has no such mark, and can't be
        # closed. Fault: test_a_consumer_whose_constructor_failed_cannot_be_closed.
        if not hasattr(client, "_closed"):
            continue
        if type(client) is KafkaProducer:
            abandon(client)
        elif type(client) is KafkaConsumer:
            client.close(autocommit=False, timeout_ms=1000)
        else:
            client.close()
    _stop_network_loops()
    wait_for_threads(THREADS)


def _stop_network_loops() -> None:
    # A client whose constructor failed, or that nobody holds any more, is gone, but its network
    # thread is not. Fault: test_a_client_that_reaches_nobody_leaves_its_thread.
    from kafka.net.selector import NetworkSelector

    for loop in _alive(NetworkSelector):
        loop.stop(timeout_ms=2000)


def _alive(*kinds: type) -> list:
    # Asking every object its class through isinstance would wake up lazy proxies of other
    # libraries.
    return [thing for thing in gc.get_objects() if type(thing) in kinds]


def wait_for_threads(*names: str) -> set[str]:
    """Names of the threads that begin so and still live after PATIENCE seconds.

    Returns as soon as none is left.
    """

    def alive() -> set[str]:
        return {thread.name for thread in threading.enumerate() if thread.name.startswith(names)}

    try:
        until(lambda: not alive(), PATIENCE, "the clients' threads have ended")
        return set()
    except NotInTime:
        return alive()


class _CallbackErrors(logging.Handler):
    """Hears of errors in callbacks, which the client only logs."""

    def __init__(self, tell: Callable[[str], None]):
        super().__init__(logging.ERROR)
        self._tell = tell

    def emit(self, entry: logging.LogRecord) -> None:
        """Tells it, with the error's own words."""
        self._tell(f"{entry.getMessage()}: {entry.exc_info[1]!r}")


def tell_callback_errors(tell: Callable[[str], None]) -> None:
    """From now on `tell` is given the error of each callback that raises, in words.

    It is called in the thread of the callback, and takes the place of an earlier one.
    """
    logger = logging.getLogger("kafka.future")
    for handler in list(logger.handlers):
        if isinstance(handler, _CallbackErrors):
            logger.removeHandler(handler)
    logger.addHandler(_CallbackErrors(tell))


def partitions_of(admin: "KafkaAdminClient", topic: str) -> list[int]:
    """The numbers of a topic's partitions."""
    return sorted(
        partition["partition_index"]
        for partition in admin.describe_topics([topic])[0]["partitions"]
    )


def undecoded(consumer: "KafkaConsumer") -> "dict[TopicPartition, list[SimpleNamespace]]":
    """What `poll` has just failed to decode, as records that have an offset and no content.

    Moves the consumer behind them. For each partition, up to the next batch that can be decoded: a
    batch with a codec whose library is missing, or a header's name that is no UTF-8, can't be read
    at all. To be called in the handler of poll's error, which it raises again where all that is
    there can be decoded. Raises what else a poll raises, as of somebody who may not read the topic.

    Fault: test_a_poll_after_a_codec_that_is_missing_never_returns.
    """
    from kafka import KafkaConsumer
    from kafka.errors import CorruptRecordError, UnsupportedCodecError

    found: dict[TopicPartition, list[SimpleNamespace]] = {}
    ways = ("bootstrap_servers", "security_", "sasl_", "ssl_")
    settings = {name: it for name, it in consumer.config.items() if name.startswith(ways)}
    with KafkaConsumer(**settings) as probe:
        for partition in consumer.assignment():
            offset = consumer.position(partition)
            (end,) = probe.end_offsets([partition]).values()
            probe.assign([partition])
            while offset < end:
                probe.seek(partition, offset)  # to another one than before, or it would not return
                try:
                    while not probe.poll(timeout_ms=500, max_records=1):
                        if probe.position(partition) >= end:
                            break
                    break
                except (CorruptRecordError, UnsupportedCodecError):
                    parts = {"topic": partition.topic, "partition": partition.partition}
                    parts |= {"offset": offset, "timestamp": None, "headers": []}
                    empty = SimpleNamespace(key=None, value=None, **parts)
                    found.setdefault(partition, []).append(empty)
                    offset += 1
    if not found:
        raise
    for partition, records in found.items():
        consumer.seek(partition, records[-1].offset + 1)
    return found


def disk_bytes(admin: "KafkaAdminClient", topic: str) -> int:
    """Bytes of the topic's partitions on the disks of the broker that has most of them.

    Each broker compacts its copy by itself; so this shrinks only when all have.
    """
    return max(
        sum(
            partition["partition_size"]
            for folder in broker["log_dirs"]
            for each in folder["topics"]
            if each["name"] == topic
            for partition in each["partitions"]
        )
        for broker in admin.describe_log_dirs()
    )


def delete_groups(admin: "KafkaAdminClient", wanted: Callable[[str], bool]) -> None:
    """Deletes all groups whose names are `wanted`; those who read for them have ended.

    Raises the KafkaError of one that stays.
    """
    from kafka import errors
    from kafka.admin import MemberToRemove

    groups = list(filter(wanted, (group["group_id"] for group in admin.list_groups())))
    for group, seen in admin.describe_groups(groups).items():
        # A reader that was killed counts as a member for its session timeout, and a group with
        # members can't be deleted.
        if dead := [MemberToRemove(member_id=member["member_id"]) for member in seen["members"]]:
            admin.remove_group_members(group, dead)
    for group, answer in admin.delete_groups(groups).items():
        if answer not in ("OK", errors.GroupIdNotFoundError.__name__):
            raise getattr(errors, answer)(group)


def all_joined() -> bool:
    """Whether each of this process's consumers that subscribes as a member of a group is one by
    now, and knows its partitions.
    """
    from kafka import KafkaConsumer
    from kafka.structs import MemberState

    return all(
        consumer.group_metadata().state is MemberState.STABLE
        for consumer in _alive(KafkaConsumer)
        if consumer.config["group_id"] is not None and consumer.subscription()
    )


def members_of(admin: "KafkaAdminClient", group: str) -> int | None:
    """How many members a stable group has.

    None while it is not stable, or its coordinator is just being found.
    """
    from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError

    try:
        seen = admin.describe_groups([group])[group]
    except (CoordinatorLoadInProgressError, CoordinatorNotAvailableError):
        return None  # as with the first group of a new cluster
    return len(seen["members"]) if seen["group_state"] == "Stable" else None


# Questions to one broker, for wire. Kafka 4 answers each of these versions.


@dataclass(frozen=True)
class Question:
    """A request, ready to be sent, and what makes plain data of its answer.

    `request` has its length in front, `read` takes an answer without it.
    """

    request: bytes
    read: Callable[[bytes], object]


@dataclass(frozen=True)
class Member:
    """A member of a group. `partitions` are those that it was given: (topic, number)."""

    id: str
    client: str
    partitions: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Fetched:
    """What a leader has of a partition. `error` is the name of what it says instead, or ""."""

    error: str
    end: int
    records: bytes


@dataclass(frozen=True)
class Stored:
    """What is stored at one offset.

    `mark` is "" for a message, "commit" or "abort" where a transaction ended. `unreadable` says why
    a whole batch, from this offset on, can't be read, or "". `timestamp` is in milliseconds.
    """

    offset: int
    timestamp: int
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    transactional: bool = False
    mark: str = ""
    unreadable: str = ""


def load_questions() -> None:
    """Imports all that the questions need, for a process that outlives what is installed."""
    import kafka.protocol.admin
    import kafka.protocol.consumer
    import kafka.protocol.consumer.metadata
    import kafka.protocol.metadata
    import kafka.record.memory_records  # noqa: F401


def metadata_question() -> Question:
    """What the asked broker knows of the cluster, all topics included.

    Answer: kafka-python's own object.
    """
    from kafka.protocol.metadata import MetadataRequest, MetadataResponse

    asked = {"topics": None, "allow_auto_topic_creation": False}
    return _question(MetadataRequest, MetadataResponse, 9, lambda answer: answer, **asked)


def offsets_question(place: int, partitions: Iterable[tuple[str, int]]) -> Question:
    """Where EARLIEST, LATEST or the FIRST_MESSAGE is, in partitions that the asked broker leads.

    Answer: (topic, number) -> (offset, time in ms, -1 for none), without those that it can't tell.
    """
    from kafka.protocol.consumer import ListOffsetsRequest, ListOffsetsResponse

    topic_of = ListOffsetsRequest.ListOffsetsTopic
    topics = [
        topic_of(
            name=topic,
            partitions=[
                topic_of.ListOffsetsPartition(partition_index=number, timestamp=place)
                for number in numbers
            ],
        )
        for topic, numbers in _by_topic(partitions).items()
    ]

    def plain(answer: ListOffsetsResponse) -> dict[tuple[str, int], tuple[int, int]]:
        return {
            (topic.name, one.partition_index): (one.offset, one.timestamp)
            for topic in answer.topics
            for one in topic.partitions
            if not one.error_code
        }

    return _question(ListOffsetsRequest, ListOffsetsResponse, 7, plain, topics=topics)


def groups_question() -> Question:
    """The groups that the asked broker coordinates.

    Answer: name -> state; None while the broker does not know yet which ones it coordinates.
    """
    from kafka.protocol.admin import ListGroupsRequest, ListGroupsResponse

    def plain(answer: ListGroupsResponse) -> dict[str, str] | None:
        if answer.error_code:
            return None
        return {group.group_id: group.group_state for group in answer.groups}

    return _question(ListGroupsRequest, ListGroupsResponse, 4, plain)


def members_question(groups: Iterable[str]) -> Question:
    """Who is in the groups that the asked broker coordinates.

    Answer: name -> its Members, without those that the broker can't tell.
    """
    from kafka.protocol.admin import DescribeGroupsRequest, DescribeGroupsResponse

    def plain(answer: DescribeGroupsResponse) -> dict[str, list[Member]]:
        return {
            group.group_id: [
                Member(one.member_id, one.client_id, _given(one.member_assignment))
                for one in group.members
            ]
            for group in answer.groups
            if not group.error_code
        }

    request = {"groups": list(groups)}
    return _question(DescribeGroupsRequest, DescribeGroupsResponse, 5, plain, **request)


def committed_question(groups: Iterable[str]) -> Question:
    """All that was committed by the groups that the asked broker coordinates.

    Answer: name -> {(topic, number): offset}, without those that the broker can't tell.
    """
    from kafka.protocol.consumer import OffsetFetchRequest, OffsetFetchResponse

    asked = [OffsetFetchRequest.OffsetFetchRequestGroup(group_id=group) for group in groups]
    for one in asked:
        one.topics = None  # all of them

    def plain(answer: OffsetFetchResponse) -> dict[str, dict[tuple[str, int], int]]:
        return {
            group.group_id: {
                (topic.name, one.partition_index): one.committed_offset
                for topic in group.topics
                for one in topic.partitions
                if not one.error_code and one.committed_offset >= 0
            }
            for group in answer.groups
            if not group.error_code
        }

    return _question(OffsetFetchRequest, OffsetFetchResponse, 8, plain, groups=asked)


def fetch_question(topic: str, partition: int, offset: int, size: int) -> Question:
    """What is stored from `offset` on, about `size` bytes of it. Nothing is waited for.

    Messages of transactions that are open or were aborted are among it (read_uncommitted).
    Answer: a Fetched; see batches.
    """
    from kafka.errors import for_code
    from kafka.protocol.consumer import FetchRequest, FetchResponse

    topic_of = FetchRequest.FetchTopic
    wanted = topic_of.FetchPartition(
        partition=partition, fetch_offset=offset, partition_max_bytes=size
    )

    def plain(answer: FetchResponse) -> Fetched:
        [told] = answer.responses[0].partitions
        error = for_code(told.error_code).__name__ if told.error_code else ""
        return Fetched(error, told.high_watermark, bytes(told.records or b""))

    return _question(
        FetchRequest,
        FetchResponse,
        12,
        plain,
        max_bytes=size,
        topics=[topic_of(topic=topic, partitions=[wanted])],
    )


def batches(records: bytes) -> Iterator[tuple[int, Iterator[Stored]]]:
    """The batches in the records of a Fetched: the last offset that each stands for, and what is in
    it, which may be less after a compaction. Read one before you take the next.
    """
    from kafka.record.memory_records import MemoryRecords

    for batch in MemoryRecords(records):
        yield batch.last_offset, _stored(batch)


def _stored(batch: object) -> Iterator[Stored]:
    try:
        for one in batch:
            at = {"offset": one.offset, "timestamp": one.timestamp}
            if batch.is_control_batch:
                yield Stored(**at, mark="commit" if one.commit else "abort")
            else:
                yield Stored(
                    **at,
                    key=one.key,
                    value=one.value,
                    headers=tuple(one.headers),
                    transactional=batch.is_transactional,
                )
    except Exception as error:  # whatever a codec raises, for want of its library say
        yield Stored(
            batch.base_offset, batch.first_timestamp, unreadable=str(error) or type(error).__name__
        )


def _question(
    request: type, response: type, version: int, plain: Callable, **fields: object
) -> Question:
    asked = request[version](**fields)
    asked.with_header(correlation_id=1, client_id="kafka-course")
    return Question(
        asked.encode(header=True, framed=True),
        lambda answer: plain(response.decode(answer, version=version, header=True)),
    )


def _by_topic(partitions: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    topics: dict[str, list[int]] = defaultdict(list)
    for topic, number in partitions:
        topics[topic].append(number)
    return topics


def _given(assignment: bytes) -> tuple[tuple[str, int], ...]:
    """The partitions in a member's assignment; none where it is not a consumer's."""
    import struct

    from kafka.protocol.consumer.metadata import ConsumerProtocolAssignment

    try:
        read = ConsumerProtocolAssignment.decode(assignment) if assignment else None
    except (struct.error, ValueError, IndexError):
        return ()
    topics = read.assigned_partitions if read else []
    return tuple((topic.topic, number) for topic in topics for number in topic.partitions)
