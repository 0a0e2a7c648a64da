"""The web page of the process runner: what it tells of a real cluster, and what it refuses."""

import contextlib
import http.client
import json
import re
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.parse
import uuid
from collections.abc import Iterator

import psutil
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError, NoError

from helpers.base.places import ROOT
from helpers.base.waiting import until
from helpers.cluster.ui import watch

from clones import Clone, assert_worked, free_ports

FOLDER = ROOT / "helpers" / "cluster" / "ui"
SCRIPT = "<script>document.title = 'run'</script><img src=x onerror=alert(1)>"
NO_UTF8 = b"\xff\xfe\x00 and text"
# What would make HTML or code of a text
RUNS = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser"


class Page:
    """The page's server at a port of this machine, as a browser asks it."""

    def __init__(self, port: int):
        self.port = port

    def request(
        self, method: str = "GET", path: str = "/", host: str | None = None, body: str | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            headers = {"Host": f"localhost:{self.port}" if host is None else host}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer, answer.read()

    def json(self, path: str, status: int = 200) -> dict:
        answer, body = self.request(path=path)
        assert answer.status == status, body
        return json.loads(body)

    def cluster(self, after: int | str = "") -> dict:
        return self.json(f"/api/cluster?after={after}")["cluster"]

    def topic(self, name: str) -> dict | None:
        return next((one for one in self.cluster()["topics"] if one["name"] == name), None)

    def group(self, name: str) -> dict | None:
        return next((one for one in self.cluster()["groups"] if one["name"] == name), None)

    def messages(self, topic: str, status: int = 200, **asked: object) -> dict:
        query = urllib.parse.urlencode({"topic": topic, **asked})
        return self.json(f"/api/messages?{query}", status)


@pytest.fixture(scope="module")
def page(running: Clone) -> Page:
    assert_worked(running.run("up"))
    page = Page(running.services["ui"].port)
    until(lambda: page.request()[0].status == 200, 10, "the page answers", passing=(OSError,))
    return page


@pytest.fixture
def topic(running: Clone, page: Page) -> str:
    """A new topic with two partitions, which the page shows already."""
    name = f"ui-{uuid.uuid4().hex[:8]}"
    running.create_topic(name, partitions=2)
    until(lambda: page.topic(name), 5, "the page shows the topic")
    return name


@pytest.fixture(scope="module")
def admin(running: Clone) -> Iterator[KafkaAdminClient]:
    with KafkaAdminClient(bootstrap_servers=running.bootstrap_servers) as admin:
        yield admin


@contextlib.contextmanager
def page_at(clone: Clone, address: str) -> Iterator[tuple[Page, subprocess.Popen]]:
    """A page of its own, for the cluster at `address`, and its process."""
    [port] = free_ports(1)
    process = clone.popen(address, str(port), "other", module="cluster.ui")
    try:
        page = Page(port)
        until(lambda: page.request()[0].status == 200, 10, "it answers", passing=(OSError,))
        yield page, process
    finally:
        process.kill()
        process.communicate()


# What it tells


def test_the_page_is_whole_without_a_network(page):
    for path, kind in [("/", "html"), ("/page.css", "css"), ("/page.js", "javascript")]:
        answer, body = page.request(path=path)
        assert answer.status == 200
        assert kind in answer.headers["Content-Type"]
        assert re.findall(rb"https?:|//[a-z]+\.|@import", body) == []
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert answer.headers["Access-Control-Allow-Origin"] is None


def test_texts_of_the_cluster_never_become_html():
    code = (FOLDER / "page.js").read_text(encoding="utf-8")
    assert re.findall(RUNS, code) == []


def test_the_cluster_and_its_brokers_have_the_names_that_lessons_use(running, page):
    cluster = page.cluster()
    assert cluster["name"] == "local" and cluster["answers"]
    brokers = cluster["brokers"]
    assert {one["address"] for one in brokers} == set(running.bootstrap_servers)
    assert sorted(one["id"] for one in brokers) == [1, 2, 3]
    assert {one["state"] for one in brokers} == {"alive"}
    partitions = [one for topic in cluster["topics"] for one in topic["partitions"]]
    assert sum(one["leads"] for one in brokers) == len(partitions)
    assert sum(one["copies"] for one in brokers) == sum(len(one["replicas"]) for one in partitions)


def test_a_topic_with_its_copies_and_offsets_the_newest_first(running, page, topic, admin):
    running.write(topic, *"abcde")
    admin.delete_records({TopicPartition(topic, 0): 2})
    told = until(
        lambda: (one := page.topic(topic)) and one["partitions"][0]["begin"] == 2 and one,
        5,
        "the page shows what was written and deleted",
    )
    assert not told["internal"]
    first, second = told["partitions"]
    assert (first["begin"], first["end"], second["begin"], second["end"]) == (2, 5, 0, 0)
    for one in (first, second):
        assert sorted(one["replicas"]) == sorted(one["in_sync"]) == [1, 2, 3]
        assert one["leader"] == one["replicas"][0]
    shown = [one["name"] for one in page.cluster()["topics"]]
    internal = [name for name in shown if name.startswith("__")]
    assert [name for name in shown if name not in internal][0] == topic


def test_a_group_with_its_lag(running, page, topic, admin):
    group = f"{topic}-readers"
    running.write(topic, *map(str, range(1234)))
    partitions = [TopicPartition(topic, number) for number in (0, 1)]

    def commit():
        told = admin.alter_group_offsets(group, {partitions[0]: OffsetAndMetadata(4, "", -1)})
        return set(told.values()) == {NoError}

    # The first group of a new cluster: the topic for what is committed is just being made, which
    # is raised or returned as an error.
    until(commit, 10, "the group's coordinator is there", passing=(KafkaError,), nap=0.2)
    told = until(lambda: page.group(group), 5, "the page shows the group")
    assert (told["state"], told["members"], told["lag"]) == ("Empty", 0, 1230)
    [row] = told["partitions"]
    assert row["topic"] == topic and row["number"] == 0 and row["owner"] is None
    assert (row["committed"], row["end"], row["lag"]) == (4, 1234, 1230)

    settings = {"group_id": group, "client_id": "desk", "enable_auto_commit": False}
    with KafkaConsumer(bootstrap_servers=running.bootstrap_servers, **settings) as consumer:
        consumer.subscribe([topic])
        consumer.partitions_for_topic(topic)
        until(lambda: consumer.poll(timeout_ms=300) or consumer.assignment(), 10, "it is a member")
        stable = lambda: (one := page.group(group))["state"] == "Stable" and one
        told = until(stable, 5, "the page shows the member")
        assert told["members"] == 1
        assert [row["owner"]["client"] for row in told["partitions"]] == ["desk", "desk"]
        # Nothing was committed for the second one, so nobody knows its lag.
        assert [row["lag"] for row in told["partitions"]] == [1230, None]
    admin.delete_groups([group])
    until(lambda: page.group(group) is None, 5, "the page has lost the group")


def test_messages_are_told_as_they_are(running, page, topic):
    sent = [
        (b"key", "grüße".encode(), [("trace", b"1"), ("raw", b"\xff")]),
        (None, SCRIPT.encode(), []),
        (b"\xc3", NO_UTF8, []),
        (b"gone", None, []),
        (b"", b"", []),
        (b"long", b"\xc3\xa4" * 50_000, [("n", b"x")] * 25),
    ]
    producer = KafkaProducer(bootstrap_servers=running.bootstrap_servers)
    for key, value, headers in sent:
        producer.send(topic, value, key=key, headers=headers, partition=0, timestamp_ms=1_000)
    producer.close()
    told = page.messages(topic, partition=0)
    assert (told["begin"], told["end"], told["start"], told["in_time"]) == (0, 6, 0, True)
    plain, script, no_utf8, gone, empty, long = told["messages"]
    assert [one["offset"] for one in told["messages"]] == [0, 1, 2, 3, 4, 5]
    assert {one["timestamp"] for one in told["messages"]} == {1_000}
    assert (plain["key"]["text"], plain["value"]["text"]) == ("key", "grüße")
    assert [(name, one["text"], one["utf8"]) for name, one in plain["headers"]] == [
        ("trace", "1", True),
        ("raw", "\ufffd", False),
    ]
    assert script["key"] is None and script["value"]["text"] == SCRIPT
    assert no_utf8["value"]["text"] == NO_UTF8.decode("utf-8", "replace")
    assert not no_utf8["value"]["utf8"] and not no_utf8["key"]["utf8"]
    assert gone["value"] is None and empty["value"]["size"] == 0
    assert (long["value"]["size"], long["value"]["whole"]) == (100_000, False)
    assert long["value"]["text"] == "ä" * 5_000 and long["value"]["utf8"]
    assert (len(long["headers"]), long["more_headers"]) == (20, 5)


def test_the_last_messages_or_those_from_an_offset(running, page, topic):
    running.write(topic, *map(str, range(300)))

    def offsets(**asked):
        return [one["offset"] for one in page.messages(topic, **asked)["messages"]]

    assert offsets() == list(range(250, 300))
    assert offsets(limit=200) == list(range(100, 300))
    assert offsets(offset=7, limit=3) == [7, 8, 9]
    assert offsets(offset=299) == [299]
    assert offsets(offset=300) == offsets(partition=1) == []


def test_ends_of_transactions_are_told(running, page, topic):
    producer = KafkaProducer(
        bootstrap_servers=running.bootstrap_servers, transactional_id=f"{topic}-writer"
    )
    producer.init_transactions()
    for end in (producer.commit_transaction, producer.abort_transaction):
        producer.begin_transaction()
        producer.send(topic, b"in a transaction", partition=0).get(timeout=10)
        end()
    producer.close()
    ended = lambda: len(found := page.messages(topic)["messages"]) == 4 and found
    found = until(ended, 5, "both transactions have ended")
    assert [one["mark"] for one in found] == ["", "commit", "", "abort"]
    assert [one["transactional"] for one in found][::2] == [True, True]


def test_looking_changes_nothing(running, page, topic, admin):
    running.write(topic, "once")
    before = {group["group_id"] for group in admin.list_groups()}
    page.messages(topic)
    page.cluster()
    assert {group["group_id"] for group in admin.list_groups()} == before
    assert running.read(topic) == ["once"]


# What it refuses


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"partition": 2}, 404, "No broker leads a partition 2"),
        ({"partition": -1}, 404, "No broker leads"),
        ({"topic": "../../etc/passwd"}, 404, "No broker leads"),
        ({"topic": ""}, 404, "No broker leads"),
        ({"offset": 1}, 400, "has no offset 1; it has no messages"),
        ({"offset": -1}, 400, "has no offset -1"),
        ({"offset": "9" * 30}, 400, "offset must be a whole number"),
        ({"offset": "1_0"}, 400, "offset must be a whole number"),
        ({"partition": "٣"}, 400, "partition must be a whole number"),
        ({"limit": 0}, 400, "limit must be from 1 to 200"),
        ({"limit": 201}, 400, "limit must be from 1 to 200"),
    ],
)
def test_what_is_not_there_is_refused(page, shared_topic, asked, status, words):
    assert words in page.messages(**{"topic": shared_topic, **asked}, status=status)["error"]


@pytest.fixture(scope="module")
def shared_topic(running: Clone, page: Page) -> str:
    running.create_topic("ui-shared", partitions=2)
    until(lambda: page.topic("ui-shared"), 5, "the page shows the topic")
    return "ui-shared"


@pytest.mark.parametrize("path", ["/nothing", "/../server.py", "/server.py", "//[", "/api/"])
def test_other_addresses_lead_nowhere(page, path):
    assert page.request(path=path)[0].status in (400, 404)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "BREW"])
@pytest.mark.parametrize("path", ["/", "/api/messages?topic=ui-shared"])
def test_only_get_is_answered(page, method, path):
    answer, body = page.request(method, path, body="GET / HTTP/1.1\r\n\r\n")
    assert answer.status == (501 if method == "BREW" else 405)
    assert b"local" not in body
    assert answer.headers["Connection"] == "close", "its body is not taken for a request"


@pytest.mark.parametrize(
    "host",
    [
        "example.org",
        "example.org:{port}",
        "localhost",
        "localhost:1",
        "localhost.example.org:{port}",
        "127.0.0.1.example.org:{port}",
        "0.0.0.0:{port}",
        "localhost:{port}@example.org",
        "",
    ],
)
def test_a_page_from_elsewhere_cannot_read_it(page, host):
    for path in ("/", "/api/cluster", "/api/messages?topic=ui-shared"):
        answer, body = page.request(path=path, host=host.format(port=page.port))
        assert answer.status == 403
        assert f"http://localhost:{page.port}" in json.loads(body)["error"]


@pytest.mark.parametrize("hosts", [[], ["localhost:{port}", "example.org"]])
def test_a_host_is_named_once(page, hosts):
    lines = "".join(f"Host: {host}\r\n" for host in hosts).format(port=page.port)
    with socket.create_connection(("127.0.0.1", page.port), timeout=10) as connection:
        connection.sendall(f"GET /api/cluster HTTP/1.1\r\n{lines}\r\n".encode())
        assert connection.recv(100).split()[1] == b"403"


def test_both_ways_to_say_localhost(page):
    for host in ("localhost", "127.0.0.1", "[::1]"):
        assert page.request(host=f"{host}:{page.port}")[0].status == 200
    with contextlib.suppress(OSError):  # a machine without IPv6
        socket.create_connection(("::1", page.port), timeout=5).close()


# Bad situations


def test_a_dead_broker_is_told_and_comes_back(running, page, topic):
    """The copies that it misses, too; and nobody reloads the page for it."""

    def state():
        return next(one["state"] for one in page.cluster()["brokers"] if one["id"] == 3)

    def copies():
        return {tuple(sorted(one["in_sync"])) for one in page.topic(topic)["partitions"]}

    assert state() == "alive" and copies() == {(1, 2, 3)}
    assert_worked(running.run("kill", "3"))
    until(lambda: state() in ("silent", "dead"), 2, "the page tells that broker 3 is silent")
    until(lambda: state() == "dead" and copies() == {(1, 2)}, 6, "the in-sync sets shrink")
    assert {one["leader"] for one in page.topic(topic)["partitions"]} <= {1, 2}
    dead = next(one for one in page.cluster()["brokers"] if one["id"] == 3)
    assert (dead["leads"], dead["in_sync"]) == (0, 0) and dead["copies"] > 0
    running.write(topic, "goes on")
    assert page.messages(topic)["messages"][0]["value"]["text"] == "goes on"
    assert_worked(running.run("up"))
    until(lambda: state() == "alive" and copies() == {(1, 2, 3)}, 10, "it is back, and in sync")


def test_without_a_broker_it_says_so_and_sees_the_one_that_comes(running):
    [port] = free_ports(1)
    with page_at(running, f"localhost:{port}") as (page, process):
        cluster = page.cluster()
        assert (cluster["name"], cluster["answers"], cluster["topics"]) == ("other", False, [])
        assert [(one["address"], one["state"]) for one in cluster["brokers"]] == [
            (f"localhost:{port}", "dead")
        ]
        assert "No broker leads" in page.messages("any", status=404)["error"]
        with forwarder(port, running.services["kafka-1"].port):
            until(lambda: page.cluster()["answers"], 5, "it sees the broker")
        # At once, also in the middle of an answer.
        began = time.monotonic()
        process.terminate()
        process.wait(timeout=5)
        assert time.monotonic() - began < 1
        if sys.platform != "win32":
            assert process.returncode == -signal.SIGTERM


@contextlib.contextmanager
def forwarder(port: int, target: int) -> Iterator[None]:
    """Hands on one question and its answer at a time, as if a broker listened at `port`."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", target)) as broker:
                while data := self.request.recv(100_000):
                    broker.sendall(data)
                    self.request.sendall(broker.recv(1_000_000))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = allow_reuse_address = True

    with Server(("127.0.0.1", port), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def test_nothing_is_asked_while_nobody_looks(running, monkeypatch):
    ports = {int(address.split(":")[1]) for address in running.bootstrap_servers}

    def connections():
        mine = psutil.Process().net_connections("tcp")
        to_brokers = [one for one in mine if one.raddr and one.raddr.port in ports]
        return {one.laddr for one in to_brokers if one.status == psutil.CONN_ESTABLISHED}

    monkeypatch.setattr(watch, "INTEREST", 0.5)
    # A connection to a broker that is too slow is closed, and this is not about slow ones.
    monkeypatch.setattr(watch, "PATIENCE", 2.0)
    others = connections()  # of the tests
    idle = threading.Event()
    watching = watch.Watch(running.bootstrap_servers, "local", idle.set)
    assert idle.wait(5)
    assert connections() <= others, "before the first look"
    idle.clear()
    first = watching.look()
    assert len(connections() - others) == 3
    assert idle.wait(5)
    assert connections() <= others
    second = watching.look(after=first.number)
    assert second.number <= first.number + 2, "it asks again with the next look"
    assert json.loads(second.cluster)["answers"]


def test_memory(running, page):
    page.cluster()
    process = psutil.Process(running.pids()["ui"])
    assert process.memory_info().rss < 80e6
