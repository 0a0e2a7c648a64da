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
CHANGES = [
    (path, change)
    for path in notebooks.all_notebooks()
    for change in json.loads((HERE / f"{path.stem[:2]}.json").read_text(encoding="utf-8"))
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
    paths = [path for path, _ in CHANGES]
    assert all(paths.count(path) >= 2 for path in notebooks.all_notebooks())


@pytest.fixture(scope="module")
def kernel(running):
    """One kernel for all changes, as starting one takes seconds; each change begins with an empty
    namespace.
    """
    client = notebooks.client(nbformat.v4.new_notebook())
    with client.setup_kernel(**running.kernel()):
        yield client


@pytest.mark.parametrize(
    "path, change",
    CHANGES,
    ids=[f"{path.stem[:2]}: {change['change']}" for path, change in CHANGES],
)
def test_the_change_fails_at_its_claim(path, change, kernel):
    notebook = kernel.nb = changed(path, change)
    notebook.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))
    last = next(n for n, cell in enumerate(notebook.cells) if cell.id == change["fails_at"])
    with pytest.raises(CellExecutionError) as failure:
        for index, cell in enumerate(notebook.cells[: last + 1]):
            kernel.execute_cell(cell, index)
        print(notebook.cells[last].outputs)  # the claims that all hold
    failed = [
        cell.id
        for cell in notebook.cells
        if any(output.output_type == "error" for output in cell.get("outputs", []))
    ]
    # Cells that weren't reached keep the outputs of the saved run, which has no errors.
    assert failed == [change["fails_at"]], failure.value
    assert failure.value.ename == "ClaimFailed"
