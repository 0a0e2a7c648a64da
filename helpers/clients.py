"""All that touches the inside of kafka-python, or the shape of its answers.

A new version of it costs this module alone.

What is private, or has moved before, is imported where it is used: a function whose import fails is
then the only thing that does. Each workaround of a fault in kafka-python 3.0.12 names its test in
tests/client_faults, which turns red once the fault is gone.
"""

import gc
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from .base.errors import NotInTime
from .base.waiting import until

if TYPE_CHECKING:
    from kafka import KafkaAdminClient, KafkaProducer

METADATA_VERSION = 9  # of the Metadata request; Kafka 2.4 and later answer it
THREADS = "kafka-"  # how the names of the clients' own threads begin
PATIENCE = 10.0  # seconds for threads to end


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


def partitions_of(admin: "KafkaAdminClient", topic: str) -> list[int]:
    """The numbers of a topic's partitions."""
    return sorted(
        partition["partition_index"]
        for partition in admin.describe_topics([topic])[0]["partitions"]
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


def members_of(admin: "KafkaAdminClient", group: str) -> int | None:
    """How many members a stable group has.

    None while it is not stable, or its coordinator is just being found.
    """
    from kafka.errors import CoordinatorLoadInProgressError

    try:
        seen = admin.describe_groups([group])[group]
    except CoordinatorLoadInProgressError:
        return None
    return len(seen["members"]) if seen["group_state"] == "Stable" else None


def metadata_request() -> bytes:
    """A Metadata request for all topics, as it goes over the wire, with its length in front."""
    from kafka.protocol.metadata import MetadataRequest

    request = MetadataRequest[METADATA_VERSION](topics=None, allow_auto_topic_creation=False)
    request.with_header(correlation_id=1, client_id="kafka-course")
    return request.encode(header=True, framed=True)


def metadata_answer(answer: bytes) -> object:
    """The answer to metadata_request, without its length, as kafka-python's own object.

    Raises what that raises for bytes that are none.
    """
    from kafka.protocol.metadata import MetadataResponse

    return MetadataResponse.decode(answer, version=METADATA_VERSION, header=True)
