"""Lesson 01 as a learner works through it, in JupyterLab, in one window: each test goes on where
the one before it ended.
"""

import psutil
import pytest
from playwright.sync_api import expect

from helpers.base.waiting import until

RUN_ALL = 90  # seconds; it is meant to need 40
WITHOUT_MODEL = "model not found"  # what JupyterLab shows in place of a widget that it can't show


@pytest.fixture(scope="module")
def ran(lesson):
    """The lesson after Run > Run All Cells, as its file has it when it is saved."""
    lesson.window.picture("1-opened")
    lesson.run_all(RUN_ALL)
    return lesson.save()


def strangers(clone, lab) -> list[str]:
    """The clone's processes that are neither its cluster's, nor its lab, nor a kernel."""
    server = psutil.Process(lab.process.pid)
    known = {server.pid, *(kernel.pid for kernel in server.children())}
    for pid in clone.pids().values():
        known |= {pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))}
    return [
        " ".join(process.cmdline()) for process in clone.processes() if process.pid not in known
    ]


def test_all_cells_run_without_an_error(ran, lesson):
    code = [cell for cell in ran.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    errors = [
        (cell.id, output)
        for cell in code
        for output in cell.outputs
        if output.output_type == "error" or output.get("name") == "stderr"
    ]
    assert errors == []
    lesson.pictures("2-ran")


def test_nothing_shown_is_wider_than_the_window(ran, lesson):
    assert lesson.too_wide() == []


def test_after_a_reload_all_is_there_as_before(ran, lesson):
    before = lesson.shown()
    assert any("img" in what for what in before.values())
    lesson.reload()
    lesson.window.picture("3-reloaded")
    assert lesson.shown() == before


def test_after_a_restart_nothing_of_the_old_run_is_left(ran, lesson, clone, lab):
    lesson.restart()
    until(lambda: not strangers(clone, lab), 10, "what the old kernel started has ended")
    expect(lesson.area).not_to_contain_text(WITHOUT_MODEL)
    lesson.run("start")
    expect(lesson.output("start")).to_contain_text("3 brokers answer")
    lesson.window.picture("4-restarted")


def test_closing_the_tab_ends_the_kernel(ran, lesson, lab):
    assert len(lab.ask("api/kernels")) == 1
    lesson.save()
    lesson.close()
    until(lambda: lab.ask("api/kernels") == [], 10, "the kernel has ended")


def test_the_browser_found_no_fault(ran, lesson):
    assert lesson.window.errors == []
