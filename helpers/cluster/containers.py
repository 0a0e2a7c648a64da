"""The container runner: Docker Compose runs the compose file as it stands."""

import json
import subprocess
from pathlib import Path

from ..base import places
from ..base.errors import ClusterError
from . import ports
from .compose import Service

ENGINE_PATIENCE = 2.0  # seconds for the engine to answer at all
STATES = {"running": "running", "paused": "paused"}


def engine_answers() -> bool:
    """True where a Docker engine answers and Compose version 2 is there."""
    try:
        for command in (
            ["docker", "version", "--format", "{{.Server.Version}}"],
            ["docker", "compose", "version"],
        ):
            subprocess.run(
                command,
                capture_output=True,
                timeout=ENGINE_PATIENCE,
                check=True,
                stdin=subprocess.DEVNULL,
            )
    except (OSError, subprocess.SubprocessError):
        return False
    return True


class ContainerRunner:
    """Starts, stops and disturbs the services as containers, named as in the compose file."""

    name = "containers"

    def __init__(self, services: dict[str, Service]):
        self.services = services

    def states(self) -> dict[str, str]:
        """Service -> ``running``, ``paused`` or ``stopped``; another clone's are not ours."""
        if _other_clone():
            return dict.fromkeys(self.services, "stopped")
        lines = _compose("ps", "--all", "--format", "json").splitlines()
        # Compose prints an object a line, older versions one list.
        entries = [entry for line in lines for entry in _as_list(json.loads(line))]
        found = {entry["Service"]: STATES.get(entry["State"], "stopped") for entry in entries}
        return {name: found.get(name, "stopped") for name in self.services}

    def check(self, names: list[str]) -> None:
        """Fetches the images that are missing, so that a failure is told before anything starts."""
        if other := _other_clone():
            raise ClusterError(
                f"The course's containers on this machine were started from {other}.\n"
                "End them there (make kafka-down), then here: make kafka-up"
            )
        local = set(_docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split())
        missing = [name for name in names if self.services[name].image not in local]
        if missing:
            _compose("pull", *missing, show=True)

    def start(self, names: list[str]) -> None:
        """Starts the named services; returns when their health checks are green."""
        _compose("up", "--detach", "--wait", *names)

    def stop(self, names: list[str], patience: float = 20.0) -> None:
        """Ends the named services and removes their containers; the volumes (the data) stay."""
        if set(names) == set(self.services):
            _compose("down", "--timeout", f"{patience:.0f}")
        else:
            _compose("stop", "--timeout", f"{patience:.0f}", *names)

    def forget(self) -> None:
        """Deletes all data of the services: their volumes."""
        _compose("down", "--volumes")

    def kill(self, name: str) -> None:
        """SIGKILL."""
        _compose("kill", "--signal", "SIGKILL", name)

    def pause(self, name: str) -> None:
        """Freezes the container: its processes live, but do nothing."""
        self._check_running(name)
        _compose("pause", name)

    def resume(self, name: str) -> None:
        """Ends the pause."""
        self._check_running(name)
        _compose("unpause", name)

    def log(self, name: str, lines: int) -> str:
        """The last lines that the service wrote."""
        return _compose("logs", "--no-log-prefix", "--tail", str(lines), name)

    def where_log(self, name: str) -> str:
        """Where to read the whole log."""
        return f"docker compose logs {name}"

    def memory(self) -> dict[str, int]:
        """Bytes that each running service uses."""
        used = {}
        for name, state in self.states().items():
            if state == "running":
                container = _compose("ps", "--quiet", name).strip()
                text = (
                    _docker("stats", "--no-stream", "--format", "{{.MemUsage}}", container)
                    .split("/")[0]
                    .strip()
                )
                used[name] = _bytes(text)
        return used

    def _check_running(self, name: str) -> None:
        # Compose passes over a stopped container without a word.
        if self.states()[name] == "stopped":
            raise ClusterError(f"{name} is not running. Start it with: make kafka-up")

    def learn_to_start_fast(self) -> None:
        """Images start as they are: there is nothing to learn."""


def _compose(*arguments: str, show: bool = False) -> str:
    return _docker("compose", "--file", str(places.COMPOSE_FILE), *arguments, show=show)


def _other_clone() -> Path | None:
    """The folder of another clone whose containers have the course's names now, if there is one."""
    label = "com.docker.compose.project"
    options = ["--filter", f"label={label}=kafka-course", "--format"]
    told = _docker("ps", "--all", *options, f'{{{{.Label "{label}.config_files"}}}}')
    files = {Path(file).resolve() for line in told.splitlines() if line for file in line.split(",")}
    return None if not files or places.COMPOSE_FILE in files else next(iter(files)).parent


def _docker(*arguments: str, show: bool = False) -> str:
    result = subprocess.run(
        ["docker", *arguments],
        env=ports.environment(),
        stdin=subprocess.DEVNULL,
        stdout=None if show else subprocess.PIPE,
        stderr=None if show else subprocess.PIPE,
        text=True,
        errors="replace",
    )
    if result.returncode:
        words = (result.stderr or "see above").strip().splitlines()[-1]
        command = " ".join(a for a in arguments if a != str(places.COMPOSE_FILE))
        raise ClusterError(
            f"docker {command} failed: {words}\n"
            f"Without Docker, the same cluster runs as processes: make kafka-up CLUSTER=processes"
        )
    return result.stdout or ""


def _as_list(value: dict | list) -> list:
    return value if isinstance(value, list) else [value]


def _bytes(text: str) -> int:
    units = {
        "B": 1,
        "KiB": 2**10,
        "MiB": 2**20,
        "GiB": 2**30,
        "kB": 10**3,
        "MB": 10**6,
        "GB": 10**9,
    }
    number = text.rstrip("BKMGik")
    return int(float(number) * units[text[len(number) :]])
