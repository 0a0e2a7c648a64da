"""Any cell can be run again: twice in a row, and after the clean-up. Its claims hold each time.

Cells that measure an experiment are run once before the clean-up and once after it, for time.
"""

import nbformat
import pytest

from helpers import notebooks


@pytest.mark.parametrize("path", notebooks.all_notebooks(), ids=lambda path: path.stem[:2])
def test_each_cell_can_be_run_again_and_again_after_the_clean_up(path, running):
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    *others, clean_up = cells
    assert clean_up.source == "course.clean_up()"
    twice = [cell for cell in others for _ in range(1 if ".measure(" in cell.source else 2)]
    assert len(others) < len(twice) < 2 * len(others)
    order = [*twice, clean_up, *others[1:], clean_up]  # the first cell would begin a new run
    client = notebooks.client(notebook)
    with client.setup_kernel(**running.kernel()):
        for cell in order:
            # Raises CellExecutionError for one that fails, a claim among them.
            client.execute_cell(cell, notebook.cells.index(cell))
    assert [cell.execution_count for cell in (others[0], clean_up)] == [2, len(order)]
