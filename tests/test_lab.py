"""JupyterLab as the course starts it: on this machine only, and only for those who have its
token.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import psutil
import pytest

from helpers.base import places

PATIENCE = 60


@pytest.fixture
def home(tmp_path):
    """The home folder of whoever runs the lab."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def lab(tmp_path, home, monkeypatch):
    """The address of a running lab, with its token, and its process."""
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv(places.CACHE_VARIABLE, str(tmp_path / "cache"))
    environment = {**places.environment(), "BROWSER": "true"}  # a browser that does nothing
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "helpers.notebooks", "lab"],
            cwd=places.ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            limit = time.monotonic() + PATIENCE
            while not (found := re.search(r"http://127\.0\.0\.1:\d+/lab\?token=\w+", _text(log))):
                assert process.poll() is None and time.monotonic() < limit, _text(log)
                time.sleep(0.1)
            while not _answers(found[0].split("/lab")[0]):  # it names its address before it serves
                assert process.poll() is None and time.monotonic() < limit, _text(log)
                time.sleep(0.1)
            yield found[0], process
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _open(address: str, data: bytes | None = None):
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        address, data, timeout=10
    )


def _answers(server: str) -> bool:
    try:
        return _open(f"{server}/api").status == 200
    except urllib.error.URLError:
        return False


def _text(log) -> str:
    log.seek(0)
    return log.read()


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


def test_writes_nothing_to_the_home_folder(lab, home):
    address, process = lab
    server, _, token = address.partition("/lab?token=")
    assert "JupyterLab" in _open(address).read().decode()
    kernel = json.load(_open(f"{server}/api/kernels?token={token}", data=b"{}"))
    assert kernel["name"] == "python3"
    process.terminate()
    process.wait(PATIENCE)
    assert os.listdir(home) == []
