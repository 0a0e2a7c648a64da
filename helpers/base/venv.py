""".venv: is it whole, and how it is made from requirements.txt.

Only the standard library, and nothing newer than Python 3.6's syntax: it runs before anything else
is there, on whatever Python the user has.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from . import places
from .errors import CourseError

VENV = places.ROOT / ".venv"
REQUIREMENTS = places.ROOT / "requirements.txt"
STAMP = VENV / "installed"  # what it was made from: see fingerprint; and its Python
AGAIN = "make lab" if os.name == "posix" else "python helpers/install.py"
# Kernels, JupyterLab and commands that run from .venv. The cluster's processes are none of them:
# they have all of their files open, and outlive it.
AT_WORK = """
import os, psutil, sys
for process in psutil.process_iter(["pid", "cmdline"]):
    command = process.info["cmdline"] or [""]
    ours = os.path.dirname(command[0]) == os.path.dirname(sys.executable)
    if ours and process.pid != os.getpid() and "helpers.cluster.ui" not in command:
        print("process %d (%s)" % (process.pid, " ".join(command[1:4])))
"""
# What pip and uv say, and what the user can do. The first that fits is told.
CAUSES = [
    (("No space left", "Errno 28"), "Make room on that disk"),
    (
        ("UnknownIssuer", "CERTIFICATE_VERIFY_FAILED", "certificate verify failed"),
        "A proxy inspects what is encrypted. Trust its certificates: export UV_SYSTEM_CERTS=1",
    ),
    (("ensurepip", "python3-venv"), "On Debian and Ubuntu: sudo apt install python3-venv"),
    (("",), "Check the network"),
]


def python():
    """Path of .venv's Python."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fingerprint():
    """What .venv must be made from."""
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()


def is_whole():
    """Tells whether .venv is made from these requirements and its Python is still the same.

    The Python that asks may be another one: .venv serves it just as well.
    """
    try:
        made_from, version = STAMP.read_text().split("\n", 1)
        if made_from != fingerprint() or not python().exists():
            return False
        if version == sys.version:
            return True
        ask = [str(python()), "-c", "import sys; sys.stdout.write(sys.version)"]
        return subprocess.check_output(ask).decode() == version
    except (OSError, ValueError, subprocess.CalledProcessError):
        return False


def install(too_old):
    """Brings .venv up to date. Does nothing where that is done.

    `too_old`: what to say where a .venv must be made and this Python can't make it, or "".
    Raises CourseError with the cause and the command that mends it, CacheError without a cache.
    """
    if is_whole():
        return
    if too_old:
        raise CourseError(too_old)
    places.cache()
    busy = at_work()
    if busy:
        raise CourseError(
            "The course's packages have changed, but %s still runs from %s.\n"
            "Close JupyterLab and its kernels, then: %s" % (busy[0], VENV, AGAIN)
        )
    print("Installing the course into %s ..." % VENV)
    sys.stdout.flush()
    try:
        make()
    except OSError as error:
        raise CourseError(
            "%s can't be made (%s).\nMake room or give yourself the right to write there, then: %s"
            % (VENV, error, AGAIN)
        )


def at_work():
    """The kernels and commands that run from .venv, described. Needs what it was made with."""
    try:
        command = [str(python()), "-c", AT_WORK]
        told = subprocess.check_output(command, stderr=subprocess.DEVNULL)
        return told.decode("utf-8", "replace").splitlines()
    except (OSError, subprocess.CalledProcessError):
        return []  # no .venv, or half of one: nobody can work with it


def make():
    """Makes .venv anew. Raises OSError where it can't be written, and what run raises."""
    # A .venv that was left half-made, or that came along from another machine, is worth nothing.
    shutil.rmtree(str(VENV), ignore_errors=True)
    VENV.mkdir()
    run([sys.executable, "-m", "venv", str(VENV)])
    installer = uv()
    command = ["pip", "install", "--quiet", "--require-hashes", "--python", str(python())]
    command += ["-r", str(REQUIREMENTS)]
    try:
        # From the cache, where all is in it: no network is needed then, and none is waited for.
        run([installer] + command + ["--offline"])
    except CourseError:
        run([installer] + command)
    # So that notebooks, which run in notebooks/, can import helpers. A relative path survives a
    # move of the clone.
    packages = next(VENV.glob("**/site-packages"))
    (packages / "course.pth").write_text(os.path.relpath(str(places.ROOT), str(packages)))
    STAMP.write_text(fingerprint() + "\n" + sys.version)


def uv():
    """Path of uv, which is fetched once and kept in the cache for the next clone."""
    pin = block("uv")
    version = pin.split("==")[1].split()[0]
    kept = places.cache("uv-program", version) / ("uv.exe" if os.name == "nt" else "uv")
    if not kept.exists():
        # Not into .venv: uv would find itself there and not keep its package in its cache, from
        # which the next clone takes it without a network.
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "uv.txt"
            file.write_text(pin)
            options = ["--quiet", "--disable-pip-version-check", "--require-hashes"]
            options += ["--target", folder, "-r", str(file)]
            run([str(python()), "-m", "pip", "install"] + options)
            shutil.copy2(str(Path(folder) / "bin" / kept.name), str(kept) + ".new")
        os.replace(str(kept) + ".new", str(kept))
    return str(kept)


def block(package):
    """The lines of requirements.txt that pin one package."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(package + "=="))
    rest = range(start + 1, len(lines))
    end = next((i for i in rest if not lines[i].startswith(" ")), len(lines))
    return "\n".join(line for line in lines[start:end] if "#" not in line) + "\n"


def run(command):
    """Runs a command, quietly when it works. Raises CourseError with its last words when not."""
    result = subprocess.run(
        command,
        env=places.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    if result.returncode:
        said = result.stdout.decode("utf-8", "replace").strip()
        advice = next(advice for words, advice in CAUSES if any(word in said for word in words))
        raise CourseError(
            "%s\nThe installation failed. %s, then: %s"
            % ("\n".join(said.splitlines()[-6:]), advice, AGAIN)
        )
