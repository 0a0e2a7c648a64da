"""Where things are: in this clone, and in the cache, which survives a deleted clone.

Only the standard library, and nothing newer than Python 3.6's syntax: install.py needs it before
anything else is there.
"""

import os
import sys
import tempfile
from pathlib import Path

from .errors import CacheError

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE_FILE = ROOT / "docker-compose.yml"
NOTEBOOKS = ROOT / "notebooks"
DATA = ROOT / ".cluster"  # the processes' data and logs
SCORECARDS = ROOT / ".scorecards"  # a file a lesson: what this learner's own runs measured
SCRATCH = ROOT / ".scratch"  # files that a lesson writes; its clean-up deletes them

CACHE_VARIABLE = "KAFKA_COURSE_CACHE"
# Set where notebooks run with nobody to press a button.
UNATTENDED = "KAFKA_COURSE_UNATTENDED"


def cache(*parts):
    """Path of a folder in the cache, made where it is missing.

    The cache is ``$KAFKA_COURSE_CACHE``, or else the folder in which this system keeps caches.

    Raises CacheError where it can't be written.
    """
    path = _cache_root().joinpath(*parts)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=str(path)):
            pass
    except OSError as error:
        raise CacheError(
            "The cache folder %s can't be written (%s).\n"
            "Name another one: export %s=/path/to/a/folder" % (path, error.strerror, CACHE_VARIABLE)
        )
    return path


def environment():
    """A copy of this process's environment in which tools keep their files in the cache.

    And in which Python keeps what it compiles: otherwise each notebook compiles pandas and
    matplotlib anew, for two seconds.
    """
    root = _cache_root()
    env = dict(os.environ)
    env[CACHE_VARIABLE] = str(root)
    env["PYTHONDONTWRITEBYTECODE"] = ""
    # Not the user's own, in which a kafka.py or a helpers.py would be taken for ours.
    env["PYTHONPATH"] = str(ROOT)
    for variable, name in [
        ("UV_CACHE_DIR", "uv"),
        ("PIP_CACHE_DIR", "pip"),
        ("IPYTHONDIR", "ipython"),
        ("JUPYTER_CONFIG_DIR", "jupyter/config"),
        ("JUPYTER_DATA_DIR", "jupyter/data"),
        ("JUPYTER_RUNTIME_DIR", "jupyter/runtime"),
        ("JUPYTERLAB_SETTINGS_DIR", "jupyter/lab/user-settings"),
        ("JUPYTERLAB_WORKSPACES_DIR", "jupyter/lab/workspaces"),
        ("MPLCONFIGDIR", "matplotlib"),
        # JupyterLab asks npm, where there is one, for language servers.
        ("npm_config_cache", "npm"),
    ]:
        env.setdefault(variable, str(root / name))
    return env


def _cache_root():
    if os.environ.get(CACHE_VARIABLE):
        return Path(os.environ[CACHE_VARIABLE]).expanduser().absolute()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.join("~", "AppData", "Local")
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(base).expanduser().absolute() / "kafka-course"
    except RuntimeError:
        raise CacheError(
            "This user has no home folder for a cache.\n"
            "Name another one: export %s=/path/to/a/folder" % CACHE_VARIABLE
        )
