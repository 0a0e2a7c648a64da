"""What a learner may put into the frame, drawn: it takes it, or says in words what is wrong.

Never another error, and never a hang: hypothesis gives each example a fifth of a second.
"""

import ipywidgets
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import meters
from helpers.base.errors import ClaimFailed
from helpers.experiment.side import Pace
from helpers.learn import knobs, predict
from helpers.lesson import Lesson

numbers = st.one_of(st.integers(), st.floats())
large = st.one_of(numbers, st.just(10**400))  # no float can be so large
values = st.one_of(large, st.none(), st.booleans(), st.text(max_size=8))
knob = st.one_of(
    values,
    st.lists(values, max_size=4),
    st.tuples(values),
    st.tuples(numbers, numbers),
    st.tuples(numbers, numbers, numbers),
    st.tuples(st.integers(0, 1_000), st.integers(0, 10**13)),
    st.dictionaries(values, st.one_of(values, st.dictionaries(st.text(), values)), max_size=4),
)


@given(large, large)
def test_a_pace_is_taken_or_refused(rate, seconds):
    try:
        first = next(meters.paced(rate, seconds, sleep=lambda _: None), None)
    except ValueError as error:
        assert "must be positive" in str(error)
    else:
        assert 0 < rate <= 1e9 and 0 < seconds <= 1e9
        assert first is None or first[0] == 0


@given(large, large, st.integers(), large)
def test_an_experiments_pace_is_taken_or_refused(rate, seconds, burst, burst_seconds):
    try:
        Pace(rate, seconds, burst, burst_seconds)
    except ValueError as error:
        assert "must be positive" in str(error)
    else:
        assert 0 < rate <= 1e9 and 0 < seconds <= 1e9 and burst >= 0 and burst_seconds > 0


@given(
    st.text(max_size=20),
    numbers,
    st.dictionaries(st.sampled_from(["at_least", "at_most", "equals"]), numbers),
)
def test_a_claim_holds_or_fails(text, measured, bounds):
    kept = {
        "at_least": lambda bound: measured >= bound,
        "at_most": lambda bound: measured <= bound,
        "equals": lambda bound: measured == bound,
    }
    try:
        Lesson.claim(text, measured, **bounds)
    except ValueError:
        assert not bounds
    except ClaimFailed:
        assert not all(kept[name](bound) for name, bound in bounds.items())
    else:
        assert bounds and all(kept[name](bound) for name, bound in bounds.items())


@given(
    numbers,
    st.dictionaries(st.sampled_from("ABCD"), st.one_of(st.tuples(numbers, numbers), numbers)),
)
def test_an_answer_is_one_option(measured, options):
    try:
        said = predict.result(measured, options, "s")
    except ClaimFailed as error:
        assert "No option" in str(error)
    except ValueError as error:
        assert "Only one option" in str(error)
    else:
        assert said.startswith("Measured: ") and said[-2] in options


@given(knob)
def test_a_knob_is_made_or_refused(wanted):
    try:
        made = knobs.make_knob("linger_ms", wanted)
    except ValueError as error:
        assert "The knob linger_ms " in str(error)
        return
    assert isinstance(made.widget, ipywidgets.ValueWidget)
    assert made.settings
    assert made.words
    for extreme in made.extremes:
        made.widget.value = extreme
        assert made.settings
    made.widget.close()


@pytest.mark.parametrize("high", [101, 1_000_003, 2_147_483_647])
def test_a_slider_over_a_prime_range_can_be_moved(high):
    widget = knobs.make_knob("rate", (0, high)).widget
    assert 10 <= high / widget.step <= 100
