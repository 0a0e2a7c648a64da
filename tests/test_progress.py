"""What somebody who waits for a cell sees of it, in the messages that a kernel sends."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from helpers import notebooks
from helpers.base import places
from helpers.base.widgets import VIEW

FIRST = "from helpers import meters"
CELLS = {
    "paced": (
        "print('before')\nfor n, due in meters.paced(100, seconds=2.5):\n    pass\nprint('after')"
    ),
    "short": "for n, due in meters.paced(100, seconds=0.2):\n    pass",
    "turns": (
        "import time\nfor n, way in meters.alternating('ab', rounds=2):\n    time.sleep(0.6)"
    ),
    "error": "for n, due in meters.paced(100, seconds=3):\n    1 / (n - 10)",
    "error-in-a-list": "[1 / (n - 1) for n, way in meters.alternating('ab', rounds=2)]",
    "interrupted": "for n, due in meters.paced(100, seconds=3, sleep=lambda _: exit_by_hand()):\n"
    "    pass",
    "kept": "kept = meters.paced(100, seconds=3)\nfirst = next(kept)",
    "thread": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor() as threads:\n"
        "    threads.submit(lambda: list(meters.alternating('ab', rounds=2))).result()"
    ),
}
BY_HAND = "def exit_by_hand():\n    raise KeyboardInterrupt"
WATCHED = ["paced", "turns", "error", "error-in-a-list", "interrupted", "kept"]


class Seen(NamedTuple):
    messages: list[tuple[str, dict]]  # kind and content, as they came
    cell: NotebookNode  # with the outputs that are left

    def of_kind(self, kind: str) -> list[dict]:
        return [content for name, content in self.messages if name == kind]


@pytest.fixture(scope="module")
def book() -> Iterator[tuple[NotebookNode, dict[str, Seen]]]:
    cells = [new_code_cell(f"{FIRST}\n{BY_HAND}", id="first")]
    cells += [new_code_cell(source, id=name) for name, source in CELLS.items()]
    book = new_notebook(cells=cells)
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in places.environment().items():
            patch.setenv(variable, value)
        client = notebooks.client(book)
        client.allow_errors = True
        came: list[tuple[int, str, dict]] = []
        process = client.process_message

        def noted(message, cell, index):
            came.append((index, message["msg_type"], message["content"]))
            return process(message, cell, index)

        client.process_message = noted
        client.execute()
    yield (
        book,
        {
            cell.id: Seen([(kind, said) for at, kind, said in came if at == index], cell)
            for index, cell in enumerate(book.cells)
        },
    )


@pytest.fixture
def seen(book):
    return book[1]


@pytest.mark.parametrize("name", WATCHED)
def test_a_bar_is_shown_while_a_cell_works(name, seen):
    (shown,) = seen[name].of_kind("display_data")
    model = shown["data"][VIEW]["model_id"]
    assert model in [content["comm_id"] for content in seen[name].of_kind("comm_open")]


@pytest.mark.parametrize("name, at_least", [("paced", 4), ("turns", 4)])
def test_the_bar_moves(name, at_least, seen):
    states = [content["data"].get("state", {}) for content in seen[name].of_kind("comm_msg")]
    values = [state["value"] for state in states if isinstance(state.get("value"), (int, float))]
    assert len(values) >= at_least and values == sorted(values)
    left = [str(state["value"]) for state in states if "left" in str(state.get("value"))]
    assert len(left) >= 2


def test_the_bar_costs_a_few_messages_a_second(seen):
    assert len(seen["paced"].of_kind("comm_msg")) <= 40


@pytest.mark.parametrize("name", WATCHED)
def test_the_bar_is_gone_afterwards(name, seen):
    model = seen[name].of_kind("display_data")[0]["data"][VIEW]["model_id"]
    assert model in [content["comm_id"] for content in seen[name].of_kind("comm_close")]
    (emptied,) = seen[name].of_kind("update_display_data")
    assert emptied["data"] == {}
    assert not [output for output in seen[name].cell.outputs if output.get("data")]
    errors = [output.ename for output in seen[name].cell.outputs if "ename" in output]
    assert len(errors) == (name.startswith("error") or name == "interrupted")


def test_a_thread_shows_none_nor_does_what_is_short(seen):
    for name in ("thread", "short"):
        assert not seen[name].of_kind("display_data") and not seen[name].of_kind("comm_open")
        assert seen[name].cell.outputs == []


def test_a_saved_notebook_has_nothing_of_it(book):
    saved = book[0].copy()
    notebooks._tidy(saved)
    (output,) = next(cell for cell in saved.cells if cell.id == "paced").outputs
    assert output.text == "before\nafter\n"
    assert next(cell for cell in saved.cells if cell.id == "turns").outputs == []
    assert not [cell for cell in saved.cells for output in cell.outputs if "data" in output]
