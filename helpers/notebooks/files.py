"""The files that JupyterLab serves: opening a notebook does not change it."""

from ipykernel.ipkernel import IPythonKernel
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

from . import METADATA

# What stands in a file, and what the kernel of this machine says of itself, with its version.
SAVED = METADATA["language_info"]
SAID = dict(IPythonKernel.language_info)


class Files(AsyncLargeFileManager):
    """Keeps out of the files what the kernel says of itself, and puts it into what is opened.

    JupyterLab writes it into each notebook that it opens. A notebook without it would count as
    changed at once, and be saved with a version of Python that differs between learners.
    """

    async def get(self, path: str, *args, **kwargs) -> dict:
        """What the file holds, and in a notebook what the kernel will say of itself."""
        model = await super().get(path, *args, **kwargs)
        _exchange(model, SAVED, SAID)
        return model

    async def save(self, model: dict, path: str = "") -> dict:
        """Saves it without what the kernel has said."""
        _exchange(model, SAID, SAVED)
        return await super().save(model, path)


def _exchange(model: dict, old: dict, new: dict) -> None:
    if model.get("type") == "notebook" and model.get("content"):
        metadata = model["content"].get("metadata", {})
        if metadata.get("language_info") == old:
            metadata["language_info"] = dict(new)
