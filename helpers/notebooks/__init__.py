"""The saved notebooks: tested, run and saved. As commands: python -m helpers.notebooks lab|test|run

lab    JupyterLab as the course opens it
files  what JupyterLab reads and writes
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

from ..base import places
from ..base.widgets import VIEW

if TYPE_CHECKING:
    from nbclient import NotebookClient

# Notebook -> fingerprint of the code that its saved outputs are from.
EXECUTED = places.ROOT / "tests" / "executed.json"
# The README's picture: notebook, cell, file.
COVER = ("01-fire-and-forget.ipynb", "hole", places.NOTEBOOKS / "figure.png")
CELL_TIMEOUT = 60  # seconds; a cell is meant to need 20 at most, and CI machines are slow
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def all_notebooks() -> list[Path]:
    """The lessons, in their order."""
    return sorted(places.NOTEBOOKS.glob("[0-9][0-9]-*.ipynb"))


def test(notebooks: list[Path]) -> int:
    """Runs the notebooks under nbval; a failing cell or a differing checked output is an error."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval-lax",
        "--nbval-current-env",
        f"--nbval-cell-timeout={CELL_TIMEOUT}",
    ]
    command += ["--durations=5", "-p", "no:cacheprovider", *map(str, notebooks)]
    env = places.environment() | {places.UNATTENDED: "1"}
    return subprocess.run(command, env=env, cwd=places.ROOT).returncode


def run(notebooks: list[Path]) -> int:
    """Executes the notebooks and saves them with their outputs; one that fails is not saved."""
    os.environ.update(places.environment())
    from nbclient.exceptions import CellExecutionError
    from nbconvert.filters import strip_ansi

    executed = json.loads(EXECUTED.read_text()) if EXECUTED.exists() else {}
    for path in notebooks:
        begin = time.monotonic()
        notebook = nbformat.read(path, as_version=4)
        print(f"{path.name} … ", end="", flush=True)
        try:
            client(notebook).execute()
        except CellExecutionError as error:
            print(f"failed, not saved:\n{strip_ansi(str(error))}")
            return 1
        _tidy(notebook)
        nbformat.write(notebook, path)
        if path.name == COVER[0]:
            COVER[2].write_bytes(picture(notebook, COVER[1]))
        executed[path.name] = fingerprint(notebook)
        EXECUTED.write_text(json.dumps(executed, indent=1, sort_keys=True) + "\n")
        print(f"{time.monotonic() - begin:.0f} s, {path.stat().st_size / 1000:.0f} kB")
    return 0


def client(notebook: nbformat.NotebookNode, timeout: int = CELL_TIMEOUT) -> "NotebookClient":
    """What executes a notebook as a learner does, in the folder of the notebooks, but unattended.

    `timeout` is in seconds, for each cell.
    """
    # Here, as it finds out about Jupyter's folders when it is imported.
    from nbclient import NotebookClient

    return NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": places.NOTEBOOKS}},
        extra_arguments=[
            # Its warning of each start, that it speaks over TCP of this machine, is no news.
            "--log-level=ERROR",
            f"--IPKernelApp.exec_lines=import os; os.environ['{places.UNATTENDED}'] = '1'; del os",
        ],
    )


def fingerprint(notebook: nbformat.NotebookNode) -> str:
    """A hash over the code of all cells, in order."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()[:16]


def picture(notebook: nbformat.NotebookNode, cell_id: str) -> bytes:
    """The PNG that a cell shows. Raises StopIteration where it shows none."""
    outputs = next(cell.outputs for cell in notebook.cells if cell.id == cell_id)
    return base64.b64decode(
        next(
            output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})
        )
    )


def remove_widgets(notebook: dict) -> None:
    """Takes views of widgets out of the outputs, and outputs that show nothing else.

    Once their kernel has ended, a reader would find "model not found" there. Beside a view stands
    what is to be seen instead; a progress bar that is done leaves an empty place.
    """
    for cell in notebook.get("cells", []):
        if cell["cell_type"] == "code":
            for output in cell["outputs"]:
                output.get("data", {}).pop(VIEW, None)
            cell["outputs"] = [output for output in cell["outputs"] if output.get("data") != {}]


def _tidy(notebook: nbformat.NotebookNode) -> None:
    """Leaves nothing in the file that changes from run to run without a reader's seeing it."""
    from nbconvert.preprocessors import CoalesceStreamsPreprocessor

    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict(
            {key: value for key, value in cell.metadata.items() if key == "tags"}
        )
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    remove_widgets(notebook)
    # What was printed before such a place and after it is one text again, as JupyterLab has it.
    CoalesceStreamsPreprocessor().preprocess(notebook, {})
