"""A lesson in a real browser: a clone with a cluster and a lab of its own, and Chromium on it.

What is saved, started and broken is the clone's, so this working tree and its cluster stay as they
are. Screenshots of each step go to .screenshots/, which is emptied before.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from helpers.base import places
from helpers.notebooks import lab as course_lab

import labs
from clones import Clone, copy_cache, is_root
from pages import HEIGHT, WIDTHS, Notebook, Window

SCREENSHOTS = places.ROOT / ".screenshots"
# Where JupyterLab keeps this setting, in the cache.
FOLLOWS = "jupyter/lab/user-settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings"
PATIENCE = 20_000  # milliseconds that the page may take to do what it was asked for
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
NONE_FOUND = (
    "make browser-test needs Chromium or Chrome, and none is found: install one "
    "(on Debian: apt install chromium), or say where it is: make browser-test CHROMIUM=/path/to/it"
)


def pytest_configure() -> None:
    if not find_browser():
        pytest.exit(NONE_FOUND, returncode=1)
    shutil.rmtree(SCREENSHOTS, ignore_errors=True)
    SCREENSHOTS.mkdir()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.getreports("passed"):
        for what, value in report.user_properties:
            terminalreporter.write_line(f"{what}: {value}")
    count = sum(1 for _ in SCREENSHOTS.rglob("*.png"))
    terminalreporter.write_line(f"{count} screenshots: {SCREENSHOTS}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """Keeps what the window showed when a test failed."""
    report = yield
    lesson = item.funcargs.get("lesson")
    if report.failed and lesson:
        lesson.page.screenshot(path=SCREENSHOTS / f"failed-{item.name}.png")
    return report


def find_browser() -> str | None:
    """Path of the browser that CHROMIUM names, or else of the first that is installed."""
    named = os.environ.get("CHROMIUM")
    return shutil.which(named) if named else next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A clone whose cluster runs, with a cache of its own for what JupyterLab keeps there."""
    folder = tmp_path_factory.mktemp("browser")
    clone = Clone(folder / "clone", copy_cache(folder / "cache"))
    started = clone.run("up")
    assert started.returncode == 0, started.stdout + started.stderr
    yield clone
    clone.close()


@pytest.fixture(scope="session")
def lab(clone: Clone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[labs.Lab]:
    """JupyterLab, whose theme follows the browser's. So it is from the start: see Window.theme."""
    settings = Path(clone.env[places.CACHE_VARIABLE]) / FOLLOWS
    settings.parent.mkdir(parents=True)
    settings.write_text('{"adaptive-theme": true}')
    with labs.running(clone, tmp_path_factory.mktemp("home")) as lab:
        yield lab


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    # Chromium's sandbox refuses to work for root.
    options = ["--no-sandbox"] if is_root() else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(),
            args=options,
            ignore_default_args=["--hide-scrollbars"],  # a learner sees them, and they take room
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def lesson(browser: Browser, lab: labs.Lab) -> Iterator[Notebook]:
    """Lesson 01 as make lab opens it."""
    page = browser.new_page(viewport={"width": WIDTHS[0], "height": HEIGHT})
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    window = Window(page, SCREENSHOTS)
    window.open(lab.address)
    notebook = Notebook(window, Path(lab.folder) / course_lab.FIRST)
    notebook.wait_until_open()
    yield notebook
    page.close()
