"""Faults planted in small notebooks: what `make notebooks-test` must turn red for, and a sound one
that stays green.
"""

import os

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output

from helpers import notebooks

CLAIM = """from helpers.lesson import Lesson
Lesson.claim("messages lost", {lost}, equals=0)"""
# The bar is no output that could differ.
WITH_A_BAR = """# NBVAL_CHECK_OUTPUT
from helpers import meters
for n, variant in meters.alternating("ab", rounds=1000):
    pass
print(len("ab") * 1000)"""


def saved(path, *cells):
    """A notebook with (source, saved output) cells, as if it had been run."""
    book = new_notebook(metadata=notebooks.METADATA)
    for count, (source, text) in enumerate(cells, 1):
        outputs = [new_output("stream", name="stdout", text=text)] if text else []
        book.cells.append(
            new_code_cell(source, execution_count=count, outputs=outputs, id=f"cell-{count}")
        )
    nbformat.write(book, path)
    return path


def outcome(path, capfd):
    code = notebooks.test([path])
    return code, capfd.readouterr().out


def test_a_sound_notebook_is_green_and_writes_nothing_to_the_home_folder(
    tmp_path, capfd, monkeypatch
):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("KAFKA_COURSE_CACHE", str(tmp_path / "cache"))
    path = saved(
        tmp_path / "sound.ipynb",
        ("# NBVAL_CHECK_OUTPUT\nprint(1000)", "1000\n"),
        (CLAIM.format(lost=0), ""),
        ("import helpers.charts", ""),
        (WITH_A_BAR, "2000\n"),
    )
    code, said = outcome(path, capfd)
    assert code == 0, said
    assert "4 passed" in said
    assert os.listdir(home) == []


IN_A_THREAD = """from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor() as threads:
    done = threads.submit(lambda: 1 / 0)
done.result()"""
NO_CLUSTER = """from helpers.base.errors import NoCluster
raise NoCluster("Start one with: make kafka-up")"""
FAULTS = [  # source, saved output, a word of what is said
    ("# NBVAL_CHECK_OUTPUT\nprint(999)", "1000\n", "mismatch"),
    (CLAIM.format(lost=12), "", "ClaimFailed"),
    ("raise KeyError('planted')", "", "planted"),
    (IN_A_THREAD, "", "ZeroDivisionError"),
    (NO_CLUSTER, "", "make kafka-up"),
]


def test_every_fault_is_red(tmp_path, capfd):
    code, said = outcome(saved(tmp_path / "faulty.ipynb", *(fault[:2] for fault in FAULTS)), capfd)
    assert code != 0
    assert f"{len(FAULTS)} failed" in said and "passed" not in said, said
    for _, _, word in FAULTS:
        assert word in said


def test_a_cell_that_hangs_is_red(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(notebooks, "CELL_TIMEOUT", 1)
    code, said = outcome(
        saved(tmp_path / "hangs.ipynb", ("import threading\nthreading.Event().wait()", "")), capfd
    )
    assert code != 0
    assert "timed out" in said.lower() or "timeout" in said.lower(), said
