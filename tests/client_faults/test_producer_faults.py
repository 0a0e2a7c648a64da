"""What the course works around in kafka-python's producer. Each test shows that the fault is still
there; a red one says which workaround can go.
"""

import contextlib
import functools
import threading
import time

import pytest
from kafka import KafkaProducer
from kafka.errors import KafkaConfigurationError, KafkaError, KafkaTimeoutError
from kafka.net.compat import KafkaNetClient
from mended import mended, never

from helpers import clients
from helpers.base.waiting import until

# A message expires after 0.6 s. Before that its request times out once, so it waits for a retry.
IMPATIENT = {"delivery_timeout_ms": 600, "request_timeout_ms": 200, "retry_backoff_ms": 100}
LIMIT = 10_000  # bytes that a batch may have


def error_of(future):
    """The kind of error with which a message failed; "" for one that was acknowledged."""
    try:
        future.get(timeout=20)
    except KafkaError as error:
        return type(error).__name__
    return ""


def is_taken(producer, topic):
    """Whether the brokers take a message of this producer."""
    return not error_of(producer.send(topic, b"are you well?"))


@pytest.fixture(scope="module")
def expired(paused_leader, servers, new_topic):
    """Three producers of which a message has expired, by name, and its topic. The brokers are well
    again.
    """
    topic = new_topic()
    producers = {
        name: KafkaProducer(
            bootstrap_servers=servers, **IMPATIENT, enable_idempotence=name != "not idempotent"
        )
        for name in ("idempotent", "another one", "not idempotent")
    }
    try:
        for producer in producers.values():
            until(functools.partial(is_taken, producer, topic), 10, "it has connected")
        with paused_leader(topic):
            futures = [producer.send(topic, b"expires") for producer in producers.values()]
            assert [error_of(future) for future in futures] == ["KafkaTimeoutError"] * 3
        with KafkaProducer(bootstrap_servers=servers) as fresh:
            until(lambda: is_taken(fresh, topic), 10, "the brokers take messages again")
        yield producers, topic
    finally:
        for producer in producers.values():
            clients.abandon(producer, timeout=0.1)


def test_acks_0_reports_an_offset_that_no_broker_gave(servers, new_topic):
    topic = new_topic()
    with KafkaProducer(bootstrap_servers=servers) as producer:
        for n in range(3):
            assert producer.send(topic, b"%d" % n).get(timeout=10).offset == n
    silent = {"acks": 0, "retries": 0, "enable_idempotence": False}
    with KafkaProducer(bootstrap_servers=servers, **silent) as producer:
        offset = producer.send(topic, b"3").get(timeout=10).offset
    # A sound client reports -1, as the Java client does, or no offset at all.
    assert offset == 0, mended(
        f"acks=0 reports the offset {offset}; Ledger could tell by it, and lesson 01 shows it"
    )


def share_of_a_processor():
    """How busy this process keeps a processor, over half a second."""
    begin = time.process_time()
    time.sleep(0.5)
    return (time.process_time() - begin) / 0.5


def test_a_producer_that_waits_for_a_broker_keeps_a_processor_busy(
    paused_leader, servers, new_topic, monkeypatch
):
    topic = new_topic()
    # Each message is a batch of its own, and two at most are on their way.
    settings = {"batch_size": 1, "max_in_flight_requests_per_connection": 2}
    with KafkaProducer(bootstrap_servers=servers, enable_idempotence=False, **settings) as producer:
        until(lambda: is_taken(producer, topic), 10, "it has connected")
        with paused_leader(topic):
            futures = [producer.send(topic, b"waits") for _ in range(5)]
            until(lambda: share_of_a_processor() > 0.5, 10, mended("a producer waits"))
            monkeypatch.setattr(KafkaNetClient, "connection_delay", KafkaNetClient.connection_delay)
            clients.let_producers_wait()  # until the test is over
            until(lambda: share_of_a_processor() < 0.2, 10, "it waits")
        assert [error_of(future) for future in futures] == [""] * 5


def test_an_idempotent_producer_never_works_again_after_a_message_expired(expired):
    producers, topic = expired
    frank, stubborn = producers["not idempotent"], producers["idempotent"]
    until(lambda: is_taken(frank, topic), 10, "a producer that is not idempotent goes on")
    later = stubborn.send(topic, b"later")
    # A sound producer sends it at once, or lets it expire after 0.6 s. This one does neither.
    assert never(lambda: later.is_done, 1), mended(
        "an idempotent producer goes on after an expired message; lessons 03, 14 and 15 may keep it"
    )


def test_close_without_a_limit_never_returns_after_a_message_expired(expired):
    producers, topic = expired
    producer = producers["another one"]
    producer.send(topic, b"later")
    closing = threading.Thread(target=producer.close, daemon=True)
    closing.start()
    try:
        assert never(lambda: not closing.is_alive(), 1), mended(
            "close() ends by itself; the relay of lesson 15 need not kill itself"
        )
    finally:
        clients.abandon(producer, timeout=0.1)
        closing.join(timeout=10)
    assert not closing.is_alive(), "clients.abandon ends a close that hangs, too"


def test_close_with_an_unfinished_message_leaves_the_thread(paused_leader, servers, new_topic):
    topic, before = new_topic(), set(threading.enumerate())
    producer = KafkaProducer(bootstrap_servers=servers)
    mine = lambda: [
        thread
        for thread in set(threading.enumerate()) - before
        if thread.name.startswith(clients.THREADS)
    ]
    try:
        producer.send(topic, b"arrives").get(timeout=10)
        assert mine(), "the producer has a thread of its own"
        with paused_leader(topic):
            unfinished = producer.send(topic, b"has no answer yet")
            # That it says so is no fault. That it closes nothing is one.
            with contextlib.suppress(KafkaTimeoutError):
                producer.close(timeout=0.2)
        # When the message has its answer, nothing is left to do for the thread.
        until(lambda: unfinished.is_done, 10, "the message has its answer")
        assert never(lambda: not mine(), 0.8), mended(
            "close(timeout) ends the producer's thread; clients.abandon can go"
        )
    finally:
        clients.abandon(producer)


def large_among_small(producer, topic):
    """Sends a batch of ten messages, of which number 5 is larger than the topic's batches may
    be.
    """
    producer.partitions_for(topic)  # connects, so that all ten come while the batch is open
    return [producer.send(topic, b"x" * (2 * LIMIT if n == 5 else 10)) for n in range(10)]


def one_batch(servers, **settings):
    """A producer that packs all of that into one batch."""
    return KafkaProducer(
        bootstrap_servers=servers, batch_size=10 * LIMIT, linger_ms=200, **settings
    )


def test_a_large_message_fails_its_neighbours_and_the_idempotent_producer(servers, new_topic):
    errors = {}
    for idempotent in (False, True):
        topic = new_topic(max_message_bytes=LIMIT)
        with one_batch(servers, enable_idempotence=idempotent) as producer:
            errors[idempotent] = [error_of(future) for future in large_among_small(producer, topic)]
            errors[idempotent].append(error_of(producer.send(topic, b"later")))
    alone = [""] * 5 + ["MessageSizeTooLargeError"] + [""] * 5
    assert errors[False] == alone, "without idempotence only the large message fails"
    assert any(errors[True][6:10]), mended(
        "an idempotent producer loses only the large message; lesson 05 says otherwise"
    )
    assert errors[True][10], mended(
        "an idempotent producer goes on after a message that is too large; lesson 05 replaces it"
    )


def test_flush_does_not_wait_for_the_halves_of_a_split_batch(servers, new_topic):
    topic = new_topic(max_message_bytes=LIMIT)
    with one_batch(servers, enable_idempotence=False) as producer:
        futures = large_among_small(producer, topic)
        try:
            producer.flush(timeout=10)
            outcome = "returns"
        except KafkaError as error:
            outcome = f"raises {type(error).__name__}: {error}"
        assert sum(bool(error_of(future)) for future in futures) == 1
    assert "Future not done" in outcome, mended(
        f"flush {outcome} after a batch was split; lesson 05 need not ask every future"
    )


def test_each_transaction_waits_for_retry_backoff_ms(servers, new_topic, group):
    pause, topic = 0.4, new_topic()
    with KafkaProducer(bootstrap_servers=servers, transactional_id=group) as first:
        first.init_transactions()  # makes the cluster ready for transactions
    settings = {"transactional_id": group, "retry_backoff_ms": 1000 * pause}
    waits = []
    with KafkaProducer(bootstrap_servers=servers, **settings) as producer:
        producer.init_transactions()
        # The next transaction begins while the markers of the last one are written. Should the
        # brokers be quicker for once, another one follows.
        while len(waits) < 4 and max(waits[1:], default=0) < pause:
            begin = time.perf_counter()
            producer.begin_transaction()
            producer.send(topic, b"x").get(timeout=20)
            waits.append(time.perf_counter() - begin)
            producer.commit_transaction()
    # The Java client asks again after 20 ms in this case, whatever retry.backoff.ms says.
    assert max(waits[1:]) >= pause, mended(
        "no transaction waits for retry_backoff_ms; lessons 10 and 12 need not set it to 5"
    )


def test_there_is_no_limit_on_the_producers_memory(servers):
    try:
        KafkaProducer(bootstrap_servers=servers, buffer_memory=1_000_000).close()
        outcome = "accepted"
    except (KafkaConfigurationError, ValueError, AssertionError) as error:
        outcome = str(error)
    assert "buffer_memory" in outcome, mended(
        f"a limit on the producer's memory is {outcome}; lesson 04 need not count what is in flight"
    )
