"""Processes that outlive the command that started them, found again safely.

A process id alone is no proof: after a crash the system gives it to somebody else. So each record
holds the process's start time too, and a process is signalled only when both fit.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil

from ..base.errors import ClusterError, NotInTime
from ..base.waiting import until

CLOCK_SLACK = 2.0  # seconds by which a start time may differ: the kernel's boot time is rounded
LOG_LIMIT = 20_000_000  # bytes; a log that has grown over it starts anew with its process


def identity(pid: int) -> dict[str, float]:
    """What a process is known by, also after a crash. Raises psutil.NoSuchProcess."""
    return {"pid": pid, "created": psutil.Process(pid).create_time()}


def known_again(record: object) -> psutil.Process | None:
    """The running process of an `identity`; None where it ended, or its id is somebody else's."""
    try:
        process = psutil.Process(record["pid"])
        if abs(process.create_time() - record["created"]) > CLOCK_SLACK:
            return None
        return None if _is_zombie(process) else process
    except (ValueError, KeyError, TypeError, psutil.Error):
        return None


class Child:
    """One process, known by the folder with its record (``process.json``) and output (``log``)."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.log = folder / "log"
        self._record = folder / "process.json"

    def start(self, command: list[str], env: dict[str, str], cwd: Path | None = None) -> None:
        """Starts `command`, detached from this terminal, with its output going to the log.

        Raises OSError where the command can't be started or the folder can't be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        mode = "wb" if self.log.exists() and self.log.stat().st_size > LOG_LIMIT else "ab"
        with open(self.log, mode) as log:
            process = subprocess.Popen(
                command,
                cwd=cwd or self.folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                **detached(),
            )
        temporary = self._record.with_suffix(".new")
        temporary.write_text(json.dumps(identity(process.pid)))
        os.replace(temporary, self._record)
        # Not our child any more: without this, Python warns that the process is still running.
        process.returncode = 0

    def process(self) -> psutil.Process | None:
        """The running process; None where it has ended or its id is somebody else's by now."""
        try:
            return known_again(json.loads(self._record.read_text()))
        except (OSError, ValueError):
            return None

    def state(self) -> str:
        """``running``, ``paused`` or ``stopped``."""
        process = self.process()
        if process is None:
            return "stopped"
        return "paused" if process.status() == psutil.STATUS_STOPPED else "running"

    def kill(self) -> None:
        """Ends the process at once (SIGKILL), with those it started; nothing where none runs."""
        process = self.process()
        if process is None:
            return
        try:
            family = [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        _wait_for_end(family, timeout=10)

    def stop(self, timeout: float = 20.0, request: int = signal.SIGTERM) -> None:
        """Asks the process to end, and kills it after `timeout` seconds; nothing where none runs.

        `request` is the signal that asks.
        """
        process = self.process()
        if process is None:
            return
        try:
            process.resume()  # a paused process would not hear the request
            process.send_signal(request)
        except psutil.NoSuchProcess:
            return
        if not _wait_for_end([process], timeout):
            self.kill()

    def wait_for_port(self, port: int, timeout: float = 30.0) -> None:
        """Returns when somebody listens at the port of this machine.

        Raises ClusterError where the process ends before, or NotInTime.
        """

        def listens() -> bool:
            if self.process() is None:
                raise ClusterError(
                    f"{self.folder.name} ended while it started: {self.tail(1)}\n"
                    f"Its log: {self.log}"
                )
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return True
            except OSError:
                return False

        until(listens, timeout, f"{self.folder.name} answers at port {port}. Its log: {self.log}")

    def tail(self, lines: int) -> str:
        """The last `lines` lines of the log."""
        try:
            with open(self.log, "rb") as log:
                log.seek(max(0, self.log.stat().st_size - 400 * lines))
                return b"\n".join(log.read().splitlines()[-lines:]).decode("utf-8", "replace")
        except OSError:
            return ""


def _wait_for_end(family: list[psutil.Process], timeout: float) -> bool:
    """True as soon as all have ended, False where some have not within `timeout` seconds."""
    try:
        return until(
            lambda: not any(_is_alive(member) for member in family), timeout, "they have ended"
        )
    except NotInTime:
        return False


def _is_alive(process: psutil.Process) -> bool:
    try:
        try:
            process.wait(0)
            return False
        except psutil.TimeoutExpired:
            return not _is_zombie(process)
    except psutil.NoSuchProcess:
        return False


def _is_zombie(process: psutil.Process) -> bool:
    # A zombie has ended; in a container its parent may take long to notice, or never do. But a
    # killed process is shown as a zombie as soon as its first thread has ended; until the last one
    # has, its ports and files are still open.
    return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1


def detached() -> dict:
    """Arguments for subprocess: the child survives a closed terminal, and Ctrl-C in it."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
