"""A learner's run needs no administrator's rights, leaves nothing outside of the clone and the
cache folder, and tells no password.
"""

import os
import secrets
import subprocess
from pathlib import Path

from clones import Clone

# The last lesson uses all there is: workers, files of its own, the database; and it kills a broker.
LESSON = "notebooks/15-outbox.ipynb"


def files_of(user: int, besides: Path) -> set[str]:
    """Every file and folder on this machine that belongs to a user, save those in one folder."""
    places = ["/", *(place for place in ("/tmp", "/dev/shm", "/run") if os.path.ismount(place))]
    command = [
        "find",
        *places,
        "-xdev",
        "-path",
        str(besides),
        "-prune",
        "-o",
        "-user",
        str(user),
        "-print",
    ]
    return set(subprocess.run(command, capture_output=True, text=True).stdout.splitlines())


def test_a_lesson_leaves_nothing_outside_and_tells_no_password(users_clone: Clone):
    clone = users_clone
    folder, secret = clone.folder.parent, f"word-{secrets.token_hex(8)}"
    compose_file = clone.folder / "docker-compose.yml"
    text = compose_file.read_text(encoding="utf-8")
    assert text.count("POSTGRES_PASSWORD: course") == 1
    compose_file.write_text(
        text.replace("POSTGRES_PASSWORD: course", f"POSTGRES_PASSWORD: {secret}"), encoding="utf-8"
    )
    home = folder / "home"
    home.mkdir()
    os.chown(home, clone.user, clone.user)
    before = files_of(clone.user, folder)
    said = []
    for module, *arguments in (
        ["cluster", "up"],
        ["notebooks", "run", LESSON],
        ["cluster", "status"],
        ["cluster", "down"],
    ):
        done = clone.run(*arguments, module=module, HOME=str(home), XDG_CACHE_HOME=None)
        assert done.returncode == 0, done.stdout + done.stderr
        said += [
            done.stdout,
            done.stderr,
            *(" ".join(process.cmdline()) for process in clone.processes()),
        ]
    assert files_of(clone.user, folder) - before == set()
    assert sorted(path.name for path in folder.iterdir()) == [".venv", "cache", "clone", "home"]
    assert os.listdir(home) == []
    # Neither in what the commands print or run, nor in a file: logs, and the notebook with its
    # outputs among them.
    assert [text for text in said if secret in text] == []
    holders = [
        path
        for path in folder.rglob("*")
        if path.is_file() and secret.encode() in path.read_bytes()
    ]
    assert holders == [compose_file]
