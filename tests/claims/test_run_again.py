"""Any cell can be run again: twice in a row, and after the clean-up. Its claims hold each time.

After the clean-up, cells that take long are left out: what takes long is an experiment, and each
run of one makes all that it needs. The others are those that may miss what is no longer there.

For the lessons that are described once (those that .ci/ruff.toml does not excuse).
"""

import time
import tomllib

import nbformat
import pytest

from helpers import notebooks
from helpers.base import places

SETTINGS = tomllib.loads((places.ROOT / ".ci" / "ruff.toml").read_text(encoding="utf-8"))
LONG = 2.5  # seconds
EXCUSED = SETTINGS["format"]["exclude"]
LESSONS = [
    pytest.param(path, id=path.stem[:2])
    for path in notebooks.all_notebooks()
    if path.relative_to(places.ROOT).as_posix() not in EXCUSED
]


def test_there_are_such_lessons():
    assert LESSONS


@pytest.mark.parametrize("path", LESSONS)
def test_each_cell_can_be_run_again_and_again_after_the_clean_up(path, running):
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    *others, clean_up = cells
    assert clean_up.source == "course.clean_up()"
    first = others[0].id
    client = notebooks.client(notebook)
    done, long = [], set()
    with client.setup_kernel(**running.kernel()):
        again = [cell for cell in others for _ in range(2)]
        for cell in [*again, clean_up]:
            begin = time.monotonic()
            # Raises CellExecutionError for one that fails, a claim among them.
            client.execute_cell(cell, notebook.cells.index(cell))
            if time.monotonic() - begin > LONG:
                long.add(cell.id)
            done.append(cell.id)
        # The first one would begin a new run.
        later = [cell for cell in others if cell.id not in {first, *long}]
        assert len(later) > len(others) / 2
        for cell in [*later, clean_up]:
            client.execute_cell(cell, notebook.cells.index(cell))
            done.append(cell.id)
    assert done.count("clean") == 2 and len(done) == 2 * len(others) + len(later) + 2
