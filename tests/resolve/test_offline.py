"""A fresh clone installs without a network, where another one has filled the cache before."""

import os
import subprocess
import sys

from helpers.base import places

NOWHERE = "http://127.0.0.1:1"
PROXIES = dict.fromkeys(["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"], NOWHERE)


def test_a_fresh_clone_behind_a_dead_proxy_installs_from_a_full_cache(tmp_path):
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", places.ROOT, clone], check=True)
    env = {key: value for key, value in os.environ.items() if key.lower() != "no_proxy"}
    installed = subprocess.run(
        [sys.executable, "helpers/install.py"],
        cwd=clone,
        env={**env, **PROXIES},
        capture_output=True,
        text=True,
    )
    assert installed.returncode == 0, installed.stdout + installed.stderr
    asked = [clone / ".venv" / "bin" / "python", "-c", "import kafka, helpers; print(helpers)"]
    found = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True)
    assert str(clone / "helpers") in found.stdout, found.stderr
