"""Kafka and PostgreSQL on this machine: started, asked, and disturbed.

docker-compose.yml says all there is to say of them. In a notebook:

    cluster = connect(); cluster.kill(2); cluster.start(2)

In a terminal: python -m helpers.cluster

    up | down | status | logs [SERVICE] | kill N | start N | pause N | resume N | ui

What is in here (.ci/imports.ini says which of these may import which):

    face         the cluster's one face: who is there, who leads, faults, conditions to wait for
    database     the same for PostgreSQL
    commands     up, down, status, logs … as a command line
    runner       what either runner can do, and which of the two it is
    containers   the compose file as it stands, run by Docker Compose
    processes    the same services as processes; kafka and postgres know how each is started,
                 ui is their web page: it watches the brokers, and only reads
    turn         one process at a time works with the brokers
    checks       why something can't be started here
    children     processes that outlive the command that started them
    ports        what a kafka-up was given, until kafka-down
    compose      reads docker-compose.yml
    jars         fetches Apache Kafka
    wire         asks one broker, with a time limit: once, or over a line that stays open

It may touch processes, Docker, files in .cluster and in the cache. It knows nothing of lessons, and
draws nothing but its web page.
"""

from .face import Cluster, connect
from .turn import turns

__all__ = ["Cluster", "connect", "turns"]
