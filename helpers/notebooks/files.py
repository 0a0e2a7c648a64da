"""The files that JupyterLab serves: opening one changes nothing, and it shows no dead widget."""

from ipykernel.ipkernel import IPythonKernel
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

from . import METADATA, remove_widgets

# What stands in a file, and what the kernel of this machine says of itself, with its version.
SAVED = METADATA["language_info"]
SAID = dict(IPythonKernel.language_info)


class Files(AsyncLargeFileManager):
    """Keeps out of the files what the kernel says of itself, and puts it into what is opened.

    JupyterLab writes it into each notebook that it opens. A notebook without it would count as
    changed at once, and be saved with a version of Python that differs between learners.

    Keeps views of widgets out of them, too: they are of a kernel that may have ended.
    """

    async def get(self, path: str, *args, **kwargs) -> dict:
        """What the file holds, and in a notebook what the kernel will say of itself."""
        model = await super().get(path, *args, **kwargs)
        _exchange(model, SAVED, SAID)
        _without_widgets(model)  # as another program may have saved it
        return model

    async def save(self, model: dict, path: str = "") -> dict:
        """Saves it without what the kernel has said, and without what only the kernel can show."""
        _exchange(model, SAID, SAVED)
        _without_widgets(model)
        return await super().save(model, path)


def _exchange(model: dict, old: dict, new: dict) -> None:
    if model.get("type") == "notebook" and model.get("content"):
        metadata = model["content"].get("metadata", {})
        if metadata.get("language_info") == old:
            metadata["language_info"] = dict(new)


def _without_widgets(model: dict) -> None:
    if model.get("type") == "notebook" and model.get("content"):
        remove_widgets(model["content"])
