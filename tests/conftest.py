"""Fixtures of the tests of the commands: clones of the course, fresh, running, or an ordinary
user's.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling, Scheduling

from helpers.base import places
from helpers.cluster import jars

from clones import Clone, copy_cache, give_to, is_root, make_venv

# Tests that share a cluster go to one worker. This clone's own is needed by some for themselves,
# one after the other. The fixture `running` is made once for each worker: two share the work.
SHARED = {
    "test_cluster.py": "a running clone",
    "test_running_cluster.py": "a running clone",
    "test_database.py": "this clone's",
    "test_lesson.py": "this clone's",
    "test_experiment.py": "this clone's",
    "test_truth.py": "this clone's",
    "test_turn.py": "this clone's",
    "client_faults": "another running clone",
    "test_ui.py": "another running clone",
}
# Files of which each test can go to any worker: it starts a clone, or takes its worker's.
SPLIT = ["test_situations.py"]

# What takes longest comes first, so that all workers end at the same time.
FIRST = [*SHARED, "test_ordinary_user.py", *SPLIT]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {file: number for number, file in enumerate(FIRST)}
    items.sort(key=lambda item: place.get(_file(item.nodeid), len(FIRST)))


def _file(nodeid: str) -> str:
    """The file's name; of a lane the folder."""
    return nodeid.split("::")[0].split("/")[0]


class ByCluster(LoadScopeScheduling):
    """Hands out tests by the cluster that they share, else by file, which may have a fixture."""

    def _split_scope(self, nodeid: str) -> str:
        file = _file(nodeid)
        return nodeid if file in SPLIT else SHARED.get(file, file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return ByCluster(config, log)


@pytest.fixture(scope="session")
def warm_cache() -> Path:
    """The cache of whoever runs the tests, with all jars in it."""
    jars.fetch()
    return places.cache()


@pytest.fixture
def new_clone(tmp_path: Path, warm_cache: Path) -> Iterator[Callable[..., Clone]]:
    """Makes clones; ends what runs in them afterwards, and fails where something is left then."""
    made: list[Clone] = []

    def make(cache_folder: Path = warm_cache) -> Clone:
        made.append(Clone(tmp_path / "clone", cache_folder))
        return made[-1]

    yield make
    for clone in made:
        clone.close()


@pytest.fixture
def clone(new_clone: Callable[..., Clone]) -> Clone:
    """A clone in which nothing has been started."""
    return new_clone()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, warm_cache: Path) -> Iterator[Clone]:
    """A clone whose cluster runs, for all tests that leave it whole. It stands in a folder with
    spaces and umlauts.
    """
    clone = Clone(tmp_path_factory.mktemp("running") / "küche mit platz", warm_cache)
    started = clone.run("up")
    assert started.returncode == 0, started.stdout + started.stderr
    yield clone
    clone.close()


@pytest.fixture(scope="module")
def users_clone(warm_cache: Path) -> Iterator[Clone]:
    """A clone of an ordinary user, with a cache and a .venv of its own, in an open folder of
    theirs.
    """
    if not is_root():
        pytest.skip("These tests run as an ordinary user already; only root can become another one")
    import pwd  # not on Windows

    user = pwd.getpwnam("daemon").pw_uid  # nobody's is taken: as root, PostgreSQL runs under it
    # Root's own temporary folders are closed to others.
    folder = Path(tempfile.mkdtemp(prefix="kafka-course-"))
    try:
        give_to(folder, user)
        interpreter = make_venv(folder / ".venv", user)
        if not interpreter:
            pytest.skip("An ordinary user can run no Python here that has the course's packages")
        clone = Clone(folder / "clone", copy_cache(folder / "cache"), user)
        clone.interpreter = interpreter
        give_to(folder, user)
        yield clone
        clone.close()
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen]:
    """A process that has nothing to do with the course."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    yield process
    process.kill()
    process.wait()
