"""JupyterLab as the course starts it: on this machine only, and only for those who have its
token.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

import psutil
import pytest

from helpers.base import places
from helpers.base.waiting import until

PATIENCE = 60


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The home folder of whoever runs the lab."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def lab(tmp_path_factory, home):
    """The address of a running lab, with its token, and its process. It leaves its home empty."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryFile("w+") as log:
        patch.setenv("HOME", str(home))
        patch.setenv(places.CACHE_VARIABLE, str(tmp_path_factory.mktemp("cache")))
        process = subprocess.Popen(
            [sys.executable, "-m", "helpers.notebooks", "lab"],
            cwd=places.ROOT,
            env={**places.environment(), "BROWSER": "true"},  # a browser that does nothing
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield until(lambda: _address(process, log), PATIENCE, "JupyterLab serves"), process
        finally:
            process.terminate()
            process.wait(PATIENCE)
    assert os.listdir(home) == []


def _address(process: subprocess.Popen, log) -> str | None:
    """The lab's address, once it serves: it names it before."""
    log.seek(0)
    said = log.read()
    assert process.poll() is None, said
    found = re.search(r"http://127\.0\.0\.1:\d+/lab\?token=\w+", said)
    return found[0] if found and _answers(found[0].split("/lab")[0]) else None


def _open(address: str, data: bytes | None = None):
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        address, data, timeout=10
    )


def _answers(server: str) -> bool:
    try:
        return _open(f"{server}/api").status == 200
    except urllib.error.URLError:
        return False


def test_listens_on_this_machine_only(lab):
    _, process = lab
    listening = [
        entry.laddr.ip
        for entry in psutil.Process(process.pid).net_connections("tcp")
        if entry.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}


def test_asks_for_its_token(lab):
    address, _ = lab
    server, _, token = address.partition("/lab?token=")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        _open(f"{server}/api/contents")
    with _open(f"{server}/api/contents?token={token}") as answer:
        assert answer.status == 200


def test_a_kernel_that_it_starts_writes_nothing_to_the_home_folder(lab, home):
    """Nor does the lab, whose fixture looks again when all has ended."""
    address, _ = lab
    server, _, token = address.partition("/lab?token=")
    assert "JupyterLab" in _open(address).read().decode()
    kernel = json.load(_open(f"{server}/api/kernels?token={token}", data=b"{}"))
    assert kernel["name"] == "python3"
    assert os.listdir(home) == []
