"""Drawings of who sends what to whom."""

import math
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from . import canvas

KINDS = {"client": "#DCEAF5", "broker": "#FFFFFF", "leader": "#FBE3B0", "other": "#E9E9E5"}
Point = tuple[float, float]


@canvas.styled
def diagram(boxes: Mapping[str, tuple], arrows: Sequence[tuple], *, title: str) -> Figure:
    """Who sends what to whom.

    boxes: name -> (column, row), (column, row, subtitle) or (column, row, subtitle, kind); row 0 is
    on top, half rows are fine; kind is "client", "broker" (if left out), "leader" or "other".
    arrows: (from, to, label) or (from, to, label, style); style is "solid" (if left out) or
    "dashed", in grey, for an answer. Raises ValueError for no boxes, two boxes in one place, an
    unknown name, kind or style, an arrow from a box to itself or through a third box, and labels
    too long to find a place.
    """
    boxes = {name: (*box, *("", "broker")[len(box) - 2 :]) for name, box in boxes.items()}
    arrows = [(*arrow, *("", "solid")[len(arrow) - 2 :]) for arrow in arrows]
    _check_pattern(boxes, arrows)
    figure, [[axis]] = canvas.figure(title)
    figure.set_layout_engine("none")
    axis.set_axis_off()
    letters = 18 if len({column for column, *_ in boxes.values()}) < 4 else 12
    names = {
        name: (
            axis.text(0, 0, canvas.wrap(name, letters), size=10, weight="bold"),
            axis.text(0, 0, canvas.wrap(subtitle, letters + 3), size=8.5),
        )
        for name, (_, _, subtitle, _) in boxes.items()
    }
    # The more room between the rows, the more places for labels: start narrow and widen until each
    # has found one.
    for room in np.arange(1, 3.1, 0.2):
        places, ends, height = _arrange(
            boxes,
            arrows,
            {name: [_inches(text) for text in pair] for name, pair in names.items()},
            room,
        )
        labels = _place_labels(
            axis,
            arrows,
            ends,
            list(places.values()),
            Bbox([[0.05, 0], [canvas.WIDTH - 0.05, height]]),
        )
        if labels is not None:
            break
    else:
        raise ValueError(
            "diagram: the labels find no place; make them shorter, or set the boxes farther apart"
        )
    head = _inches(figure.texts[0])[1] + 0.2
    figure.set_size_inches(canvas.WIDTH, height + head)
    figure.texts[0].set_y(1 - 0.1 / (height + head))
    axis.set_position([0, 0, 1, height / (height + head)])
    axis.set(xlim=(0, canvas.WIDTH), ylim=(0, height))
    for name, (_, _, _, kind) in boxes.items():
        _draw_box(axis, places[name], KINDS[kind], *names[name])
    for (_, _, _, style), (start, end) in zip(arrows, ends):
        look = (
            {"color": canvas.GREY, "linestyle": (0, (4, 2.5)), "lw": 1.2}
            if style == "dashed"
            else {"color": canvas.INK, "lw": 1.6}
        )
        axis.add_patch(
            FancyArrowPatch(
                start, end, arrowstyle="-|>", mutation_scale=12, shrinkA=0, shrinkB=0, **look
            )
        )
    for text, (x, y) in labels:
        text.set(position=(x, y), visible=True)
    return figure


def _check_pattern(boxes: Mapping[str, tuple], arrows: Sequence[tuple]) -> None:
    if not boxes:
        raise ValueError("diagram: there is no box to draw")
    spots = {}
    for name, (column, row, _, kind) in boxes.items():
        if kind not in KINDS:
            raise ValueError(f"diagram: {name} has the kind {kind}; known are {', '.join(KINDS)}")
        if (column, row) in spots:
            raise ValueError(
                f"diagram: {name} and {spots[column, row]} are both at column {column}, row {row}"
            )
        spots[column, row] = name
    for source, target, label, style in arrows:
        for name in (source, target):
            if name not in boxes:
                raise ValueError(
                    f"diagram: an arrow names {name}, which is no box; boxes are {', '.join(boxes)}"
                )
        if source == target:
            raise ValueError(f"diagram: the arrow {label!r} leads from {source} to itself")
        if style not in ("solid", "dashed"):
            raise ValueError(
                f"diagram: the arrow {label!r} has the style {style}; known are solid, dashed"
            )


def _arrange(
    boxes: Mapping[str, tuple],
    arrows: Sequence[tuple],
    sizes: Mapping[str, list[Point]],
    room: float,
) -> tuple[dict[str, Bbox], list[tuple[Point, Point]], float]:
    """Where the boxes lie, where each arrow starts and ends, and how high the drawing is; all in
    inches.
    """
    sides = [_sides(boxes[source], boxes[target]) for source, target, *_ in arrows]
    ports = {}
    for place, ((source, target, *_), (out, into)) in enumerate(zip(arrows, sides)):
        # Sorted by where the other end is, so arrows to one box don't cross; request and answer run
        # side by side.
        across = 1 if out in ("left", "right") else 0
        ports.setdefault((source, out), []).append((boxes[target][across], place, 0))
        ports.setdefault((target, into), []).append((boxes[source][across], place, 1))
    crowd = max(map(len, ports.values()), default=1)
    wide = max(1, *(max(w for w, _ in pair) + 0.25 for pair in sizes.values()))
    high = max(
        0.24 * room * (crowd + 1), *(sum(h for _, h in pair) + 0.3 for pair in sizes.values())
    )
    columns, rows = [sorted({box[axis] for box in boxes.values()}) for axis in (0, 1)]
    pitch = (canvas.WIDTH - 0.4 - wide) / (columns[-1] - columns[0] or 1)
    drop = high + 0.35 * room
    height = 0.5 * room + high + drop * (rows[-1] - rows[0])
    left = 0.2 if len(columns) > 1 else (canvas.WIDTH - wide) / 2
    places = {
        name: Bbox.from_bounds(
            left + pitch * (column - columns[0]),
            height - 0.25 * room - high - drop * (row - rows[0]),
            wide,
            high,
        )
        for name, (column, row, *_) in boxes.items()
    }
    ends = [[(0, 0), (0, 0)] for _ in arrows]
    for (name, side), there in ports.items():
        box = places[name]
        for order, (_, place, end) in enumerate(sorted(there), 1):
            share = order / (len(there) + 1)
            ends[place][end] = {
                "left": (box.x0, box.y1 - share * high),
                "right": (box.x1, box.y1 - share * high),
                "top": (box.x0 + share * wide, box.y1),
                "bottom": (box.x0 + share * wide, box.y0),
            }[side]
    for (source, target, *_), (out, into), line in zip(arrows, sides, ends):
        across = 1 if out in ("left", "right") else 0
        here = boxes[source][across]
        fewer, end = min(
            (ports[source, out], 0), (ports[target, into], 1), key=lambda side: len(side[0])
        )
        # Level, or upright, where the end that moves has no arrows from elsewhere beside it.
        if here == boxes[target][across] and all(there == here for there, *_ in fewer):
            line[end] = (
                (line[end][0], line[1 - end][1]) if across else (line[1 - end][0], line[end][1])
            )
    for (source, target, *_), line in zip(arrows, ends):
        for name, box in places.items():
            if name not in (source, target) and Path(line).intersects_bbox(box, filled=False):
                raise ValueError(
                    f"diagram: the arrow from {source} to {target} runs through {name}; "
                    "move a box to another row"
                )
    return places, ends, height


def _sides(source: tuple, target: tuple) -> tuple[str, str]:
    if source[0] != target[0]:
        return ("right", "left") if source[0] < target[0] else ("left", "right")
    return ("bottom", "top") if source[1] < target[1] else ("top", "bottom")


def _place_labels(
    axis: Axes,
    arrows: Sequence[tuple],
    ends: Sequence[tuple[Point, Point]],
    boxes: Sequence[Bbox],
    paper: Bbox,
) -> list[tuple[Text, Point]] | None:
    """A place for each label beside its arrow, clear of boxes, arrows and other labels; None if one
    finds none.
    """
    lines, taken, labels = [Path(line) for line in ends], list(boxes), []
    for (_, _, label, style), line in zip(arrows, ends):
        if not label:
            continue
        for width in (22, 14, 9):
            colour = canvas.GREY if style == "dashed" else canvas.INK
            text = axis.text(
                0,
                0,
                canvas.wrap(label, width, lines=None),
                size=8.5,
                color=colour,
                ha="center",
                va="center",
                visible=False,
            )
            spots = _beside(line, *_inches(text))
            spot = next((s for s in spots if _free(s, paper, taken, lines)), None)
            if spot:
                break
            text.remove()
        if not spot:
            for text, _ in labels:
                text.remove()
            return None
        taken.append(spot)
        labels.append((text, ((spot.x0 + spot.x1) / 2, (spot.y0 + spot.y1) / 2)))
    return labels


def _beside(line: tuple[Point, Point], width: float, height: float) -> list[Bbox]:
    """Places for a label of this size along an arrow, best first: near its middle, above it or left
    of it.
    """
    (x0, y0), (x1, y1) = line
    length = math.hypot(x1 - x0, y1 - y0)
    across = np.array([y0 - y1, x1 - x0]) / length
    across = across if across[1] > 0 or (across[1] == 0 and across[0] < 0) else -across
    far = abs(across[0]) * width / 2 + abs(across[1]) * height / 2 + 0.05
    return [
        Bbox.from_bounds(x - width / 2, y - height / 2, width, height)
        for part, side in product((0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82), (1, -1))
        for x, y in [np.array([x0 + part * (x1 - x0), y0 + part * (y1 - y0)]) + side * far * across]
    ]


def _free(spot: Bbox, paper: Bbox, taken: Sequence[Bbox], lines: Sequence[Path]) -> bool:
    near = spot.padded(0.02)
    inside = (
        paper.x0 <= spot.x0 and spot.x1 <= paper.x1 and paper.y0 <= spot.y0 and spot.y1 <= paper.y1
    )
    return (
        inside
        and not any(map(near.overlaps, taken))
        and not any(line.intersects_bbox(near, filled=False) for line in lines)
    )


def _inches(text: Text) -> Point:
    """Width and height of a text."""
    if not text.get_text():
        return 0, 0
    visible = text.get_visible()
    text.set_visible(True)
    size = text.get_window_extent()
    text.set_visible(visible)
    return size.width / canvas.DPI, size.height / canvas.DPI


def _draw_box(axis: Axes, box: Bbox, colour: str, name: Text, subtitle: Text) -> None:
    style = "round,pad=0,rounding_size=0.08"
    axis.add_patch(
        FancyBboxPatch(
            (box.x0, box.y0),
            box.width,
            box.height,
            style,
            facecolor=colour,
            edgecolor=canvas.INK,
            lw=1.2,
        )
    )
    middle, below = (box.y0 + box.y1) / 2, _inches(subtitle)[1]
    x, gap = (box.x0 + box.x1) / 2, 0.06 if below else 0
    name.set(position=(x, middle + (below + gap) / 2), ha="center", va="center")
    subtitle.set(position=(x, middle - (_inches(name)[1] + gap) / 2), ha="center", va="center")
