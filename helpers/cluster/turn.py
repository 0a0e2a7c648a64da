"""Whose turn it is to work with the brokers: one process at a time; the others wait.

What one measures and breaks would be in the numbers of the others. A process has its turn as long
as there is a reason for it: a cell that runs, a panel, a broker that it has taken away.
"""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..base import places
from ..base.errors import StillAtWork
from .children import identity, known_again

PATIENCE = 600.0  # seconds to wait for a turn
AT_ONCE = 0.5  # seconds, for which nobody is told that he waits


class Turns:
    """This process's turns; `who` is what the others are told that it is."""

    def __init__(self, folder: Path = places.SCRATCH) -> None:
        self.who = "A program"
        self._lock = FileLock(folder / "turn.lock", thread_local=False)
        self._file = folder / "turn.json"  # of whoever has it
        self._reasons: dict[str, None] = {}
        self._guard = threading.RLock()

    def take(self, reason: str) -> None:
        """Returns when it is this process's turn, which it keeps until the reason is gone.

        Says for whom it waits. Raises StillAtWork where that takes longer than PATIENCE.
        """
        with self._guard:
            if not self._reasons:
                self._acquire()
            self._reasons[reason] = None
            self._tell()

    def give_back(self, *reasons: str) -> None:
        """These are no reasons any more; one that was none is no error."""
        with self._guard:
            before = bool(self._reasons)
            for reason in reasons:
                self._reasons.pop(reason, None)
            if self._reasons:
                self._tell()
            elif before:
                self._file.unlink(missing_ok=True)
                self._lock.release()

    @contextmanager
    def turn(self, reason: str) -> Iterator[None]:
        """A turn for as long as something runs."""
        self.take(reason)
        try:
            yield
        finally:
            self.give_back(reason)

    def _acquire(self) -> None:
        self._file.parent.mkdir(exist_ok=True)
        try:
            self._lock.acquire(timeout=AT_ONCE)
        except Timeout:
            if not os.environ.get(places.UNATTENDED):  # it would be in what a cell is checked for
                print(f"{self._holder()}. This waits until it is done.", flush=True)
            try:
                self._lock.acquire(timeout=PATIENCE)
            except Timeout:
                raise StillAtWork(
                    f"{self._holder()}, and this has waited for {PATIENCE / 60:g} minutes. "
                    "End its work there (Clean up, or Kernel > Shut Down), then run this again"
                ) from None
        self._since = time.strftime("%H:%M")

    def _tell(self) -> None:
        told = {"who": self.who, "since": self._since, "why": next(iter(self._reasons))}
        self._file.write_text(json.dumps(identity(os.getpid()) | told))

    def _holder(self) -> str:
        """Who has the turn, and why, in words."""
        try:
            told = json.loads(self._file.read_text())
            if known_again(told):
                return (
                    f"{told['who']} (process {told['pid']}) has the brokers to itself "
                    f"since {told['since']}: {told['why']}"
                )
        except (OSError, ValueError, KeyError, TypeError):
            pass  # it is just being written, or its writer has just died
        return "Another run has the brokers to itself"


turns = Turns()
