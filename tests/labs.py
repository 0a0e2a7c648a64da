"""JupyterLab as make lab starts it, in a clone of its own: for tests that ask its server or open it
in a browser.
"""

import contextlib
import json
import re
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from helpers.base import places
from helpers.base.waiting import until

from clones import Clone

PATIENCE = 60


class Lab(NamedTuple):
    """A running lab."""

    address: str
    process: subprocess.Popen
    folder: Path  # of its clone
    cache: Path

    def ask(self, path: str, sent: object = None, method: str | None = None):
        """The server's answer, for those who have its token."""
        data = None if sent is None else json.dumps(sent).encode()
        return json.load(open_url(self.request(path, data, method)))

    def request(self, path: str, data: bytes | None = None, method: str | None = None):
        """A request of somebody who has its token."""
        server, _, token = self.address.partition("/lab?token=")
        url = f"{server}/{urllib.parse.quote(path)}?token={token}"
        return urllib.request.Request(url, data, method=method)


@contextlib.contextmanager
def running(clone: Clone, home: Path) -> Iterator[Lab]:
    """The clone's lab, for somebody whose home folder is `home`. It ends with its kernels."""
    # With a browser that does nothing.
    env = dict(HOME=str(home), BROWSER="true", XDG_CACHE_HOME=None)
    with tempfile.TemporaryFile("w+") as log:
        process = clone.logged(log, "lab", module="notebooks", **env)
        try:
            address = until(lambda: _address(process, log), PATIENCE, "JupyterLab serves")
            cache = Path(clone.env[places.CACHE_VARIABLE])
            yield Lab(address, process, clone.folder, cache)
        finally:
            process.terminate()
            process.wait(PATIENCE)


def open_url(request: str | urllib.request.Request):
    """What answers at this machine, whatever proxy stands before the others."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10)


def _address(process: subprocess.Popen, log) -> str | None:
    """The lab's address, once it serves: it names it before."""
    log.seek(0)
    said = log.read()
    assert process.poll() is None, said
    found = re.search(r"http://127\.0\.0\.1:\d+/lab\?token=\w+", said)
    return found[0] if found and _answers(found[0].split("/lab")[0]) else None


def _answers(server: str) -> bool:
    try:
        return open_url(f"{server}/api").status == 200
    except urllib.error.URLError:
        return False
