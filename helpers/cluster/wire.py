"""Questions to one broker, with a time limit; the first of them: what does it know of the cluster?

A Kafka client keeps trying for 30 seconds where nobody listens. This asks over a plain socket, and
is told at once.
"""

import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..base.errors import CourseError

if TYPE_CHECKING:
    from ..clients import Question

LARGEST = 100_000_000  # bytes of an answer; what claims to be longer is none of Kafka's


class NoAnswer(CourseError):
    """Nobody that speaks Kafka answered in time."""


# What comes of a connection that fails, and of bytes that are no answer.
UNREADABLE = (NoAnswer, OSError, ValueError, struct.error, IndexError)


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


def believed(answers: Iterable[Metadata | None]) -> Metadata | None:
    """The answer of the broker that sees most of its fellows; None without an answer.

    Those that see fewer are just coming up or dying.
    """
    told = filter(None, answers)
    return max(told, key=lambda answer: len(answer.brokers), default=None)


def ask(host: str, port: int, timeout: float = 1.0) -> Metadata:
    """The metadata of the broker at `host`:`port`, all topics included.

    `timeout` is in seconds and holds for connecting and for the answer, each. Raises NoAnswer.
    """
    try:
        with socket.create_connection((host, port), timeout=timeout) as connection:
            # Not before somebody listens: the import takes a quarter of a second, in which the
            # brokers can start.
            from .. import clients

            question = clients.metadata_question()
            connection.sendall(question.request)
            answer = question.read(_read_answer(connection))
    except UNREADABLE as error:
        raise NoAnswer(f"No Kafka broker answers at {host}:{port} ({error})") from error
    return _metadata(answer)


class Line:
    """An open connection to one broker, for many questions. One thread may use it at a time.

    It is opened when it is first needed, and anew after a fault. `timeout` is in seconds and holds
    for connecting, for sending, and for each part of an answer.
    """

    def __init__(self, host: str, port: int, timeout: float):
        self.host, self.port, self.timeout = host, port, timeout
        self._connection: socket.socket | None = None

    def metadata(self) -> Metadata:
        """What the broker knows of the cluster. Raises NoAnswer."""
        from .. import clients

        return _metadata(self.ask(clients.metadata_question()))

    def ask(self, question: "Question") -> object:
        """The answer, as the question reads it. Raises NoAnswer."""
        was_open = self._connection is not None
        try:
            return self._ask(question)
        except TimeoutError as error:
            raise self._no_answer(error) from error
        except UNREADABLE as error:
            if not was_open:
                raise self._no_answer(error) from error
        # The broker may have been started anew since the last question.
        try:
            return self._ask(question)
        except UNREADABLE as error:
            raise self._no_answer(error) from error

    def close(self) -> None:
        """Closes the connection, if there is one; another question opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, question: "Question") -> object:
        try:
            if self._connection is None:
                self._connection = socket.create_connection((self.host, self.port), self.timeout)
                self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connection.sendall(question.request)
            return question.read(_read_answer(self._connection))
        except BaseException:
            # What is half read would be taken for the next answer.
            self.close()
            raise

    def _no_answer(self, error: Exception) -> NoAnswer:
        return NoAnswer(f"No Kafka broker answers at {self.host}:{self.port} ({error})")


def _metadata(answer: object) -> Metadata:
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


def _read_answer(connection: socket.socket) -> bytes:
    (size,) = struct.unpack(">i", _read(connection, 4))
    if not 0 < size < LARGEST:
        raise NoAnswer("What listens there is no Kafka broker")
    return _read(connection, size)


def _read(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise NoAnswer("The connection was closed in the middle of an answer")
        parts += part
    return bytes(parts)
