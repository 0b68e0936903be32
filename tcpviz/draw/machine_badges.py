"""Who went along an arrow of the state diagram, and at which step: badges, and where they have room.

A disc is the client, a square the server. Knows routes and texts, not what the arrows mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from tcpviz.draw.drawing import LEAST_SIZE, Circle, Point, Rect, Role, Shape, Text
from tcpviz.draw.machine_places import Route
from tcpviz.draw.metrics import Metrics
from tcpviz.exchange.exchange import Side
from tcpviz.value import Value

ROLES: dict[Side, Role] = {"client": Role.CLIENT, "server": Role.SERVER}
_RADIUS = 10.5
_NUMBERS = 3
"""Steps that one badge names; of more, the first and the last."""
_CLEAR = 5.0
"""Least distance of a badge from a label beside it."""


class Steps(Value):
    """The numbers of a party's steps along one edge."""

    side: Side
    numbers: tuple[int, ...]

    @property
    def text(self) -> str:
        if len(self.numbers) > _NUMBERS:
            return f"{self.numbers[0]}…{self.numbers[-1]}"
        return ",".join(map(str, self.numbers))


def badges(
    at: Point,
    steps: Sequence[Steps],
    part: str,
    metrics: Metrics,
    *,
    upright: bool = False,
    ending: bool = False,
    beside: Route | None = None,
) -> Iterator[Shape]:
    """One per end around `at`, or ending there: a disc for the client, a square for the server."""
    widths = [_width(step.text, metrics) for step in steps]
    at = _clear(at, max(widths, default=0.0), beside)
    left = at[0] - (sum(widths) + 2 * len(widths)) / (1 if ending else 2)
    top = at[1] - (_RADIUS + 1) * (len(steps) if upright else 1)
    for step, width in zip(steps, widths, strict=True):
        x = at[0] if upright else left + 1 + width / 2
        y = top + _RADIUS + 1
        role, label = ROLES[step.side], f"{part}/badge"
        if step.side == "client" and width == 2 * _RADIUS:
            yield Circle(x, y, _RADIUS, role, label)
        else:
            radius = _RADIUS if step.side == "client" else 2.5
            yield Rect(x - width / 2, y - _RADIUS, width, 2 * _RADIUS, role, radius, part=label)
        yield _number((x, y), step.text, metrics, label)
        left += width + 2
        top += 2 * (_RADIUS + 1) if upright else 0


def count(text: str, route: Route, part: str, metrics: Metrics) -> Iterator[Shape]:
    """How often, on the arrow."""
    width = _width(text, metrics)
    x, y = _clear(route.badge, width, route)
    yield Rect(x - width / 2, y - _RADIUS, width, 2 * _RADIUS, Role.CLIENT, 2.5, part=f"{part}/badge")
    yield _number((x, y), text, metrics, f"{part}/badge")


def _width(text: str, metrics: Metrics) -> float:
    return max(2 * _RADIUS, metrics.width(text, LEAST_SIZE, True) + 8)


def _number(at: Point, text: str, metrics: Metrics, part: str) -> Text:
    size = LEAST_SIZE
    width = metrics.width(text, size, True)
    return Text(at[0], at[1] + 0.365 * size, text, size, width, Role.ON_BADGE, True, "middle", part=part)


def _clear(at: Point, width: float, beside: Route | None) -> Point:
    """A badge's place, moved along the level as far as a label beside its upright arrow demands."""
    if beside is None or not upright(beside) or beside.anchor == "middle":
        return at
    label = beside.label[0]
    if beside.anchor == "end" and label < at[0]:
        return max(at[0], label + _CLEAR + width / 2), at[1]
    if beside.anchor == "start" and label > at[0]:
        return min(at[0], label - _CLEAR - width / 2), at[1]
    return at


def upright(route: Route) -> bool:
    """Whether the badges sit on an upright piece that is long enough for two, one above the other."""
    return any(
        x0 == x1 == route.badge[0] and abs(y1 - y0) >= 46 and min(y0, y1) <= route.badge[1] <= max(y0, y1)
        for (x0, y0), (x1, y1) in pairwise(route.points)
    )
