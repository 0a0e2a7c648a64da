"""The installation, and the cache folder that it and all else use."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.base import places

from clones import ROOT, as_user, is_root

INSTALL = ROOT / "helpers" / "install.py"
AGAIN = "helpers/install.py" if sys.platform == "win32" else "make lab"
# install.py as a Python 3.8 would run it
OLD = """
import runpy, sys
sys.path.insert(0, "helpers")
sys.version_info, sys.version = (3, 8), "3.8.20 (default)"
runpy.run_path("helpers/install.py", run_name="__main__")
"""
ASK_FOR_CACHE = """
from helpers.base import errors, places
try:
    places.cache()
except errors.CacheError as error:
    print(error)
"""


def install(folder: Path, **env: str) -> subprocess.CompletedProcess:
    """Runs install.py of the clone in `folder`; an empty variable is taken away."""
    return subprocess.run(
        [sys.executable, "helpers/install.py"],
        cwd=folder,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=240,
    )


def environment(changes: dict[str, str]) -> dict[str, str]:
    """This process's environment with the changes, and without a package index."""
    merged = {
        **os.environ,
        "PIP_INDEX_URL": "http://127.0.0.1:1/simple",
        "PIP_RETRIES": "0",
        **changes,
    }
    return {key: value for key, value in merged.items() if value}


def assert_refused(result: subprocess.CompletedProcess, *words: str) -> None:
    assert result.returncode == 1
    assert "Traceback" not in result.stdout + result.stderr
    for word in words:
        assert word in result.stderr


@pytest.fixture
def fresh(clone):
    """The folder of a clone without .venv."""
    return clone.folder


@pytest.mark.parametrize(
    "name",
    ["install.py", "__init__.py", "base/__init__.py", "base/errors.py", "base/places.py"],
)
def test_old_pythons_can_read_what_tells_them_that_they_are_too_old(name):
    tree = ast.parse((ROOT / "helpers" / name).read_text(encoding="utf-8"), feature_version=(3, 6))
    nodes = list(ast.walk(tree))
    imported = {
        alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {
        node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level
    }
    ours = {"helpers.base", "helpers.base.places"}
    assert {module.split(".")[0] for module in imported - ours} <= sys.stdlib_module_names


def test_a_python_that_is_too_old_is_told_so(fresh):
    result = subprocess.run(
        [sys.executable, "-c", OLD],
        cwd=fresh,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert_refused(result, "needs Python 3.11", "this is 3.8.20", "make lab PYTHON=")
    assert len(result.stderr.strip().splitlines()) == 2
    assert not (fresh / ".venv").exists()


def test_does_nothing_where_all_is_installed(fresh):
    """The stamp decides: pip would fail here, since its index does not exist."""
    stamp = fresh / ".venv" / "installed"
    python = fresh / ".venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    python.parent.mkdir(parents=True)
    python.write_text("")
    ask = "import sys; sys.path.insert(0, 'helpers'); import install; print(install.fingerprint())"
    fingerprint = subprocess.run(
        [
            sys.executable,
            "-c",
            ask,
        ],
        cwd=fresh,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    stamp.write_text(fingerprint.stdout.strip())
    result = install(fresh)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_without_network_and_with_an_empty_cache_the_cause_is_told(fresh, tmp_path):
    result = install(
        fresh,
        **{places.CACHE_VARIABLE: str(tmp_path / "empty"), "PIP_CACHE_DIR": "", "UV_CACHE_DIR": ""},
    )
    assert_refused(result, "Check the network", AGAIN)
    assert not (fresh / ".venv" / "installed").exists()  # the next run starts anew


def test_a_folder_that_cannot_be_written_is_told(fresh):
    (fresh / ".venv").write_text("in the way")
    result = install(fresh)
    assert_refused(result, str(fresh / ".venv"), "can't be made", AGAIN)
    assert len(result.stderr.strip().splitlines()) == 2
    assert (fresh / ".venv").read_text() == "in the way"


@pytest.mark.parametrize("home", ["/proc/nowhere", str(INSTALL)])
def test_a_home_that_cannot_be_written_needs_a_cache_folder_named(fresh, home):
    result = install(
        fresh,
        **{places.CACHE_VARIABLE: "", "XDG_CACHE_HOME": "", "LOCALAPPDATA": home, "HOME": home},
    )
    assert_refused(result, home, f"export {places.CACHE_VARIABLE}=")
    assert len(result.stderr.strip().splitlines()) == 2
    assert not (fresh / ".venv").exists()


def test_a_user_without_a_home_needs_a_cache_folder_named(fresh):
    if not is_root():
        pytest.skip("Only root can become a user that the system does not know")
    result = subprocess.run(
        [*as_user(54321), sys.executable, "-c", ASK_FOR_CACHE],
        cwd=ROOT,
        env={
            key: value
            for key, value in environment({}).items()
            if key not in (places.CACHE_VARIABLE, "HOME", "XDG_CACHE_HOME")
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.stderr == ""
    assert f"export {places.CACHE_VARIABLE}=" in result.stdout


def test_all_tools_keep_their_files_in_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv(places.CACHE_VARIABLE, str(tmp_path))
    for variable in (
        "UV_CACHE_DIR",
        "PIP_CACHE_DIR",
        "IPYTHONDIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
        "MPLCONFIGDIR",
    ):
        monkeypatch.delenv(variable, raising=False)
        assert Path(places.environment()[variable]).is_relative_to(tmp_path)


def test_what_python_compiles_is_kept_for_the_next_notebook(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    asked = [sys.executable, "-c", "import sys; print(sys.dont_write_bytecode)"]
    assert (
        subprocess.run(
            asked, env=places.environment(), capture_output=True, text=True, timeout=60
        ).stdout.strip()
        == "False"
    )


def test_every_requirement_is_pinned_with_hashes():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    packages = [number for number, line in enumerate(lines) if re.match(r"[A-Za-z0-9]", line)]
    assert len(packages) > 100
    for number in packages:
        assert "==" in lines[number], lines[number]
        assert lines[number + 1].strip().startswith("--hash=sha256:"), lines[number]
