"""A panel's knobs: sliders and choices, and what each of their values sets."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from math import ceil, floor, log10, sqrt

import ipywidgets

from .. import charts

LOGARITHMIC = 50  # from this ratio of high to low on a slider goes by 1, 1.5, 2, 3, 5, 7, 10, …
STEPS = (1, 1.5, 2, 3, 5, 7)
MOST_KNOBS = 4
LARGEST = 1e12  # number on a slider; a browser's own are exact up to 9e15
SHORT = 24  # letters of all choices together
NAMES = "11em"  # how wide a knob's name is
VARIANT = "variant"  # the knob that chooses one


@dataclass
class Knob:
    """One knob: its widget, and what each of its values sets."""

    name: str
    widget: ipywidgets.ValueWidget
    meaning: Callable[[object], dict[str, object]]
    extremes: tuple  # two of its values that differ as much as can be

    @property
    def settings(self) -> dict[str, object]:
        return self.meaning(self.widget.value)

    @property
    def words(self) -> str:
        """Its value, as in linger_ms=20; a variant's name says it all, and so does acks=0."""
        value = self.widget.value
        if isinstance(value, int | float):
            return f"{self.name}={charts.number(value)}"
        label = self.widget.label
        return label if "=" in label or self.name == VARIANT else f"{self.name}={label}"


def make_knobs(wanted: Mapping[str, object]) -> dict[str, Knob]:
    """A knob for each name, as its values ask for; see panel.Panel.

    Raises ValueError for more than four or none, and for values of which no knob can be made.
    """
    if not 1 <= len(wanted) <= MOST_KNOBS:
        raise ValueError(f"A panel has one to {MOST_KNOBS} knobs, not {len(wanted)}")
    return {name: make_knob(name, values) for name, values in wanted.items()}


def settings_of(knobs: Mapping[str, Knob]) -> dict[str, object]:
    """What all of them say."""
    return {name: value for knob in knobs.values() for name, value in knob.settings.items()}


def make_knob(name: str, values: object) -> Knob:
    """The knob that these values ask for. Raises ValueError where they ask for none."""
    match values:
        case tuple():
            return _slider(name, values)
        case Mapping() if len(values) > 1 and all(isinstance(v, Mapping) for v in values.values()):
            named = {str(label): dict(each) for label, each in values.items()}
            return _choice(name, named)
        case list() if len(values) > 1:
            return _choice(name, {str(each): {name: _number(each)} for each in values})
    raise ValueError(
        f"The knob {name} needs a tuple (low, high) for a slider, a list of two or more values for "
        f"a choice, or a dict label -> settings, not {values!r}"
    )


def _number(choice: object) -> object:
    """ "0" -> 0, as the names of choices are text; anything else stays."""
    return int(choice) if isinstance(choice, str) and choice.lstrip("-").isdecimal() else choice


def _choice(name: str, settings: Mapping[str, dict]) -> Knob:
    labels = list(settings)
    # The browser's own radio buttons, not toggle buttons: the keyboard and screen readers know
    # which one is chosen, and it shows without colour.
    widget = ipywidgets.RadioButtons(
        options=labels,
        description=name,
        # Side by side as long as they find room in a narrow window.
        orientation="horizontal" if sum(map(len, labels)) < SHORT else "vertical",
        style={"description_width": NAMES},
        layout={"width": "auto"},
    )
    widget.add_class("widget-inline-hbox")  # the name beside the choices, as with a slider
    return Knob(name, widget, lambda label: settings[label], (labels[0], labels[-1]))


def _slider(name: str, values: tuple) -> Knob:
    numbers = all(
        isinstance(each, int | float) and not isinstance(each, bool) and abs(each) <= LARGEST
        for each in values
    )
    if not numbers or len(values) not in (2, 3) or not values[0] < values[1]:
        raise ValueError(f"The knob {name} needs (low, high) or (low, high, first), not {values!r}")
    low, high, *first = values
    if first and not low <= first[0] <= high:
        raise ValueError(f"The knob {name} can't begin at {first[0]}, outside of {low} to {high}")
    whole = all(isinstance(each, int) for each in values)
    look = {
        "description": f"{name} (messages/s)" if name == "rate" else name,
        "continuous_update": False,
        "style": {"description_width": NAMES},
        "layout": {"width": "34em", "max_width": "100%"},
    }
    if low > 0 and high / low >= LOGARITHMIC:
        steps = sorted({low, high, *first, *_steps(low, high, whole)})
        middle = min(steps, key=lambda step: abs(log10(step / sqrt(low * high))))
        widget = ipywidgets.SelectionSlider(
            options=[(charts.number(step), step) for step in steps],
            value=first[0] if first else middle,
            **look,
        )
    else:
        kind = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
        widget = kind(
            min=low,
            max=high,
            step=_step(low, high, whole),
            value=first[0] if first else low,
            **look,
        )
    return Knob(name, widget, lambda value: {name: value}, (low, high))


def _steps(low: float, high: float, whole: bool) -> Iterable[float]:
    """The round numbers in between."""
    for power, step in product(range(floor(log10(low)), floor(log10(high)) + 1), STEPS):
        number = step * 10**power
        if low < number < high and (not whole or number == int(number)):
            yield int(number) if whole else float(f"{number:.6g}")


def _step(low: float, high: float, whole: bool) -> float:
    """A hundred steps or fewer, which end exactly at the high end where that leaves ten of them."""
    span = high - low
    if not whole:
        return span / 100
    even = [span // count for count in range(100, 9, -1) if span % count == 0]
    return even[0] if even else ceil(span / 100)
