"""The process runner: the compose file's services as plain processes on this machine, for whoever has no Docker."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from . import cache, compose, jars, java, postgres
from .children import Child
from .compose import Service
from .errors import ClusterError

ROOT = compose.FILE.parent
DATA = ROOT / ".cluster"
CONFIGS = Path(__file__).with_name("kafka-config")
DISK_NEEDED = 500_000_000  # bytes free before anything is started


class ProcessRunner:
    """Starts, stops and disturbs the services as processes. A service is named as in the compose file."""

    name = "processes"

    def __init__(self, services: dict[str, Service], folder: Path = DATA):
        self.services = services
        self.folder = folder
        self.children = {name: Child(folder / name) for name in services}

    def states(self) -> dict[str, str]:
        """Service -> ``running``, ``paused`` or ``stopped``."""
        return {name: child.state() for name, child in self.children.items()}

    def check(self, names: list[str]) -> None:
        """Raises ClusterError (or DownloadError, CacheError) where the named services can't be started here."""
        check_folder(self.folder)
        for name in names:
            service = self.services[name]
            for port in _ports(service):
                _check_port(port, service)
            if service.is_kafka:
                self._check_cluster_id(service)
        java.command({})

    def start(self, names: list[str]) -> None:
        """Starts those of the named services that are stopped, all at once; returns when their processes exist."""
        stopped = [name for name in names if self.children[name].process() is None]
        with ThreadPoolExecutor(len(names) or 1) as pool:
            list(pool.map(self._start, stopped))

    def stop(self, names: list[str]) -> None:
        """Ends the named services in good order: the controller last, since brokers say goodbye to it."""
        last = [name for name in names if self.services[name].is_kafka and not self.services[name].is_broker]
        first = [name for name in names if name not in last]
        for group in (first, last):
            with ThreadPoolExecutor(len(group) or 1) as pool:
                list(pool.map(self._stop, group))

    def forget(self) -> None:
        """Deletes all data of the services, which must have ended."""
        for name in self.services:
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def kill(self, name: str) -> None:
        """SIGKILL."""
        self.children[name].kill()

    def pause(self, name: str) -> None:
        """SIGSTOP: the process lives, but does nothing. Returns when it has come to a halt."""
        process = self._running(name)
        process.suspend()
        end = time.monotonic() + 5
        while process.status() != psutil.STATUS_STOPPED and time.monotonic() < end:
            time.sleep(0.01)

    def resume(self, name: str) -> None:
        """SIGCONT."""
        self._running(name).resume()

    def log(self, name: str, lines: int) -> str:
        """The last lines that the service wrote."""
        return self.children[name].tail(lines)

    def where_log(self, name: str) -> str:
        """Where to read the whole log."""
        return str(self.children[name].log)

    def memory(self) -> dict[str, int]:
        """Resident bytes of each running service."""
        found = {name: child.process() for name, child in self.children.items()}
        return {name: process.memory_info().rss for name, process in found.items() if process}

    def starts_fast(self) -> bool:
        """True where the ahead-of-time cache for this Java, these jars and flags is there."""
        return java.aot_cache(self._broker_environment()).exists()

    def learn_to_start_fast(self) -> None:
        """Trains the ahead-of-time cache (about 10 s).

        A node of its own is started for it in a folder that is deleted afterwards, so no data of the course is touched.
        Raises ClusterError where that node does not start.
        """
        folder = self.folder / "training"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            _train(self._broker_environment(), folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _broker_environment(self) -> dict[str, str]:
        return next(service.environment for service in self.services.values() if service.is_broker)

    def _start(self, name: str) -> None:
        service = self.services[name]
        try:
            if service.is_kafka:
                self._start_kafka(service)
            elif _is_postgres(service):
                self._start_postgres(service)
            else:
                self._start_ui(service)
        except OSError as error:
            raise ClusterError(
                f"{name} can't be started ({error}).\n"
                f"Make room or give yourself the right to write in {self.folder}, then: make kafka-up"
            ) from error

    def _stop(self, name: str) -> None:
        if _is_postgres(self.services[name]):
            self.children[name].stop(request=postgres.STOP_SIGNAL)
        else:
            self.children[name].stop()

    def _start_kafka(self, service: Service) -> None:
        child = self.children[service.name]
        environment = self._localised(service)
        folder = child.folder
        _set_up_kafka(environment, folder)
        command = java.command(
            environment, f"-Dcourse.service={service.name}", "-Dlog4j2.configurationFile=config/log4j2.yaml",
            "kafka.Kafka", "config/server.properties",
        )  # fmt: skip
        child.start(command, java.environment(), cwd=folder)

    def _start_postgres(self, service: Service) -> None:
        child = self.children[service.name]
        user, password, database = (service.environment[f"POSTGRES_{key}"] for key in ("USER", "PASSWORD", "DB"))
        data = child.folder / "data"
        postgres.initialise(data, user, password)
        postgres.bury(data)
        child.start(postgres.server(data, service.port), cache.environment())
        _wait_for_port(service.port, child)
        postgres.create_database(service.port, user, password, database)

    def _start_ui(self, service: Service) -> None:
        bootstrap = self._localised(service)["KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS"]
        title = service.environment["KAFKA_CLUSTERS_0_NAME"]
        command = [sys.executable, "-m", "helpers.ui", bootstrap, str(service.port), title]
        self.children[service.name].start(command, {**cache.environment(), "PYTHONPATH": str(ROOT)})

    def _localised(self, service: Service) -> dict[str, str]:
        """The service's environment, with this machine in place of the containers' names and folders."""
        hosts = re.compile(r"(?<![\w.-])(%s|0\.0\.0\.0)(?=:\d)" % "|".join(map(re.escape, self.services)))
        environment = {key: hosts.sub("localhost", value) for key, value in service.environment.items()}
        for inside in service.volumes:
            environment = {key: value.replace(inside, "data") for key, value in environment.items()}
        return environment

    def _check_cluster_id(self, service: Service) -> None:
        properties = self.children[service.name].folder / "data" / "meta.properties"
        wanted = service.environment["CLUSTER_ID"]
        found = re.search(r"^cluster\.id=(.*)$", properties.read_text(), re.M) if properties.exists() else None
        if found and found[1].strip() != wanted:
            raise ClusterError(
                f"{properties.parent} belongs to another cluster ({found[1].strip()}, not {wanted}).\n"
                f"Move it away if you need it; to delete all data of the course's cluster: make clean"
            )

    def _running(self, name: str) -> psutil.Process:
        process = self.children[name].process()
        if process is None:
            raise ClusterError(f"{name} is not running. Start it with: python -m helpers.cluster start {name[-1]}")
        return process


def _is_postgres(service: Service) -> bool:
    return service.image.startswith("postgres:")


def _set_up_kafka(environment: dict[str, str], folder: Path) -> None:
    """Lets the official image's start-up class write a node's configuration and format its storage, where needed.

    What it makes depends on the environment only, and takes four Java starts. So the result is kept in the cache, and the next
    cluster that begins from nothing takes a copy.
    """
    settings = _kafka_settings(environment)
    made_from = [jars.LIST.read_text(), *(file.read_text() for file in sorted(CONFIGS.iterdir())), json.dumps(settings, sort_keys=True)]
    fingerprint = hashlib.sha256("\n".join(made_from).encode()).hexdigest()
    formatted = (folder / "data" / "meta.properties").exists()
    stamp = folder / "config" / "made-from"
    if formatted and stamp.exists() and stamp.read_text() == fingerprint:
        return
    kept = cache.folder("set-up") / fingerprint[:16]
    if kept.exists() and not formatted:
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        return
    stamp.unlink(missing_ok=True)
    _run_set_up(environment, folder)
    stamp.write_text(fingerprint)
    if not formatted:
        with tempfile.TemporaryDirectory(dir=kept.parent, ignore_cleanup_errors=True) as name:
            for part in ("config", "data"):
                shutil.copytree(folder / part, Path(name) / "node" / part)
            # In one step: another clone may be doing the same.
            with contextlib.suppress(OSError):
                os.replace(Path(name) / "node", kept)


def _kafka_settings(environment: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in environment.items() if key.startswith("KAFKA_") or key == "CLUSTER_ID"}


def _run_set_up(environment: dict[str, str], folder: Path) -> None:
    for name in ("config", "mounted"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    command = java.command(
        environment, "kafka.docker.KafkaDockerWrapper", "setup",
        "--default-configs-dir", str(CONFIGS), "--mounted-configs-dir", "mounted", "--final-configs-dir", "config",
    )  # fmt: skip
    env = {**java.environment(), **_kafka_settings(environment)}
    result = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, errors="replace")
    output = result.stdout + result.stderr
    if result.returncode and "already formatted" not in output:
        raise ClusterError(f"{folder.name} could not be set up: {output.strip().splitlines()[-1]}")


def _train(environment: dict[str, str], folder: Path) -> None:
    """Runs a single Kafka node once, at the lowest priority, so that Java learns which classes a start needs."""
    client, control = _free_ports(2)
    own = {
        **environment,
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": f"1@localhost:{control}",
        "KAFKA_LISTENERS": f"INTERNAL://localhost:{client},CONTROLLER://localhost:{control}",
        "KAFKA_ADVERTISED_LISTENERS": f"INTERNAL://localhost:{client}",
        "KAFKA_LOG_DIRS": "data",
    }
    _run_set_up(own, folder)
    archive = java.aot_cache(environment)
    output = archive.with_suffix(".new")  # a break must not leave half a cache behind
    command = java.training_command(
        own, output, "-Dlog4j2.configurationFile=config/log4j2.yaml", "kafka.Kafka", "config/server.properties"
    )
    child = Child(folder)
    child.start(command, java.environment())
    try:
        process = child.process()
        if process:
            process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else 19)
        _wait_for_port(client, child, timeout=60)
        child.stop(timeout=90)
        if not output.exists():
            raise ClusterError(f"Java wrote no cache; its last words: {child.tail(1)}")
        os.replace(output, archive)
    finally:
        child.kill()
        for rest in output.parent.glob(f"{output.name}*"):
            rest.unlink()


def _ports(service: Service) -> list[int]:
    listeners = re.findall(r"//0\.0\.0\.0:(\d+)", service.environment.get("KAFKA_LISTENERS", ""))
    return [int(port) for port in listeners] or [service.port]


def _check_port(port: int, service: Service) -> None:
    for family, address in [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]:
        try:
            with socket.socket(family) as client:
                client.settimeout(0.5)
                client.connect((address, port))
        except OSError:
            continue
        variable = {5432: "POSTGRES_PORT", 8080: "UI_PORT"}.get(next(iter(service.ports), 0))
        other = f" (or take another port: make kafka-up {variable}={port + 1})" if variable else ""
        raise ClusterError(
            f"Port {port} is taken by {_listener(port)}, so {service.name} can't be started.\n"
            f"End that program, then: make kafka-up{other}"
        )


def _listener(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f"process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except psutil.Error:
        pass  # macOS tells this to administrators only
    return "another program"


def check_folder(folder: Path) -> None:
    """Raises ClusterError where the folder can't be written or its disk is nearly full."""
    try:
        folder.mkdir(exist_ok=True)
        probe = folder / "write-test"
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
    except OSError as error:
        raise cannot_write(folder, error) from error
    free = shutil.disk_usage(folder).free
    if free < DISK_NEEDED:
        raise ClusterError(
            f"Only {free / 1e6:,.0f} MB are free on the disk of {folder}; the cluster needs {DISK_NEEDED / 1e6:,.0f} MB.\n"
            f"Make room, then: make kafka-up"
        )


def cannot_write(folder: Path, error: OSError) -> ClusterError:
    """The error that tells so."""
    return ClusterError(
        f"{folder} can't be written ({error.strerror}).\nMake room or give yourself the right to write there, then: make kafka-up"
    )


def _wait_for_port(port: int, child: Child, timeout: float = 30.0) -> None:
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if child.process() is None:
            raise ClusterError(f"{child.folder.name} ended while it started: {child.tail(1)}\nIts log: {child.log}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise ClusterError(f"{child.folder.name} did not answer at port {port} within {timeout:.0f} s. Its log: {child.log}")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
