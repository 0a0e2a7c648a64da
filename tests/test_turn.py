"""Turns: who works with the brokers, and whom the others wait for."""

import contextlib
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from helpers.base import places
from helpers.base.errors import StillAtWork
from helpers.cluster import turns as house
from helpers.cluster.turn import Turns

HOLDER = """
import sys
from pathlib import Path
from helpers.cluster.turn import Turns
turns = Turns(Path(sys.argv[1]))
turns.who = "Lesson 3"
turns.take("one of its cells runs")
turns.take("it has taken broker 2 away")
turns.give_back("one of its cells runs")
print("taken", flush=True)
sys.stdin.readline()
turns.give_back("it has taken broker 2 away")
print("given back", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process, which has its turn until it reads a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path],
        cwd=places.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "taken\n"
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def turns(tmp_path, monkeypatch):
    monkeypatch.delenv(places.UNATTENDED, raising=False)
    return Turns(tmp_path)


def after_a_while(act) -> threading.Thread:
    thread = threading.Thread(target=lambda: (time.sleep(1), act()))
    thread.start()
    return thread


def test_a_turn_is_waited_for_and_said_to_be(holder, turns, capsys):
    def go_on():
        holder.stdin.write("\n")
        holder.stdin.flush()

    thread = after_a_while(go_on)
    with turns.turn("a test runs"):
        assert holder.stdout.readline() == "given back\n"
    thread.join()
    said = capsys.readouterr().out
    assert said.startswith(f"Lesson 3 (process {holder.pid}) has the brokers to itself since ")
    assert said.endswith(": it has taken broker 2 away. This waits until it is done.\n")


def test_a_turn_ends_with_its_process(holder, turns):
    thread = after_a_while(holder.kill)
    turns.take("a test runs")
    thread.join()
    turns.give_back("a test runs")


def test_nobody_waits_for_ever(holder, turns, monkeypatch):
    monkeypatch.setattr("helpers.cluster.turn.PATIENCE", 0.5)
    with pytest.raises(StillAtWork, match=r"^Lesson 3 .* End its work there"):
        turns.take("a test runs")
    holder.kill()
    turns.take("it can be asked again")
    turns.give_back("it can be asked again")


def test_a_process_does_not_wait_for_itself(turns, tmp_path):
    for reason in ("one", "two", "two"):
        turns.take(reason)
    turns.give_back("one")
    assert (tmp_path / "turn.json").exists()
    turns.give_back("two", "three")
    assert not (tmp_path / "turn.json").exists()


def test_a_lock_without_a_word_of_its_holder_is_no_error(holder, turns, tmp_path, capsys):
    (tmp_path / "turn.json").write_text("{")
    thread = after_a_while(holder.kill)
    with turns.turn("a test runs"):
        assert capsys.readouterr().out.startswith("Another run has the brokers to itself.")
    thread.join()


# Cells of a notebook without a kernel around it: each line of standard input is one.
NOTEBOOK = """
import signal
import sys
from IPython.core.interactiveshell import InteractiveShell
signal.signal(signal.SIGINT, signal.default_int_handler)  # as a kernel has it, however it was begun
shell = InteractiveShell.instance()
shell.run_cell("from helpers.lesson import cells; cells.one_at_a_time()")
print("started", flush=True)
for line in sys.stdin:
    result = shell.run_cell(line)
    print(f"result {type(result.error_before_exec).__name__} {result.result}", flush=True)
"""


@contextlib.contextmanager
def notebook():
    """A process that runs cells, and a way to hand it one."""
    process = subprocess.Popen(
        [sys.executable, "-c", NOTEBOOK],
        cwd=places.ROOT,
        env=places.environment() | {places.UNATTENDED: "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    said(process, "started")
    yield process
    process.kill()
    process.communicate()


def hand_in(process, cell: str) -> None:
    process.stdin.write(cell + "\n")
    process.stdin.flush()


def said(process, beginning: str) -> str:
    """The rest of the next line that begins so."""
    return next(line for line in process.stdout if line.startswith(beginning)).strip()


def test_cells_of_two_notebooks_run_one_after_the_other():
    slow = "import time; begin = time.time(); time.sleep(1); (begin, time.time())"
    with notebook() as one, notebook() as other:
        for process in (one, other):
            hand_in(process, slow)
        times = [re.findall(r"\d+\.\d+", said(process, "result")) for process in (one, other)]
    first, second = sorted([float(time) for time in pair] for pair in times)
    assert second[0] >= first[1]


def test_a_cell_that_is_interrupted_while_it_waits_does_not_run():
    with notebook() as process:
        with house.turn("a test runs"):
            hand_in(process, "ran = 1")
            time.sleep(1)  # in which it would have run
            process.send_signal(signal.SIGINT)
            assert said(process, "result") == "result InputRejected None"
        hand_in(process, "'ran' in globals()")
        assert said(process, "result") == "result NoneType False"
