"""What is stored in a partition: read on demand, without a group, so that nothing changes by it."""

import codecs
import threading
import time
from collections.abc import Iterator

from ... import clients
from .. import wire

MOST = 200  # messages in one answer
CHUNK = 1_000_000  # bytes that are fetched at once
PATIENCE = 2.0  # seconds that a broker has to answer
TIME = 4.0  # seconds for all of an answer; what was read until then is shown
VALUE, KEY = 10_000, 500  # bytes of it that are shown
HEADERS = 20  # of a message that are shown


class CantRead(Exception):
    """The text says why, and `status` is the HTTP status that fits."""

    def __init__(self, text: str, status: int):
        super().__init__(text)
        self.status = status


class Reader:
    """Reads partitions, over connections of its own, which stay open until `close`."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, int], wire.Line] = {}
        self._at_work = threading.Lock()

    def close(self) -> None:
        """Closes the connections; they are opened again when they are needed."""
        with self._at_work:
            for line in self._lines.values():
                line.close()

    def read(
        self, leader: tuple[str, int], topic: str, partition: int, offset: int | None, limit: int
    ) -> dict:
        """Up to `limit` messages from `offset` on, or the last ones for None.

        `leader` is its leader's address. Where offsets are missing (marks of transactions,
        compaction), the last ones can be fewer than there are. Raises CantRead.
        """
        if not self._at_work.acquire(timeout=TIME):
            raise CantRead("Others are just reading. Try again.", 503)
        try:
            line = self._lines.setdefault(leader, wire.Line(*leader, PATIENCE))
            return _read(line, topic, partition, offset, limit)
        except wire.NoAnswer as error:
            raise CantRead(f"{error}.", 503) from error
        finally:
            self._at_work.release()


def _read(line: wire.Line, topic: str, partition: int, offset: int | None, limit: int) -> dict:
    place = topic, partition

    def edge(which: int) -> int:
        told = line.ask(clients.offsets_question(which, [place]))
        if place not in told:
            raise CantRead(f"The leader of {topic}-{partition} is just changing. Try again.", 503)
        return told[place][0]

    begin, end = edge(clients.EARLIEST), edge(clients.LATEST)
    if offset is None:
        start = max(begin, end - limit)
    elif begin <= offset <= end:
        start = offset
    else:
        there = f"those from {begin} to {end - 1}" if begin < end else "no messages"
        raise CantRead(f"{topic}-{partition} has no offset {offset}; it has {there}.", 400)
    found: list[dict] = []
    in_time = True
    for one in _stored(line, topic, partition, start, end):
        if one is None:
            in_time = False
            break
        found.append(_describe(one))
        if len(found) == limit:
            break
    return {"begin": begin, "end": end, "start": start, "in_time": in_time, "messages": found}


def _stored(
    line: wire.Line, topic: str, partition: int, offset: int, end: int
) -> Iterator[clients.Stored | None]:
    """What stands from `offset` on; None where the time is over before the end."""
    limit = time.monotonic() + TIME
    while offset < end:
        if time.monotonic() > limit:
            yield None
            return
        fetched = line.ask(clients.fetch_question(topic, partition, offset, CHUNK))
        if fetched.error:
            raise CantRead(f"The leader of {topic}-{partition} says: {fetched.error}.", 503)
        after = offset
        for last, content in clients.batches(fetched.records):
            # A batch is sent whole, also what comes before the offset in it.
            yield from (one for one in content if one.offset >= offset or one.unreadable)
            after = last + 1
        if after <= offset:
            return  # nothing more is there
        offset = after


def _describe(one: clients.Stored) -> dict:
    return {
        "offset": one.offset,
        "timestamp": one.timestamp,
        "key": _text(one.key, KEY),
        "value": _text(one.value, VALUE),
        "headers": [[name, _text(value, KEY)] for name, value in one.headers[:HEADERS]],
        "more_headers": max(0, len(one.headers) - HEADERS),
        "transactional": one.transactional,
        "mark": one.mark,
        "unreadable": one.unreadable,
    }


def _text(data: bytes | None, limit: int) -> dict | None:
    """The first `limit` bytes as text. `utf8` is False where some of it had to be replaced."""
    if data is None:
        return None
    whole = len(data) <= limit
    shown = bytes(data[:limit])
    # Not final: a character that the limit cuts in two is left out, not replaced.
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(shown, final=whole)
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(shown, final=whole)
        utf8 = True
    except UnicodeDecodeError:
        utf8 = False
    return {"text": text, "size": len(data), "whole": whole, "utf8": utf8}
