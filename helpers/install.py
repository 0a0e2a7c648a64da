"""Makes .venv and installs the pinned requirements into it: python3 helpers/install.py

Does nothing where that is done. Runs on the system's own Python, so: only the standard library, and
nothing newer than Python 3.6's syntax, or a Python that is too old could not even say so.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # this Python may be another one than .venv's
sys.path[0] = str(Path(__file__).resolve().parent.parent)
from helpers.base import errors, places  # noqa: E402
from helpers.base.places import ROOT, VENV  # noqa: E402

REQUIREMENTS = ROOT / "requirements.txt"
STAMP = VENV / "installed"
OLDEST = (3, 11)
AGAIN = "make lab" if os.name == "posix" else "python helpers/install.py"


def python():
    """Path of .venv's Python."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fingerprint():
    """What .venv must be made from: these requirements and this Python."""
    return hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()


def install():
    """Brings .venv up to date. Raises SystemExit with the cause and the command that mends it."""
    if sys.version_info < OLDEST:
        sys.exit(
            "The course needs Python %d.%d or later; this is %s (%s).\n"
            "Install a newer one, then for instance: make lab PYTHON=python3.12"
            % (OLDEST + (sys.version.split()[0], sys.executable))
        )
    if python().exists() and STAMP.exists() and STAMP.read_text() == fingerprint():
        return
    print("Installing the course into %s ..." % VENV, flush=True)
    try:
        # A .venv that was left half-made, or that came along from another machine, is worth
        # nothing.
        shutil.rmtree(str(VENV), ignore_errors=True)
        VENV.mkdir()
        run(
            [sys.executable, "-m", "venv", str(VENV)],
            "On Debian and Ubuntu this is mended by: sudo apt install python3-venv",
        )
        with tempfile.TemporaryDirectory() as folder:
            pin = Path(folder) / "uv.txt"
            pin.write_text(block("uv"))
            pip = [
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--require-hashes",
                "-r",
                str(pin),
            ]
            run([str(python())] + pip, "Check the network, then: " + AGAIN)
        uv = [
            "-m",
            "uv",
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "--python",
            str(python()),
            "-r",
            str(REQUIREMENTS),
        ]
        run([str(python())] + uv, "Check the network, then: " + AGAIN)
        # So that notebooks, which run in notebooks/, can import helpers. A relative path survives a
        # move of the clone.
        packages = next(VENV.glob("**/site-packages"))
        (packages / "course.pth").write_text(os.path.relpath(str(ROOT), str(packages)))
        STAMP.write_text(fingerprint())
    except OSError as error:
        sys.exit(
            "%s can't be made (%s).\nGive yourself the right to write there, then: %s"
            % (VENV, error, AGAIN)
        )


def block(package):
    """The lines of requirements.txt that pin one package."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(package + "=="))
    end = next(
        (i for i in range(start + 1, len(lines)) if not lines[i].startswith(" ")), len(lines)
    )
    return "\n".join(line for line in lines[start:end] if "#" not in line) + "\n"


def run(command, advice):
    """Runs a command, quietly when it works.

    Raises SystemExit with its last words and the advice when it doesn't.
    """
    result = subprocess.run(
        command,
        env=places.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    if result.returncode:
        words = result.stdout.decode("utf-8", "replace").strip().splitlines()[-6:]
        sys.exit("%s\nThe installation failed. %s" % ("\n".join(words), advice))


if __name__ == "__main__":
    try:
        places.cache()
        install()
    except errors.CacheError as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        sys.exit("Interrupted. To go on: " + AGAIN)
