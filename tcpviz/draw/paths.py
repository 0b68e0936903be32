"""Outlines as paths, for every renderer: straight pieces, and corners rounded by curves; and where ink ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from tcpviz.draw.drawing import Circle, Line, Point, Polygon, Rect, Shape, Text

Step = tuple[Literal["M", "L", "Q", "Z"], tuple[Point, ...]]
"""As SVG names them: move to, line to, curve by a control point to, close."""


def outline(shape: Line | Polygon | Rect) -> Iterator[Step]:
    match shape:
        case Line():
            yield from _open(shape.points, shape.radius)
        case Polygon():
            yield "M", shape.points[:1]
            yield from (("L", (point,)) for point in shape.points[1:])
            yield "Z", ()
        case Rect():
            yield from _rounded(shape)


def extent(shape: Shape) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a box that has all of its ink."""
    match shape:
        case Circle():
            points, beyond = [(shape.x, shape.y)], shape.radius
        case Text():
            points, beyond = list(shape.corners()), shape.size / 4
        case _:
            points = [point for _, some in outline(shape) for point in some]
            beyond = (
                shape.width / 2 if isinstance(shape, Line) else shape.stroke / 2 if isinstance(shape, Rect) else 0.0
            )
    xs, ys = zip(*points, strict=True)
    return min(xs) - beyond, min(ys) - beyond, max(xs) + beyond, max(ys) + beyond


def _open(points: Sequence[Point], radius: float) -> Iterator[Step]:
    yield "M", (points[0],)
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        if radius:
            yield "L", (_towards(corner, before, radius),)
            yield "Q", (corner, _towards(corner, after, radius))
        else:
            yield "L", (corner,)
    yield "L", (points[-1],)


def _rounded(rect: Rect) -> Iterator[Step]:
    x, y, right, bottom, r = rect.x, rect.y, rect.x + rect.width, rect.y + rect.height, rect.radius
    yield "M", ((x + r, y),)
    for near, corner, beyond in (
        ((right - r, y), (right, y), (right, y + r)),
        ((right, bottom - r), (right, bottom), (right - r, bottom)),
        ((x + r, bottom), (x, bottom), (x, bottom - r)),
        ((x, y + r), (x, y), (x + r, y)),
    ):
        yield "L", (near,)
        if r:
            yield "Q", (corner, beyond)
    yield "Z", ()


def _towards(start: Point, end: Point, length: float) -> Point:
    dx, dy = end[0] - start[0], end[1] - start[1]
    whole = max((dx * dx + dy * dy) ** 0.5, 1e-9)
    part = min(length / whole, 0.5)
    return start[0] + part * dx, start[1] + part * dy
