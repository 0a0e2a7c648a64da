"""Fixtures of the tests of the commands: clones of the course, fresh, running, or an ordinary
user's.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpers.base import places
from helpers.cluster import jars

from clones import Clone, copy_cache, give_to, is_root, make_venv


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With two workers (make test), tests that share a cluster go to the same one."""
    for item in items:
        if "running" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group("the running clone"))
        elif "users_clone" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group("the user's clone"))


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
