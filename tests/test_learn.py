"""Predictions and exercises, as a learner meets them; the exercises themselves: tests/exercises."""

import sys
import time
from collections.abc import Iterator
from math import inf
from types import SimpleNamespace

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from helpers import notebooks, workers
from helpers.base import places
from helpers.base.errors import ClaimFailed, WorkerFailed
from helpers.base.widgets import VIEW
from helpers.learn import exercises, predict
from helpers.learn.exercises import Exercise, Wrong, attempt, is_stub

SHARES = {"A": (0, 0.15), "B": (0.15, 0.35), "C": (0.35, 1.05), "D": (1.05, inf)}

# --------------------------------------------------------------------------------------- a question


@pytest.mark.parametrize(
    ("measured", "letter"), [(0, "A"), (0.15, "B"), (0.86, "C"), (1.05, "D"), (300, "D")]
)
def test_the_right_option_comes_from_the_measurement(measured, letter):
    assert predict.result(measured, SHARES, "").endswith(f"so {letter}.")


def test_an_option_may_be_one_value():
    counts = {"A": 40_000, "B": 500, "C": 0}
    assert predict.result(40_000, counts, "messages") == "Measured: 40,000 messages, so A."
    assert predict.result("never", {"A": "at once", "D": "never"}, "") == "Measured: never, so D."


@pytest.mark.parametrize("measured", [-0.1, float("nan")])
def test_a_measurement_that_no_option_fits_fails(measured):
    with pytest.raises(ClaimFailed, match="No option"):
        predict.result(measured, SHARES, "")


def test_options_that_overlap_are_refused():
    with pytest.raises(ValueError, match="not A and B"):
        predict.result(0.5, {"A": (0, 0.6), "B": (0.5, 1)}, "")


# ----------------------------------------------------------------------------- a question's buttons

QUESTION = """
from helpers.lesson import Lesson
class Course(Lesson):
    def __init__(self, number):
        self.number = number
course = Course(98)
"""
ASK = "course.predict('ABCD')"
ANSWER = "course.answer(0.86, A=(0, 0.15), B=(0.15, 0.35), C=(0.35, 2))"


class Kernel:
    """A kernel in which a question is asked and answered; the test is the browser."""

    def __init__(self, client):
        self.client = client
        self.came: list[tuple[str, dict]] = []
        process = client.process_message

        def noted(message, cell, index):
            self.came.append((message["msg_type"], message["content"]))
            return process(message, cell, index)

        client.process_message = noted

    def run(self, source: str):
        """The cell, with its outputs."""
        cell = new_code_cell(source)
        self.client.nb.cells.append(cell)
        self.came.clear()
        self.client.execute_cell(cell, len(self.client.nb.cells) - 1)
        return cell

    def printed(self, source: str) -> str:
        return "".join(output.get("text", "") for output in self.run(source).outputs)

    def ask(self) -> tuple[str, dict]:
        """The buttons of a question that is asked now: their id, and their state."""
        self.run(ASK)
        return next(
            (content["comm_id"], content["data"]["state"])
            for kind, content in self.came
            if kind == "comm_open"
            and content["data"]["state"].get("_model_name") == "RadioButtonsModel"
        )

    def press(self, buttons: str, letter: str) -> None:
        """What the browser says when somebody chooses."""
        state = {"method": "update", "state": {"index": "ABCD".index(letter)}, "buffer_paths": []}
        channel = self.client.kc.shell_channel
        content = {"comm_id": buttons, "data": state}
        channel.send(self.client.kc.session.msg("comm_msg", content))


@pytest.fixture(scope="module")
def started() -> Iterator[Kernel]:
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in places.environment().items():
            patch.setenv(variable, value)
        client = notebooks.client(new_notebook())
        with client.setup_kernel():
            yield Kernel(client)


@pytest.fixture
def kernel(started):
    """With a question that nobody was asked yet."""
    started.run(f"%reset -f\n{QUESTION}\nfrom helpers.learn import predict; predict._asked.clear()")
    return started


def test_run_all_waits_for_nobody(kernel):
    begin = time.monotonic()
    kernel.run(ASK)
    assert kernel.printed(ANSWER) == "You made no choice. Measured: 0.86, so C.\n"
    assert time.monotonic() - begin < 10


def test_a_choice_is_answered(kernel):
    buttons, state = kernel.ask()
    assert state["index"] is None and not state["disabled"]
    assert state["_options_labels"] == list("ABCD")
    kernel.press(buttons, "D")
    kernel.press(buttons, "B")
    assert kernel.printed(ANSWER) == "You said B. Measured: 0.86, so C.\n"


def test_a_choice_can_be_changed_until_it_is_answered(kernel):
    buttons, _ = kernel.ask()
    kernel.press(buttons, "B")
    assert not [content for content in states(kernel) if content.get("disabled")]
    kernel.run(ANSWER)
    assert [content["disabled"] for content in states(kernel) if "disabled" in content] == [True]


def states(kernel: Kernel) -> list[dict]:
    return [content["data"].get("state", {}) for kind, content in kernel.came if kind == "comm_msg"]


def test_a_cell_that_runs_again_keeps_the_choice_and_leaves_no_old_buttons(kernel):
    buttons, _ = kernel.ask()
    kernel.press(buttons, "B")
    again, state = kernel.ask()
    assert again != buttons and state["index"] == 1
    assert buttons in [content["comm_id"] for kind, content in kernel.came if kind == "comm_close"]
    assert kernel.printed(ANSWER) == "You said B. Measured: 0.86, so C.\n"
    # The lesson, too, may begin again.
    kernel.run(QUESTION)
    assert kernel.ask()[1]["index"] == 1 and not kernel.ask()[1]["disabled"]


def test_who_chooses_after_run_all_is_answered_at_the_buttons(kernel):
    buttons, _ = kernel.ask()
    kernel.run(ANSWER)
    kernel.press(buttons, "C")
    kernel.run("pass")  # after what the browser said
    shown = kernel.printed("print(predict.question(98, '')._line.value)")
    assert shown == "You said C. Measured: 0.86, so C.\n"


def test_two_questions_of_a_lesson_are_two(kernel):
    kernel.press(kernel.ask()[0], "A")
    kernel.run("course.predict('AB', about='lag')")
    assert "You said A" in kernel.printed(ANSWER)
    lag = "course.answer(5, about='lag', unit='messages', A=(0, 10), B=(10, 100))"
    assert kernel.printed(lag) == "You made no choice. Measured: 5 messages, so A.\n"


def test_an_answer_needs_no_question(kernel):
    assert kernel.printed(ANSWER) == "You made no choice. Measured: 0.86, so C.\n"


# ------------------------------------------------------------------------------- a saved notebook


def test_a_saved_notebook_has_words_in_place_of_the_buttons(kernel):
    cell = kernel.run(ASK)
    assert VIEW in cell.outputs[0].data
    book = new_notebook(cells=[cell])
    notebooks._tidy(book)
    assert [output.data for output in book.cells[0].outputs] == [
        {"text/plain": "A, B, C or D? Run this cell to choose."}
    ]


def test_an_output_that_only_a_kernel_can_show_is_not_saved():
    view = {VIEW: {"model_id": "0" * 32}}
    kept = {"output_type": "display_data", "data": {**view, "image/png": "…"}, "metadata": {}}
    gone = {"output_type": "display_data", "data": dict(view), "metadata": {}}
    text = {"output_type": "stream", "name": "stdout", "text": "…"}
    book = {"cells": [{"cell_type": "code", "outputs": [gone, kept, text]}]}
    notebooks.remove_widgets(book)
    assert [output.get("data") for output in book["cells"][0]["outputs"]] == [
        {"image/png": "…"},
        None,
    ]


# ---------------------------------------------------------------------------------------- exercises


def total(numbers):
    """The sum."""
    ...


def documented(numbers):
    """Does nothing, too."""


def passing(numbers):
    pass


def works(numbers):
    return sum(numbers)


def says_none(numbers):
    return None


@pytest.mark.parametrize(
    "answer", [..., total, documented, {"acks": ...}, {"all": [1, ...]}, [..., 1], (1, {...})]
)
def test_a_stub_is_known(answer):
    assert is_stub(answer)


@pytest.mark.parametrize(
    "answer", [None, 0, "...", {}, {"acks": 0}, [], works, passing, says_none, len, lambda: ...]
)
def test_an_answer_is_no_stub(answer):
    assert not is_stub(answer)


def doubled(course, answer):
    """Is the answer a function that doubles?"""
    if attempt(answer, 21) != 42:
        raise Wrong("it does not double.")
    return "it doubles."


@pytest.fixture
def course(monkeypatch):
    known = {1: Exercise(doubled, "Take it two times.")}
    monkeypatch.setattr(exercises, "of_lesson", lambda number: known if number == 98 else {})
    return SimpleNamespace(number=98)


def test_a_right_answer_is_told(course, capsys):
    exercises.check(course, 1, lambda number: 2 * number)
    assert capsys.readouterr().out == "✔ Exercise 1: it doubles.\n"


def test_a_wrong_answer_is_told_in_one_sentence(course, capsys):
    exercises.check(course, 1, lambda number: 3 * number)
    assert capsys.readouterr().out == "✘ Exercise 1: it does not double.\n"


def test_a_long_sentence_is_broken_between_words(monkeypatch, capsys):
    words = " ".join(["sentence"] * 40)
    monkeypatch.setattr(exercises, "of_lesson", lambda _: {1: Exercise(lambda *_: words, words)})
    exercises.check(SimpleNamespace(number=98), 1, 0)
    exercises.hint(98, 1)
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= exercises.WIDTH
    assert said.split().count("sentence") == 80


def test_what_an_answer_prints_does_not_count(course, capsys):
    exercises.check(course, 1, lambda number: print("✔ Exercise 1: it doubles."))
    assert capsys.readouterr().out.endswith("\n✘ Exercise 1: it does not double.\n")


def test_a_stub_is_not_done_yet(course, capsys):
    exercises.check(course, 1, total)
    assert "not done yet" in capsys.readouterr().out


def test_a_hint_and_the_way_to_the_solution(course, capsys):
    exercises.hint(98, 1)
    said = capsys.readouterr().out
    assert "Take it two times." in said and "%load solutions/98-1.py" in said


@pytest.mark.parametrize("number", [0, 2, "1"])
def test_an_exercise_that_is_not_there_is_named(course, number):
    with pytest.raises(ValueError, match=f"no exercise {number}; it has 1"):
        exercises.check(course, number, works)
    with pytest.raises(ValueError, match="it has none"):
        exercises.hint(97, 1)


def divides(number):
    return helps(number)


def helps(number):
    return number / 0


def test_an_error_of_the_answers_is_told_with_its_line(course, capsys):
    exercises.check(course, 1, divides)
    said = " ".join(capsys.readouterr().out.split())
    line = helps.__code__.co_firstlineno + 1
    assert said == (
        "✘ Exercise 1: divides ended with ZeroDivisionError: division by zero "
        f"(line {line}: return number / 0)."
    )


def test_an_error_below_the_answer_is_told_with_the_answers_line():
    with pytest.raises(Wrong, match=r"TypeError.*\(line \d+: return sum\(numbers\)\)"):
        attempt(works, [1, "two"])


@pytest.mark.parametrize("answer", [5, {"acks": 0}, None])
def test_an_answer_that_is_no_function_is_told(answer):
    with pytest.raises(Wrong, match="must be a function"):
        attempt(answer)


def waits_for_ever():
    while True:
        time.sleep(60)


def handles_everything():
    while True:
        try:
            time.sleep(60)
        except Exception:
            continue


@pytest.mark.parametrize("answer", [waits_for_ever, handles_everything])
def test_an_answer_that_does_not_end_is_ended(answer):
    begin = time.monotonic()
    with pytest.raises(Wrong, match=f"{answer.__name__} had not come back after 0.2 s"):
        attempt(answer, seconds=0.2)
    assert time.monotonic() - begin < 5


def test_the_limit_ends_with_the_answer():
    assert attempt(works, [1, 2], seconds=0.1) == 3
    time.sleep(0.3)  # an alarm that is still set would end this


def interrupted():
    raise KeyboardInterrupt


def test_an_interruption_stays_one():
    with pytest.raises(KeyboardInterrupt):
        attempt(interrupted)


def program(tell, stopping, number):
    tell(
        1 / number  # the line
    )


def run_program(course, answer):
    with workers.Worker(answer, 0) as worker:
        worker.join()


def broken_course(tell, stopping, number):
    raise ZeroDivisionError("of the course")


def test_an_error_of_a_program_in_its_process_is_told_with_its_line(monkeypatch, capsys):
    monkeypatch.setattr(exercises, "of_lesson", lambda _: {1: Exercise(run_program, "")})
    # As a function of the notebook: cloudpickle carries it.
    monkeypatch.setattr(program, "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "program", program, raising=False)
    exercises.check(SimpleNamespace(number=98), 1, program)
    line = program.__code__.co_firstlineno + 2
    assert " ".join(capsys.readouterr().out.split()) == (
        "✘ Exercise 1: program ended with ZeroDivisionError: division by zero "
        f"(line {line}: 1 / number # the line)."
    )


def test_an_error_of_the_courses_own_program_is_raised(monkeypatch):
    monkeypatch.setattr(exercises, "of_lesson", lambda _: {1: Exercise(run_program, "")})
    with pytest.raises(WorkerFailed, match="of the course"):
        exercises.check(SimpleNamespace(number=98), 1, broken_course)
