"""Every error of the course: its text says what happened, why, and what mends it.

    CourseError
      CacheError        the cache folder can't be used
      DownloadError     one of Kafka's jars can't be had
      ClusterError      the cluster can't do what was asked
        NoCluster       no cluster is running
      NotInTime         what was waited for did not happen (a TimeoutError, too)
      WorkerFailed      a function in a process of its own ended with an error
      CannotBeCarried   a function needs what can't go into a process of its own (a TypeError, too)
      StillAtWork       a notebook left something open or at work
      ClaimFailed       what a notebook says is not true in this run (an AssertionError, too)

A wrong argument is a ValueError, as everywhere in Python. Only syntax of Python 3.6 here:
install.py needs this first.
"""


class CourseError(Exception):
    """Something that the course can't do.

    The commands print its text and end with 1; no traceback helps there.
    """


class CacheError(CourseError):
    """The cache folder can't be used."""


class DownloadError(CourseError):
    """A jar can't be had; the message says which, why, and what mends it."""


class ClusterError(CourseError):
    """The cluster can't do what was asked."""


class NoCluster(ClusterError):
    """No cluster is running."""


class NotInTime(CourseError, TimeoutError):
    """What was waited for did not happen in time."""


class WorkerFailed(CourseError):
    """A worker ended with an error of its own."""


class CannotBeCarried(CourseError, TypeError):
    """A function uses something that belongs to this process, as an open client does."""


class StillAtWork(CourseError):
    """A client, a worker or a thread of a notebook has not ended."""


class ClaimFailed(CourseError, AssertionError):
    """The notebook says something that is not true in this run."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: the lines of the helpers say nothing to a learner."""
        return [f"{type(self).__name__}: {self}"]
