"""Functions of a notebook in processes of their own, so that they can be killed like any program.

A worker function stands in the notebook and takes two things first: ``tell(*values)``, by which it
tells the notebook what it did, and ``stopping()``, which is true once the notebook wants it to end.
The constants, imports and functions of the notebook that it uses go with it (cloudpickle), as they
are at that moment; what can't be carried is an open client, a file, a lock. Afterwards the two
share nothing. A worker ends with its notebook's kernel, whatever happens to that.
"""

import atexit
import contextlib
import inspect
import io
import json
import multiprocessing
import multiprocessing.util
import os
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from types import FunctionType

import cloudpickle

from . import clients
from .base.errors import CannotBeCarried, WorkerFailed
from .base.waiting import until

# Where the system can fork, workers come from a server process that has imported these already:
# half a second less for each.
METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
_processes = multiprocessing.get_context(METHOD)
_processes.set_forkserver_preload(["kafka", "psycopg", "helpers.experiment.program"])
STOP = b"stop"  # which is no JSON: an order is
FOLDER = "KAFKA_COURSE_FORKSERVER"  # tells the server in which folder its socket is
# A process's exit code can be read once; two threads that ask would get two answers.
_one_at_a_time = threading.Lock()
_running: "set[Worker]" = set()


class Worker:
    """A function of the notebook in a process of its own, from the moment at which this is made.

    `told` holds what the worker told so far: a tuple per call of tell, first the time (seconds on
    ``time.perf_counter``, which both processes share), then the values. As a context manager it
    makes sure that the process has ended afterwards. Raises CannotBeCarried, before there is a
    process, for a function or an argument that can't go into one.
    """

    def __init__(self, function: Callable, *args: object, name: str = ""):
        self.name = name or function.__name__
        self.told: list[tuple] = []
        order = carry(function, args)
        self._error = ""
        self._killed = False
        self._line, its_end = _processes.Pipe()
        self._process = _processes.Process(
            target=_work, args=(its_end, order), name=self.name, daemon=True
        )
        # %reset takes it away, and start() looks for it.
        vars(sys.modules["__main__"]).setdefault("__spec__", None)
        with _one_at_a_time:
            if METHOD == "forkserver":
                os.environ[FOLDER] = multiprocessing.util.get_temp_dir()
            self._process.start()
            os.environ.pop(FOLDER, None)
        its_end.close()  # the process has it
        _running.add(self)
        self._listener = threading.Thread(
            target=self._listen, name=f"worker-{self.name}", daemon=True
        )
        self._listener.start()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        if self.alive:
            self.kill()
        self._end(check=kind is None)

    @property
    def alive(self) -> bool:
        return self._exit_code() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_for(self, condition: Callable[[list[tuple]], bool], timeout: float = 20) -> None:
        """Returns when ``condition(told)`` is true.

        Raises WorkerFailed where the worker ends before, NotInTime after `timeout` s.
        """

        def told() -> bool:
            if condition(self.told):
                return True
            if not self._listener.is_alive() and not condition(self.told):
                self._end(check=True)
                raise WorkerFailed(
                    f"The worker {self.name} ended before it told what was waited for"
                )
            return False

        until(told, timeout, f"the worker {self.name} tells what is waited for", nap=0.005)

    def kill(self) -> float:
        """Ends the process at once, without a goodbye (SIGKILL).

        Returns when that was, in seconds on time.perf_counter.
        """
        self._killed = True
        self._process.kill()
        self._exit_code(wait_for=None)
        at = time.perf_counter()
        self._end(check=False)
        return at

    def stop(self, timeout: float = 20) -> None:
        """Asks the worker to end and waits for it.

        Raises WorkerFailed for its error, and kills it after `timeout` seconds.
        """
        stop_all([self], timeout)

    def join(self, timeout: float = 20) -> int:
        """Waits until the worker has ended; its exit code, negative for a signal.

        Raises as stop does.
        """
        if self._exit_code(wait_for=timeout) is None:
            self.kill()
            raise WorkerFailed(
                f"The worker {self.name} did not end within {timeout:.0f} s and was killed"
            )
        self._end(check=True)
        return self._exit_code()

    def _exit_code(self, wait_for: float | None = 0) -> int | None:
        """Of the process, or None while it runs.

        Waits up to `wait_for` seconds for its end (None: for ever).
        """
        wait([self._process.sentinel], wait_for)
        with _one_at_a_time:
            return self._process.exitcode

    def order(self, *values: object) -> None:
        """Tells the worker something (JSON): ``tell.orders.get()`` gives it there, as a list.

        Says nothing where it has ended by itself.
        """
        with contextlib.suppress(OSError):
            self._line.send_bytes(json.dumps(values).encode())

    def ask_to_end(self) -> None:
        """Makes ``stopping()`` true in the worker; waits for nothing."""
        with contextlib.suppress(OSError):
            self._line.send_bytes(STOP)

    def _listen(self) -> None:
        try:
            while True:
                match json.loads(self._line.recv_bytes()):
                    case str(error):
                        self._error = error
                    case list(told):
                        self.told.append(tuple(told))
        except (EOFError, OSError):
            pass  # it has ended; one that was killed may leave half a message

    def _end(self, check: bool) -> None:
        code = self._exit_code(wait_for=None)
        self._listener.join(timeout=10)
        self._line.close()
        if self in _running:
            _running.discard(self)
            # Negative: it was killed, by the notebook or by itself, which is no error but the
            # experiment.
            if check and not self._killed and code > 0:
                words = self._error or "it said nothing"
                raise WorkerFailed(f"The worker {self.name} ended with an error: {words}")


class _Line:
    """A worker's side of the line: what it tells, and what it is told.

    Made in the worker, where it stands for ``tell`` and for ``stopping``.
    """

    def __init__(self, line: Connection):
        self._line, self._lock, self._stop = line, threading.Lock(), threading.Event()
        self.orders: SimpleQueue[list] = SimpleQueue()
        self.stopping = self._stop.is_set
        threading.Thread(target=self._listen, daemon=True).start()

    def __call__(self, *values: object) -> None:
        self.send([time.perf_counter(), *values])

    def send(self, value: object) -> None:
        with self._lock:
            self._line.send_bytes(json.dumps(value).encode())

    def _listen(self) -> None:
        try:
            while True:
                if (said := self._line.recv_bytes()) == STOP:
                    self._stop.set()
                else:
                    self.orders.put(json.loads(said))
        except (EOFError, OSError):
            os._exit(1)  # the notebook is gone


def _work(line: Connection, order: bytes) -> None:
    """What a worker process does: the function of the order.

    What that prints is told only together with its error.
    """
    sys.stdout = sys.stderr = printed = io.StringIO()
    tell = _Line(line)
    clients.let_producers_wait()
    try:
        function, args = cloudpickle.loads(order)
        function(tell, tell.stopping, *args)
    except Exception:
        tell.send((printed.getvalue() + traceback.format_exc()).strip())
        sys.exit(1)


def carry(function: Callable, args: tuple) -> bytes:
    """The function, with what it uses, as bytes for another process.

    Raises CannotBeCarried, which names what can't go.
    """
    try:
        return cloudpickle.dumps((function, args))
    except Exception as error:
        used = {f"argument {n + 1}": value for n, value in enumerate(args)}
        culprit = _not_carried(used | _used_by(function))
        raise CannotBeCarried(
            f"{function.__name__} runs in a process of its own, and {culprit} can't go there "
            f"({error}). Make it inside of {function.__name__}: a client, a file or a lock "
            "belongs to one process"
        ) from None


def _used_by(function: Callable, seen: frozenset = frozenset()) -> dict[str, object]:
    """What a function takes from around it, by name; that of the notebook's functions it calls."""
    if not isinstance(function, FunctionType) or function in seen:
        return {}
    names = inspect.getclosurevars(function)
    used = {**names.globals, **names.nonlocals}
    for value in list(used.values()):
        if getattr(value, "__module__", "") == "__main__":
            used |= _used_by(value, seen | {function})
    return used


def _not_carried(used: dict[str, object]) -> str:
    for name, value in used.items():
        if isinstance(value, FunctionType):
            continue  # what it uses stands in the list, too
        try:
            cloudpickle.dumps(value)
        except Exception:
            return f"{name} ({type(value).__name__})"
    return "something that it uses"


def stop_all(workers: Iterable[Worker], timeout: float = 20) -> None:
    """Asks all of them to end, then waits for each; takes as long as the slowest.

    Raises as Worker.stop does.
    """
    workers = list(workers)
    for worker in workers:
        worker.ask_to_end()
    for worker in workers:
        worker.join(timeout)


def kill_all() -> list[str]:
    """Kills the workers that still run in this kernel; their names."""
    left = [worker for worker in list(_running) if worker.alive]
    for worker in left:
        worker.kill()
    return [worker.name for worker in left]


def _leave_nothing(folder: str, server: int) -> None:
    if os.getpid() == server:
        shutil.rmtree(folder, ignore_errors=True)


# In the server: it sees its notebook's end, even a kill, after which nobody else would delete the
# folder.
if FOLDER in os.environ:
    os.setpgrp()  # Jupyter kills a kernel's whole process group
    atexit.register(_leave_nothing, os.environ.pop(FOLDER), os.getpid())
