"""Which runs of a lesson are alive: records of living, dead and foreign processes."""

import json
import os
import subprocess
import sys

import psutil
import pytest

from helpers.lesson import runs


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "FOLDER", tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def stranger():
    """A process that is not this one."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    yield psutil.Process(process.pid)
    process.kill()
    process.wait()


def write(folder, name, record):
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(record if isinstance(record, str) else json.dumps(record))


def test_a_run_of_this_process_is_none_of_the_others(folder):
    runs.begin(2, "abc123")
    assert json.loads((folder / "02-abc123.json").read_text())["pid"] == os.getpid()
    assert runs.others(2) == []
    runs.end(2, "abc123")
    assert list(folder.iterdir()) == []


def test_run_all_again_in_one_kernel_ends_the_earlier_run(folder):
    runs.begin(2, "first1")
    runs.begin(2, "second")
    runs.begin(3, "other1")
    assert sorted(file.stem for file in folder.iterdir()) == ["02-second", "03-other1"]


def test_a_run_of_another_process_counts_while_that_lives(folder, stranger):
    record = {"pid": stranger.pid, "created": stranger.create_time(), "since": "14:03"}
    write(folder, "02-abc123", record)
    assert runs.others(2) == [runs.Run("abc123", stranger.pid, "14:03")]
    assert runs.others(3) == []
    stranger.kill()
    psutil.wait_procs([stranger])
    assert runs.others(2) == []
    assert list(folder.iterdir()) == []


def test_a_process_id_that_was_given_away_again_is_no_run(folder, stranger):
    write(folder, "02-abc123", {"pid": stranger.pid, "created": stranger.create_time() - 60})
    assert runs.others(2) == []


@pytest.mark.parametrize("record", ["", "{", "[]", "{}", '{"pid": "x", "created": 0}'])
def test_a_damaged_record_is_no_run(folder, record):
    write(folder, "02-abc123", record)
    assert runs.others(2) == []
    assert list(folder.iterdir()) == []
