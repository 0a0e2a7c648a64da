"""A program's record: a row for each thing that it did, in files that outlive it.

The program writes the rows into memory that it shares with the file, so a row costs it about a
microsecond, and what it wrote last is there even if it is killed in the next moment. The notebook
reads them meanwhile or afterwards.
"""

import itertools
import math
import mmap
import struct
import threading
import time
from pathlib import Path

import numpy as np
from kafka import errors

# What a row tells of: a message handed to the producer, its answer, a record that a reader got, one
# that it is done with, a committed offset, a partition that a rebalance gave to a reader or took
# from it, and the reader's end: by itself, or as a crash of the experiment.
SENT, TOLD, READ, DONE, COMMITTED, ASSIGNED, REVOKED, ENDED, CRASHED = range(1, 10)
NAMES = "ABCDEFGHIJKLMNOP"  # of the last program's processes, by their number
NOBODY = -1  # the number of other programs
# What a message's time may count until: its producer is told, a reader has it, or is done.
UNTIL = {"told": TOLD, "read": READ, "done": DONE}
ROW = np.dtype(
    [
        ("id", "<i8"),  # of the message; -1 where there is none
        ("due", "<f8"),  # seconds on time.perf_counter; NaN where nothing was due
        ("at", "<f8"),  # when it happened, on the same clock
        ("offset", "<i8"),
        ("partition", "<i2"),
        ("error", "<i2"),  # its place in ERRORS
        ("member", "<i2"),  # the place of its name in NAMES
        ("kind", "<i2"),  # 0: not written yet
    ]
)
_PACKED = struct.Struct("<qddqhhhh")
ROWS = 1 << 16  # in a file
OTHER = "another error"
ERRORS = ["", OTHER, *sorted(name for name in vars(errors) if name.endswith("Error"))]
_PLACES = {name: place for place, name in enumerate(ERRORS)}


class Writer:
    """Writes a program's rows. Safe to use from all of its threads."""

    def __init__(self, stem: Path, member: int = 0):
        self._stem, self._member = stem, member
        self._slots = itertools.count()  # whose next() is one step, also between threads
        self._lock = threading.Lock()
        self._files: dict[int, mmap.mmap] = {}

    def write(
        self,
        kind: int,
        id: int = -1,
        due: float = math.nan,
        offset: int = -1,
        partition: int = -1,
        error: int = 0,
    ) -> None:
        """Adds a row, as of now."""
        number, place = divmod(next(self._slots), ROWS)
        file = self._files.get(number) or self._open(number)
        row = (id, due, time.perf_counter(), offset, partition, error, self._member, kind)
        _PACKED.pack_into(file, place * _PACKED.size, *row)

    def _open(self, number: int) -> mmap.mmap:
        with self._lock:
            if number not in self._files:
                with open(_file(self._stem, number), "w+b") as file:
                    file.truncate(ROWS * _PACKED.size)
                    self._files[number] = mmap.mmap(file.fileno(), 0)
                # Others may still write into the file before this one, but not into older ones.
                self._files.pop(number - 2, None)
            return self._files[number]


class Reader:
    """Reads what a Writer with the same `stem` wrote, each row once."""

    def __init__(self, stem: Path):
        self._stem = stem
        self._number = self._place = 0
        self._rows: np.ndarray | None = None

    def new(self, ended: bool = False) -> np.ndarray:
        """The rows written since the last call, in their order: an array of dtype ROW.

        A row that is not whole yet holds up those behind it. With `ended` (the program has) it
        never will be, and is left out.
        """
        parts = [np.empty(0, ROW)]
        while self._rows is not None or self._open():
            rows = self._rows[self._place :]
            written = rows["kind"] != 0
            count = len(rows) if ended or written.all() else int(written.argmin())
            parts.append(rows[:count][written[:count]])
            self._place += count
            if self._place < ROWS:
                break
            self._next_file()
        return np.concatenate(parts)

    def _open(self) -> bool:
        try:
            self._rows = np.memmap(_file(self._stem, self._number), ROW, mode="r", shape=ROWS)
        except (FileNotFoundError, ValueError):  # not there, or not in its full length yet
            return False
        return True

    def _next_file(self) -> None:
        """What has been read isn't kept: a program that runs for an hour writes a lot."""
        self._rows = None
        _file(self._stem, self._number).unlink(missing_ok=True)
        self._number, self._place = self._number + 1, 0

    def delete(self) -> None:
        """Deletes the files."""
        self._rows = None
        for file in self._stem.parent.glob(f"{self._stem.name}.*.rows"):
            file.unlink(missing_ok=True)


def place_of(error: BaseException) -> int:
    """The error's place in ERRORS."""
    return _PLACES.get(type(error).__name__, _PLACES[OTHER])


def _file(stem: Path, number: int) -> Path:
    return stem.with_name(f"{stem.name}.{number}.rows")
