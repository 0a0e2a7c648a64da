"""The compose file is the one definition of the cluster: what it must hold, and how it is read."""

import re
import subprocess

import pytest
import yaml

from helpers.base import places
from helpers.cluster import compose, jars

PROJECT = yaml.safe_load(places.COMPOSE_FILE.read_text(encoding="utf-8"))
SERVICES = PROJECT["services"]
BROKERS = ["kafka-1", "kafka-2", "kafka-3"]


def test_has_no_version_line():
    assert "version" not in PROJECT  # obsolete: Compose 2 warns of it


def test_every_port_is_published_on_this_machine_only():
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(published) == 5
    assert [port for port in published if not str(port).startswith("127.0.0.1:")] == []


def test_ports_are_the_promised_ones():
    services = compose.load(environ={})
    assert {name: service.port for name, service in services.items() if service.ports} == {
        "kafka-1": 9094,
        "kafka-2": 9095,
        "kafka-3": 9096,
        "postgres": 5433,
        "ui": 8080,
    }


def test_clients_are_sent_to_the_published_ports():
    for service in compose.load(environ={}).values():
        if service.is_broker:
            assert f"EXTERNAL://localhost:{service.port}" in service.environment[
                "KAFKA_ADVERTISED_LISTENERS"
            ].split(",")


def test_web_page_calls_the_cluster_local():
    assert SERVICES["ui"]["environment"]["KAFKA_CLUSTERS_0_NAME"] == "local"


def test_three_brokers_and_a_controller_of_its_own():
    services = compose.load(environ={})
    assert [name for name, service in services.items() if service.is_broker] == BROKERS
    assert [service.node_id for service in services.values() if service.is_broker] == [1, 2, 3]
    controller = services["controller"]
    assert controller.is_kafka and not controller.is_broker and not controller.ports


def test_services_wait_for_what_they_need_to_be_healthy():
    for name in BROKERS:
        assert SERVICES[name]["depends_on"] == {"controller": {"condition": "service_healthy"}}
    assert SERVICES["ui"]["depends_on"] == {
        name: {"condition": "service_healthy"} for name in BROKERS
    }
    assert [name for name, service in SERVICES.items() if not service["healthcheck"]["test"]] == []


def test_data_is_kept_in_named_volumes_that_are_declared():
    mounts = [
        mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])
    ]
    assert sorted(mounts) == sorted(PROJECT["volumes"])
    assert len(set(mounts)) == len(mounts) == 5  # none is shared


def test_images_are_pinned():
    for service in SERVICES.values():
        _, _, tag = service["image"].partition(":")
        assert re.fullmatch(r"v?\d+(\.\d+)*", tag), service["image"]


def test_a_killed_broker_stays_dead():
    assert [name for name, service in SERVICES.items() if "restart" in service] == []


def test_processes_run_the_same_kafka_as_the_image():
    versions = {
        path.split("/")[-2] for path in jars.pinned() if path.startswith("org/apache/kafka/")
    }
    assert versions == {SERVICES["kafka-1"]["image"].partition(":")[2]}


@pytest.mark.parametrize(
    ("variable", "service", "value", "port"),
    [
        ("UI_PORT", "ui", "8081", 8081),
        ("UI_PORT", "ui", "", 8080),  # as in Compose, an empty variable counts as a missing one
        ("POSTGRES_PORT", "postgres", "5555", 5555),
    ],
)
def test_ports_move_with_variables(variable, service, value, port):
    assert compose.load(environ={variable: value})[service].port == port


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("services: [", yaml.YAMLError),
        ("name: nothing else", KeyError),
        ("services: {a: {environment: {}}}", KeyError),  # no image
        (
            "services: {a: {image: b, ports: ['80:80']}}",
            ValueError,
        ),  # would be open to the whole network
        ("services: {a: {image: b, ports: ['127.0.0.1:eighty:80']}}", ValueError),
    ],
)
def test_bad_files_are_refused(tmp_path, text, error):
    file = tmp_path / "docker-compose.yml"
    file.write_text(text)
    with pytest.raises(error):
        compose.load(file, {})


def test_a_service_without_ports_has_no_port():
    with pytest.raises(ValueError, match="controller"):
        _ = compose.load(environ={})["controller"].port


def test_docker_compose_accepts_the_file():
    try:
        subprocess.run(
            ["docker", "compose", "version"], capture_output=True, check=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError):
        pytest.skip("Docker Compose 2 is not installed here, so it can't be asked about the file")
    checked = subprocess.run(
        ["docker", "compose", "--file", str(places.COMPOSE_FILE), "config"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert checked.returncode == 0, checked.stderr
    assert checked.stderr == ""  # no warnings either
