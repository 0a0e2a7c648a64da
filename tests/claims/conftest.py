"""Each worker has a cluster of its own, and none begins while another's still starts."""

import contextlib
import os
from pathlib import Path

import pytest

from helpers.base.errors import NotInTime
from helpers.base.waiting import until

from clones import Clone


@pytest.fixture(scope="session")
def running(running: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The worker's clone. It waits for the others' clusters, whose start takes all processors.

    Not for ever, as a worker may have no test that needs one.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers > 1:
        shared: Path = tmp_path_factory.getbasetemp().parent / "running"
        shared.mkdir(exist_ok=True)
        (shared / os.environ["PYTEST_XDIST_WORKER"]).touch()
        with contextlib.suppress(NotInTime):
            until(lambda: len(list(shared.iterdir())) == workers, 60, "all clusters run", nap=0.2)
    return running
