"""PostgreSQL for the outbox lesson: where it is, and how to disturb it.

The SQL stands in the notebook.
"""

from collections.abc import Callable

import psycopg
from psycopg import sql

from ..base.errors import ClusterError
from ..base.waiting import until
from . import checks
from .face import Cluster

SERVICE = "postgres"
PREFIX = "lesson_15_"


class Database:
    """The cluster's PostgreSQL.

    Tables of a lesson live in schemas of their own, so that a run can't meet another one's.

    Starts PostgreSQL where an interrupted run has left it dead, and drops the schemas that such a
    run has left.
    """

    def __init__(self, cluster: Cluster, run: str, living: Callable[[], list[str]] = list):
        """`living` names the runs whose schemas stay, as they are still at work.

        Raises ClusterError where the server that answers was not started from this folder.
        """
        self._cluster, self._run, self._living = cluster, run, living
        service = cluster.services[SERVICE]
        keys = {"user": "POSTGRES_USER", "password": "POSTGRES_PASSWORD", "dbname": "POSTGRES_DB"}
        self._address = {"host": "127.0.0.1", "port": service.port, "connect_timeout": 5}
        self._address |= {key: service.environment[variable] for key, variable in keys.items()}
        if self.answers() and cluster.runner.states()[SERVICE] == "stopped":
            raise ClusterError(
                f"What answers at localhost:{service.port} is not the course's PostgreSQL: it is "
                f"{checks.listener(service.port)}.\n"
                f"End it, then: make kafka-up. Or move ours: make kafka-down, then: "
                f"make kafka-up POSTGRES_PORT={service.port + 1}"
            )
        self.clean_up()

    def schema(self, name: str) -> dict[str, str | int]:
        """Makes an empty schema of this run; its address is for ``psycopg.connect(**address)``.

        Every connection with this address finds its tables there. The address is JSON, so a worker
        can get it.
        """
        schema = f"{PREFIX}{self._run}_{name}"
        with psycopg.connect(**self._address, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema))
            )
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        return self._address | {"options": f"-c search_path={schema}"}

    def answers(self) -> bool:
        """True where it takes connections now."""
        try:
            psycopg.connect(**self._address).close()
            return True
        except psycopg.OperationalError:
            return False

    def kill(self) -> None:
        """Ends PostgreSQL at once, without a goodbye (SIGKILL)."""
        self._cluster.runner.kill(SERVICE)

    def start(self, timeout: float = 30.0) -> None:
        """Starts PostgreSQL again and waits until it takes connections.

        Raises NotInTime after `timeout` seconds.
        """
        self._cluster.runner.start([SERVICE])
        until(
            self.answers,
            timeout,
            f"PostgreSQL takes connections.\nSee: make kafka-logs SERVICE={SERVICE}",
        )

    def clean_up(self) -> None:
        """Drops the schemas of this run, and those that dead ones have left.

        Starts PostgreSQL where it is dead.
        """
        if not self.answers():
            self.start()
        kept = tuple(f"{PREFIX}{run}_" for run in self._living() if run != self._run)
        with psycopg.connect(**self._address, autocommit=True) as connection:
            # Somebody who died in a transaction may still hold a lock on a table.
            connection.execute("SET lock_timeout = '5s'")
            found = connection.execute(
                "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)", [PREFIX]
            ).fetchall()
            for name in [name for (name,) in found if not name.startswith(kept)]:
                connection.execute(
                    sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name))
                )
