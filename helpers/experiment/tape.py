"""What became of each record of a live run, by its place in the log; what charts.tape draws."""

import itertools
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from . import record

LAST = 60  # offsets up to each end that are shown, at least
KEPT = 20_000  # offsets of each partition whose fate is known, and that are shown at most


class Tape:
    """Follows what readers are done with and commit, partition by partition."""

    def __init__(self) -> None:
        self._done: dict[int, dict[int, int]] = {}  # partition -> offset -> how often
        self._committed: dict[int, int] = {}

    def note(self, rows: np.ndarray) -> None:
        """Takes rows of the record (record.ROW)."""
        for row in rows[rows["kind"] == record.DONE]:
            times = self._done.setdefault(int(row["partition"]), {})
            times[int(row["offset"])] = times.get(int(row["offset"]), 0) + 1
        for row in rows[rows["kind"] == record.COMMITTED]:
            self._committed[int(row["partition"])] = int(row["offset"])
        for times in self._done.values():
            for offset in sorted(times)[:-KEPT] if len(times) > 2 * KEPT else []:
                del times[offset]

    def view(
        self, ends: Mapping[int, int], positions: Mapping[int, int]
    ) -> tuple[pd.DataFrame, pd.DataFrame, int] | None:
        """The frame, the records and the number of offsets for charts.tape.

        None for readers that tell neither what they are done with nor what they commit. `ends` and
        `positions`: partition -> offset, as the brokers and the readers say.
        """
        if not self._done and not self._committed:
            return None
        last = self._last(ends, positions)
        names = {number: f"partition {number}" for number in sorted(ends)}
        frame = pd.DataFrame(
            {
                "beginning": 0,
                "committed": [self._committed.get(number, np.nan) for number in names],
                "position": [positions.get(number, np.nan) for number in names],
                "end": [ends[number] for number in names],
            },
            index=list(names.values()),
        )
        records = [
            (name, offset, state)
            for number, name in names.items()
            for offset, state in self._states(number, max(0, ends[number] - last), ends[number])
        ]
        return frame, pd.DataFrame(records, columns=["partition", "offset", "state"]), last

    def _last(self, ends: Mapping[int, int], positions: Mapping[int, int]) -> int:
        """How many offsets to show, so that all readers' places are among them: 60, 150, 300, …"""
        behind = [
            ends[number] - min(self._committed.get(number, place), place)
            for number, place in positions.items()
            if number in ends
        ]
        last, steps = LAST, itertools.cycle((2.5, 2, 2))
        while last < min(max(behind, default=0), KEPT):
            last = int(last * next(steps))
        return min(last, KEPT)

    def _states(self, partition: int, first: int, end: int) -> Iterator[tuple[int, str]]:
        """Each offset with one of charts.STATES, but for those that are only stored."""
        times = self._done.get(partition, {})
        # Who starts next begins at the committed offset. One that works now may still do what is
        # before it, if it is of those that commit first: until it has gone on to a later one.
        gone = min(self._committed.get(partition, 0), max(times, default=-1))
        for offset in range(first, end):
            if often := times.get(offset):
                yield offset, "done" if often == 1 else "repeated"
            elif offset < gone:
                yield offset, "lost"
