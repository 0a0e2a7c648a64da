"""One question before the measurement, and one line after it: what was said, what was measured.

The question and its options stand in the notebook's text, so who reads without a kernel misses
nothing. Nobody is waited for, and nothing is scored.
"""

from collections.abc import Iterable, Mapping

from .. import charts
from ..base.errors import ClaimFailed
from ..base.widgets import view_or_text

# (lesson, what the question is about) -> question: so a choice outlives the cell that asked.
_asked: "dict[tuple[int, str], Question]" = {}


class Question:
    """One question: `chosen` is "" until the learner has chosen one of the `letters`."""

    def __init__(self) -> None:
        self.letters: tuple[str, ...] = ()
        self.chosen = ""
        self._result = ""  # "Measured: …", once there is one
        self._buttons = self._line = self._box = None

    def ask(self, letters: Iterable[str]) -> None:
        """Shows the buttons, with an earlier choice kept; it can be changed from now on."""
        self.letters = tuple(letters)
        if self.chosen not in self.letters:
            self.chosen = ""
        self._result = ""
        self._show()

    def answer(self, result: str) -> str:
        """The line that answers the question; a choice that was made is final from now on."""
        self._result = result
        self._update()
        return self.line

    @property
    def line(self) -> str:
        said = f"You said {self.chosen}." if self.chosen else "You made no choice."
        return f"{said} {self._result}" if self._result else said

    def _show(self) -> None:
        from IPython import get_ipython
        from IPython.display import display

        if get_ipython() is None:
            return
        import ipywidgets  # takes its time, and needs a notebook

        if self._box:  # of the cell's last run
            for widget in (self._box, *self._box.children):
                widget.close()
        # The browser's own radio buttons: Tab and Space choose, screen readers hear which one is
        # chosen, and it shows without colour. (ipywidgets' push buttons tell that by colour alone.)
        self._buttons = ipywidgets.RadioButtons(
            options=self.letters,
            value=self.chosen or None,
            orientation="horizontal",
            layout={"width": "max-content", "margin": "6px 16px 0"},
        )
        self._line = ipywidgets.Label()
        self._box = ipywidgets.HBox([ipywidgets.Label("Your choice:"), self._buttons, self._line])
        self._buttons.observe(self._choose, "value")
        self._update()
        text = f"{', '.join(self.letters[:-1])} or {self.letters[-1]}? Run this cell to choose."
        display(view_or_text(self._box, text), raw=True)

    def _choose(self, change: dict) -> None:
        self.chosen = change["new"] or ""
        self._update()

    def _update(self) -> None:
        if self._box:
            # After "Run all" the answer is there before anybody could choose: a choice may follow.
            self._buttons.disabled = bool(self._result and self.chosen)
            self._line.value = self.line if self.chosen else ""


def question(lesson: int, about: str) -> Question:
    """The question of a lesson, the same one each time."""
    return _asked.setdefault((lesson, about), Question())


def result(
    measured: float | str, options: Mapping[str, tuple[float, float] | float | str], unit: str
) -> str:
    """``"Measured: 0.86, so C."``

    `options`: letter -> the numbers for which it is right, as (from, below), or the one value.
    Raises ClaimFailed where none of them is right, ValueError where two are.
    """
    right = [letter for letter, values in options.items() if _fits(measured, values)]
    said = measured if isinstance(measured, str) else charts.number(measured)
    words = f"Measured: {said}{unit and ' ' + unit}"
    if not right:
        raise ClaimFailed(f"No option of the prediction is right in this run. {words}")
    if len(right) > 1:
        raise ValueError(f"Only one option can be right, not {' and '.join(right)}. {words}")
    return f"{words}, so {right[0]}."


def _fits(measured: float | str, values: tuple[float, float] | float | str) -> bool:
    if isinstance(values, tuple):
        low, below = values
        return low <= measured < below
    return measured == values
