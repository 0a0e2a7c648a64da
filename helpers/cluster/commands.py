"""The commands behind `make kafka-up` and its fellows: python -m helpers.cluster up|down|…"""

import argparse
import signal
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from filelock import FileLock, Timeout

from ..base import places
from ..base.errors import ClusterError, CourseError
from . import checks, compose, ports
from .face import Cluster

UNDO_PATIENCE = 3.0  # seconds for what was just started to end in good order
LOCK_PATIENCE = 180.0  # seconds to wait for another kafka-up to finish


def up(cluster: Cluster) -> Cluster:
    """Starts what is not running, and returns the cluster with the ports that hold from now on.

    Undoes its own work, and only that, where it fails or is interrupted.
    """
    started_at = time.monotonic()
    runner = cluster.runner
    print(f"Cluster as {runner.name} ({cluster.why})", flush=True)
    with _alone():
        states = runner.states()
        begins = all(state == "stopped" for state in states.values())
        if not begins:
            ports.check()
        with ports.given() if begins else nullcontext():
            if compose.load() != cluster.services:  # ports that hold from now on
                cluster = Cluster()
            for name in [name for name, state in states.items() if state == "paused"]:
                runner.resume(name)
            missing = [name for name, state in states.items() if state == "stopped"]
            if missing:
                _start(cluster, missing)
            cluster.wait_until_ready()
    did = (
        f"Started {', '.join(missing)} in {time.monotonic() - started_at:.1f} s."
        if missing
        else "Already running."
    )
    print(f"{did} Brokers: {', '.join(cluster.bootstrap_servers)}. Web page: {_page(cluster)}")
    return cluster


def down(cluster: Cluster, forget: bool = False) -> None:
    """Ends everything that runs; the data stays, unless it is to be forgotten.

    Does nothing where nothing runs.
    """
    runner = cluster.runner
    with _alone():
        running = [name for name, state in runner.states().items() if state != "stopped"]
        if running:
            runner.stop(list(cluster.services))
        ports.forget()
        print(f"Ended {', '.join(running)}." if running else "Nothing is running.", flush=True)
        if forget:
            runner.forget()
            print("The cluster's data is deleted.")
        elif running:
            _learn(cluster)


def status(cluster: Cluster) -> None:
    """One line for each service. Raises NoCluster where no broker answers."""
    runner = cluster.runner
    states, memory = runner.states(), runner.memory()
    print(f"Cluster as {runner.name} ({cluster.why})")
    for name, service in cluster.services.items():
        port = f"localhost:{service.port}" if service.ports else ""
        used = f"{memory[name] / 1e6:,.0f} MB" if name in memory else ""
        print(f"  {name:<12}{states[name]:<10}{port:<17}{used}")
    metadata = cluster.metadata()
    behind = sum(
        set(state.in_sync) != set(state.replicas) for state in metadata.partitions.values()
    )
    topics = {topic for topic, _ in metadata.partitions}
    print(
        f"  {len(topics)} topics, {len(metadata.partitions)} partitions, "
        f"{behind} of them not fully in sync"
    )


def logs(cluster: Cluster, service: str | None, lines: int) -> None:
    """The last lines of one service's log, or of all."""
    names = [service] if service else list(cluster.services)
    for name in names:
        if name not in cluster.services:
            raise ClusterError(
                f"There is no service {name!r}; there are {', '.join(cluster.services)}"
            )
        print(f"== {name} ({cluster.runner.where_log(name)})\n{cluster.runner.log(name, lines)}")


def _start(cluster: Cluster, missing: list[str]) -> None:
    runner = cluster.runner
    runner.check(missing)
    kafka = [name for name in missing if cluster.services[name].is_kafka]
    others = [name for name in missing if name not in kafka]
    begun: list[str] = []
    try:
        # Kafka first and alone: it is what everybody waits for, and two cores have enough to do
        # with it.
        begun += kafka
        runner.start(kafka)
        cluster.wait_until_ready()
        begun += others
        _start_beside(cluster, others)
    except BaseException:
        print("Ending what was started …", file=sys.stderr, flush=True)
        with _deaf():
            runner.stop(begun, patience=UNDO_PATIENCE)
        raise


def _start_beside(cluster: Cluster, names: list[str]) -> None:
    """Starts what Kafka can do without. Where that fails, it says so, and the rest goes on."""
    runner = cluster.runner
    try:
        runner.start(names)
        return
    except ClusterError:
        pass  # which of them it was is found out one by one
    for name in [name for name in names if runner.states()[name] == "stopped"]:
        try:
            runner.start([name])
        except ClusterError as error:
            print(f"{name} can't be used: {error}\nAll else runs.", file=sys.stderr, flush=True)


def _learn(cluster: Cluster) -> None:
    try:
        cluster.runner.learn_to_start_fast()
    except KeyboardInterrupt:
        print("skipped.")
    except (CourseError, OSError) as error:
        # A slower start is no reason to fail here.
        print(f"failed: {error}")


def _page(cluster: Cluster) -> str:
    return f"http://localhost:{cluster.services['ui'].port}"


@contextmanager
def _alone() -> Iterator[None]:
    """Lets one command at a time change the cluster."""
    # Nothing more is asked of the folder here: on a full disk, ending the cluster is how room is
    # made.
    lock = FileLock(places.DATA / "lock")
    try:
        places.DATA.mkdir(exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        print("Another command is at work on the cluster; waiting for it …", flush=True)
        try:
            lock.acquire(timeout=LOCK_PATIENCE)
        except Timeout:
            raise ClusterError(
                f"It did not finish within {LOCK_PATIENCE:.0f} s. See: make kafka-status"
            ) from None
    except OSError as error:
        raise checks.cannot_write(places.DATA, error) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _deaf() -> Iterator[None]:
    """Ignores Ctrl-C and a closed terminal while cleaning up."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _endings()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _endings() -> list[int]:
    return [
        getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
    ]


def _interrupt(number: int, _frame: object) -> None:
    # Once is enough: what follows is tidying up, which more of them would only cut short.
    for ending in _endings():
        signal.signal(ending, signal.SIG_IGN)
    raise KeyboardInterrupt(number)


def main(arguments: list[str] | None = None) -> None:
    """Runs one command; ends the program with 0, 1 (told why) or 130 (interrupted)."""
    parser = argparse.ArgumentParser(
        prog="python -m helpers.cluster", description="The course's Kafka cluster."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in [
        ("up", "start what is not running"),
        ("status", "what runs"),
        ("ui", "open the web page"),
    ]:
        commands.add_parser(name, help=text)
    end = commands.add_parser("down", help="end everything; the data stays")
    end.add_argument("--forget", action="store_true", help="delete the data too")
    log = commands.add_parser("logs", help="the last lines of the logs")
    log.add_argument("service", nargs="?")
    log.add_argument("--lines", type=int, default=20)
    for name, text in [
        ("kill", "end a broker at once (SIGKILL)"),
        ("start", "start a broker again"),
        ("pause", "freeze a broker"),
        ("resume", "end a broker's pause"),
    ]:
        commands.add_parser(name, help=text).add_argument("broker", type=int)
    options = parser.parse_args(arguments)

    if threading.current_thread() is threading.main_thread():
        for number in _endings():
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup's wish stands
                signal.signal(number, _interrupt)
    try:
        cluster = Cluster()
        if options.command in ("kill", "start", "pause", "resume"):
            getattr(cluster, options.command)(options.broker)
            service = cluster.brokers_by_id[options.broker].name
            print(f"Broker {options.broker}: {cluster.runner.states()[service]}")
        elif options.command == "logs":
            logs(cluster, options.service, options.lines)
        elif options.command == "down":
            down(cluster, options.forget)
        elif options.command == "status":
            status(cluster)
        else:
            cluster = up(cluster)
            if options.command == "ui":
                webbrowser.open(_page(cluster))
    except CourseError as error:
        sys.exit(f"{error}")
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        sys.exit(130)
