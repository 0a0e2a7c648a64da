"""Lesson 01 as a learner works through it, in JupyterLab, in one window: each test goes on where
the one before it ended.
"""

import re
import time
from statistics import median

import psutil
import pytest
from playwright.sync_api import expect

from helpers.base.waiting import until

from pages import START

# Seconds. Each is more than is promised, for a machine that is busy.
RUN_ALL = 120
SOON = 30
AT_ONCE = 2
TURNS = 20
WIDGETS = ("choice", "panel")  # the cells that show some


@pytest.fixture(scope="module")
def ran(lesson):
    """The lesson after Run > Run All Cells, as its file has it when it is saved."""
    lesson.window.picture("1-opened")
    lesson.run_all(RUN_ALL)
    lesson.pictures("2-ran")
    notebook = lesson.save()
    assert errors(notebook) == {}
    return notebook


def errors(notebook) -> dict[str, str]:
    """Cell -> the error that it shows, or what it wrote to where errors go."""
    return {
        cell.id: output.get("evalue") or output.text
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error" or output.get("name") == "stderr"
    }


def strangers(clone, lab) -> list[str]:
    """The clone's processes that are neither its cluster's, nor its lab, nor a kernel."""
    server = psutil.Process(lab.process.pid)
    known = [server, *server.children()]
    return [" ".join(each.cmdline()) for each in clone.strangers() if each not in known]


def test_each_cell_has_run_once_in_order(ran):
    counts = [cell.execution_count for cell in ran.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


def test_nothing_shown_is_wider_than_the_window(ran, lesson):
    assert lesson.too_wide() == []


def test_a_choice_is_answered(ran, lesson):
    expect(lesson.output("answer")).to_contain_text("You made no choice. Measured:")
    lesson.output("choice").get_by_label("B", exact=True).check()
    expect(lesson.output("choice")).to_contain_text(re.compile("You said B. Measured: .*, so C"))
    lesson.window.picture("3-choice")


def test_a_turned_knob_is_seen_in_the_figure(ran, lesson, record_property):
    panel = lesson.panel("panel")
    lesson.window.picture("4-panel-1-not-started")
    panel.press("Start")
    expect(panel.state).to_have_text("Running.", timeout=START)
    until(lambda: panel.count("stored"), SOON, "messages are stored")
    took = []
    for _ in range(TURNS):
        before, turned = panel.title(), time.monotonic()
        panel.slide("linger_ms", "ArrowRight")
        until(lambda title=before: panel.title() != title, SOON, "the figure says what was turned")
        took.append(time.monotonic() - turned)
    lesson.window.picture("4-panel-2-turned")
    record_property("from a turned knob to its picture, median in s", f"{median(took):.2f}")
    assert median(took) < AT_ONCE


def test_a_killed_leader_is_counted_in_losses(ran, lesson):
    panel = lesson.panel("panel")
    panel.choose("acks=0")
    panel.slide("linger_ms", "Home")
    panel.slide("rate", "End")
    sent = panel.count("sent")
    until(lambda: panel.count("sent") > sent + 10_000, SOON, "it sends at the new rate")
    assert panel.count("silently lost") == 0
    panel.press("Kill the leader")
    until(lambda: panel.count("silently lost"), SOON, "the loss is counted")
    lesson.window.picture("4-panel-3-killed")
    panel.press("Bring it back")
    lesson.window.picture("4-panel-4-back")
    panel.press("Stop")
    expect(panel.state).to_have_text("Stopped.", timeout=START)
    lesson.window.picture("4-panel-5-stopped")


def test_an_exercise_says_what_is_wrong_and_what_is_right(ran, lesson):
    expect(lesson.output("check-1")).to_contain_text("Exercise 1 is not done yet")
    lesson.write("exercise-1", "settings = dict(acks=1, retries=5)")
    lesson.run("exercise-1")
    lesson.run("check-1")
    expect(lesson.output("check-1")).to_contain_text("✘ Exercise 1: with acks=1,")
    lesson.window.picture("5-exercise-wrong")
    lesson.write("exercise-1", "%load solutions/01-1.py")
    lesson.run("exercise-1")
    expect(lesson.editor("exercise-1")).to_contain_text('acks="all"')
    lesson.run("exercise-1")
    lesson.run("check-1")
    expect(lesson.output("check-1")).to_contain_text("✔ Exercise 1:")
    lesson.window.picture("5-exercise-right")


def test_the_browser_found_no_fault(ran, lesson):
    """Up to here: JupyterLab itself complains where its connections are cut, as they are next."""
    assert lesson.window.errors == [], "\n".join(lesson.window.errors)


def test_after_a_reload_all_is_there_but_widgets_which_say_how_to_get_them(ran, lesson):
    before = lesson.shown()
    assert sum("img" in what for what in before.values()) > len(WIDGETS)
    lesson.reload()
    lesson.window.picture("6-reloaded")
    after = lesson.shown()
    for cell in WIDGETS:
        assert "un this cell" in after.pop(cell)
        del before[cell]
    assert after == before


def test_after_a_restart_nothing_of_the_old_run_is_left(ran, lesson, clone, lab):
    lesson.run("panel")
    lesson.panel("panel").press("Start")
    until(lambda: strangers(clone, lab), SOON, "programs run")
    lesson.restart()
    until(lambda: not strangers(clone, lab), SOON, "what the old kernel has started is gone")
    lesson.window.picture("7-restarted")
    lesson.reload()
    expect(lesson.area).not_to_contain_text("model not found")
    lesson.run("start")
    expect(lesson.output("start")).to_contain_text("3 brokers answer")


def test_closing_the_tab_ends_the_kernel(ran, lesson, lab):
    assert len(lab.ask("api/kernels")) == 1
    lesson.save()
    lesson.close()
    until(lambda: lab.ask("api/kernels") == [], 10, "the kernel has ended")
