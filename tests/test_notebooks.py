"""The saved notebooks as a reader meets them: whole, in order, small, and with nothing of the
machine they were run on.
"""

import ast
import base64
import json
import re
import struct

import nbformat
import pytest

from helpers import notebooks
from helpers.base import places
from helpers.base.widgets import VIEW

LESSONS = notebooks.all_notebooks()
HEADINGS = [
    "The problem",
    "The pattern",
    "The code",
    "Predict",
    "Measure",
    "Break it",
    "Turn the knobs",
    "Exercises",
    "When to use it",
    "Scorecard",
    "Clean up",
]
NAMES = [
    "01-fire-and-forget",
    "02-simple-consumer",
    "03-synchronous-send",
    "04-async-callback",
    "05-batch",
    "06-consumer-group",
    "07-manual-assignment",
    "08-at-least-once",
    "09-at-most-once",
    "10-transactional",
    "11-stateless-processing",
    "12-stateful-processing",
    "13-retry-with-backoff",
    "14-dead-letter-queue",
    "15-outbox",
]
KILOBYTES = 400
PICTURE_KILOBYTES = 60


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request):
    return request.param


@pytest.fixture
def notebook(lesson):
    return nbformat.read(lesson, as_version=4)


@pytest.fixture
def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def pictures(code):
    return [
        output.data["image/png"]
        for cell in code
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]


def test_lessons_have_their_names_and_no_gap():
    assert [path.stem for path in LESSONS] == NAMES


def test_the_readme_shows_a_figure_of_the_saved_notebook():
    name, cell, file = notebooks.COVER
    assert file.read_bytes() == notebooks.picture(
        nbformat.read(places.NOTEBOOKS / name, as_version=4), cell
    )
    assert f"(notebooks/{file.name})" in (places.ROOT / "README.md").read_text()


def test_is_valid(notebook):
    nbformat.validate(notebook)


def test_parts_stand_in_their_order(notebook):
    found = re.findall(
        r"^## (.+)$",
        "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown"),
        re.M,
    )
    assert found == HEADINGS


def test_outputs_are_of_one_full_run_in_order(code):
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))


def test_outputs_are_of_this_code(lesson, notebook):
    executed = json.loads(notebooks.EXECUTED.read_text())
    assert executed.get(lesson.name) == notebooks.fingerprint(notebook), (
        "changed after its last run: make notebooks-run"
    )


def test_no_cell_ended_in_an_error(code):
    assert not [
        output.evalue for cell in code for output in cell.outputs if output.output_type == "error"
    ]


def test_nothing_on_stderr(code):
    assert not [
        output.text for cell in code for output in cell.outputs if output.get("name") == "stderr"
    ]


def test_no_output_needs_a_kernel_to_be_seen(code):
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if VIEW in output.get("data", {})]


def test_metadata_is_kernel_and_language_only(notebook):
    assert notebook.metadata == notebooks.METADATA
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)


def test_cell_ids_are_words_and_unique(notebook):
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z0-9-]+", id) for id in ids)


def test_no_names_of_this_machine(lesson):
    assert not re.findall(r"/(?:root|home|work|tmp|Users)/[\w./-]+", lesson.read_text())


def test_is_small(lesson, code):
    assert lesson.stat().st_size < 1000 * KILOBYTES
    assert (
        max(len(base64.b64decode(picture)) for picture in pictures(code)) < 1000 * PICTURE_KILOBYTES
    )


def test_figures_are_pictures_of_a_sensible_size(code):
    found = pictures(code)
    assert len(found) >= 5, "throughput, latency, lag, the ledger and the scorecard each want one"
    for picture in found:
        width, height = struct.unpack(">II", base64.b64decode(picture)[16:24])
        assert 500 <= width <= 1000
        assert 150 <= height <= 900


def test_kafka_stands_in_the_notebook(code):
    source = "\n".join(cell.source for cell in code)
    assert re.search(r"\bKafka(Producer|Consumer)\(", source)


def test_something_is_checked(code):
    source = "\n".join(cell.source for cell in code)
    assert source.count("course.claim(") >= 3
    # What comes out the same each time is held exactly: by nbval, or by a claim.
    assert "# NBVAL_CHECK_OUTPUT" in source or "equals=" in source


def test_waits_for_conditions_not_for_seconds(code):
    for cell in code:
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "sleep"):
                # Work that takes time is simulated with a named number; a bare number is a wait for
                # luck.
                assert not isinstance(node.args[0], ast.Constant), f"{cell.id}: {ast.unparse(node)}"


def test_links_to_lessons_lead_somewhere(notebook):
    links = {
        link
        for cell in notebook.cells
        for link in re.findall(r"\]\(([^)#:]+\.ipynb)\)", cell.source)
    }
    assert not {link for link in links if not (places.NOTEBOOKS / link).exists()}
