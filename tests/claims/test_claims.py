"""Claims that can't fail prove nothing: each change listed here breaks a pattern, and must fail at
the claim about it.

One JSON file a lesson: what changes (cell, old text, new text), the cell whose claim must then
fail, and cells to skip: other experiments, whose results that claim does not need. Run by make
claims-test.
"""

import json
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from helpers import notebooks

HERE = Path(__file__).parent
LESSONS = {path.stem[:2]: path for path in notebooks.all_notebooks()}
CHANGES = [
    (number, change)
    for number in LESSONS
    for change in json.loads((HERE / f"{number}.json").read_text(encoding="utf-8"))
]


def changed(path: Path, change: dict) -> nbformat.NotebookNode:
    """The notebook with one text in one of its code cells replaced, and without the cells to
    skip.
    """
    notebook = nbformat.read(path, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.id == change["cell"])
    assert cell.source.count(change["old"]) == 1, (
        f"cell {cell.id} does not hold this once: {change['old']}"
    )
    cell.source = cell.source.replace(change["old"], change["new"])
    assert set(change["skip"]) <= {cell.id for cell in notebook.cells}
    notebook.cells = [cell for cell in notebook.cells if cell.id not in change["skip"]]
    return notebook


def test_every_lesson_lists_two_changes_or_more():
    numbers = [number for number, _ in CHANGES]
    assert all(numbers.count(number) >= 2 for number in LESSONS)


@pytest.fixture(scope="module")
def kernel(running):
    """One kernel for all changes, as starting one takes seconds; each change begins with an empty
    namespace.
    """
    client = notebooks.client(nbformat.v4.new_notebook())
    with client.setup_kernel(**running.kernel()):
        yield client


@pytest.mark.parametrize(
    "number, change", CHANGES, ids=[f"{number}: {change['change']}" for number, change in CHANGES]
)
def test_the_change_fails_at_its_claim(number, change, kernel):
    notebook = kernel.nb = changed(LESSONS[number], change)
    notebook.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))
    last = next(n for n, cell in enumerate(notebook.cells) if cell.id == change["fails_at"])
    with pytest.raises(CellExecutionError) as failure:
        for index, cell in enumerate(notebook.cells[: last + 1]):
            kernel.execute_cell(cell, index)
    failed = [
        cell.id
        for cell in notebook.cells
        if any(output.output_type == "error" for output in cell.get("outputs", []))
    ]
    # Cells that weren't reached keep the outputs of the saved run, which has no errors.
    assert failed == [change["fails_at"]], failure.value
    assert failure.value.ename == "ClaimFailed"
