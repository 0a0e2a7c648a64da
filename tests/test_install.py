"""The installation, and the cache folder that it and all else use."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from helpers.base import places, venv
from helpers.base.errors import CourseError

from clones import ROOT, as_user, is_root

STANDARD_LIBRARY = sys.stdlib_module_names
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


FOR_OLD_PYTHONS = [
    "install.py",
    "__init__.py",
    "base/__init__.py",
    "base/errors.py",
    "base/places.py",
    "base/venv.py",
]


@pytest.mark.parametrize("name", FOR_OLD_PYTHONS)
def test_old_pythons_can_read_what_tells_them_that_they_are_too_old(name):
    tree = ast.parse((ROOT / "helpers" / name).read_text(encoding="utf-8"), feature_version=(3, 6))
    nodes = list(ast.walk(tree))
    imported = {
        alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {
        node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level
    }
    assert {module.split(".")[0] for module in imported - {"helpers.base"}} <= STANDARD_LIBRARY


def test_python_2_can_read_what_tells_it_so():
    text = (ROOT / "helpers" / "install.py").read_bytes().decode("ascii")  # no coding is declared
    newer = (ast.JoinedStr, ast.AnnAssign, ast.Nonlocal, ast.Starred, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(text)):
        assert not isinstance(node, newer), ast.unparse(node)
        assert not (isinstance(node, ast.Name) and node.id == "print"), "a statement there"
        if isinstance(node, ast.arg):
            assert node.annotation is None
        if isinstance(node, ast.Raise):
            assert node.cause is None


def as_python_3_8(folder: Path) -> subprocess.CompletedProcess:
    """Runs install.py as if this were an old Python."""
    return subprocess.run(
        [sys.executable, "-c", OLD],
        cwd=folder,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_python_that_is_too_old_is_told_so(fresh):
    result = as_python_3_8(fresh)
    assert_refused(result, "needs Python 3.11", "this is 3.8.20", "make lab PYTHON=")
    assert len(result.stderr.strip().splitlines()) == 2
    assert not (fresh / ".venv").exists()


def make_venv(folder: Path) -> Path:
    """A .venv that is whole: made from the clone's requirements. Path of its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / ".venv"], check=True)
    ask = "from helpers.base import venv; print(venv.fingerprint())"
    made_from = subprocess.run(
        [sys.executable, "-c", ask], cwd=folder, capture_output=True, text=True, check=True
    )
    stamp = folder / ".venv" / "installed"
    stamp.write_text(f"{made_from.stdout.strip()}\n{sys.version}")
    return folder / ".venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def test_does_nothing_where_all_is_installed(fresh):
    """The stamp decides: pip would fail here, since its index does not exist."""
    make_venv(fresh)
    result = install(fresh)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_a_venv_that_is_whole_serves_another_python_too(fresh):
    """Even one that is too old to make one: kafka-down must work with it."""
    made = make_venv(fresh).stat().st_ctime_ns
    result = as_python_3_8(fresh)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert (fresh / ".venv" / "bin" / "python").stat().st_ctime_ns == made


def test_a_venv_is_not_made_anew_under_a_kernel(fresh):
    python = make_venv(fresh)
    packages = next((fresh / ".venv").glob("**/site-packages"))
    (packages / "borrowed.pth").write_text(os.path.dirname(os.path.dirname(psutil.__file__)))
    with (fresh / "requirements.txt").open("a") as requirements:
        requirements.write("# something new\n")
    kernel = subprocess.Popen(
        [python, "-c", "import sys; print(1, flush=True); sys.stdin.read()", "the kernel"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert kernel.stdout.readline() == b"1\n"
        result = install(fresh)
        assert_refused(result, f"process {kernel.pid} (", "the kernel", "Close JupyterLab", AGAIN)
        assert python.exists() and (packages / "borrowed.pth").exists()
    finally:
        kernel.communicate()


@pytest.mark.parametrize(
    "said, advice",
    [
        ("OSError: [Errno 28] No space left on device", "Make room"),
        ("error: invalid peer certificate: UnknownIssuer", "UV_SYSTEM_CERTS=1"),
        ("The virtual environment was not created: ensurepip is not available", "python3-venv"),
        ("Connection refused", "Check the network"),
    ],
)
def test_what_fails_gets_the_advice_that_mends_it(said, advice, tmp_path, monkeypatch):
    monkeypatch.setenv(places.CACHE_VARIABLE, str(tmp_path))
    fails = f"import sys; print({said!r}); sys.exit(1)"
    with pytest.raises(CourseError) as told:
        venv.run([sys.executable, "-c", fails])
    assert said in str(told.value) and advice in str(told.value) and AGAIN in str(told.value)


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
