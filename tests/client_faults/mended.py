"""How a test says that a fault of kafka-python is gone."""

from helpers.base.errors import NotInTime
from helpers.base.waiting import NAP, until


def mended(what):
    """The words of a test that is red because its fault is gone."""
    return f"kafka-python mended this: {what}"


def never(condition, seconds, nap=NAP):
    """Whether `condition()` stays false for so long. A sound client makes it true in a small part
    of that time.
    """
    try:
        until(condition, seconds, "the client does what it should", nap=nap)
    except NotInTime:
        return True
    return False
