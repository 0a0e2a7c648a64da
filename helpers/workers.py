"""Functions of a notebook that run in processes of their own, so that they can be killed like any program.

A worker function stands in the notebook and takes two things first: ``tell(*values)``, by which it tells the notebook what it
did, and ``stopping()``, which is true once the notebook wants it to end. Its other arguments must be JSON. It shares nothing with
the notebook, so it brings its own imports. A worker ends with its notebook's kernel, whatever happens to that.
"""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterable

# What a worker process runs. Its standard output belongs to tell; what the function prints goes to its log.
PROGRAM = """
import json, os, sys, threading, time
order = json.loads(sys.stdin.readline())
out, sys.stdout = os.fdopen(os.dup(1), "w", buffering=1), sys.stderr
os.dup2(2, 1)
stop, lock = threading.Event(), threading.Lock()
def listen():
    if sys.stdin.readline():
        stop.set()
        sys.stdin.readline()
    os._exit(1)  # the notebook is gone
threading.Thread(target=listen, daemon=True).start()
def tell(*values):
    with lock:
        out.write(json.dumps([time.perf_counter(), *values]) + "\\n")
space = {}
exec(compile(order["source"], "worker", "exec"), space)
space[order["function"]](tell, stop.is_set, *order["args"])
"""
_running: set[Worker] = set()


class WorkerFailed(RuntimeError):
    """A worker ended with an error of its own."""


class Worker:
    """A function of the notebook in a process of its own, from the moment at which this is made.

    `told` holds what the worker told so far: a tuple per call of tell, first the time (seconds on ``time.perf_counter``, which
    both processes share), then the values. `uses`: other functions of the notebook that this one calls.
    As a context manager it makes sure that the process has ended afterwards.
    """

    def __init__(self, function: Callable, *args: object, name: str = "", uses: Iterable[Callable] = ()):
        self.name = name or function.__name__
        self.told: list[tuple] = []
        source = "\n".join(textwrap.dedent(inspect.getsource(part)) for part in (*uses, function))
        order = {"source": source, "function": function.__name__, "args": args}
        line = json.dumps(order) + "\n"  # raises TypeError for what is not JSON, before there is a process
        self._log = tempfile.TemporaryFile()
        self._killed = False
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True, bufsize=1
        )
        _running.add(self)
        self._listener = threading.Thread(target=self._listen, name=f"worker-{self.name}", daemon=True)
        self._listener.start()
        self._process.stdin.write(line)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        if self.alive:
            self.kill()
        self._end(check=kind is None)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_for(self, condition: Callable[[list[tuple]], bool], timeout: float = 20) -> None:
        """Returns when ``condition(told)`` is true. Raises WorkerFailed where the worker ends before, TimeoutError after `timeout` s."""
        limit = time.monotonic() + timeout
        while not condition(self.told):
            if not self._listener.is_alive() and not condition(self.told):
                self._end(check=True)
                raise WorkerFailed(f"The worker {self.name} ended before it told what was waited for")
            if time.monotonic() > limit:
                raise TimeoutError(f"The worker {self.name} did not tell within {timeout:.0f} s what was waited for")
            time.sleep(0.005)

    def kill(self) -> float:
        """Ends the process at once, without a goodbye (SIGKILL). Returns when that was, in seconds on time.perf_counter."""
        self._killed = True
        self._process.kill()
        self._process.wait()
        at = time.perf_counter()
        self._end(check=False)
        return at

    def stop(self, timeout: float = 20) -> None:
        """Asks the worker to end and waits for it. Raises WorkerFailed for its error, and kills it after `timeout` seconds."""
        stop_all([self], timeout)

    def join(self, timeout: float = 20) -> int:
        """Waits until the worker has ended; its exit code, negative for a signal. Raises as stop does."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise WorkerFailed(f"The worker {self.name} did not end within {timeout:.0f} s and was killed") from None
        self._end(check=True)
        return self._process.returncode

    def _ask_to_end(self) -> None:
        try:
            self._process.stdin.write("stop\n")
        except (OSError, ValueError):
            pass  # it has ended by itself

    def _listen(self) -> None:
        for line in self._process.stdout:
            if line.endswith("\n"):  # a killed worker may leave half a line
                self.told.append(tuple(json.loads(line)))

    def _end(self, check: bool) -> None:
        self._process.wait()
        self._listener.join(timeout=10)
        for stream in (self._process.stdin, self._process.stdout):
            try:
                stream.close()
            except OSError:
                pass  # the pipe is broken, as its reader is dead
        _running.discard(self)
        if not self._log.closed:
            self._log.seek(0)
            errors = self._log.read().decode(errors="replace").strip()
            self._log.close()
            # Negative: it was killed, by the notebook or by itself, which is no error but the experiment.
            if check and not self._killed and self._process.returncode > 0:
                raise WorkerFailed(f"The worker {self.name} ended with an error: {errors or 'it said nothing'}")


def stop_all(workers: Iterable[Worker], timeout: float = 20) -> None:
    """Asks all of them to end, then waits for each; takes as long as the slowest. Raises as Worker.stop does."""
    workers = list(workers)
    for worker in workers:
        worker._ask_to_end()
    for worker in workers:
        worker.join(timeout)


def kill_all() -> list[str]:
    """Kills the workers that still run in this kernel; their names."""
    left = [worker for worker in list(_running) if worker.alive]
    for worker in left:
        worker.kill()
    return [worker.name for worker in left]
