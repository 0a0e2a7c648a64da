"""One question to one broker, with a time limit: what does it know of the cluster?

A Kafka client keeps trying for 30 seconds where nobody listens. This asks over a plain socket, and
is told at once.
"""

import socket
import struct
from dataclasses import dataclass

from ..base.errors import CourseError


class NoAnswer(CourseError):
    """Nobody that speaks Kafka answered in time."""


@dataclass(frozen=True)
class Partition:
    """A partition as the asked broker sees it. `leader` is -1 while there is none."""

    leader: int
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]


@dataclass(frozen=True)
class Metadata:
    """What one broker knows of the cluster.

    `brokers` are the live ones (node id -> host, port); `partitions` go by (topic, number).
    """

    cluster_id: str
    brokers: dict[int, tuple[str, int]]
    partitions: dict[tuple[str, int], Partition]


def ask(host: str, port: int, timeout: float = 1.0) -> Metadata:
    """The metadata of the broker at `host`:`port`, all topics included.

    `timeout` is in seconds and holds for connecting and for the answer, each. Raises NoAnswer.
    """
    try:
        with socket.create_connection((host, port), timeout=timeout) as connection:
            # Not before somebody listens: the import takes a quarter of a second, in which the
            # brokers can start.
            from .. import clients

            connection.sendall(clients.metadata_request())
            (size,) = struct.unpack(">i", _read(connection, 4))
            if not 0 < size < 100_000_000:
                raise NoAnswer(f"What listens at {host}:{port} is no Kafka broker")
            answer = clients.metadata_answer(_read(connection, size))
    except (OSError, ValueError, struct.error, IndexError) as error:
        raise NoAnswer(f"No Kafka broker answers at {host}:{port} ({error})") from error
    return Metadata(
        cluster_id=answer.cluster_id,
        brokers={broker.node_id: (broker.host, broker.port) for broker in answer.brokers},
        partitions={
            (topic.name, partition.partition_index): Partition(
                partition.leader_id, tuple(partition.replica_nodes), tuple(partition.isr_nodes)
            )
            for topic in answer.topics
            for partition in topic.partitions
        },
    )


def _read(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise NoAnswer("The connection was closed in the middle of an answer")
        parts += part
    return bytes(parts)
