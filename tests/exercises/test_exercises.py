"""Each exercise: its stub is not accepted, its solution is, and plausible wrong answers are refused
with the sentence that is meant for them. Run by make exercises-test.

A lesson's exercises are found by its checks (helpers/learn/checks). In its notebook stand the cells
``exercise-1``, the stub, and ``check-1``; they need the first code cell, and no other. A wrong
answer is a file wrong/01-1-….py; its first line holds the sentence: ``# says: …``.
"""

import functools
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from helpers import notebooks
from helpers.learn import checks, exercises

HERE = Path(__file__).parent
SAYS = "# says: "
CELL = re.compile(r"(exercise|check)-(\d+)")
LESSONS = {int(path.stem[:2]): path for path in notebooks.all_notebooks()}
CHECKED = sorted(int(path.stem[-2:]) for path in Path(checks.__file__).parent.glob("lesson_*.py"))
EXERCISES = [
    pytest.param(lesson, number, id=f"{lesson:02d}-{number}")
    for lesson in CHECKED
    for number in exercises.of_lesson(lesson)
]
WRONG = sorted((HERE / "wrong").glob("*.py"))


def cells_of(lesson: int) -> dict[str, NotebookNode]:
    notebook = nbformat.read(LESSONS[lesson], as_version=4)
    return {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}


class Exercises:
    """A lesson's kernel, in which its first code cell was run."""

    def __init__(self, lesson: int, client):
        self.cells, self._client = cells_of(lesson), client
        self.run(next(iter(self.cells.values())).source)

    def run(self, source: str) -> str:
        """What a cell prints. Raises CellExecutionError for one that fails."""
        cell = new_code_cell(source)
        self._client.nb.cells = [cell]
        self._client.execute_cell(cell, 0)
        return "".join(output.get("text", "") for output in cell.outputs)

    def check(self, number: int, answer: str) -> str:
        """What the check says of that answer, in place of the stub, as one line."""
        self.run(answer)
        return " ".join(self.run(self.cells[f"check-{number}"].source).split())

    def clean_up(self) -> None:
        """Fails where a check has left a client or a program open."""
        assert "All clients are closed" in self.run("course.clean_up()")


@pytest.fixture(scope="module")
def kernel_of() -> Iterator[Callable[[int], Exercises]]:
    """A lesson's kernel, started when it is first asked for."""
    with ExitStack() as stack:

        @functools.cache
        def started(lesson: int) -> Exercises:
            client = notebooks.client(nbformat.v4.new_notebook())
            stack.enter_context(client.setup_kernel())
            kernel = Exercises(lesson, client)
            stack.callback(kernel.clean_up)
            return kernel

        yield started


def test_there_are_exercises():
    assert EXERCISES


@pytest.mark.parametrize("lesson, number", EXERCISES)
def test_an_exercise_is_whole(lesson, number):
    cells = cells_of(lesson)
    assert {f"exercise-{number}", f"check-{number}"} <= set(cells)
    assert f"course.check({number}, " in cells[f"check-{number}"].source
    assert exercises.of_lesson(lesson)[number].hint.strip()
    assert exercises.solution(lesson, number).exists()
    assert [path for path in WRONG if path.name.startswith(f"{lesson:02d}-{number}-")]


@pytest.mark.parametrize("lesson", LESSONS)
def test_no_exercise_is_without_a_check(lesson):
    found = {int(match[2]) for id in cells_of(lesson) if (match := CELL.fullmatch(id))}
    solved = {int(path.stem[3:]) for path in exercises.SOLUTIONS.glob(f"{lesson:02d}-*.py")}
    assert found == solved == set(exercises.of_lesson(lesson))


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_a_wrong_answer_belongs_to_an_exercise_and_has_its_sentence(path):
    lesson, number = int(path.stem[:2]), int(path.stem[3])
    assert number in exercises.of_lesson(lesson)
    assert len(sentence(path)) > 20


def sentence(path: Path) -> str:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith(SAYS), f"{path.name} must begin with: {SAYS}what the check says of it"
    return first.removeprefix(SAYS)


@pytest.mark.parametrize("lesson, number", EXERCISES)
def test_the_stub_is_not_accepted_and_stops_nothing(lesson, number, kernel_of):
    kernel = kernel_of(lesson)
    said = kernel.check(number, kernel.cells[f"exercise-{number}"].source)
    assert said.startswith((f"Exercise {number} is not done yet", f"✘ Exercise {number}: "))


@pytest.mark.parametrize("lesson, number", EXERCISES)
def test_the_solution_is_accepted(lesson, number, kernel_of):
    kernel = kernel_of(lesson)
    file = exercises.solution(lesson, number)
    # As %load does, from the notebook's folder.
    name = f"solutions/{file.name}"
    loaded = kernel.run(f"print(get_ipython().find_user_code({name!r}), end='')")
    assert loaded == file.read_text(encoding="utf-8")
    said = kernel.check(number, loaded)
    assert said.startswith(f"✔ Exercise {number}: ")


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_a_plausible_wrong_answer_is_refused_with_its_sentence(path, kernel_of):
    lesson, number = int(path.stem[:2]), int(path.stem[3])
    said = kernel_of(lesson).check(number, path.read_text(encoding="utf-8"))
    assert said.startswith(f"✘ Exercise {number}: ")
    assert sentence(path) in said
