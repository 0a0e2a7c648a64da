"""The cluster's one face, asked and disturbed on a real topic."""

import time
import uuid

import pytest

from helpers.base.errors import ClusterError, NotInTime
from helpers.cluster.runner import choose_runner


@pytest.fixture
def cluster(running, monkeypatch):
    """The running cluster; whole again afterwards."""
    cluster = running.cluster(monkeypatch)
    yield cluster
    cluster.heal()
    assert cluster.brokers() == [1, 2, 3]


@pytest.fixture
def topic(running):
    """A topic of one partition in three copies, with one record."""
    name = f"topic-{uuid.uuid4().hex[:8]}"
    running.create_topic(name)
    running.write(name, "first")
    return name


def test_tells_who_is_there_and_who_leads(cluster, topic):
    cluster.wait_for_in_sync(topic)
    assert cluster.brokers() == [1, 2, 3]
    assert cluster.leader(topic) in (1, 2, 3)
    assert cluster.in_sync(topic) == [1, 2, 3]


def test_killed_leader_is_followed_by_another_and_comes_back(running, cluster, topic):
    cluster.wait_for_in_sync(topic)
    old = cluster.leader(topic)
    cluster.kill(old)
    new = cluster.wait_for_leader(topic, other_than=old)
    assert new not in (-1, old)
    assert cluster.leader(topic) == new
    assert old not in cluster.brokers()
    running.write(topic, "second")  # two of three copies are enough
    assert old not in cluster.in_sync(topic)
    with pytest.raises(NotInTime, match="until all copies of .* are in sync"):
        cluster.wait_for_in_sync(topic, timeout=0.2)
    cluster.start(old)
    assert cluster.brokers() == [1, 2, 3]
    cluster.wait_for_in_sync(topic)
    assert cluster.in_sync(topic) == [1, 2, 3]
    assert running.read(topic) == ["first", "second"]


def test_paused_leader_keeps_its_process_and_loses_its_place(running, cluster, topic):
    cluster.wait_for_in_sync(topic)
    old = cluster.leader(topic)
    pid = running.pids()[f"kafka-{old}"]
    cluster.pause(old)
    assert cluster.runner.states()[f"kafka-{old}"] == "paused"
    assert cluster.wait_for_leader(topic, other_than=old) != old
    assert old not in cluster.brokers()
    cluster.resume(old)
    cluster.wait_for_broker(old)
    assert cluster.runner.states()[f"kafka-{old}"] == "running"
    assert running.pids()[f"kafka-{old}"] == pid
    cluster.wait_for_in_sync(topic)
    assert running.read(topic) == ["first"]


def test_without_two_copies_nothing_is_acknowledged_but_the_topic_can_be_asked_about(
    cluster, topic
):
    cluster.wait_for_in_sync(topic)
    last = cluster.leader(topic)
    for broker in {1, 2, 3} - {last}:
        cluster.kill(broker)
    cluster.wait_for_leader(topic)
    assert cluster.brokers() == [last]
    assert cluster.leader(topic) == last


def test_heal_resumes_the_paused_and_starts_the_dead(running, cluster, topic):
    cluster.pause(1)
    cluster.kill(2)
    cluster.heal()
    assert set(cluster.runner.states().values()) == {"running"}
    assert cluster.brokers() == [1, 2, 3]
    assert cluster.in_sync(topic) == [1, 2, 3]
    assert running.read(topic) == ["first"]


def test_start_of_a_running_broker_changes_nothing(running, cluster):
    """A notebook's cell is soon run twice."""
    before = running.pids()
    cluster.start(3)
    assert running.pids() == before
    assert (
        sum("-Dcourse.service=kafka-3" in process.cmdline() for process in running.processes()) == 1
    )


def test_kill_of_a_dead_broker_changes_nothing(running, cluster):
    cluster.kill(1)
    before = running.pids()
    cluster.kill(1)
    assert running.pids() == before
    assert "kafka-1" not in before


def test_a_dead_broker_cannot_be_paused_or_resumed(cluster):
    cluster.kill(2)
    for act in (cluster.pause, cluster.resume):
        with pytest.raises(ClusterError, match="kafka-2 is not running.*make kafka-up"):
            act(2)


@pytest.mark.parametrize("act", ["kill", "start", "pause", "resume", "wait_for_broker"])
def test_an_unknown_broker_is_told(cluster, act):
    with pytest.raises(ClusterError, match="no broker 4; there are 1, 2, 3"):
        getattr(cluster, act)(4)


def test_an_unknown_topic_is_told(cluster):
    for ask in (cluster.leader, cluster.in_sync):
        with pytest.raises(ClusterError, match="'nowhere'"):
            ask("nowhere")


def test_waiting_for_what_does_not_come_ends(cluster, topic):
    begin = time.monotonic()
    with pytest.raises(NotInTime, match=f"until {topic}-0 has a new leader"):
        cluster.wait_for_leader(topic, other_than=cluster.leader(topic), timeout=0.3)
    assert time.monotonic() - begin < 10


def test_waiting_for_a_dead_broker_ends_early_with_its_last_words(cluster):
    cluster.kill(2)
    begin = time.monotonic()
    with pytest.raises(ClusterError, match="kafka-2 is not running") as caught:
        cluster.wait_for_broker(2, timeout=60)
    assert time.monotonic() - begin < 30
    assert "Its log: " in str(caught.value)


def test_commands_kill_and_start_in_a_terminal(running, cluster):
    assert running.run("kill", "2").stdout == "Broker 2: stopped\n"
    killed = running.run("status")
    assert "kafka-2     stopped" in killed.stdout
    assert running.run("start", "2").stdout == "Broker 2: running\n"
    assert running.run("pause", "2").stdout == "Broker 2: paused\n"
    assert running.run("resume", "2").stdout == "Broker 2: running\n"
    assert running.run("kill", "7").returncode == 1


def test_status_lists_every_service(running, cluster, topic):
    cluster.wait_for_in_sync()
    listed = running.run("status")
    assert listed.returncode == 0
    for name in running.services:
        assert f"  {name:<12}running" in listed.stdout
    assert "0 of them not fully in sync" in listed.stdout


def test_logs_show_each_service_and_refuse_unknown_ones(running):
    shown = running.run("logs", "kafka-1", "--lines", "3")
    assert shown.returncode == 0
    assert str(running.data / "kafka-1" / "log") in shown.stdout
    assert 2 <= len(shown.stdout.splitlines()) <= 4
    assert all(
        f"== {name} " in running.run("logs").stdout for name in ("controller", "postgres", "ui")
    )
    unknown = running.run("logs", "kafka-9")
    assert unknown.returncode == 1
    assert "kafka-9" in unknown.stderr and "Traceback" not in unknown.stderr


def test_connect_finds_the_running_cluster(running):
    found = running.code("from helpers.cluster import connect; print(connect().brokers())")
    assert found.stdout == "[1, 2, 3]\n", found.stderr


def test_runner_is_chosen_by_variable_and_a_misspelt_one_is_told(running, monkeypatch):
    monkeypatch.setenv("CLUSTER", "processes")
    runner, why = choose_runner(running.services)
    assert (runner.name, why) == ("processes", "CLUSTER=processes says so")
    monkeypatch.setenv("CLUSTER", "procesess")
    with pytest.raises(
        ClusterError,
        match="CLUSTER=procesess is unknown. Use CLUSTER=containers or CLUSTER=processes",
    ):
        choose_runner(running.services)


def test_without_the_variable_a_cluster_of_processes_is_found_again(running):
    assert "(it already runs this way)" in running.run("status", CLUSTER=None).stdout


def test_containers_without_an_engine_are_refused(clone, tmp_path):
    """A PATH without docker stands for a machine without Docker."""
    refused = clone.run("up", CLUSTER="containers", PATH=str(tmp_path))
    assert refused.returncode == 1
    assert (
        "No Docker engine answers" in refused.stderr
        and "make kafka-up CLUSTER=processes" in refused.stderr
    )
    assert clone.processes() == []
