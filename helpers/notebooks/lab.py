"""JupyterLab as the course opens it: on the first lesson, with the names of all of them in sight.

It serves the whole clone, so that the README and its learning path are within reach.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from ..base import places

FIRST = "notebooks/01-fire-and-forget.ipynb"
BESIDE = "README.md"  # in a tab behind the first lesson, for its learning path
WORKSPACE = "default"  # the name of what the address /lab opens
SETTINGS = {
    # Else this column takes the room that the names need.
    "@jupyterlab/filebrowser-extension:browser": {"showLastModifiedColumn": False},
    # A README is for reading.
    "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}},
    "@jupyterlab/notebook-extension:tracker": {
        # All cells at once. It makes those out of sight when the browser has nothing else to do,
        # which took 30 seconds on a laptop that is busy with a cluster.
        "windowingMode": "none",
        # What a lesson has started ends with its tab.
        "kernelShutdown": True,
    },
}
# No question about news in front of the first lesson, and nothing asked of the network.
PAGE = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}


def start() -> int:
    """Opens JupyterLab on this machine only, with its token. Returns its exit code, if it ends."""
    config = places.cache("jupyter", "config", "labconfig")
    (config / "default_setting_overrides.json").write_text(json.dumps(SETTINGS))
    (config / "page_config.json").write_text(json.dumps(PAGE))
    folder = workspaces()
    write_first_workspace(folder)
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={places.ROOT}",
        f"--FileContentsManager.preferred_dir={places.NOTEBOOKS.name}",
        "--ServerApp.contents_manager_class=helpers.notebooks.files.Files",
        "--ServerApp.ip=127.0.0.1",
        f"--LabApp.workspaces_dir={folder}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    if os.name == "posix":
        # In place of this process, so that Ctrl-C reaches JupyterLab alone and it can end its
        # kernels.
        os.chdir(places.ROOT)
        os.execve(sys.executable, command, places.environment())
    return subprocess.call(command, env=places.environment(), cwd=places.ROOT)


def workspaces() -> Path:
    """The folder for what JupyterLab keeps of its tabs: of this clone, and no other one's."""
    clone = hashlib.sha256(str(places.ROOT).encode()).hexdigest()[:16]
    return places.cache("jupyter", "lab", "workspaces", clone)


def write_first_workspace(folder: Path) -> None:
    """Lays out the first start; from then on JupyterLab keeps what the learner makes of it."""
    # Here, as only this command needs it.
    from jupyterlab_server.workspaces_handler import WorkspacesManager

    manager = WorkspacesManager(str(folder))
    if not manager.load(WORKSPACE)["data"]:
        workspace = {"data": first_layout(), "metadata": {"id": WORKSPACE}}
        manager.save(WORKSPACE, json.dumps(workspace))


def first_layout() -> dict:
    """What JupyterLab would have saved, had somebody opened these tabs and made room for names."""
    lesson, beside = f"notebook:{FIRST}", f"markdownviewer-widget:{BESIDE}"
    tabs = {"type": "tab-area", "currentIndex": 0, "widgets": [lesson, beside]}
    return {
        "layout-restorer:data": {
            "main": {"dock": tabs, "current": lesson},
            "left": {"collapsed": False, "visible": True, "current": "filebrowser"},
            "right": {"collapsed": True, "visible": True},
            "relativeSizes": [0.23, 0.77, 0],  # of the window: files, tabs, and what stands right
        },
        "file-browser-filebrowser:cwd": {"path": places.NOTEBOOKS.name},
        lesson: {"data": {"path": FIRST, "factory": "Notebook"}},
        beside: {"data": {"path": BESIDE, "factory": "Markdown Preview"}},
    }
