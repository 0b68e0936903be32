"""A sequence diagram -> the same as it comes about: time runs down the slide, and segments travel with it.

Looks at shapes and their parts only: what lies below the moment is not there yet, and an arrow that it cuts is still on
its way. Knows neither the exchange nor how a moving picture is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tcpviz.draw.drawing import Circle, Drawing, Line, Point, Polygon, Rect, Shape, Text, arrowhead
from tcpviz.value import Value, replace

_BEGIN, _STOP, _END = 1000, 1000, 5000
"""Milliseconds: before anything happens, after each arrival, and at the end, before it begins again."""
_FRAME = 60
_STEP, _FEWEST, _MOST = 5.0, 5, 12
"""Points that time runs on from one frame to the next, and how many frames that makes from one arrival to another."""
_NEAR = 6.0
"""Points: arrivals that are no further apart are one moment."""
_ROOM = 6.0
"""Points of a state around its name."""
_OWNER = re.compile(r"(?:left/|right/)?([a-z]+)-[^/]*")
_TRAVELS = ("segment", "datagram")
_COMES = (*_TRAVELS, "band", "timer", "phase", "call", "mark", "gap", "break")
"""What happens; everything else is there from the beginning."""


class Frame(Value):
    drawing: Drawing
    milliseconds: int


def frames(drawing: Drawing) -> Iterator[Frame]:
    """From the empty diagram to the whole one; the last frame is the drawing itself."""
    owners: dict[str, list[Shape]] = {}
    for shape in drawing.shapes:
        owners.setdefault(_owner(shape.part), []).append(shape)
    starts, stops = _moments(owners)
    if not stops:
        yield Frame(drawing, _END)
        return
    at = min(starts) - 1
    yield Frame(_until(drawing, owners, at), _BEGIN)
    for stop in stops:
        for moment in _between(at, stop):
            yield Frame(_until(drawing, owners, moment), _FRAME)
        at = stop
        yield Frame(_until(drawing, owners, at), _STOP)
    end = max(_lowest(shape) for owner, shapes in owners.items() for shape in shapes if owner)
    for moment in _between(at, end) if end - at > _NEAR else ():
        yield Frame(_until(drawing, owners, moment), _FRAME)
    yield Frame(drawing, _END)


def _moments(owners: dict[str, list[Shape]]) -> tuple[list[float], list[float]]:
    """When segments leave, and when they are there; of those close together the last."""
    ways = [_way(shapes) for owner, shapes in owners.items() if _kind(owner) in _TRAVELS]
    arrivals = sorted(max(tail[1], tip[1]) for tail, tip in ways)
    apart = [y for y, later in zip(arrivals, [*arrivals[1:], float("inf")], strict=False) if later - y > _NEAR]
    return [min(tail[1], tip[1]) for tail, tip in ways], apart


def _between(start: float, end: float) -> Iterator[float]:
    count = min(_MOST, max(_FEWEST, round((end - start) / _STEP)))
    return (start + (end - start) * step / count for step in range(1, count))


def _owner(part: str) -> str:
    found = _OWNER.match(part)
    return found[0] if found and found[1] in _COMES else ""


def _kind(owner: str) -> str:
    found = _OWNER.match(owner)
    return found[1] if found else ""


def _way(shapes: Sequence[Shape]) -> tuple[Point, Point]:
    """From where to where an arrow goes: its line is its first shape, and its head its only polygon without a name."""
    line = next(shape for shape in shapes if isinstance(shape, Line))
    head = next((shape for shape in shapes if _is_head(shape)), None)
    return line.points[0], head.points[0] if isinstance(head, Polygon) else line.points[-1]


def _is_head(shape: Shape) -> bool:
    return isinstance(shape, Polygon) and not shape.part.endswith("/mask")


def _until(drawing: Drawing, owners: dict[str, list[Shape]], moment: float) -> Drawing:
    """What has happened when time has run down to `moment`."""
    ways = {owner: _way(shapes) for owner, shapes in owners.items() if _kind(owner) in _TRAVELS}
    seen: list[Shape] = []
    for shape in drawing.shapes:
        owner = _owner(shape.part)
        if owner in ways:
            seen += _on_its_way(shape, ways[owner], shape is owners[owner][0], moment)
        elif not owner:
            seen.append(shape)
        elif _kind(owner) == "band":
            seen += _lasting(shape, owners[owner], moment)
        elif moment >= _due(owners[owner]):
            seen.append(shape)
    return replace(drawing, shapes=tuple(seen))


def _on_its_way(shape: Shape, way: tuple[Point, Point], first: bool, moment: float) -> Iterator[Shape]:
    (x, y), (to_x, to_y) = way
    if moment >= max(y, to_y):
        yield shape
    elif moment > y:
        part = (moment - y) / (to_y - y)
        here = x + (to_x - x) * part, moment
        if first and isinstance(shape, Line):
            yield replace(shape, points=(shape.points[0], here))
            yield arrowhead(here, way[0], 10, shape.role, shape.part)
        elif (isinstance(shape, Text) and not _is_at_the_end(shape, way, moment)) or shape.part.endswith("/mask"):
            yield shape


def _is_at_the_end(text: Text, way: tuple[Point, Point], moment: float) -> bool:
    """What stands where the arrow arrives, or is lost."""
    beside = text.part.startswith("datagram-") and text.part.endswith(("/call", "/time"))
    return text.part.endswith("/lost") or (beside and text.y - text.size / 3 > moment)


def _lasting(shape: Shape, band: Sequence[Shape], moment: float) -> Iterator[Shape]:
    """A state lasts until now, and as much longer as its name needs, which stands in the middle of that."""
    whole = next(one for one in band if isinstance(one, Rect))
    corners = [y for one in band if isinstance(one, Text) for _, y in one.corners()] or [0.0]
    height = min(whole.height, max(moment - whole.y, 0) + max(corners) - min(corners) + _ROOM)
    if moment < whole.y:
        return
    if isinstance(shape, Rect):
        yield replace(shape, height=height)
    elif isinstance(shape, Text):
        off = 0.0 if height == whole.height else whole.y + height / 2 - (max(corners) + min(corners)) / 2
        yield replace(shape, y=shape.y + off)


def _due(shapes: Sequence[Shape]) -> float:
    """When it is over, or where its line leads to."""
    lines = [shape for shape in shapes if isinstance(shape, Line)]
    if lines and _kind(shapes[0].part) == "call":
        return lines[0].points[-1][1]
    return max((_lowest(shape) for shape in lines or shapes), default=0.0) - 1


def _lowest(shape: Shape) -> float:
    match shape:
        case Line() | Polygon():
            return max(y for _, y in shape.points)
        case Rect() | Circle() | Text():
            return shape.y
