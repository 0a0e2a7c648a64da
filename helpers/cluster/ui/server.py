"""Answers the browser: the page, and what it asks for. It only reads, on this machine only."""

import contextlib
import json
import os
import socket
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from .messages import MOST, CantRead, Reader
from .watch import Watch

FILES = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}
# The page loads nothing from elsewhere, runs nothing but page.js, and can't be put into another.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def serve(addresses: list[str], port: int, name: str) -> None:
    """Serves the page of the cluster at `addresses` until the process is ended.

    Raises OSError where the port is taken.
    """
    reader = Reader()
    watch = Watch(addresses, name, idle=reader.close)
    folder = Path(__file__).parent
    # Read now: they fit this program, whatever becomes of the folder.
    files = {path: ((folder / file).read_bytes(), kind) for path, (file, kind) in FILES.items()}
    servers = [_Server(("127.0.0.1", port), watch, reader, files)]
    with contextlib.suppress(OSError):  # a machine without IPv6
        servers.append(_Server6(("::1", port), watch, reader, files))
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(
        f"http://localhost:{port} shows the cluster {name!r} at {', '.join(addresses)}", flush=True
    )
    servers[0].serve_forever()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # On Windows it would let two programs listen at one port.
    allow_reuse_address = os.name == "posix"

    def __init__(
        self,
        address: tuple[str, int],
        watch: Watch,
        reader: Reader,
        files: dict[str, tuple[bytes, str]],
    ):
        super().__init__(address, _Handler)
        self.watch, self.reader, self.files = watch, reader, files
        port = address[1]
        names = ("localhost", "127.0.0.1", "[::1]")
        self.hosts = {f"{name}:{port}" for name in names} | set(names if port == 80 else ())

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a browser that was closed in the middle of an answer


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "kafka-course", ""
    timeout = 60  # seconds after which an unused connection is closed

    def do_GET(self) -> None:
        """Answers the page's questions, and nobody else's."""
        if self.headers.get("Content-Length") or self.headers.get("Transfer-Encoding"):
            self.close_connection = True  # what follows would be taken for the next request
        # A page from elsewhere can call this machine by a name of its own (DNS rebinding). It can't
        # choose what the browser sends as Host.
        if self.headers.get_all("Host") not in [[host] for host in self.server.hosts]:
            host = next(iter(sorted(self.server.hosts, reverse=True)))
            return self._tell(403, {"error": f"This page is at http://{host}"})
        try:
            url = urlsplit(self.path)
            if url.path in self.server.files:
                return self._send(200, *self.server.files[url.path])
            asked = {key: values[-1] for key, values in parse_qs(url.query).items()}
            if url.path == "/api/cluster":
                return self._cluster(asked)
            if url.path == "/api/messages":
                return self._messages(asked)
        except CantRead as error:
            return self._tell(error.status, {"error": str(error)})
        except ValueError:  # of urllib
            return self._tell(400, {"error": "That is no address"})
        return self._tell(404, {"error": "There is nothing here. The page is at /"})

    def _refuse(self) -> None:
        self.close_connection = True
        self._tell(405, {"error": "This page only reads: only GET is answered"}, Allow="GET")

    do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = do_CONNECT = _refuse

    def _cluster(self, asked: dict[str, str]) -> None:
        picture = self.server.watch.look(after=_number(asked, "after", -1))
        if picture is None:
            raise CantRead("The cluster is just being asked for the first time. Try again.", 503)
        age = time.monotonic() - picture.asked
        start = f'{{"number": {picture.number}, "age": {age:.2f}, "cluster": '
        self._send(200, start.encode() + picture.cluster + b"}", "application/json")

    def _messages(self, asked: dict[str, str]) -> None:
        topic = asked.get("topic", "")
        partition = _number(asked, "partition", 0)
        offset = _number(asked, "offset", None)
        limit = _number(asked, "limit", 50)
        if not 1 <= limit <= MOST:
            raise CantRead(f"limit must be from 1 to {MOST}.", 400)
        picture = self.server.watch.look()
        leaders = picture.leaders if picture else {}
        if (topic, partition) not in leaders:
            raise CantRead(f"No broker leads a partition {partition} of a topic {topic!r}.", 404)
        leader = leaders[topic, partition]
        self._tell(200, self.server.reader.read(leader, topic, partition, offset, limit))

    def _tell(self, status: int, answer: dict, **headers: str) -> None:
        self._send(status, json.dumps(answer).encode(), "application/json", **headers)

    def _send(self, status: int, body: bytes, kind: str, **headers: str) -> None:
        self.send_response(HTTPStatus(status))
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (HEADERS | headers).items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing: a line a second would fill the log."""


def _number(asked: dict[str, str], name: str, default: int | None) -> int | None:
    text = asked.get(name, "")
    if not text:
        return default
    # isdecimal alone takes digits of other scripts, and int alone an underscore.
    if not (text.isascii() and text.removeprefix("-").isdecimal() and len(text) < 20):
        raise CantRead(f"{name} must be a whole number.", 400)
    return int(text)
