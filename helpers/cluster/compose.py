"""Reads docker-compose.yml, the one definition of the cluster."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from ..base import places
from . import ports


@dataclass(frozen=True)
class Service:
    """One service of the compose file."""

    name: str
    image: str
    environment: dict[str, str]
    ports: dict[int, int]  # port in the container -> port on this machine
    volumes: dict[str, str]  # folder in the container -> volume

    @property
    def is_kafka(self) -> bool:
        return self.image.startswith("apache/kafka:")

    @property
    def is_broker(self) -> bool:
        return self.is_kafka and "broker" in self.environment["KAFKA_PROCESS_ROLES"]

    @property
    def is_controller(self) -> bool:
        return self.is_kafka and not self.is_broker

    @property
    def node_id(self) -> int:
        """Kafka's number of this node. Raises KeyError for services that are not Kafka."""
        return int(self.environment["KAFKA_NODE_ID"])

    @property
    def port(self) -> int:
        """The port on this machine at which clients find the service.

        Raises ValueError where it publishes none.
        """
        if not self.ports:
            raise ValueError(f"Service {self.name} publishes no port")
        return next(iter(self.ports.values()))


def load(
    file: Path = places.COMPOSE_FILE, environ: Mapping[str, str] | None = None
) -> dict[str, Service]:
    """The services by name, in the file's order.

    ``${NAME:-default}`` comes from `environ`, or else from the ports that hold now (see ports).
    """
    environ = ports.environment() if environ is None else environ
    project = yaml.safe_load(_fill_in(file.read_text(encoding="utf-8"), environ))
    return {name: _service(name, entry) for name, entry in project["services"].items()}


def _fill_in(text: str, environ: Mapping[str, str]) -> str:
    # As in Compose, an empty variable counts as a missing one.
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda match: environ.get(match[1]) or match[2], text)


def _service(name: str, entry: dict) -> Service:
    ports = [publication.split(":") for publication in entry.get("ports", [])]
    return Service(
        name=name,
        image=entry["image"],
        environment={key: str(value) for key, value in entry.get("environment", {}).items()},
        ports={int(inside): int(outside) for _address, outside, inside in ports},
        volumes={
            path: volume
            for volume, path in (mount.split(":") for mount in entry.get("volumes", []))
        },
    )
