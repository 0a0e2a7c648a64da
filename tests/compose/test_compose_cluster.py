"""What only the compose cluster can show. Run by make compose-test, while that cluster is up."""

import psutil
import pytest
from kafka import KafkaAdminClient

from helpers.base.errors import ClusterError
from helpers.cluster import Cluster
from helpers.cluster.containers import ContainerRunner

UI = "ui"  # its image can't be had everywhere, so this lane may run without it


@pytest.fixture(scope="module")
def containers():
    cluster = Cluster()
    assert isinstance(cluster.runner, ContainerRunner), (
        f"this lane is for containers, but {cluster.why}"
    )
    yield cluster
    cluster.heal()


@pytest.fixture
def processes(running, monkeypatch):
    cluster = running.cluster(monkeypatch)
    yield cluster
    cluster.heal()


def story(cluster: Cluster) -> list[object]:
    """The fault API from one end to the other; what it answers. The topic's copies lie on 1, 2, 3,
    so 1 leads, then 2.
    """
    topic, said = "story", []
    with KafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers) as admin:
        admin.create_topics({topic: {"assignments": {0: [1, 2, 3]}}})
        cluster.wait_for_topic(topic, 1)
        said += [cluster.brokers(), cluster.leader(topic), cluster.in_sync(topic)]
        cluster.kill(1)
        said += [cluster.wait_for_leader(topic, other_than=1), cluster.brokers(), states(cluster)]
        cluster.wait_for_in_sync_set(topic, {2, 3})
        said += [refusal(cluster.pause, 1), refusal(cluster.resume, 1), refusal(cluster.kill, 4)]
        cluster.kill(1)  # of a dead one: changes nothing
        cluster.start(1)
        cluster.wait_for_in_sync(topic)
        said += [cluster.brokers(), cluster.in_sync(topic), states(cluster)]
        cluster.pause(2)
        said += [
            cluster.wait_for_leader(topic, other_than=2) in (1, 3),
            states(cluster),
            2 in cluster.brokers(),
        ]
        cluster.resume(2)
        cluster.wait_for_broker(2)
        cluster.kill(3)
        cluster.pause(1)
        cluster.heal()
        said += [cluster.brokers(), cluster.in_sync(topic), states(cluster)]
        admin.delete_topics([topic])
    return said


def states(cluster: Cluster) -> dict[str, str]:
    return {name: state for name, state in cluster.runner.states().items() if name != UI}


def refusal(act, broker: int) -> str:
    try:
        act(broker)
    except ClusterError as error:
        return str(error).split(".")[0]
    return "done"


def test_both_runners_give_the_same_answers(containers, processes):
    assert story(containers) == story(processes)


def test_every_published_port_listens_on_this_machine_only(containers):
    published = {
        service.port
        for name, service in containers.services.items()
        if service.ports and name != UI
    }
    listening = [
        connection.laddr
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    mine = [address for address in listening if address.port in published]
    assert {address.port for address in mine} == published
    assert {address.ip for address in mine} <= {"127.0.0.1", "::1"}


def test_the_containers_run_the_images_of_the_compose_file(containers):
    assert {service.image for service in containers.services.values() if service.is_kafka} == {
        "apache/kafka:4.4.0"
    }
    assert states(containers) == dict.fromkeys(
        [name for name in containers.services if name != UI], "running"
    )
