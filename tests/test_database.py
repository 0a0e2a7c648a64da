"""PostgreSQL as the outbox lesson meets it: schemas of a run, and a kill that it comes back
from.
"""

import psycopg
import pytest

from helpers import lesson
from helpers.cluster import connect
from helpers.cluster.database import Database


@pytest.fixture
def database():
    database = Database(connect(), "test")
    yield database
    if not database.answers():
        database.start()
    database.clean_up()


def test_tables_live_in_a_schema_of_the_run(database):
    one, other = database.schema("one"), database.schema("other")
    with psycopg.connect(**one) as db:
        db.execute("CREATE TABLE things (id bigint)")
    with psycopg.connect(**other) as db, pytest.raises(psycopg.errors.UndefinedTable):
        db.execute("SELECT * FROM things")


def test_a_schema_asked_for_again_is_empty(database):
    with psycopg.connect(**database.schema("again")) as db:
        db.execute("CREATE TABLE things (id bigint)")
    with psycopg.connect(**database.schema("again")) as db:
        db.execute("CREATE TABLE things (id bigint)")


def test_what_is_committed_survives_a_kill(database):
    address = database.schema("kill")
    with psycopg.connect(**address) as db:
        db.execute("CREATE TABLE things AS SELECT 1 AS id")
    with psycopg.connect(**address) as db:
        database.kill()
        assert not database.answers()
        with pytest.raises(psycopg.OperationalError):
            db.execute("SELECT 1")
    database.start()
    with psycopg.connect(**address) as db:
        assert db.execute("SELECT id FROM things").fetchall() == [(1,)]


def test_a_lessons_clean_up_starts_a_dead_database_and_drops_its_schemas(database):
    course = lesson.start(20)  # no lesson's number
    course.database().schema("own")
    database.kill()
    course.clean_up()
    with psycopg.connect(**database.schema("other")) as db:
        own = f"lesson_15_{course.run_id}_own"
        assert not db.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [own]).fetchall()


def test_a_dead_database_is_started_and_leftovers_are_dropped(database):
    address = database.schema("left")
    database.kill()
    Database(connect(), "later")
    with psycopg.connect(**address) as db:
        assert (
            db.execute(
                "SELECT 1 FROM pg_namespace WHERE nspname = 'lesson_15_test_left'"
            ).fetchone()
            is None
        )


def test_the_schemas_of_a_living_run_stay(database):
    theirs = Database(connect(), "theirs", living=lambda: ["test"])
    mine = database.schema("mine")
    theirs.schema("gone")
    theirs.clean_up()
    with psycopg.connect(**mine) as db:
        found = db.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'lesson_15_%'")
        assert found.fetchall() == [("lesson_15_test_mine",)]
