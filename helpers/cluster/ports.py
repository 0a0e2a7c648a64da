"""The ports that a kafka-up was given: all commands and notebooks use them until kafka-down."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..base import places
from ..base.errors import ClusterError

VARIABLES = ("UI_PORT", "POSTGRES_PORT")
FILE = places.DATA / "ports.json"


def kept() -> dict[str, str]:
    """What the last kafka-up was given: variable -> port. Nothing after a kafka-down."""
    try:
        found = json.loads(FILE.read_text(encoding="utf-8"))
        return {name: str(int(found[name])) for name in VARIABLES if name in found}
    except (OSError, ValueError, TypeError):
        return {}


def environment() -> dict[str, str]:
    """The environment of this process, with the ports that hold now."""
    return {**os.environ, **kept()}


@contextmanager
def given() -> Iterator[None]:
    """Notes the ports of this kafka-up beside those that hold already, unless the block fails."""
    before = kept()
    _write(before | {name: os.environ[name] for name in VARIABLES if os.environ.get(name)})
    try:
        yield
    except BaseException:
        _write(before)
        raise


def _write(holding: dict[str, str]) -> None:
    if not holding:
        forget()
        return
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(holding), encoding="utf-8")


def forget() -> None:
    """Forgets them: nothing runs any more."""
    FILE.unlink(missing_ok=True)


def check() -> None:
    """Raises ClusterError where this kafka-up asks for another port than the cluster that runs."""
    holding = kept()
    for name in VARIABLES:
        wanted, now = os.environ.get(name), holding.get(name)
        if wanted and wanted != now:
            runs = f"{name}={now}" if now else f"its own {name}"
            raise ClusterError(
                f"The cluster already runs, with {runs}.\n"
                f"To move it: make kafka-down, then: make kafka-up {name}={wanted}"
            )
