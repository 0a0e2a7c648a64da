"""lost_and_repeated: what crashes cost."""

import pandas as pd
import pytest

from helpers import charts

OUTCOME = pd.DataFrame(
    [
        ("commit first", 1, 3, 0),
        ("commit first", 100, 184, 0),
        ("work first", 1, 0, 3),
        ("work first", 100, 0, 1_119),
    ],
    columns=["variant", "batch", "lost", "repeated"],
)


def axis_of(frame, x="batch"):
    [axis] = charts.lost_and_repeated(frame, x=x, x_label="batch", title="A finding").axes
    return axis


def test_losses_hang_below_and_repetitions_stand_above():
    axis = axis_of(OUTCOME)
    heights = sorted(round(bar.get_height()) for bar in axis.patches)
    assert heights == [-184, -3, 0, 0, 0, 0, 3, 1_119]
    numbers = {text.get_text() for text in axis.texts}
    assert numbers == {"3", "184", "1,119", "done again ↑", "never done ↓"}
    assert [label.get_text() for label in axis.get_xticklabels()] == ["1", "100"]


def test_a_variant_keeps_its_side_of_the_group():
    axis = axis_of(OUTCOME.sample(frac=1, random_state=3))
    of_loss, of_repeat = (
        next(bar for bar in axis.patches if round(bar.get_height()) == height)
        for height in (-184, 1_119)
    )
    assert of_loss.get_facecolor() != of_repeat.get_facecolor()
    assert abs(of_loss.get_x() - of_repeat.get_x()) < 0.5


def test_the_column_may_have_any_name():
    axis = axis_of(OUTCOME.rename(columns={"batch": "messages in a batch"}), "messages in a batch")
    assert [label.get_text() for label in axis.get_xticklabels()] == ["1", "100"]


def test_variants_may_be_numbers():
    axis = axis_of(OUTCOME.assign(variant=[1, 1, 2, 2]))
    assert sum(round(bar.get_height()) for bar in axis.patches) == 3 + 1_119 - 3 - 184


def test_numbers_below_0_are_refused():
    with pytest.raises(ValueError, match="lost_and_repeated: .*negative"):
        axis_of(OUTCOME.assign(lost=-1))
