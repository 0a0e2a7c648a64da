"""diagram: who sends what to whom."""

from itertools import combinations

import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from helpers import charts
from helpers.charts import canvas

from figures import FIGURES, TITLE, drawn, visible_texts


def touches(path, box):
    # Piece by piece: intersects_bbox takes the jump from an arrow's shaft to its head for a line.
    return any(
        Path(piece).intersects_bbox(box, filled=False)
        for piece in path.to_polygons(closed_only=False)
    )


@pytest.mark.parametrize("which", ["ordinary", "crowded"])
def test_labels_boxes_and_arrows_keep_apart(which):
    case, figure = FIGURES["diagram"][which], drawn("diagram", which)
    [axes] = figure.axes
    arrows = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
    boxes = [
        patch.get_window_extent() for patch in axes.patches if isinstance(patch, FancyBboxPatch)
    ]
    assert len(boxes) == len(case.data) and len(arrows) == len(case.more["arrows"])
    assert not any(box.overlaps(other) for box, other in combinations(boxes, 2))
    for text in visible_texts(figure):
        box = text.get_window_extent()
        inside = [
            b for b in boxes if b.x0 < box.x0 and box.x1 < b.x1 and b.y0 < box.y0 and box.y1 < b.y1
        ]
        assert inside or not any(box.overlaps(b) for b in boxes), text
        paths = [axes.transData.transform_path(arrow.get_path()) for arrow in arrows]
        assert not any(touches(path, box) for path in paths), text


def test_an_answer_is_dashed_and_grey():
    [axes] = drawn("diagram").axes
    asked, answered = [p for p in axes.patches if isinstance(p, FancyArrowPatch)][:2]
    assert to_hex(asked.get_edgecolor()) == canvas.INK.lower()
    assert to_hex(answered.get_edgecolor()) == canvas.GREY.lower()
    assert asked.get_linestyle() in ("-", "solid")
    assert answered.get_linestyle() not in ("-", "solid")


@pytest.mark.parametrize(
    "boxes, arrows, message",
    [
        ({}, [], "no box"),
        ({"a": (0, 0), "b": (0, 0)}, [], "b and a are both at column 0, row 0"),
        ({"a": (0, 0)}, [("a", "b", "x")], "names b, which is no box"),
        ({"a": (0, 0)}, [("a", "a", "x")], "to itself"),
        ({"a": (0, 0), "b": (1, 0)}, [("a", "b", "x", "dotted")], "style dotted"),
        ({"a": (0, 0, "", "cloud")}, [], "kind cloud"),
        ({"a": (0, 0), "b": (1, 0), "c": (2, 0)}, [("a", "c", "x")], "from a to c runs through b"),
        ({"a": (0, 0), "b": (1, 0)}, [("a", "b", "word " * 200)], "labels find no place"),
    ],
)
def test_what_is_wrong_is_told(boxes, arrows, message):
    with pytest.raises(ValueError, match=f"diagram: .*{message}"):
        charts.diagram(boxes, arrows, title=TITLE)
