"""Which lessons are tried: all, or those that NOTEBOOKS names (paths, as make claims-test gets
them).
"""

import os
from pathlib import Path

import pytest

from helpers import notebooks


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    names = {Path(path).name for path in os.environ.get("NOTEBOOKS", "").split()}
    if unknown := names - {path.name for path in notebooks.all_notebooks()}:
        raise pytest.UsageError(f"NOTEBOOKS: there is no {', '.join(sorted(unknown))}")
    others = [item for item in items if names and _lesson(item) not in {None, *names}]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]


def _lesson(item: pytest.Item) -> str | None:
    """The name of the notebook that it runs, if any."""
    callspec = getattr(item, "callspec", None)
    return callspec.params["path"].name if callspec else None
