"""Workers: functions in processes that can be killed."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from helpers import workers
from helpers.base.errors import CannotBeCarried, WorkerFailed
from helpers.workers import Worker, stop_all


def count(tell, stopping, start):
    import time

    n = start
    while not stopping():
        tell("counted", n)
        n += 1
        time.sleep(0.01)
    tell("goodbye")


def fails(tell, stopping):
    raise ValueError("no such flight")


def prints(tell, stopping):
    print("this goes to the log")
    tell("told")


def kills_itself(tell, stopping):
    import os
    import signal

    tell("before")
    os.kill(os.getpid(), signal.SIGKILL)
    tell("after")


def test_it_tells_and_stops_politely():
    before = time.perf_counter()
    with Worker(count, 5) as worker:
        worker.wait_for(lambda told: len(told) >= 3)
        worker.stop()
    assert [line[1:] for line in worker.told[:2]] == [("counted", 5), ("counted", 6)]
    assert worker.told[-1][1:] == ("goodbye",)
    assert before < worker.told[0][0] < worker.told[-1][0] < time.perf_counter()
    assert not worker.alive


def twice(n):
    return 2 * n


def tells_twice(tell, stopping, n):
    tell(twice(n))


NOTEBOOK = """
import threading
from collections import Counter
from helpers.base.errors import CannotBeCarried
from helpers.workers import Worker

FACTOR, lock = 2, threading.Lock()

def times(n):
    return FACTOR * n

def program(tell, stopping, n):
    tell(times(n), Counter("aa")["a"])

def locked(tell, stopping):
    with lock:
        tell("never")

def answers(orders):
    def program(tell, stopping):
        while not stopping():
            tell(*tell.orders.get())
    with Worker(program) as worker:
        for order in orders:
            worker.order(*order)
        worker.wait_for(lambda told: len(told) == len(orders))
    return [line[1:] for line in worker.told]

if __name__ == "__main__":
    for FACTOR in (2, 3):
        with Worker(program, 21) as worker:
            worker.join()
        print(worker.told[0][1:])
    for start in (lambda: Worker(locked), lambda: Worker(program, lock)):
        try:
            start()
        except CannotBeCarried as error:
            print(error)
    print(answers([["rate", 5], ["rate", 7.5]]))
"""


def test_it_takes_along_what_a_notebooks_function_uses_as_it_is_now(tmp_path):
    """As a program of its own: what cloudpickle carries by value is what stands in __main__."""
    program = tmp_path / "notebook.py"
    program.write_text(NOTEBOOK)
    said = subprocess.run(
        [sys.executable, program],
        env={"PYTHONPATH": str(Path(workers.__file__).parents[1]), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    lines = said.stdout.splitlines()
    assert lines[:2] == ["(42, 2)", "(63, 2)"], said.stderr
    assert lines[2].startswith("locked runs in a process of its own, and lock (lock) can't go")
    assert lines[3].startswith("program runs in a process of its own, and argument 1 (lock) can't")
    assert lines[4] == "[('rate', 5), ('rate', 7.5)]"


def test_a_killed_one_says_no_goodbye():
    with Worker(count, 0) as worker:
        worker.wait_for(lambda told: len(told) >= 3)
        at = worker.kill()
    assert all(line[1] == "counted" for line in worker.told)
    assert worker.told[-1][0] <= at
    assert not psutil.pid_exists(worker.pid)


def test_one_that_dies_is_told_of_once_to_all_who_ask():
    """Exit codes are read from a pipe; what one thread has read, another can't read again."""

    def die(_: int) -> int:
        with Worker(kills_itself) as worker:
            return worker.join()

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(die, range(40))) == {-9}


def test_one_that_kills_itself_told_all_before_and_nothing_after():
    worker = Worker(kills_itself)
    assert worker.join() == -9
    assert [line[1:] for line in worker.told] == [("before",)]


def test_its_error_is_told():
    worker = Worker(fails)
    with pytest.raises(WorkerFailed, match="no such flight"):
        worker.join()


def test_waiting_for_one_that_failed_tells_why():
    worker = Worker(fails)
    with pytest.raises(WorkerFailed, match="no such flight"):
        worker.wait_for(lambda told: False)


def test_what_it_prints_does_not_disturb_what_it_tells():
    worker = Worker(prints)
    worker.join()
    assert [line[1:] for line in worker.told] == [("told",)]


def test_arguments_that_can_not_be_carried_start_no_process():
    with pytest.raises(CannotBeCarried, match=r"argument 1 \(generator\)"):
        Worker(count, (n for n in "abc"))
    assert not workers._running


def test_the_end_of_the_block_ends_the_process():
    with Worker(count, 0) as worker:
        worker.wait_for(bool)
    assert not worker.alive


def test_kill_all_names_what_it_killed():
    worker = Worker(count, 0, name="the counter")
    worker.wait_for(bool)
    assert workers.kill_all() == ["the counter"]
    assert not worker.alive
    assert workers.kill_all() == []


def test_a_worker_does_not_outlive_its_notebook(tmp_path):
    program = tmp_path / "notebook.py"
    program.write_text(
        "import os, time\nfrom helpers.workers import Worker\n"
        "def idle(tell, stopping):\n    import time\n    tell('here')\n    time.sleep(60)\n"
        "if __name__ == '__main__':\n"
        "    worker = Worker(idle)\n    worker.wait_for(bool)\n"
        "    print(worker.pid, flush=True)\n    os.kill(os.getpid(), 9)\n"
    )
    root = Path(workers.__file__).parents[1]
    out = subprocess.run(
        [sys.executable, program],
        env={"PYTHONPATH": str(root), "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        timeout=30,
    ).stdout
    limit = time.monotonic() + 10
    while any(tmp_path.glob("pymp-*")):
        assert time.monotonic() < limit, "the folder of the server's socket is still there"
        time.sleep(0.02)
    while psutil.pid_exists(int(out)) and psutil.Process(int(out)).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < limit, "the worker still lives"
        time.sleep(0.02)


def test_one_can_be_started_after_the_namespace_was_reset(monkeypatch):
    monkeypatch.delattr(sys.modules["__main__"], "__spec__")  # as IPython's %reset does
    with Worker(tells_twice, 21) as worker:
        worker.join()
    assert worker.told[-1][1] == 42


def slow_to_end(tell, stopping, seconds):
    import time

    tell("ready")
    while not stopping():
        time.sleep(0.01)
    time.sleep(seconds)
    tell("ended")


def test_several_are_stopped_together():
    team = [Worker(slow_to_end, 1.0) for _ in range(3)]
    for worker in team:
        worker.wait_for(lambda told: told)
    begin = time.monotonic()
    stop_all(team)
    assert time.monotonic() - begin < 2.5
    assert [worker.told[-1][1] for worker in team] == ["ended"] * 3
