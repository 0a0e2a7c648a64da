"""Bad situations: each is told in a line or two with what mends it, leaves nothing half-started,
and loses nothing.
"""

import contextlib
import functools
import http.server
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from helpers.base import places
from helpers.base.errors import DownloadError
from helpers.base.waiting import until
from helpers.cluster import jars

from clones import (
    PATIENCE,
    Clone,
    assert_interrupted,
    assert_refused,
    assert_worked,
    copy_cache,
    finished,
    free_ports,
    is_root,
    write_record,
)

POSIX = os.name == "posix"
JAVA = "-Dcourse.service="
CONNECT = """
import time
from helpers.cluster import connect
from helpers.base.errors import NoCluster
begin = time.monotonic()
try:
    connect()
except NoCluster as error:
    print(f"{time.monotonic() - begin:.3f}\\n{error}")
"""
NEARLY_FULL = """
import collections, shutil
usage = collections.namedtuple("usage", "total used free")(10**12, 10**12 - 10**8, 10**8)
shutil.disk_usage = lambda path: usage
from helpers.cluster.commands import main
main({})
"""


# Aids


@contextlib.contextmanager
def listener(port: int, address: str = "127.0.0.1", answer: bytes = b"") -> Iterator[None]:
    """A program that isn't Kafka at a port; it says nothing, or always the same, to whoever
    comes.
    """
    server = socket.create_server(
        (address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET
    )

    def serve() -> None:
        connections = []
        with contextlib.suppress(OSError):
            while True:
                connections.append(server.accept()[0])
                connections[-1].sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(timeout=10)


@contextlib.contextmanager
def maven(answer: Callable[[Path], bytes]) -> Iterator[tuple[str, list[str]]]:
    """A Maven repository on this machine with the warm cache's jars: its address, and the paths it
    was asked for.

    `answer` makes what is sent for a jar; it is always announced with the whole jar's length.
    """
    asked: list[str] = []
    folder = places.cache("jars")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path.removeprefix("/maven2/"))
            file = folder / Path(self.path).name
            if asked[-1] not in jars.pinned():
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(file.stat().st_size))
            self.end_headers()
            self.wfile.write(answer(file))

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/maven2", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def cold_cache(tmp_path: Path, warm_cache: Path) -> Path:
    """A copy of the jars, to be damaged."""
    shutil.copytree(warm_cache / "jars", tmp_path / "cache" / "jars")
    return tmp_path / "cache"


# No cluster, or something else in its place


def test_no_cluster_is_told_within_two_seconds(clone):
    told = clone.code(CONNECT)
    seconds, *message = told.stdout.splitlines()
    assert float(seconds) < 2
    assert len(message) == 2
    assert all(server in message[0] for server in clone.bootstrap_servers)
    assert "make kafka-up" in message[1]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\0\0\0\x08not kafk",
        b"\0\0\0\x64" + b"\xff" * 100,
    ],
)
def test_no_cluster_is_told_within_two_seconds_where_other_programs_have_its_ports(clone, answer):
    with contextlib.ExitStack() as stack:
        for service in clone.services.values():
            if service.is_broker:
                stack.enter_context(listener(service.port, answer=answer))
        told = clone.code(CONNECT)
    assert told.stderr == ""
    assert float(told.stdout.splitlines()[0]) < 2
    assert "make kafka-up" in told.stdout


def test_status_without_a_cluster(clone):
    assert_refused(clone.run("status"), "No Kafka cluster answers", "make kafka-up")


def test_down_without_a_cluster(clone):
    ended = clone.run("down")
    assert_worked(ended, "Nothing is running.")
    assert ended.stderr == ""


@pytest.mark.parametrize(
    ("service", "mended"),
    [
        ("kafka-1", "make kafka-up"),
        ("kafka-3", "make kafka-up"),
        ("postgres", "POSTGRES_PORT="),
        ("ui", "UI_PORT="),
    ],
)
def test_a_taken_port_is_told(clone, service, mended):
    port = clone.services[service].port
    with listener(port):
        refused = clone.run("up")
    assert_refused(refused, f"Port {port} is taken by", f"so {service} can't be started", mended)
    if sys.platform == "linux":
        assert f"process {os.getpid()} (" in refused.stderr
    assert clone.processes() == []


def test_a_port_that_is_taken_over_ipv6_only_is_told(clone):
    port = clone.services["ui"].port
    try:
        with listener(port, "::1"):
            refused = clone.run("up")
    except OSError:
        pytest.skip("This machine has no IPv6")
    assert_refused(refused, f"Port {port} is taken by")
    assert clone.processes() == []


def test_a_port_that_could_not_be_taken_is_not_kept(clone):
    [page] = free_ports(1)
    with listener(page):
        assert_refused(clone.run("up", UI_PORT=str(page)), f"Port {page} is taken by")
    assert not (clone.data / "ports.json").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"UI_PORT": "x"}', '{"OTHER": 1}'])
def test_a_damaged_note_of_ports_counts_as_none(clone, content):
    clone.data.mkdir()
    (clone.data / "ports.json").write_text(content)
    listed = clone.code("from helpers.cluster import compose; print(compose.load()['ui'].port)")
    assert listed.stdout == f"{clone.services['ui'].port}\n", listed.stderr


def test_windows_itself_is_refused_before_anything_is_fetched(clone, tmp_path):
    told = clone.code(
        "import sys\nfrom helpers.base.errors import ClusterError\n"
        "from helpers.cluster import Cluster\n"
        "cluster = Cluster()\ncluster.runner\nsys.platform = 'win32'\n"
        "try:\n    cluster.runner.check(list(cluster.services))\n"
        "except ClusterError as error:\n    print(error)",
        **{places.CACHE_VARIABLE: str(tmp_path / "empty")},
    )
    assert "KAFKA-1194" in told.stdout and "WSL 2" in told.stdout, told.stderr
    assert len(told.stdout.strip().splitlines()) == 2
    assert not (tmp_path / "empty").exists()


def test_what_kafka_can_do_without_does_not_keep_it_from_running(clone):
    (clone.data / "postgres").mkdir(parents=True)
    (clone.data / "postgres" / "data").write_text("in the way")
    started = clone.run("up")
    assert_worked(started, "Brokers: ")
    assert "postgres can't be used" in started.stderr and "All else runs." in started.stderr
    assert set(clone.pids()) == set(clone.services) - {"postgres"}


# The network and the downloads


def test_no_network_and_an_empty_cache_are_told(new_clone, tmp_path):
    clone = new_clone(cache_folder=tmp_path / "empty")
    assert_refused(
        clone.run("up"),
        ".jar can't be fetched from 127.0.0.1:1",
        "Check the network",
        "export KAFKA_COURSE_MAVEN=",
    )
    assert clone.processes() == []
    assert list((tmp_path / "empty" / "jars").iterdir()) == []


def test_damaged_half_and_missing_jars_are_fetched_again_and_no_others(new_clone, cold_cache):
    clone = new_clone(cache_folder=cold_cache)
    paths = list(jars.pinned())
    damaged, half, missing = (cold_cache / "jars" / Path(path).name for path in paths[:3])
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    missing.unlink()
    with maven(Path.read_bytes) as (address, asked):
        fetched = clone.code(
            "from helpers.cluster import jars; print(len(jars.fetch()))", KAFKA_COURSE_MAVEN=address
        )
        assert fetched.stdout == f"{len(paths)}\n", fetched.stderr
        assert sorted(asked) == sorted(paths[:3])
        clone.code("from helpers.cluster import jars; jars.fetch()", KAFKA_COURSE_MAVEN=address)
        assert len(asked) == 3
    assert damaged.read_bytes() == content
    # Java's ahead-of-time cache knows the jars by their times: a jar that is fetched again must get
    # the same one.
    assert {file.stat().st_mtime for file in (damaged, half, missing)} == {jars.JAR_TIME}


def test_damaged_jar_without_network_is_told(new_clone, cold_cache):
    clone = new_clone(cache_folder=cold_cache)
    jar = cold_cache / "jars" / Path(list(jars.pinned())[0]).name
    jar.write_bytes(b"damaged")
    assert_refused(
        clone.run("up"), f"{jar.name} can't be fetched from 127.0.0.1:1", "Check the network"
    )
    assert clone.processes() == []


@pytest.mark.parametrize(
    "answer",
    [
        lambda file: file.read_bytes()[: file.stat().st_size // 2],  # the connection breaks
        lambda file: b"<html>Please log in".ljust(file.stat().st_size),  # a hotel's network
    ],
    ids=["half", "other"],
)
def test_a_bad_download_is_told_and_leaves_nothing(new_clone, cold_cache, answer):
    clone = new_clone(cache_folder=cold_cache)
    jar = cold_cache / "jars" / Path(list(jars.pinned())[-1]).name
    jar.unlink()
    before = sorted((cold_cache / "jars").iterdir())
    with maven(answer) as (address, asked):
        refused = clone.run("up", KAFKA_COURSE_MAVEN=address)
    assert_refused(
        refused,
        f"{jar.name} can't be fetched from {address.split('/')[2]}",
        "run the command again",
    )
    assert asked
    assert sorted((cold_cache / "jars").iterdir()) == before
    assert clone.processes() == []


@pytest.mark.parametrize(
    "cause, advice",
    [
        ("[Errno 28] No space left on device", "Make room"),
        ("SSLError: [SSL: CERTIFICATE_VERIFY_FAILED] self-signed", "export REQUESTS_CA_BUNDLE="),
        ("Connection refused", "Check the network"),
    ],
)
def test_a_download_that_fails_gets_the_advice_that_mends_it(cause, advice, tmp_path, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise OSError(cause)

    monkeypatch.setenv(places.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr("pooch.retrieve", fail)
    with pytest.raises(DownloadError) as told:
        jars.fetch(progress=False)
    assert cause in str(told.value) and advice in str(told.value)


def test_an_unfinished_ahead_of_time_cache_does_no_harm(new_clone, tmp_path, warm_cache):
    """As a break while Java wrote it would leave it. The set-up alone shows it: Java reads the
    cache at every start.
    """
    archives = list((warm_cache / "aot").glob("*.aot"))
    folder = copy_cache(tmp_path / "cache")
    for archive in archives:
        with open(folder / "aot" / archive.name, "r+b") as file:
            file.truncate(archive.stat().st_size // 2)
    clone = new_clone(cache_folder=folder)
    made = clone.code(
        "import subprocess\nfrom helpers.cluster import compose, kafka\n"
        "environment = compose.load()['kafka-1'].environment\n"
        "command = kafka.command(environment, 'kafka.docker.KafkaDockerWrapper', '--help')\n"
        "print(subprocess.run(command, capture_output=True, text=True).stdout)"
    )
    assert "setup" in made.stdout, made.stderr


# Folders


def test_data_of_another_cluster_is_told_and_kept(clone):
    properties = clone.data / "kafka-2" / "data" / "meta.properties"
    properties.parent.mkdir(parents=True)
    properties.write_text("version=1\ncluster.id=somebodyElsesClusterId\nnode.id=2\n")
    refused = clone.run("up")
    assert_refused(
        refused,
        str(properties.parent),
        "belongs to another cluster (somebodyElsesClusterId",
        "make clean",
    )
    assert "somebodyElsesClusterId" in properties.read_text()
    assert clone.processes() == []


@pytest.mark.parametrize("command", ["up", "down"])
def test_a_data_folder_that_cannot_be_made_is_told(clone, command):
    clone.data.write_text("in the way")
    assert_refused(clone.run(command), str(clone.data), "can't be written", "make kafka-up")
    clone.data.unlink()


@pytest.mark.parametrize("service", ["kafka-2", "controller"])
def test_a_service_folder_that_cannot_be_made_is_told(clone, service):
    clone.data.mkdir()
    (clone.data / service).write_text("in the way")
    assert_refused(clone.run("up"), str(clone.data / service))
    assert clone.processes() == []


def test_a_nearly_full_disk_is_told(clone):
    refused = clone.code(NEARLY_FULL.format(["up"]))
    assert_refused(refused, "Only 100 MB are free", str(clone.data), "make kafka-up")
    assert clone.processes() == []


def test_a_nearly_full_disk_does_not_hinder_the_end(clone):
    """Ending the cluster and deleting its data is how room is made."""
    ended = clone.code(NEARLY_FULL.format(["down", "--forget"]))
    assert_worked(ended, "Nothing is running.", "data is deleted")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own of 1 GB at the place of the data folder."""
    folder = tmp_path / "clone" / ".cluster"
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=1000m", "none", str(folder)]
    if (
        not is_root()
        or not shutil.which("mount")
        or subprocess.run(mount, capture_output=True).returncode
    ):
        pytest.skip("No small disk can be mounted here, so none can be filled")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_told_and_the_cluster_can_be_ended_and_loses_nothing(small_disk, new_clone):
    clone = new_clone()
    stuffing = small_disk / "stuffing"

    def fill() -> None:
        with open(stuffing, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1_000_000))
        with open(stuffing, "ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1))

    fill()
    assert_refused(clone.run("up"), "No space left", "Make room")
    assert clone.processes() == []
    stuffing.unlink()

    assert_worked(clone.run("up"))
    clone.create_topic("full")
    clone.write("full", "kept")
    fill()
    assert_worked(clone.run("down"), "Ended")
    assert clone.processes() == []
    assert_refused(clone.run("up"), "Make room")
    stuffing.unlink()
    assert_worked(clone.run("up"))
    assert clone.read("full") == ["kept"]


@pytest.mark.parametrize("home", ["/proc/nowhere", __file__])
def test_a_home_that_cannot_be_written_is_told(clone, home):
    variables = {
        "HOME": home,
        "LOCALAPPDATA": home,
        "XDG_CACHE_HOME": None,
        places.CACHE_VARIABLE: None,
    }
    assert_refused(
        clone.run("up", **variables), home, "can't be written", f"export {places.CACHE_VARIABLE}="
    )
    assert clone.processes() == []


def test_a_cache_folder_that_cannot_be_written_is_told(clone):
    assert_refused(
        clone.run("up", **{places.CACHE_VARIABLE: __file__}),
        __file__,
        "can't be written",
        f"export {places.CACHE_VARIABLE}=",
    )
    assert clone.processes() == []


# Process ids


def test_a_process_id_that_belongs_to_somebody_else_is_never_signalled(clone, sleeper):
    created = psutil.Process(sleeper.pid).create_time()
    for service in clone.services:
        write_record(clone, service, {"pid": sleeper.pid, "created": created - 3600})
    assert_worked(clone.run("down"), "Nothing is running.")
    assert_worked(clone.run("kill", "1"), "Broker 1: stopped")
    for command in ("pause", "resume"):
        assert_refused(clone.run(command, "1"), "kafka-1 is not running")
    assert_refused(clone.run("status"), "No Kafka cluster answers")
    assert sleeper.poll() is None
    assert psutil.Process(sleeper.pid).status() != psutil.STATUS_STOPPED


def test_a_damaged_record_means_that_nothing_runs(clone):
    for record in (
        "",
        "{",
        "[]",
        "null",
        '{"pid": "x", "created": 0}',
        '{"pid": -1, "created": 0}',
        '{"pid": 1}',
    ):
        write_record(clone, "kafka-1", record)
        asked = clone.code(
            "from helpers.cluster import Cluster; print(Cluster().runner.states()['kafka-1'])"
        )
        assert asked.stdout == "stopped\n", (record, asked.stderr)
    assert_worked(clone.run("down"), "Nothing is running.")


# Half a cluster, and breaks


def test_two_ups_at_once_start_one_cluster(clone):
    results = [finished(process) for process in [clone.popen("up"), clone.popen("up")]]
    for result in results:
        assert_worked(result)
    told = sorted("Already running." in result.stdout for result in results)
    assert told == [False, True]
    nodes = sorted(
        word for process in clone.processes() for word in process.cmdline() if word.startswith(JAVA)
    )
    assert nodes == [JAVA + name for name in ("controller", "kafka-1", "kafka-2", "kafka-3")]
    assert set(clone.pids()) == set(clone.services)


def is_setting_up(clone: Clone) -> bool:
    return any("kafka.docker.KafkaDockerWrapper" in process.cmdline() for process in alive(clone))


def has_started(clone: Clone) -> bool:
    return bool(clone.pids())


def alive(clone: Clone) -> Iterator[psutil.Process]:
    for process in clone.processes():
        with contextlib.suppress(psutil.Error):
            process.cmdline()
            yield process


@pytest.mark.skipif(not POSIX, reason="Windows has no such signals")
@pytest.mark.parametrize(
    ("signals", "moment"),
    [
        ([signal.SIGINT], is_setting_up),
        ([signal.SIGINT, signal.SIGINT], has_started),
        (["SIGHUP"], has_started),  # the terminal is closed
    ],
    ids=["Ctrl-C in the set-up", "Ctrl-C twice", "terminal closed"],
)
def test_a_break_in_up_leaves_nothing_running(clone, signals, moment):
    """A terminal signals all of its foreground processes."""
    process = clone.popen("up")
    until(functools.partial(moment, clone), PATIENCE, "the right moment has come")
    for number in signals:
        os.killpg(process.pid, getattr(signal, number) if isinstance(number, str) else number)
    assert_interrupted(finished(process))
    assert clone.processes() == []
    assert clone.pids() == {}


@pytest.mark.skipif(not POSIX, reason="Windows has no such signals")
def test_ctrl_c_skips_the_teaching_of_java(new_clone, cold_cache):
    """Nothing of it is left then, neither a process nor a half-written file."""
    clone = new_clone(cache_folder=cold_cache)
    teach = "from helpers.cluster import Cluster, commands\ncommands._learn(Cluster())"
    command, env = clone.python("-c", teach)
    process = subprocess.Popen(
        command,
        cwd=clone.folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until(
        lambda: (clone.data / "training" / "process.json").exists(),
        PATIENCE,
        "the training has begun",
    )
    os.killpg(process.pid, signal.SIGINT)
    assert_worked(finished(process), "skipped.")
    assert clone.processes() == []
    assert list((cold_cache / "aot").iterdir()) == []
    assert not (clone.data / "training").exists()


# The whole life


def test_a_life_all_ends_in_good_order_the_data_stays_and_so_do_moved_ports_until_the_end(clone):
    assert_worked(clone.run("up"))
    page, base = free_ports(2)  # now, as later the cluster's own are free, too
    clone.create_topic("life")
    clone.write("life", "kept")
    address = f"postgresql://course:course@127.0.0.1:{clone.services['postgres'].port}/course"
    with psycopg.connect(address, autocommit=True) as database:
        database.execute("CREATE TABLE life AS SELECT 'kept' AS text")
        assert_worked(clone.run("pause", "1"))
        assert_worked(
            clone.run("down"), f"Ended {', '.join(clone.services)}."
        )  # a notebook's connection is still open
    assert clone.processes() == []
    assert_worked(clone.run("down"), "Nothing is running.")

    # A port that is moved now stays moved until the end, for commands that know nothing of it.
    assert_worked(clone.run("up", UI_PORT=str(page), POSTGRES_PORT=str(base)), f"localhost:{page}")
    assert f"localhost:{page}" in clone.run("status").stdout
    ask = "from helpers.cluster import connect\nfrom helpers.cluster.database import Database\n"
    told = clone.code(ask + "print(Database(connect(), 'x').schema('y')['port'])")
    assert told.stdout == f"{base}\n", told.stderr
    assert_worked(clone.run("up", UI_PORT=str(page)), "Already running.", f"localhost:{page}")
    refused = clone.run("up", UI_PORT=str(page + 1))
    assert_refused(refused, f"already runs, with UI_PORT={page}", "make kafka-down")

    assert clone.read("life") == ["kept"]
    moved = f"postgresql://course:course@127.0.0.1:{base}/course"
    with psycopg.connect(moved) as database:
        assert database.execute("SELECT text FROM life").fetchall() == [("kept",)]
    assert "not properly shut down" not in (clone.data / "postgres" / "log").read_text()

    assert_worked(clone.run("down", "--forget"), "The cluster's data is deleted.")
    assert not (clone.data / "ports.json").exists()
    assert clone.processes() == []
    assert [name for name in clone.services if (clone.data / name).exists()] == []
