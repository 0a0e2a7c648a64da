"""What helpers/clients.py works around in the clients' network threads. Each test shows that the
fault is still there; a red one says which workaround can go.
"""

import gc
import threading
import weakref

import pytest
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.errors import KafkaConfigurationError, KafkaTimeoutError
from mended import mended, never

from helpers import clients


def threads_since(before):
    """The threads of clients that were not there before."""
    return [
        thread
        for thread in set(threading.enumerate()) - before
        if thread.name.startswith(clients.THREADS)
    ]


@pytest.mark.parametrize("kind", [KafkaAdminClient, KafkaConsumer])
def test_a_client_that_reaches_nobody_leaves_its_thread(kind):
    before = set(threading.enumerate())
    try:
        with pytest.raises(KafkaTimeoutError, match="bootstrap"):
            kind(bootstrap_servers=["localhost:1"], bootstrap_timeout_ms=100)
        gc.collect()
        assert never(lambda: not threads_since(before), 0.6), mended(
            "a constructor that fails ends its thread; clients.new_admin can go"
        )
    finally:
        clients.close_all()


def test_a_client_that_nobody_holds_leaves_its_thread(servers):
    before = set(threading.enumerate())
    try:
        client = weakref.ref(KafkaAdminClient(bootstrap_servers=servers))
        gc.collect()
        assert client() is None, "nobody holds it"
        assert never(lambda: not threads_since(before), 0.6), mended(
            "a client that is gone ends its thread; clients.close_all need not stop loops"
        )
    finally:
        clients.close_all()


def test_a_consumer_whose_constructor_failed_cannot_be_closed():
    """The traceback holds it: in a notebook, until the next cell fails."""
    with pytest.raises(KafkaConfigurationError) as refused:
        KafkaConsumer(auto_offset_rest="earliest")
    half_made = refused.tb.tb_next.tb_frame.f_locals["self"]
    try:
        half_made.close()
        closed = True
    except AttributeError:
        closed = False
    assert not closed, mended("such a consumer can be closed; clients.close_all need not ask")
