"""PostgreSQL for the outbox lesson: where it is, and how to disturb it.

The SQL stands in the notebook.
"""

import psycopg
from psycopg import sql

from ..base.waiting import until
from .face import Cluster

SERVICE = "postgres"
PREFIX = "lesson_15_"


class Database:
    """The cluster's PostgreSQL.

    Tables of a lesson live in schemas of their own, so that a run can't meet another one's.

    Starts PostgreSQL where an interrupted run has left it dead, and drops the schemas that such a
    run has left.
    """

    def __init__(self, cluster: Cluster, run: str):
        self._cluster, self._run = cluster, run
        service = cluster.services[SERVICE]
        keys = {"user": "POSTGRES_USER", "password": "POSTGRES_PASSWORD", "dbname": "POSTGRES_DB"}
        self._address = {"host": "127.0.0.1", "port": service.port, "connect_timeout": 5}
        self._address |= {key: service.environment[variable] for key, variable in keys.items()}
        if not self.answers():
            self.start()
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
        """Drops the schemas of the lesson, those of interrupted runs too."""
        with psycopg.connect(**self._address, autocommit=True) as connection:
            # Somebody who died in a transaction may still hold a lock on a table.
            connection.execute("SET lock_timeout = '5s'")
            found = connection.execute(
                "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)", [PREFIX]
            ).fetchall()
            for (name,) in found:
                connection.execute(
                    sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name))
                )
