"""A learner needs no administrator's rights, and a run leaves nothing outside of the clone and the
cache folder, and tells no password.
"""

import os
import secrets
import subprocess
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from clones import Clone, assert_refused

# A lesson that uses all that lessons use: topics, a worker that is handed the database's address,
# a file, a figure, a scorecard; and it kills a broker. The last lesson does so in 45 s, this in 5.
LESSON = [
    """
import pandas as pd
import psycopg
from kafka import KafkaProducer
from helpers import charts, flights, lesson, meters
from helpers.workers import Worker
course = lesson.start(97)
database = course.database()
""",
    """
def write(tell, stopping, address):
    import psycopg
    with psycopg.connect(**address) as db:
        db.execute("CREATE TABLE bookings AS SELECT 1 AS id")
    tell("written")

address = database.schema("all")
with Worker(write, address) as clerk:
    clerk.join()
with psycopg.connect(**address) as db:
    print(db.execute("SELECT id FROM bookings").fetchall())
""",
    """
topic, ledger, latencies = course.topic("all"), meters.Ledger("all"), meters.Latencies()
producer = KafkaProducer(bootstrap_servers=course.bootstrap_servers)
with course.lag(topic) as lag:
    for n, due in meters.paced(100, 1):
        answer = producer.send(topic, flights.as_json({"id": n}))
        ledger.sent(n, answer.add_callback(latencies.done, due), due)
        if n == 50:
            course.cluster.kill(course.cluster.leader(topic))
    producer.flush()
producer.close()
ledger.stored(course.stored_ids(topic))
books = meters.compare(ledger)
(course.folder / "a-file").write_text("of this run")
course.claim("lost", books["lost"].sum(), equals=0)
charts.ledger(books, title="All is there")
""",
    """
card = pd.DataFrame(dict.fromkeys(charts.MEASURES, [1.0]), index=["all"])
course.scorecard(card, own=["all"], title="All is there")
""",
    """
database.clean_up()
course.clean_up()
""",
]


@pytest.fixture(scope="module")
def secret() -> str:
    """PostgreSQL's password in the user's clone."""
    return f"word-{secrets.token_hex(8)}"


@pytest.fixture(scope="module")
def clone(users_clone: Clone, secret: str) -> Clone:
    compose_file = users_clone.folder / "docker-compose.yml"
    text, password = compose_file.read_text(encoding="utf-8"), "POSTGRES_PASSWORD: "
    assert text.count(f"{password}course") == 1
    compose_file.write_text(text.replace(f"{password}course", password + secret), encoding="utf-8")
    cells = [new_code_cell(source.strip(), id=f"c{n}") for n, source in enumerate(LESSON)]
    nbformat.write(new_notebook(cells=cells), users_clone.folder / "notebooks" / "97-all.ipynb")
    os.chown(users_clone.folder / "notebooks" / "97-all.ipynb", users_clone.user, users_clone.user)
    return users_clone


def files_of(user: int, besides: Path) -> set[str]:
    """Every file and folder on this machine that belongs to a user, save those in one folder."""
    mounted = [place for place in ("/tmp", "/dev/shm", "/run") if os.path.ismount(place)]
    command = ["find", "/", *mounted, "-xdev", "-path", str(besides), "-prune"]
    command += ["-o", "-user", str(user), "-print"]
    return set(subprocess.run(command, capture_output=True, text=True).stdout.splitlines())


def test_a_lesson_leaves_nothing_outside_and_tells_no_password(clone, secret):
    folder = clone.folder.parent
    home = folder / "home"
    home.mkdir()
    os.chown(home, clone.user, clone.user)
    before = files_of(clone.user, folder)
    said = []
    for module, *arguments in (
        ["cluster", "up"],
        ["notebooks", "run", "notebooks/97-all.ipynb"],
        ["cluster", "status"],
        ["cluster", "down"],
    ):
        done = clone.run(*arguments, module=module, HOME=str(home), XDG_CACHE_HOME=None)
        assert done.returncode == 0, done.stdout + done.stderr
        said += [done.stdout, done.stderr]
        at_work = clone.processes()
        said += [" ".join(process.cmdline()) for process in at_work]
        assert {process.uids().effective for process in at_work} <= {clone.user}
        assert bool(at_work) == (arguments[0] != "down")
        if arguments[0] == "up":
            clone.create_topic("ordinary")
            clone.write("ordinary", "kept")
            assert clone.read("ordinary") == ["kept"]
    assert files_of(clone.user, folder) - before == set()
    assert sorted(path.name for path in folder.iterdir()) == [".venv", "cache", "clone", "home"]
    assert os.listdir(home) == []
    # Neither in what the commands print or run, nor in a file: logs, and the notebook with its
    # outputs among them.
    assert [text for text in said if secret in text] == []
    files = [path for path in folder.rglob("*") if path.is_file()]
    holders = [path for path in files if secret.encode() in path.read_bytes()]
    assert holders == [clone.folder / "docker-compose.yml"]


def test_a_folder_that_root_has_made_is_told(clone):
    """By a kafka-up of its own, say."""
    for path in (clone.data / "kafka-2", clone.data / "kafka-2" / "log"):
        os.chown(path, 0, 0)
    assert_refused(clone.run("up"), "kafka-2", "Permission denied")
    assert clone.processes() == []
