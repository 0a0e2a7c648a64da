"""What a notebook imports first: one run of a lesson, from ``lesson.start(1)`` to its clean-up.

    lesson        what a lesson gets from `course`
    whole_course  the scorecards that all lessons have left
    cells         one notebook's cell at a time works with the brokers
    runs          which runs are alive, so that none takes away what another one works with

It stands on all other rooms but the commands for notebooks.
"""

from .lesson import Lesson, start
from .whole_course import lessons, scorecards

__all__ = ["Lesson", "lessons", "scorecards", "start"]
