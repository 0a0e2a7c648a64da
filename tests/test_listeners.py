"""Nothing of the course listens to other machines."""

from __future__ import annotations

import psutil


def test_every_process_of_the_cluster_listens_on_this_machine_only(running):
    listening = {}
    for process in running.processes():
        for connection in process.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN:
                listening.setdefault(connection.laddr.port, set()).add(connection.laddr.ip)
    promised = {service.port for service in running.services.values() if service.ports}
    assert promised <= listening.keys()
    assert set().union(*listening.values()) <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
