"""What became of each record of a live run, by its place in the log; what charts.tape draws."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from . import record

LAST = 60  # offsets up to each end that are shown
KEPT = 5_000  # offsets of each partition whose fate is known


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
            for offset in range(max(0, ends[number] - LAST), ends[number])
            if (state := self._state(number, offset))
        ]
        return frame, pd.DataFrame(records, columns=["partition", "offset", "state"]), LAST

    def _state(self, partition: int, offset: int) -> str:
        """One of charts.STATES, or "" for a record that is only stored."""
        times = self._done.get(partition, {}).get(offset, 0)
        if times:
            return "done" if times == 1 else "repeated"
        # Who starts next begins at the committed offset. One that works now may still do it, if it
        # is of those that commit first: it is lost when it has gone on to a later one.
        later = max(self._done.get(partition, {}), default=-1)
        lost = offset < self._committed.get(partition, 0) and offset < later
        return "lost" if lost else ""
