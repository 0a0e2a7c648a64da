"""What holds for every figure: nothing overlaps, the picture is small, wrong data are told."""

import base64
import importlib
import inspect
import io
import pkgutil
import re
from itertools import combinations, pairwise
from typing import NamedTuple, get_type_hints

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure
from PIL import Image

from helpers import charts

from figures import (
    FIGURES,
    LONG_TITLE,
    Case,
    Written,
    corners,
    draw,
    drawn,
    emptied,
    visible_texts,
    without_a_column,
)

NO_FIGURES = {"front", "number", "palette"}


class Shown(NamedTuple):
    figure: Figure
    case: Case
    bundle: dict[str, str]
    metadata: dict[str, dict]
    texts: list[Written]

    @property
    def png(self) -> bytes:
        return base64.b64decode(self.bundle["image/png"])


def _parameters():
    for name, cases in FIGURES.items():
        for which in cases:
            # With several workers, all tests of one figure go to one: it is drawn there only.
            group = pytest.mark.xdist_group(f"{name}, {which}")
            yield pytest.param((name, which), id=f"{name}, {which}", marks=group)


@pytest.fixture(params=_parameters(), scope="module")
def shown(request) -> Shown:
    name, which = request.param
    figure = drawn(name, which)
    bundle, metadata = figure._repr_mimebundle_()  # this draws it, once for all tests
    texts = [Written(text.get_text(), corners(text)) for text in visible_texts(figure)]
    return Shown(figure, FIGURES[name][which], bundle, metadata, texts)


def test_the_table_has_every_figure():
    public = {
        name for name in charts.__all__ if inspect.isfunction(getattr(charts, name))
    } - NO_FIGURES
    assert public == set(FIGURES)
    for module in pkgutil.iter_modules(charts.__path__):
        if module.name in ("canvas", "marks"):
            continue
        members = vars(importlib.import_module(f"helpers.charts.{module.name}"))
        drawing = {
            name
            for name, thing in members.items()
            if inspect.isfunction(thing)
            and not name.startswith("_")
            and thing.__module__ == f"helpers.charts.{module.name}"
            and issubclass(get_type_hints(thing).get("return", object), Figure)
        }
        assert drawing <= public, "a figure that helpers.charts doesn't offer"


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_an_ordinary_input_and_a_hard_one(name):
    assert "ordinary" in FIGURES[name]
    assert any(case.title == LONG_TITLE for case in FIGURES[name].values())


def test_no_two_texts_overlap_and_all_lie_inside(shown):
    width, height = shown.figure.canvas.get_width_height()
    outside = [
        text
        for text, corners in shown.texts
        if corners.min() < 0 or corners[:, 0].max() > width or corners[:, 1].max() > height
    ]
    assert not outside
    overlapping = [(a.text, b.text) for a, b in combinations(shown.texts, 2) if a.overlaps(b)]
    assert not overlapping


def test_numbers_along_an_axis_stand_apart(shown):
    """Two that only just don't overlap, 1,000 and 2,000, read as one: 1,0002,000."""
    for axes in shown.figure.axes:
        labels = [tick.label1 for tick in axes.xaxis.get_major_ticks()]
        boxes = sorted(
            (
                label.get_window_extent()
                for label in labels
                if label.get_visible() and not label.get_rotation()
            ),
            key=lambda box: box.x0,
        )
        assert all(
            right.x0 - left.x1 > 3 for left, right in pairwise(boxes) if left.width and right.width
        )


def test_the_picture_is_small_opaque_and_light(shown):
    picture = Image.open(io.BytesIO(shown.png)).convert("RGBA")
    assert len(shown.png) < 60_000
    assert picture.width == 768 and 100 <= picture.height <= 1200
    assert picture.getextrema()[3] == (255, 255)
    assert min(picture.getpixel((1, 1))[:3]) > 240


def test_the_title_is_the_callers(shown):
    title = shown.figure.get_suptitle()
    assert " ".join(title.split()) == shown.case.title
    if shown.case.title == LONG_TITLE:
        assert title.count("\n") >= 2


def test_it_shows_itself_as_one_picture(shown):
    assert shown.bundle == {
        "image/png": shown.bundle["image/png"],
        "text/plain": f"<Chart: {shown.case.title}>",
    }
    assert Image.open(io.BytesIO(shown.png)).format == "PNG"


def test_its_title_is_its_text_for_those_who_cannot_see_it(shown):
    assert shown.metadata == {"image/png": {"alt": shown.case.title}}


def test_pyplot_knows_of_no_figure(shown):
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", FIGURES)
def test_no_data_are_refused_in_the_name_of_the_figure(name):
    with pytest.raises(ValueError, match=rf"^{name}: .*\bno\b"):
        draw(name, emptied(FIGURES[name]["ordinary"]))


@pytest.mark.parametrize("name", FIGURES)
def test_a_missing_column_is_told_in_the_name_of_the_figure(name):
    for column, case in without_a_column(FIGURES[name]["ordinary"]):
        with pytest.raises(ValueError, match=rf"^{name}\b.*: missing column {re.escape(column)};"):
            draw(name, case)
