"""Makes .venv and installs the pinned requirements into it: python3 helpers/install.py

Does nothing where that is done. Runs on the system's own Python, so: only the standard library, and
nothing newer than Python 2.7's syntax until it has said that it is too old.
"""

import sys

OLDEST = (3, 11)
sys.dont_write_bytecode = True  # this Python may be another one than .venv's


def main():
    """Brings .venv up to date. Ends the program with 1, the cause and the command that mends it."""
    if sys.version_info < (3, 6):  # it could not even read what follows
        sys.exit(too_old())
    import os

    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    from helpers.base import errors, venv

    try:
        venv.install(too_old() if sys.version_info < OLDEST else "")
    except errors.CourseError as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        sys.exit("Interrupted. To go on: " + venv.AGAIN)


def too_old():
    """What to tell the user of this Python."""
    return (
        "The course needs Python %d.%d or later; this is %s (%s).\n"
        "Install a newer one, then for instance: make lab PYTHON=python3.12"
    ) % (OLDEST + (sys.version.split()[0], sys.executable))


if __name__ == "__main__":
    main()
