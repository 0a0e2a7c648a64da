"""Bad situations of a cluster that runs: one part of it is dead, paused or left over.

The others go on, and nothing is lost.
"""

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Callable, Iterator

import psutil
import psycopg
import pytest

from helpers.base.waiting import until
from helpers.cluster import jars

from clones import (
    NOBODY,
    NOWHERE,
    PATIENCE,
    Clone,
    assert_interrupted,
    assert_refused,
    assert_worked,
    finished,
    is_root,
    write_record,
)

POSIX = os.name == "posix"
IPV6_FIRST = """
import socket
real = socket.getaddrinfo
def ipv6_first(host, port, family=0, *rest, **named):
    if host != "localhost":
        return real(host, port, family, *rest, **named)
    found = [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", int(port), 0, 0)),
             (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", int(port)))]
    return [entry for entry in found if family in (0, entry[0])]
socket.getaddrinfo = ipv6_first

import sys
from kafka import KafkaConsumer, KafkaProducer
from helpers.cluster import connect
cluster = connect()
producer = KafkaProducer(bootstrap_servers=cluster.bootstrap_servers)
producer.send(sys.argv[1], b"over IPv6 first").get(timeout=30)
producer.close()
settings = {"auto_offset_reset": "earliest", "group_id": None, "consumer_timeout_ms": 30000}
consumer = KafkaConsumer(sys.argv[1], bootstrap_servers=cluster.bootstrap_servers, **settings)
print(cluster.brokers(), next(consumer).value.decode())
consumer.close()
"""


@pytest.fixture
def topic(running: Clone) -> Iterator[str]:
    """A topic with a record, which must still be there when the test is over."""
    name = f"topic-{uuid.uuid4().hex[:8]}"
    running.create_topic(name)
    running.write(name, "kept")
    yield name
    assert_worked(running.run("up"))
    assert running.read(name)[0] == "kept"


def test_up_finds_its_own_ports_taken_and_does_nothing(running, topic):
    before = running.pids()
    assert_worked(running.run("up"), "Already running.")
    assert running.pids() == before


def test_starts_without_network_in_a_folder_with_spaces_and_umlauts(running, topic):
    """The fixture's commands name a repository at which nobody listens; the cache is full."""
    assert running.env[jars.REPOSITORY_VARIABLE] == NOWHERE
    assert " " in running.folder.name and not running.folder.name.isascii()
    assert set(running.pids()) == set(running.services)
    assert running.read(topic) == ["kept"]


def test_with_a_cache_folder_named_no_home_is_needed(running, topic):
    """One broker and the web page are started anew, without a home folder."""
    for name in ("kafka-3", "ui"):
        psutil.Process(running.pids()[name]).kill()
    until(lambda: not {"kafka-3", "ui"} & set(running.pids()), PATIENCE, "both have ended")
    assert_worked(
        running.run("up", HOME="/proc/nowhere", XDG_CACHE_HOME=None), "Started kafka-3, ui"
    )
    assert (
        running.code("from helpers.cluster import connect; print(connect().brokers())").stdout
        == "[1, 2, 3]\n"
    )

    def page() -> bool:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://localhost:{running.services['ui'].port}") as answer,
        ):
            return answer.status == 200
        return False

    assert until(page, PATIENCE, "the web page answers")


def test_a_broker_is_started_in_spite_of_a_stale_process_id(running, topic, sleeper):
    before = running.pids()
    assert_worked(running.run("kill", "2"))
    write_record(
        running,
        "kafka-2",
        {"pid": sleeper.pid, "created": psutil.Process(sleeper.pid).create_time() - 3600},
    )
    assert_worked(running.run("up"), "Started kafka-2 in")
    assert sleeper.poll() is None
    after = running.pids()
    assert after.pop("kafka-2") not in (sleeper.pid, before.pop("kafka-2"))
    assert after == before


def test_up_starts_the_one_broker_that_is_dead(running, topic):
    before = running.pids()
    assert_worked(running.run("kill", "1"))
    assert_worked(running.run("up"), "Started kafka-1 in")
    after = running.pids()
    assert after.pop("kafka-1") != before.pop("kafka-1")
    assert after == before


def test_up_resumes_the_one_broker_that_is_paused(running, topic):
    before = running.pids()
    assert_worked(running.run("pause", "3"))
    assert_worked(running.run("up"), "Already running.")
    assert running.pids() == before
    assert psutil.Process(before["kafka-3"]).status() != psutil.STATUS_STOPPED


def test_all_killed_at_once_loses_nothing(running, topic):
    port = running.services["postgres"].port
    address = f"postgresql://course:course@127.0.0.1:{port}/course"
    with psycopg.connect(address) as database:
        database.execute("CREATE TABLE IF NOT EXISTS kept (text text)")
        database.execute("INSERT INTO kept VALUES ('kept')")
    running.write(topic, *map(str, range(100)))
    victims = running.processes()
    for victim in victims:
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
    psutil.wait_procs(victims, timeout=60)
    assert running.processes() == []
    assert_worked(running.run("up"), f"Started {', '.join(running.services)} in")
    assert running.read(topic) == ["kept", *map(str, range(100))]
    with psycopg.connect(address) as database:
        assert database.execute("SELECT text FROM kept").fetchall() == [("kept",)]


@pytest.mark.skipif(not POSIX, reason="Windows has no such signals")
def test_a_break_in_up_undoes_its_own_work_only(running, topic):
    assert_worked(running.run("kill", "2"))
    before = running.pids()
    process = running.popen("up")
    until(lambda: "kafka-2" in running.pids(), PATIENCE, "broker 2 runs")
    process.send_signal(signal.SIGINT)
    assert_interrupted(finished(process))
    assert running.pids() == before


@pytest.mark.skipif(not POSIX, reason="Windows has no such terminals")
def test_what_was_started_in_a_terminal_outlives_it(running, topic):
    assert_worked(running.run("kill", "2"))
    ours, theirs = os.openpty()
    command, env = running.python("-m", "helpers.cluster", "up")
    shell = subprocess.Popen(
        ["/bin/sh", "-c", '"$@"; echo finished with $?; exec sleep 3600', "sh", *command],
        cwd=running.folder,
        env=env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=functools.partial(os.login_tty, theirs),
    )
    os.close(theirs)
    shown = b""
    while b"finished with" not in shown:
        shown += os.read(ours, 10_000)
    before = running.pids()
    os.close(ours)
    assert shell.wait(timeout=60) == -signal.SIGHUP
    assert b"finished with 0" in shown
    assert set(before) == set(running.services)
    assert running.pids() == before
    assert (
        running.code("from helpers.cluster import connect; print(connect().brokers())").stdout
        == "[1, 2, 3]\n"
    )


def test_everything_listens_on_this_machine_only(running):
    pids = {process.pid for process in running.processes()}
    try:
        listening = [
            entry
            for entry in psutil.net_connections("tcp")
            if entry.pid in pids and entry.status == psutil.CONN_LISTEN
        ]
    except psutil.AccessDenied:
        pytest.skip("This system tells only its administrators who listens where")
    promised = {service.port for service in running.services.values() if service.ports}
    assert promised <= {entry.laddr.port for entry in listening}
    assert {entry.laddr.ip for entry in listening} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


def test_localhost_that_is_ipv6_first(running, topic):
    name = f"ipv6-{uuid.uuid4().hex[:8]}"
    running.create_topic(name)
    command, env = running.python("-c", IPV6_FIRST, name)
    told = subprocess.run(
        command, cwd=running.folder, env=env, capture_output=True, text=True, timeout=PATIENCE
    )
    assert told.stdout == "[1, 2, 3] over IPv6 first\n", told.stderr


@pytest.mark.skipif(not is_root(), reason="Only root can be root")
def test_root(running, topic):
    owners = {name: psutil.Process(pid).uids().effective for name, pid in running.pids().items()}
    assert owners.pop("postgres") == NOBODY  # PostgreSQL refuses to run as root
    assert set(owners.values()) == {0}
    assert running.read(topic) == ["kept"]


# Whose cluster is it?

DISTURB = """
import sys
from helpers import lesson
from helpers.base.errors import ClusterError
from helpers.cluster import connect
cluster = connect()
acts = {"kill": lambda: cluster.kill(2), "start": lambda: cluster.start(2), "heal": cluster.heal,
        "pause": lambda: cluster.pause(2), "lesson": lambda: lesson.start(96)}
for name, act in acts.items():
    try:
        act()
        print(name, "did it")
    except ClusterError as error:
        print(name, "refused:", error)
"""


@pytest.fixture
def second_clone(new_clone: Callable[..., Clone], running: Clone) -> Clone:
    """Another clone on this machine, with the same ports; nothing of it runs."""
    clone = new_clone()
    shutil.copy2(running.folder / "docker-compose.yml", clone.folder)
    clone.services = running.services
    return clone


def test_nothing_is_disturbed_that_another_clone_has_started(running, topic, second_clone):
    before = running.pids()
    told = second_clone.code(DISTURB)
    assert told.stderr == ""
    assert told.stdout.count("refused:") == 5 and "did it" not in told.stdout
    assert str(second_clone.folder) in told.stdout, "whose it is not"
    if sys.platform == "linux":
        assert str(running.folder / ".cluster" / "kafka-1") in told.stdout, "whose it is"
    assert running.pids() == before
    assert second_clone.processes() == []


def test_a_second_clone_does_not_start_beside_it(running, topic, second_clone):
    before = running.pids()
    refused = second_clone.run("up")
    assert_refused(refused, "is taken by", str(running.folder))
    assert running.pids() == before
    assert second_clone.processes() == []


def test_a_database_that_is_not_ours_is_not_used(running, second_clone):
    """The other clone's has the same user and password."""
    port = running.services["postgres"].port
    address = f"postgresql://course:course@127.0.0.1:{port}/course"
    with psycopg.connect(address, autocommit=True) as database:
        database.execute("CREATE SCHEMA IF NOT EXISTS lesson_15_theirs_first")
    told = second_clone.code(
        "from helpers.cluster import connect\n"
        "from helpers.cluster.database import Database\n"
        "Database(connect(), 'mine')"
    )
    assert f"localhost:{port} is not the course's PostgreSQL" in told.stderr
    assert f"POSTGRES_PORT={port + 1}" in told.stderr
    with psycopg.connect(address) as database:
        find = "SELECT 1 FROM pg_namespace WHERE nspname = 'lesson_15_theirs_first'"
        assert database.execute(find).fetchone()


def test_an_ended_cluster_is_not_started_by_a_lesson(running, topic):
    """As after make kafka-down: nothing runs, not even the controller."""
    told = running.code(
        "from helpers.base.errors import NoCluster\n"
        "from helpers.cluster import Cluster\n"
        "cluster = Cluster()\n"
        "for name in [*cluster._controllers, *[f'kafka-{n}' for n in (1, 2, 3)]]:\n"
        "    cluster.runner.kill(name)\n"
        "try:\n"
        "    cluster.heal()\n"
        "except NoCluster as error:\n"
        "    print(error)\n"
        "print(cluster.runner.states()['kafka-1'])"
    )
    assert told.stdout.splitlines()[1:] == ["Start one with: make kafka-up", "stopped"], told.stderr
