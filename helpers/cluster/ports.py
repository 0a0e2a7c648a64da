"""The ports that a kafka-up was given: all commands and notebooks use them until kafka-down."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..base import places
from ..base.errors import ClusterError

VARIABLES = ("UI_PORT", "POSTGRES_PORT")
FILE = places.DATA / "ports.json"


def kept(file: Path = FILE) -> dict[str, str]:
    """What the last kafka-up was given: variable -> port. Nothing after a kafka-down."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {name: str(int(found[name])) for name in VARIABLES if name in found}
    except (OSError, ValueError, TypeError):
        return {}


def environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """`environ` with the ports that hold now."""
    return {**environ, **kept()}


@contextmanager
def given(environ: Mapping[str, str] = os.environ, file: Path = FILE) -> Iterator[None]:
    """Notes the ports of this kafka-up beside those that hold already, unless the block fails."""
    before = kept(file)
    _write(before | {name: environ[name] for name in VARIABLES if environ.get(name)}, file)
    try:
        yield
    except BaseException:
        _write(before, file)
        raise


def _write(holding: dict[str, str], file: Path) -> None:
    if not holding:
        forget(file)
        return
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(holding), encoding="utf-8")


def forget(file: Path = FILE) -> None:
    """Forgets them: nothing runs any more."""
    file.unlink(missing_ok=True)


def check(environ: Mapping[str, str] = os.environ, file: Path = FILE) -> None:
    """Raises ClusterError where this kafka-up asks for another port than the cluster that runs."""
    holding = kept(file)
    for name in VARIABLES:
        wanted, now = environ.get(name), holding.get(name)
        if wanted and wanted != now:
            runs = f"{name}={now}" if now else f"its own {name}"
            raise ClusterError(
                f"The cluster already runs, with {runs}.\n"
                f"To move it: make kafka-down, then: make kafka-up {name}={wanted}"
            )
