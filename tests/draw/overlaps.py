"""The overlap oracle: which texts and signs of a drawing touch what they must not. Shares no code with the layout.

Every text is an oriented box. It may lie on a filled shape that holds it whole (a band, a badge, a torn strip);
it must stay clear of every other text, of every line, of every filled shape it does not lie in, of whatever is painted
over it, and on the slide. Signs (arrowheads, the cross of a lost segment, breaks of an axis) stay clear of each other
and of what belongs to something else: the lines of arrows and timers, brackets, and torn strips.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from tcpviz.draw.drawing import Circle, Drawing, Line, Point, Polygon, Rect, Role, Shape, Text

Box = tuple[Point, ...]


def overlaps(drawing: Drawing) -> list[str]:
    texts = list(drawing.texts())
    boxes = [text.corners() for text in texts]
    pieces = {id(shape): list(_pieces(shape)) for shape in drawing.shapes if not isinstance(shape, Text)}
    found = list(_signs(drawing))
    for index, (text, box) in enumerate(zip(texts, boxes, strict=True)):
        if not all(0 <= x <= drawing.slide.width and 0 <= y <= drawing.slide.height for x, y in box):
            found.append(f"{text.text!r} leaves the slide")
        for other, other_box in zip(texts[index + 1 :], boxes[index + 1 :], strict=True):
            if touch(box, other_box):
                found.append(f"{text.text!r} ({text.part}) touches {other.text!r} ({other.part})")
        for shape in _uncovered(drawing, text, box):
            if isinstance(shape, Text) or not any(touch(box, piece) for piece in pieces[id(shape)]):
                continue
            if not _carries(shape, text, box):
                found.append(f"{text.text!r} ({text.part}) touches {type(shape).__name__} {shape.part}")
        for shape in drawing.shapes[drawing.shapes.index(text) + 1 :]:
            if not isinstance(shape, (Text, Line)) and any(touch(box, piece) for piece in pieces[id(shape)]):
                found.append(f"{text.text!r} ({text.part}) lies under {type(shape).__name__} {shape.part}")
    return found


def _signs(drawing: Drawing) -> Iterator[str]:
    signs = [shape for shape in drawing.shapes if _is_sign(shape)]
    lines = [s for s in drawing.shapes if isinstance(s, Line) and not _is_sign(s) and _of(s)[0] in _DRAWN]
    for index, sign in enumerate(signs):
        for other in (*signs[index + 1 :], *lines):
            what, which = zip(_of(sign), _of(other), strict=True)
            # a broken timer is broken with its axis
            apart = which[0] != which[1] and set(what) != {"break", "timer"}
            if apart and any(touch(one, two) for one in _pieces(sign) for two in _pieces(other)):
                yield f"{type(sign).__name__} {sign.part} touches {type(other).__name__} {other.part}"


_DRAWN = ("segment", "timer", "phase", "gap")


def _is_sign(shape: Shape) -> bool:
    if isinstance(shape, Polygon):
        return not shape.part.endswith("/mask") and _of(shape)[0] in ("segment", "timer", "break")
    return isinstance(shape, Line) and (shape.role is Role.LOST or _of(shape)[0] == "break")


def _of(shape: Shape) -> tuple[str, str]:
    """What a shape is part of: its kind, and which of them, with the half of the slide that it is on."""
    names = shape.part.split("/")
    at = 1 if names[0] in ("left", "right") and len(names) > 1 else 0
    return names[at].partition("-")[0], "/".join(names[: at + 1])


def _uncovered(drawing: Drawing, text: Text, box: Box) -> tuple[Shape, ...]:
    """The shapes that are painted above the last one that holds the whole text: what lies below is hidden there."""
    until = drawing.shapes.index(text)
    holders = [i for i, s in enumerate(drawing.shapes[:until]) if not isinstance(s, Text) and holds(s, box)]
    return drawing.shapes[holders[-1] + 1 :] if holders else drawing.shapes


def holds(shape: Shape, box: Box) -> bool:
    return not isinstance(shape, Line) and all(_inside(point, next(iter(_pieces(shape)))) for point in box)


def _carries(shape: Shape, text: Text, box: Box) -> bool:
    """A filled shape that holds the text, or is the same thing, as a cross and its words are."""
    return holds(shape, box) or (not isinstance(shape, Line) and shape.part == text.part != "")


def _pieces(shape: Shape) -> Iterator[Box]:
    """Convex boxes that together cover the shape."""
    match shape:
        case Line():
            for (x0, y0), (x1, y1) in zip(shape.points, shape.points[1:], strict=False):
                length = math.hypot(x1 - x0, y1 - y0) or 1.0
                nx, ny = (y1 - y0) / length * shape.width / 2, (x0 - x1) / length * shape.width / 2
                yield (x0 + nx, y0 + ny), (x1 + nx, y1 + ny), (x1 - nx, y1 - ny), (x0 - nx, y0 - ny)
        case Rect(x, y, width, height):
            yield (x, y), (x + width, y), (x + width, y + height), (x, y + height)
        case Circle(x, y, r):
            yield tuple((x + r * math.cos(a * math.pi / 8), y + r * math.sin(a * math.pi / 8)) for a in range(16))
        case Polygon():
            xs, ys = [x for x, _ in shape.points], [y for _, y in shape.points]
            box = (min(xs), min(ys)), (max(xs), min(ys)), (max(xs), max(ys)), (min(xs), max(ys))
            yield shape.points if len(shape.points) <= 4 else box


def touch(one: Box, other: Box) -> bool:
    """Whether two convex shapes meet, by the separating axis theorem. A shared edge does not count."""
    for axis in (0, 1):  # most are far apart, which is cheaper to see
        if min(p[axis] for p in one) > max(p[axis] for p in other):
            return False
        if min(p[axis] for p in other) > max(p[axis] for p in one):
            return False
    for shape in (one, other):
        for (x0, y0), (x1, y1) in zip(shape, (*shape[1:], shape[0]), strict=True):
            axis = y1 - y0, x0 - x1
            if math.hypot(*axis) < 1e-9:
                continue
            low, high = _shadow(one, axis)
            other_low, other_high = _shadow(other, axis)
            slack = 1e-6 * math.hypot(*axis)
            if high <= other_low + slack or other_high <= low + slack:
                return False
    return True


def _shadow(shape: Box, axis: Point) -> tuple[float, float]:
    values = [x * axis[0] + y * axis[1] for x, y in shape]
    return min(values), max(values)


def _inside(point: Point, shape: Box) -> bool:
    """Whether a point lies in a convex shape."""
    turns = [
        (x1 - x0) * (point[1] - y0) - (y1 - y0) * (point[0] - x0)
        for (x0, y0), (x1, y1) in zip(shape, (*shape[1:], shape[0]), strict=True)
    ]
    return all(turn >= -1e-6 for turn in turns) or all(turn <= 1e-6 for turn in turns)
