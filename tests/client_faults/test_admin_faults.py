"""What the lag sampler works around in kafka-python's admin client. The test shows that the fault
is still there; when it is red, the workaround can go.
"""

import pytest
from kafka import KafkaAdminClient, OffsetAndMetadata, TopicPartition
from kafka.errors import NotCoordinatorError
from mended import mended, never

from helpers.base.waiting import until

OFFSETS = "__consumer_offsets"  # the leader of a group's partition in it coordinates the group
PREFERRED = 0  # the kind of election after which the first replica leads


@pytest.fixture
def move_coordinators(admin, group):
    """Gives every group another coordinator, as the death of a broker does; the old ones are back
    afterwards.
    """

    def partitions():
        return {
            TopicPartition(OFFSETS, one["partition_index"]): one
            for one in admin.describe_topics([OFFSETS])[0]["partitions"]
        }

    def lead(replicas):
        admin.alter_partition_reassignments(replicas)
        numbers = {OFFSETS: [partition.partition for partition in replicas]}
        admin.elect_leaders(PREFERRED, numbers, raise_errors=False)
        led = lambda: all(
            one["leader_id"] == replicas[partition][0] for partition, one in partitions().items()
        )
        until(led, 20, "the coordinators have changed")

    def leader_last(one):
        return sorted(one["replica_nodes"], key=lambda node: node == one["leader_id"])

    seen = partitions()
    yield lambda: lead({partition: leader_last(one) for partition, one in seen.items()})
    lead({partition: one["replica_nodes"] for partition, one in seen.items()})


def test_an_admin_client_never_asks_again_for_the_coordinator(
    cluster, admin, servers, new_topic, group, move_coordinators
):
    partition = TopicPartition(new_topic(), 0)

    def committed(client):
        return client.list_group_offsets({group: [partition]})[group][partition].offset

    def coordinates(broker):
        # The others answer with NotCoordinatorError.
        return not admin.describe_groups([group], group_coordinator_id=broker)[group]["error"]

    def coordinators():
        return [broker for broker in cluster.brokers() if coordinates(broker)]

    with KafkaAdminClient(bootstrap_servers=servers) as client:
        client.alter_group_offsets(group, {partition: OffsetAndMetadata(4, "", -1)})
        assert committed(client) == 4
        [old] = coordinators()
        move_coordinators()
        moved = lambda: len(found := coordinators()) == 1 and found != [old]
        until(moved, 20, "another broker coordinates the group, and the old one knows it")
        with KafkaAdminClient(bootstrap_servers=servers) as another:
            assert committed(another) == 4, "who asks anew gets an answer"

        def answered():
            try:
                return committed(client) == 4
            except NotCoordinatorError:  # after the first one it ought to know
                return False

        assert never(answered, 0.6, nap=0.1), mended(
            "an admin client finds the new coordinator; LagSampler._ask_anew can go"
        )
