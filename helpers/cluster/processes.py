"""The process runner: the compose file's services as plain processes, where Docker is missing."""

import re
import shutil
import sys
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import psutil

from ..base import places
from ..base.errors import ClusterError
from ..base.waiting import until
from . import checks, kafka, postgres
from .children import Child
from .compose import Service


class ProcessRunner:
    """Starts, stops and disturbs the services as processes, named as in the compose file."""

    name = "processes"

    def __init__(self, services: dict[str, Service], folder: Path = places.DATA):
        self.services = services
        self.folder = folder
        self.children = {name: Child(folder / name) for name in services}
        self._starts: list[Future[None]] = []

    def states(self) -> dict[str, str]:
        """Service -> ``running``, ``paused`` or ``stopped``."""
        return {name: child.state() for name, child in self.children.items()}

    def check(self, names: list[str]) -> None:
        """Raises ClusterError (or DownloadError, CacheError) where they can't be started here."""
        checks.check_system()
        checks.check_folder(self.folder)
        for name in names:
            service = self.services[name]
            for port in checks.ports(service):
                checks.check_port(port, service)
            if service.is_kafka:
                self._check_cluster_id(service)
        kafka.class_path()

    def start(self, names: list[str]) -> None:
        """Starts the named services that are stopped, all at once; then their processes exist."""
        stopped = [name for name in names if self.children[name].process() is None]
        with ThreadPoolExecutor(len(names) or 1) as pool:
            self._starts = []
            for name in stopped:
                self._starts.append(pool.submit(self._start, name))
            for start in self._starts:
                start.result()

    def stop(self, names: list[str], patience: float = 20.0) -> None:
        """Ends the services in good order: the controller last, as brokers say goodbye to it."""
        # Ctrl-C may have come while the first error was being told, and left others still starting.
        wait(self._starts)
        last = [name for name in names if self.services[name].is_controller]
        first = [name for name in names if name not in last]
        for group in (first, last):
            with ThreadPoolExecutor(len(group) or 1) as pool:
                list(pool.map(lambda name: self._stop(name, patience), group))

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
        until(lambda: process.status() == psutil.STATUS_STOPPED, 5, f"{name} has come to a halt")

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

    def learn_to_start_fast(self) -> None:
        """Trains the ahead-of-time cache for this Java, jars and flags, where it is missing.

        A node of its own is started for it in a folder that is deleted afterwards, so no data of
        the course is touched. Raises ClusterError where that node does not start.
        """
        if kafka.aot_cache(self._broker_environment()).exists():
            return
        print(
            "Teaching Java to start Kafka faster next time (once, about 10 s; Ctrl-C skips it) … ",
            end="",
            flush=True,
        )
        folder = self.folder / "training"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            kafka.train(self._broker_environment(), folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        print("done.")

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
                f"Make room or give yourself the right to write in {self.folder}, "
                "then: make kafka-up"
            ) from error

    def _stop(self, name: str, patience: float) -> None:
        if _is_postgres(self.services[name]):
            self.children[name].stop(patience, postgres.STOP_SIGNAL)
        else:
            self.children[name].stop(patience)

    def _start_kafka(self, service: Service) -> None:
        child = self.children[service.name]
        environment = self._localised(service)
        folder = child.folder
        kafka.set_up(environment, folder)
        command = kafka.command(
            environment,
            f"-Dcourse.service={service.name}",
            "-Dlog4j2.configurationFile=config/log4j2.yaml",
            "kafka.Kafka",
            "config/server.properties",
        )
        child.start(command, kafka.java_environment(), cwd=folder)

    def _start_postgres(self, service: Service) -> None:
        child = self.children[service.name]
        user, password, database = (
            service.environment[f"POSTGRES_{key}"] for key in ("USER", "PASSWORD", "DB")
        )
        data = child.folder / "data"
        postgres.initialise(data, user, password)
        postgres.bury(data)
        child.start(postgres.server(data, service.port), places.environment())
        child.wait_for_port(service.port)
        postgres.create_database(service.port, user, password, database)

    def _start_ui(self, service: Service) -> None:
        # The addresses that clients use: the containers' page is given those between containers.
        brokers = (broker for broker in self.services.values() if broker.is_broker)
        bootstrap = ",".join(f"localhost:{broker.port}" for broker in brokers)
        title = service.environment["KAFKA_CLUSTERS_0_NAME"]
        command = [sys.executable, "-m", "helpers.cluster.ui", bootstrap, str(service.port), title]
        self.children[service.name].start(
            command, {**places.environment(), "PYTHONPATH": str(places.ROOT)}
        )

    def _localised(self, service: Service) -> dict[str, str]:
        """The service's environment, with this machine for the containers' names and folders."""
        names = "|".join(map(re.escape, self.services))
        hosts = re.compile(rf"(?<![\w.-])({names}|0\.0\.0\.0)(?=:\d)")
        environment = {
            key: hosts.sub("localhost", value) for key, value in service.environment.items()
        }
        for inside in service.volumes:
            environment = {key: value.replace(inside, "data") for key, value in environment.items()}
        return environment

    def _check_cluster_id(self, service: Service) -> None:
        properties = self.children[service.name].folder / "data" / "meta.properties"
        wanted = service.environment["CLUSTER_ID"]
        found = (
            re.search(r"^cluster\.id=(.*)$", properties.read_text(), re.M)
            if properties.exists()
            else None
        )
        if found and found[1].strip() != wanted:
            raise ClusterError(
                f"{properties.parent} belongs to another cluster "
                f"({found[1].strip()}, not {wanted}).\n"
                "Move it away if you need it; "
                "to delete all data of the course's cluster: make clean"
            )

    def _running(self, name: str) -> psutil.Process:
        process = self.children[name].process()
        if process is None:
            raise ClusterError(f"{name} is not running. Start it with: make kafka-up")
        return process


def _is_postgres(service: Service) -> bool:
    return service.image.startswith("postgres:")
