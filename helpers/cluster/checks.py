"""Why a service can't be started here: a taken port, a folder that is closed, a full disk."""

import re
import shutil
import socket
import sys
from pathlib import Path

import psutil

from ..base.errors import ClusterError
from .compose import Service

DISK_NEEDED = 500_000_000  # bytes free before anything is started


def check_system() -> None:
    """Raises ClusterError on Windows itself: a broker there shuts down when a topic is deleted."""
    if sys.platform == "win32":
        raise ClusterError(
            "Kafka's brokers can't run as plain processes on Windows: they shut down when a topic "
            "is deleted (KAFKA-1194), and every lesson deletes topics.\n"
            "Use WSL 2, or Docker Desktop with the variable CLUSTER set to containers"
        )


def ports(service: Service) -> list[int]:
    """Those at which the service will listen on this machine."""
    listeners = re.findall(r"//0\.0\.0\.0:(\d+)", service.environment.get("KAFKA_LISTENERS", ""))
    return [int(port) for port in listeners] or [service.port]


def check_port(port: int, service: Service) -> None:
    """Raises ClusterError where somebody listens at the port already, over IPv4 or IPv6."""
    for family, address in [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]:
        try:
            with socket.socket(family) as client:
                client.settimeout(0.5)
                client.connect((address, port))
        except OSError:
            continue
        variable = {5432: "POSTGRES_PORT", 8080: "UI_PORT"}.get(next(iter(service.ports), 0))
        other = f" (or take another port: make kafka-up {variable}={port + 1})" if variable else ""
        raise ClusterError(
            f"Port {port} is taken by {listener(port)}, so {service.name} can't be started.\n"
            f"End that program, then: make kafka-up{other}"
        )


def listener(port: int) -> str:
    """Who listens at the port: a process and its folder, as far as this user may know it."""
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
            if listens and connection.pid:
                process = psutil.Process(connection.pid)
                return f"process {process.pid} ({process.name()}) in {process.cwd()}"
    except psutil.Error:
        pass  # macOS tells this to administrators only
    return "another program"


def check_folder(folder: Path) -> None:
    """Raises ClusterError where the folder can't be written or its disk is nearly full."""
    try:
        folder.mkdir(exist_ok=True)
        probe = folder / "write-test"
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
    except OSError as error:
        raise cannot_write(folder, error) from error
    free = shutil.disk_usage(folder).free
    if free < DISK_NEEDED:
        raise ClusterError(
            f"Only {free / 1e6:,.0f} MB are free on the disk of {folder}; "
            f"the cluster needs {DISK_NEEDED / 1e6:,.0f} MB.\n"
            f"Make room, then: make kafka-up"
        )


def cannot_write(folder: Path, error: OSError) -> ClusterError:
    """The error that tells so."""
    return ClusterError(
        f"{folder} can't be written ({error.strerror}).\n"
        "Make room or give yourself the right to write there, then: make kafka-up"
    )
