"""What the tests of the client's faults share: topics and groups on a cluster of their own, and the
check that no test leaves a thread of a client behind.
"""

import contextlib
import threading
import uuid

import pytest
from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaError

from helpers import clients
from helpers.base.waiting import until


@pytest.fixture(autouse=True)
def nothing_left():
    """The threads of the clients that a test made have ended when it has."""
    before = set(threading.enumerate())
    yield
    mine = lambda: [
        thread.name
        for thread in set(threading.enumerate()) - before
        if thread.name.startswith(clients.THREADS)
    ]
    until(lambda: not mine(), 5, "the threads of the test's clients have ended")


@pytest.fixture(scope="module")
def cluster(running):
    """The running cluster; whole again afterwards."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        cluster = running.cluster(monkeypatch)
        yield cluster
        cluster.heal()


@pytest.fixture(scope="module")
def paused_leader(cluster):
    """While it is entered, the leader of the topic does nothing; afterwards all is in sync again.

    Less than a second of it is shorter than the time after which the cluster believes the broker
    dead, so no leader moves.
    """

    @contextlib.contextmanager
    def paused(topic):
        leader = cluster.leader(topic)
        cluster.pause(leader)
        try:
            yield
        finally:
            cluster.resume(leader)
            cluster.wait_for_in_sync()

    return paused


@pytest.fixture(scope="module")
def servers(running):
    return running.bootstrap_servers


@pytest.fixture(scope="module")
def admin(servers):
    with KafkaAdminClient(bootstrap_servers=servers) as admin:
        yield admin


@pytest.fixture(scope="module")
def new_topic(cluster, admin):
    """Makes topics of three copies, ready for use; settings with _ for . as in a notebook."""

    def make(partitions=1, **settings):
        name = f"fault-{uuid.uuid4().hex[:8]}"
        configs = {key.replace("_", "."): str(value) for key, value in settings.items()}
        order = {"num_partitions": partitions, "replication_factor": 3, "configs": configs}
        admin.create_topics({name: order})
        cluster.wait_for_topic(name, partitions)
        return name

    return make


@pytest.fixture
def group(admin):
    """The name of a group with a coordinator. The first one of a cluster takes a while."""
    name = f"fault-{uuid.uuid4().hex[:8]}"

    def coordinated():
        return admin.list_group_offsets({name: [TopicPartition("any", 0)]})

    until(coordinated, 20, "the group has a coordinator", passing=(KafkaError,))
    return name
