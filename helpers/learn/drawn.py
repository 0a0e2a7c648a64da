"""Knobs over a figure that a function draws: it runs nothing, so it answers at once.

Where nobody is there to turn a knob (nbval, make notebooks-run), the figure as the knobs say first.
"""

import html
import os
from collections.abc import Callable, Mapping

import ipywidgets

from .. import charts
from ..base import places
from ..base.widgets import view_or_text
from .knobs import make_knobs, settings_of

INSTEAD = "A figure with knobs. To turn them, run this cell."


def show(draw: Callable[..., charts.Chart], knobs: Mapping[str, object]) -> "Drawn | charts.Chart":
    """A figure with knobs; or, where nobody is there to turn one, the figure. Raises as Drawn."""
    drawn = Drawn(draw, knobs)
    return drawn.figure() if os.environ.get(places.UNATTENDED) else drawn


class Drawn:
    """Knobs over the figure that ``draw(**settings)`` returns. As the last value of a cell it shows
    itself.

    `knobs` as for panel.Panel; what they say are the settings. Raises ValueError for knobs that
    can't be made, and what `draw` raises for what they say first.
    """

    def __init__(self, draw: Callable[..., charts.Chart], knobs: Mapping[str, object]):
        self._draw = draw
        self.knobs = make_knobs(knobs)
        self.picture = ipywidgets.Image(format="png", layout={"max_width": "min(100%, 768px)"})
        self.trouble = ipywidgets.HTML()
        widgets = [knob.widget for knob in self.knobs.values()]
        self.box = ipywidgets.VBox([*widgets, self.trouble, self.picture])
        self.picture.value = self.figure().png(quick=True)
        for widget in widgets:
            widget.observe(self._turned, "value")

    def figure(self) -> charts.Chart:
        """The figure as the knobs say now."""
        return self._draw(**settings_of(self.knobs))

    def _turned(self, _: object) -> None:
        try:
            self.picture.value = self.figure().png(quick=True)
            self.trouble.value = ""
        except Exception as error:  # else it would be in the browser's log only
            words = html.escape(f"{type(error).__name__}: {error}")
            self.trouble.value = f'<div role="alert"><b>Error:</b> {words}</div>'

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        return view_or_text(self.box, INSTEAD)

    def __repr__(self) -> str:
        return INSTEAD
