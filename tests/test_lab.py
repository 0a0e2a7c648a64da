"""JupyterLab as the course starts it: on this machine only, and only for those who have its
token.
"""

import json
import os
import urllib.error
from pathlib import Path

import psutil
import pytest
from jupyter_client import BlockingKernelClient

from helpers import notebooks
from helpers.base import places
from helpers.base.widgets import VIEW
from helpers.notebooks import lab as course_lab

import labs
from clones import Clone
from labs import PATIENCE

NARROW = 1280  # pixels; a window that is no wider than this is common
LETTER, MARGINS = 7, 70  # pixels of a name in the file browser, and of what stands beside names


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The home folder of whoever runs the lab."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone with nothing in its cache, whose notebooks a test may save."""
    folder = tmp_path_factory.mktemp("lab")
    return Clone(folder / "clone", folder / "cache")


@pytest.fixture(scope="module")
def lab(clone, home):
    """The first lab of its clone. It leaves its home empty."""
    with labs.running(clone, home) as lab:
        yield lab
    assert os.listdir(home) == []


@pytest.fixture(scope="module")
def kernel(lab):
    """The kernel that a browser starts for the first lesson, as its process."""
    before = psutil.Process(lab.process.pid).children()
    session = {"path": course_lab.FIRST, "name": "", "type": "notebook"}
    started = lab.ask("api/sessions", {**session, "kernel": {"name": "python3"}})["kernel"]
    (process,) = set(psutil.Process(lab.process.pid).children()) - set(before)
    yield started["id"], process
    labs.open_url(lab.request(f"api/kernels/{started['id']}", method="DELETE"))


@pytest.fixture(scope="module")
def language_info(lab, kernel):
    """What the kernel says of itself, which JupyterLab writes into a notebook that it opens."""
    file = lab.cache / "jupyter" / "runtime" / f"kernel-{kernel[0]}.json"
    client = BlockingKernelClient(connection_file=str(file))
    client.load_connection_file()
    client.start_channels()
    try:
        client.wait_for_ready(PATIENCE)
        return client.kernel_info(reply=True, timeout=PATIENCE)["content"]["language_info"]
    finally:
        client.stop_channels()


def test_listens_on_this_machine_only(lab):
    listening = [
        entry.laddr.ip
        for entry in psutil.Process(lab.process.pid).net_connections("tcp")
        if entry.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}


def test_asks_for_its_token(lab):
    server = lab.address.partition("/lab?token=")[0]
    with pytest.raises(urllib.error.HTTPError, match="403"):
        labs.open_url(f"{server}/api/contents")
    assert lab.ask("api/contents")["type"] == "directory"


def test_a_kernel_works_in_the_folder_of_the_notebooks(lab, kernel):
    assert Path(kernel[1].cwd()) == lab.folder / "notebooks"


def test_a_kernel_that_it_starts_writes_nothing_to_the_home_folder(lab, kernel, home):
    """Nor does the lab, whose fixture looks again when all has ended."""
    assert "JupyterLab" in labs.open_url(lab.address).read().decode()
    assert os.listdir(home) == []


# ---------------------------------------------------------------------------- what a learner sees
# The server holds what the page is made from. How it looks was seen in a browser.


def test_opens_on_the_first_lesson_with_the_readme_behind_it(lab):
    layout = lab.ask("lab/api/workspaces/default")["data"]
    main = layout["layout-restorer:data"]["main"]
    assert main["current"] == main["dock"]["widgets"][main["dock"]["currentIndex"]]
    opened = [layout[tab]["data"]["path"] for tab in main["dock"]["widgets"]]
    assert opened == ["notebooks/01-fire-and-forget.ipynb", "README.md"]
    for path in opened:
        assert lab.ask(f"api/contents/{path}")["path"] == path


def test_the_file_browser_shows_the_lessons_names_whole(lab):
    layout = lab.ask("lab/api/workspaces/default")["data"]
    folder = layout["file-browser-filebrowser:cwd"]["path"]
    names = [entry["name"] for entry in lab.ask(f"api/contents/{folder}")["content"]]
    assert {path.name for path in notebooks.all_notebooks()} <= set(names)
    assert layout["layout-restorer:data"]["left"]["current"] == "filebrowser"
    share = layout["layout-restorer:data"]["relativeSizes"][0]
    assert share * NARROW > LETTER * max(map(len, names)) + MARGINS
    assert not _default(lab, "filebrowser-extension:browser", "showLastModifiedColumn")


def test_a_readme_is_opened_for_reading(lab):
    viewers = _default(lab, "docmanager-extension:plugin", "defaultViewers")
    assert viewers["markdown"] == "Markdown Preview"


def test_a_lesson_is_shown_whole_and_ends_with_its_tab(lab):
    assert _default(lab, "notebook-extension:tracker", "windowingMode") == "none"
    assert _default(lab, "notebook-extension:tracker", "kernelShutdown") is True


def _default(lab: labs.Lab, plugin: str, setting: str):
    answer = lab.ask(f"lab/api/settings/@jupyterlab/{plugin}")
    return answer["schema"]["properties"][setting]["default"]


def test_a_later_start_finds_the_tabs_as_they_were_left(tmp_path):
    (tmp_path / "workspaces").mkdir()
    course_lab.write_first_workspace(tmp_path / "workspaces")
    (file,) = (tmp_path / "workspaces").iterdir()
    left = json.loads(file.read_text())
    left["data"]["layout-restorer:data"]["main"] = {"current": "notebook:another"}
    file.write_text(json.dumps(left))
    course_lab.write_first_workspace(tmp_path / "workspaces")
    assert json.loads(file.read_text()) == left


def test_clones_with_one_cache_have_tabs_of_their_own(clone, lab):
    """Their files have the same names, and mean another clone's."""
    theirs = clone.code("from helpers.notebooks import lab; print(lab.workspaces())")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(places.CACHE_VARIABLE, str(lab.cache))
        ours = course_lab.workspaces()
    assert Path(theirs.stdout.strip()) != ours and ours.parent == Path(theirs.stdout).parent
    assert os.listdir(theirs.stdout.strip()) and not os.listdir(ours)


# ------------------------------------------------------------------- opening leaves it as it was


@pytest.mark.parametrize("lesson", notebooks.all_notebooks(), ids=lambda path: path.stem)
def test_opening_a_notebook_changes_nothing(lesson, lab, language_info):
    """JupyterLab puts in what the kernel and its spec say. Where that is what it was given, the
    notebook does not count as changed. Saved all the same, its file stays as it was.
    """
    path = f"api/contents/notebooks/{lesson.name}"
    before = (lab.folder / "notebooks" / lesson.name).read_bytes()
    opened = lab.ask(path)
    spec = lab.ask("api/kernelspecs")["kernelspecs"]["python3"]["spec"]
    named = {"name": "python3", "display_name": spec["display_name"], "language": spec["language"]}
    assert opened["content"]["metadata"] == {"language_info": language_info, "kernelspec": named}
    saved = {key: opened[key] for key in ("type", "format", "content")}
    lab.ask(path, saved, "PUT")
    assert (lab.folder / "notebooks" / lesson.name).read_bytes() == before


def test_what_a_learner_changes_is_saved(lab):
    path = "api/contents/notebooks/mine.ipynb"
    content = lab.ask(f"api/contents/{course_lab.FIRST}")["content"]
    content["cells"][0]["source"] = "changed"
    lab.ask(path, {"type": "notebook", "format": "json", "content": content}, "PUT")
    saved = json.loads((lab.folder / "notebooks" / "mine.ipynb").read_text())
    assert saved["cells"][0]["source"] == ["changed"]
    assert saved["metadata"] == notebooks.METADATA


def test_a_notebook_that_is_opened_has_no_widget_of_a_kernel_that_may_have_ended(lab):
    """JupyterLab would show "model not found" in its place."""
    path = "api/contents/notebooks/widget.ipynb"
    content = lab.ask(f"api/contents/{course_lab.FIRST}")["content"]
    cell = next(cell for cell in content["cells"] if cell["cell_type"] == "code")
    view = {VIEW: {"model_id": "0" * 32, "version_major": 2, "version_minor": 0}}
    shown = {"output_type": "display_data", "metadata": {}, "data": {**view, "text/plain": "words"}}
    cell["outputs"] = [shown]
    lab.ask(path, {"type": "notebook", "format": "json", "content": content}, "PUT")
    file = lab.folder / "notebooks" / "widget.ipynb"
    assert VIEW not in file.read_text() and "words" in file.read_text()
    # Nor where another program has saved it.
    file.write_text(json.dumps(content))
    assert VIEW in file.read_text()
    opened = json.dumps(lab.ask(path))
    assert VIEW not in opened and "words" in opened


def test_a_kernel_that_says_something_else_is_left_alone(lab):
    path = "api/contents/notebooks/other.ipynb"
    content = lab.ask(f"api/contents/{course_lab.FIRST}")["content"]
    content["metadata"]["language_info"] = {"name": "R", "version": "4"}
    lab.ask(path, {"type": "notebook", "format": "json", "content": content}, "PUT")
    saved = json.loads((lab.folder / "notebooks" / "other.ipynb").read_text())
    assert saved["metadata"]["language_info"] == {"name": "R", "version": "4"}
    assert lab.ask(path)["content"]["metadata"]["language_info"] == {"name": "R", "version": "4"}
