"""Runs all notebooks many times, and says what failed and what was left behind: make soak

    N=20        rounds; in each, every notebook runs once, in an order of its own
    AT_ONCE=1   notebooks at a time, each on a cluster of its own in a temporary clone. One alone
                has busy loops beside it, as many as there are cores
    BREAK=1     in the middle of each run, one broker, all brokers, PostgreSQL or the kernel is
                killed. Then the cluster is started again, and the notebook must pass
    ONLY=06,15  only these lessons
    SEED=…      the same orders and moments again

It ends with 1 where a run failed or left something behind. Ctrl+C ends it with a report so far.
"""

import argparse
import multiprocessing
import os
import queue
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from xml.etree import ElementTree

import nbformat
import psutil
from kafka.errors import KafkaError

from helpers import clients, notebooks
from helpers.base import places

from clones import Clone

FAULTS = ("one broker", "all brokers", "postgres", "the kernel")
BROKERS = ("kafka-1", "kafka-2", "kafka-3")
LONGEST = 40.0  # seconds into a run at which something may happen, where none has been timed yet
GIVEN_UP = (
    180.0  # seconds after a fault; a run that has not ended then is closed, as a learner would
)


@dataclass
class Run:
    """What became of one run of a notebook."""

    lesson: str
    fault: str = ""
    seconds: float = 0.0
    cells: dict[str, float] = field(default_factory=dict)  # seconds
    failed: dict[str, str] = field(default_factory=dict)  # cell -> the error's last line
    left: list[str] = field(default_factory=list)
    memory: float = 0.0  # MB, of controller and brokers
    data: float = 0.0  # MB, in the folder .cluster

    @property
    def passed(self) -> bool:
        return bool(self.cells) and not self.failed

    def line(self) -> str:
        words = "passed" if self.passed else f"FAILED at {', '.join(self.failed) or 'its start'}"
        return (
            f"{self.lesson} {words} in {self.seconds:.0f} s"
            + (f" after {self.fault} died" if self.fault else "")
            + (f"; left behind: {', '.join(self.left)}" if self.left else "")
        )


class Soak:
    """The runs that are to come, and those that were."""

    def __init__(self, folder: Path, breaks: bool, only: str, seed: int):
        self.runs: list[Run] = []
        self._folder, self._breaks = folder, breaks
        self._paths = [
            path for path in notebooks.all_notebooks() if path.stem[:2] in (only or path.stem)
        ]
        self._random = random.Random(seed)
        self._waiting: queue.Queue[tuple[Path, str]] = queue.Queue()
        self._guard = threading.Lock()
        self.over = threading.Event()

    def plan(self, rounds: int) -> None:
        """So many rounds over all notebooks; with `breaks`, no notebook meets a fault again before
        it has met the others.
        """
        paths = self._paths
        faults = {path: self._random.sample(FAULTS, len(FAULTS)) for path in paths}
        for number in range(rounds):
            for path in self._random.sample(paths, len(paths)):
                self._waiting.put((path, faults[path][number % len(FAULTS)]))

    def work(self, number: int) -> None:
        """Runs notebooks on a cluster of its own, until none waits."""
        clone = Clone(self._folder / f"clone-{number}", places.cache())
        try:
            started = clone.run("up")
            assert started.returncode == 0, started.stdout + started.stderr
            while not self.over.is_set():
                try:
                    path, fault = self._waiting.get_nowait()
                except queue.Empty:
                    return
                run = self._broken(clone, path, fault) if self._breaks else self._run(clone, path)
                with self._guard:
                    self.runs.append(run)
                    print(f"{len(self.runs):>4}  {run.line()}", flush=True)
        finally:
            clone.close()

    def _broken(self, clone: Clone, path: Path, fault: str) -> Run:
        """A run in which something dies; what becomes of the next one."""
        with self._guard:
            known = [run.seconds for run in self.runs if run.lesson == path.stem[:2]]
            moment = self._random.uniform(1.0, median(known) if known else LONGEST)
        process = self._popen(clone, path, "-x")
        with suppress(subprocess.TimeoutExpired):
            process.wait(moment)
        if process.poll() is None:
            kill(clone, process, fault, self._random.choice(BROKERS))
        try:
            process.wait(GIVEN_UP)
        except subprocess.TimeoutExpired:
            end = psutil.Process(process.pid)
            for each in [*end.children(recursive=True), end]:
                each.kill()
            fault += " (and the run did not end)"
        process.wait()
        up = clone.run("up")
        run = self._run(clone, path)
        run.fault = f"{fault} at {moment:.1f} s"
        if up.returncode:
            run.failed["kafka-up"] = last_line(up.stdout + up.stderr)
        return run

    def _run(self, clone: Clone, path: Path) -> Run:
        run = Run(path.stem[:2])
        begin = time.monotonic()
        process = self._popen(clone, path)
        process.wait()
        run.seconds = time.monotonic() - begin
        code = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
        results = clone.folder / "soak.xml"  # none where it was killed
        for case in ElementTree.parse(results).iter("testcase") if results.exists() else ():
            name = code[int(case.get("name").split()[-1])].id
            run.cells[name] = float(case.get("time"))
            for failure in (*case.iter("failure"), *case.iter("error")):
                run.failed[name] = last_line(failure.text or failure.get("message"))
        if not run.passed:
            kept = self._folder.parent / f"soak-{len(self.runs):04d}-{run.lesson}.log"
            kept.write_bytes((clone.folder / "soak.log").read_bytes())
            run.failed = {cell: f"{why} ({kept})" for cell, why in run.failed.items()}
        run.left = left_behind(clone, run.lesson)
        run.memory = clone.memory() / 1e6
        run.data = sum(f.stat().st_size for f in clone.data.rglob("*") if f.is_file()) / 1e6
        return run

    @staticmethod
    def _popen(clone: Clone, path: Path, *options: str) -> subprocess.Popen:
        (clone.folder / "soak.xml").unlink(missing_ok=True)
        options = ("--junitxml=soak.xml", *options)
        notebook = f"notebooks/{path.name}"
        env = {"PYTEST_ADDOPTS": " ".join(options)}
        with open(clone.folder / "soak.log", "wb") as log:
            return clone.logged(log, "test", notebook, module="notebooks", **env)


def kill(clone: Clone, process: subprocess.Popen, fault: str, broker: str) -> None:
    """Ends at once (SIGKILL) what the fault says, as far as it is there at this moment."""
    if fault == "the kernel":
        kernels = psutil.Process(process.pid).children(recursive=True)
        victims = [each for each in kernels if "ipykernel_launcher" in " ".join(each.cmdline())]
    else:
        names = {
            "one broker": [broker],
            "all brokers": BROKERS,
            "postgres": ["postgres"],
        }[fault]
        pids = clone.pids()
        victims = [psutil.Process(pids[name]) for name in names if name in pids]
    for each in victims:
        each.kill()


def left_behind(clone: Clone, lesson: str) -> list[str]:
    """What is still there of a lesson that has cleaned up: processes, topics, groups, files."""
    found = [f"process {each.pid}" for each in clone.strangers()]
    try:
        with clients.new_admin(clone.bootstrap_servers) as admin:
            found += [f"topic {name}" for name in admin.list_topics()]
            found += [f"group {group['group_id']}" for group in admin.list_groups()]
    except KafkaError as error:  # of a run that failed
        found.append(f"process that does not answer: {error}")
    found = [what for what in found if f" lesson-{lesson}-" in what or what.startswith("process")]
    scratch = clone.folder / places.SCRATCH.name
    return found + [f"file {path.name}" for path in scratch.glob(f"lesson-{lesson}-*")]


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line or "Failed" in line]
    return (errors or lines or ["it said nothing"])[-1][:200]


def report(runs: list[Run]) -> bool:
    """Prints the tables; whether all is well."""
    print(f"\n{len(runs)} runs, {sum(run.passed for run in runs)} passed\n")
    if not runs:
        return False
    print("lesson   runs  passed   median s  slowest s   slowest cell")
    for lesson in sorted({run.lesson for run in runs}):
        own = [run for run in runs if run.lesson == lesson]
        seconds = [run.seconds for run in own]
        cells = [(took, cell) for run in own for cell, took in run.cells.items()]
        took, cell = max(cells, default=(0.0, "–"))
        passed = sum(run.passed for run in own)
        print(
            f"{lesson:<8} {len(own):>4}  {passed:>6} {median(seconds):>10.0f} {max(seconds):>10.0f}"
            f"   {cell} {took:.1f} s"
        )
    failed = Counter((run.lesson, cell) for run in runs for cell in run.failed or ())
    for (lesson, cell), count in failed.most_common():
        print(f"\n{lesson}, cell {cell}: failed {count} times")
        for run in runs:
            if run.lesson == lesson and cell in run.failed:
                print(f"    {run.failed[cell]}{run.fault and f' after {run.fault}'}")
    if faults := Counter(run.fault.split(" at ")[0] for run in runs if run.fault):
        print("\nwhat died:", ", ".join(f"{name} {count}" for name, count in faults.items()))
    left = [run for run in runs if run.left]
    print(f"\nleft something behind: {len(left)} runs")
    for run in left:
        print(f"    {run.line()}")
    for what, unit in (("memory", "MB of controller and brokers"), ("data", "MB in .cluster")):
        values = [getattr(run, what) for run in runs]
        tenth = max(1, len(values) // 10)
        first, last = median(values[:tenth]), median(values[-tenth:])
        print(f"{what}: {first:.0f} {unit} in the first tenth of the runs, {last:.0f} in the last")
    return all(run.passed and not run.left for run in runs)


def busy() -> None:
    """Takes a core."""
    while True:
        pass


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, usage=argparse.SUPPRESS)
    parser.add_argument("rounds", type=int)
    parser.add_argument("at_once", type=int)
    parser.add_argument("breaks", type=int)
    parser.add_argument("--only", default="")
    parser.add_argument("seed", type=int, nargs="?", default=int(time.time()))
    told = parser.parse_args()
    print(f"SEED={told.seed}: {told.rounds} rounds, {told.at_once} at once", flush=True)
    load = os.cpu_count() if told.at_once == 1 else 0
    loops = [multiprocessing.Process(target=busy, daemon=True) for _ in range(load)]
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        soak = Soak(Path(name), bool(told.breaks), told.only, told.seed)
        soak.plan(told.rounds)
        workers = [threading.Thread(target=soak.work, args=(n,)) for n in range(told.at_once)]
        for each in (*loops, *workers):
            each.start()
        try:
            for worker in workers:
                worker.join()
        except KeyboardInterrupt:
            print("\nEnds with the runs that are under way …", flush=True)
            soak.over.set()
            for worker in workers:
                worker.join()
        finally:
            for each in loops:
                each.kill()
    return 0 if report(soak.runs) else 1


if __name__ == "__main__":
    sys.exit(main())
