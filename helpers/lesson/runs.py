"""Which runs of the lessons are alive, so that one does not delete what another one works with.

Each run leaves a record in .scratch/runs: the process that it belongs to, and since when.
"""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from ..base import places
from ..cluster.children import identity, known_again

FOLDER = places.SCRATCH / "runs"


@dataclass(frozen=True)
class Run:
    """A run of a lesson in a process of its own; `since` is a clock time, as in 14:03."""

    id: str
    pid: int
    since: str


def begin(lesson: int, run_id: str) -> None:
    """Notes that this process runs the lesson now, and that its earlier runs of it are over."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for file in FOLDER.glob(f"{lesson:02d}-*.json"):
        if (_read(file) or {}).get("pid") == os.getpid():
            file.unlink(missing_ok=True)
    record = identity(os.getpid()) | {"since": time.strftime("%H:%M")}
    (FOLDER / f"{lesson:02d}-{run_id}.json").write_text(json.dumps(record))


def end(lesson: int, run_id: str) -> None:
    """Notes that the run is over."""
    (FOLDER / f"{lesson:02d}-{run_id}.json").unlink(missing_ok=True)


def others(lesson: int) -> list[Run]:
    """The runs of the lesson in other processes that live. Deletes the records of the dead."""
    living = []
    for file in sorted(FOLDER.glob(f"{lesson:02d}-*.json")):
        record = _read(file)
        if record is None or known_again(record) is None:
            file.unlink(missing_ok=True)
        elif record["pid"] != os.getpid():
            living.append(Run(file.stem[3:], record["pid"], str(record.get("since", "?"))))
    return living


def _read(file: Path) -> dict | None:
    try:
        record = json.loads(file.read_text())
        return record if isinstance(record, dict) else None
    except (OSError, ValueError):
        return None
