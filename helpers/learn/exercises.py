"""Exercises: a learner's answer is tried on the live cluster, and told in one sentence.

A lesson's checks stand in checks/lesson_NN.py, as ``EXERCISES = {1: Exercise(check, hint), …}``. A
check takes the course and the answer, and works with data that it draws anew each time. It returns
a sentence for what is right, and raises Wrong with one for what is not.
"""

import ast
import importlib
import importlib.util
import inspect
import linecache
import re
import signal
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Protocol

from ..base import places
from ..base.errors import WorkerFailed

if TYPE_CHECKING:
    from ..cluster import Cluster
    from ..experiment import Experiment

WIDTH = 100  # characters of a line that is printed
SOLUTIONS = places.NOTEBOOKS / "solutions"


class Course(Protocol):
    """What a check may use of the lesson's run (helpers.lesson.Lesson, which stands above)."""

    number: int
    cluster: "Cluster"
    bootstrap_servers: list[str]

    def topic(self, name: str, partitions: int = 1, **settings: object) -> str:
        """Makes a new topic; its full name."""

    def stored_ids(self, topic: str, **reading: object) -> list[int]:
        """Ids of all messages of a topic."""

    def records(self, topic: str, **reading: object) -> list:
        """All records of a topic."""

    def disk_bytes(self, topic: str) -> int:
        """Bytes of a topic on the disk of the broker that has most of it."""

    def experiment(self, *programs: Callable, **topic: object) -> "Experiment":
        """An experiment with these programs."""


class Wrong(Exception):
    """What is wrong with an answer, in one sentence for the learner."""


@dataclass(frozen=True)
class Exercise:
    """A check, which returns what is right or raises Wrong, and a hint."""

    check: Callable[[Course, object], str]
    hint: str


def of_lesson(number: int) -> dict[int, Exercise]:
    """The exercises of a lesson by their numbers; none where it has no checks."""
    name = f"{__package__}.checks.lesson_{number:02d}"
    return importlib.import_module(name).EXERCISES if importlib.util.find_spec(name) else {}


def solution(lesson: int, number: int) -> Path:
    """The file with the solution; a notebook loads it with ``%load solutions/01-1.py``."""
    return SOLUTIONS / f"{lesson:02d}-{number}.py"


def check(course: Course, number: int, answer: object) -> None:
    """Tries the answer and prints what is right or wrong with it.

    Raises ValueError for an exercise that the lesson doesn't have, and what goes wrong in the
    cluster.
    """
    exercise = _exercise(course.number, number)
    if is_stub(answer):
        _say(
            f"Exercise {number} is not done yet: fill in the cell above, and run it and this one. "
            f"A hint: course.hint({number})"
        )
        return
    try:
        _say(f"✔ Exercise {number}: {exercise.check(course, answer)}")
    except Wrong as wrong:
        _say(f"✘ Exercise {number}: {wrong}")
    except WorkerFailed as failed:
        if not (told := _of_a_program(str(failed))):
            raise
        _say(f"✘ Exercise {number}: {told}")


def hint(lesson: int, number: int) -> None:
    """Prints the hint, and how to load the solution. Raises ValueError as check does."""
    exercise = _exercise(lesson, number)
    file = solution(lesson, number).relative_to(places.NOTEBOOKS).as_posix()
    _say(exercise.hint)
    _say(f"The solution, in place of the cell that you fill in: %load {file}")


def _say(sentence: str) -> None:
    # JupyterLab would break a long line in the middle of a word.
    print(textwrap.fill(sentence, WIDTH, break_long_words=False, break_on_hyphens=False))


def is_stub(answer: object) -> bool:
    """Is it still ``...``: as the answer, in one of its parts, or as a function's whole body?"""
    if isinstance(answer, dict):
        return any(map(is_stub, answer.values()))
    if isinstance(answer, (list, tuple, set)):
        return any(map(is_stub, answer))
    return answer is ... or (inspect.isfunction(answer) and _does_nothing(answer))


def _does_nothing(function: Callable) -> bool:
    try:
        (defined,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, SyntaxError, ValueError):  # no source to be had, or more than a def
        return False
    values = [line.value for line in getattr(defined, "body", ()) if isinstance(line, ast.Expr)]
    nothing = all(isinstance(value, ast.Constant) for value in values)
    a_function = isinstance(defined, ast.FunctionDef | ast.AsyncFunctionDef)
    return a_function and nothing and len(values) == len(defined.body)


def attempt(function: Callable, *args: object, seconds: float = 10.0, **named: object) -> object:
    """What the learner's function returns for these arguments.

    Raises Wrong with its error, and after `seconds` (not on Windows). In the main thread only.
    """
    name = getattr(function, "__name__", "it")
    if not callable(function):
        raise Wrong(f"the answer must be a function, not {_short(function)}.")
    try:
        with _time_limit(seconds):
            return function(*args, **named)
    except _TimeIsOver:
        raise Wrong(
            f"{name} had not come back after {seconds:g} s: it waits for something that does not "
            "happen, or its loop does not end."
        ) from None
    except Exception as error:
        where = _line_of(error.__traceback__, getattr(function, "__globals__", None))
        raise Wrong(f"{name} ended with {_short(error)}{where}.") from None


def _of_a_program(failure: str) -> str:
    """What ended a learner's program in a process of its own; "" where it was nothing of theirs."""
    told = ""
    # There, the notebook's functions have no file any more: cloudpickle has carried them.
    for line, name in re.findall(r'File "<dynamic-code>", line (\d+), in (\w+)', failure):
        function = vars(sys.modules["__main__"]).get(name)
        source, first = (
            inspect.getsourcelines(function) if inspect.isfunction(function) else ([], 0)
        )
        if 0 <= int(line) - first < len(source):
            error = failure.splitlines()[-1].rstrip(".")
            told = f"{name} ended with {error} (line {line}: {source[int(line) - first].strip()})."
    return told


def _short(thing: object, longest: int = 150) -> str:
    """A value or an error in a few words."""
    if isinstance(thing, BaseException):
        first = (str(thing).splitlines() or [""])[0].rstrip(".")
        return f"{type(thing).__name__}{first and ': ' + first[:longest]}"
    return repr(thing)[:longest]


def _line_of(traceback: TracebackType | None, notebook: dict | None) -> str:
    """`` (line 3: total += 1)``, the last line of the notebook that led to the error."""
    line = ""
    while traceback and notebook is not None:
        frame, number = traceback.tb_frame, traceback.tb_lineno
        if frame.f_globals is notebook:
            source = linecache.getline(frame.f_code.co_filename, number).strip()
            line = f" (line {number}: {source})"
        traceback = traceback.tb_next
    return line


class _TimeIsOver(BaseException):
    """No Exception, so that no handler of the learner's takes it for one of its own."""


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    if not hasattr(signal, "setitimer"):
        yield
        return

    def over(number: int, frame: FrameType | None) -> None:
        raise _TimeIsOver

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _exercise(lesson: int, number: int) -> Exercise:
    exercises = of_lesson(lesson)
    if number not in exercises:
        known = ", ".join(map(str, exercises)) or "none"
        raise ValueError(f"Lesson {lesson} has no exercise {number}; it has {known}")
    return exercises[number]
