"""python -m helpers.notebooks lab | test | run [NOTEBOOK…]"""

import argparse
import sys
from pathlib import Path

from . import __doc__ as description
from . import all_notebooks, lab, run, test


def main() -> None:
    """Runs one command; the program ends with its exit code."""
    parser = argparse.ArgumentParser(prog="python -m helpers.notebooks", description=description)
    parser.add_argument("command", choices=["lab", "test", "run"])
    parser.add_argument("notebooks", nargs="*", type=Path, help="all of them if none is named")
    options = parser.parse_args()
    notebooks = [path.resolve() for path in options.notebooks] or all_notebooks()
    sys.exit(
        lab.start()
        if options.command == "lab"
        else {"test": test, "run": run}[options.command](notebooks)
    )


main()
