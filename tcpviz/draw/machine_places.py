"""Where the states, arrows and labels of the state diagram stand. Placed by hand, planar.

Three columns on a slide of 960 by 540: who listens and closes first on the left, what both ends share in the
middle, who connects or closes second on the right; on a higher one, rows are pulled apart. No arrow crosses
another, and no label stands where a walk may put a badge. Which arrows there are is not said here: the table knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

from tcpviz.draw.drawing import WIDE, Anchor, Point, Slide
from tcpviz.model.transitions import State
from tcpviz.value import Value, replace

BOX_WIDTH, BOX_HEIGHT = 138.0, 36.0

_L, _C, _R = 230.0, 480.0, 740.0

STATES: dict[State, Point] = {
    State.CLOSED: (_C, 80),
    State.LISTEN: (_L, 150),
    State.SYN_SENT: (_R, 150),
    State.SYN_RECEIVED: (_L, 240),
    State.ESTABLISHED: (_C, 240),
    State.FIN_WAIT_1: (_L, 332),
    State.CLOSE_WAIT: (_R, 332),
    State.FIN_WAIT_2: (_L, 414),
    State.CLOSING: (_C, 414),
    State.LAST_ACK: (_R, 414),
    State.TIME_WAIT: (_C, 482),
}


class Route(Value):
    """An arrow's corners, where its label stands (first baseline), and where badges sit on it."""

    points: tuple[Point, ...]
    label: Point
    badge: Point
    anchor: Anchor = "middle"
    stacked: bool = False
    """What happens and what is sent on lines of their own."""


ROUTES: dict[tuple[State, State], Route] = {
    (State.CLOSED, State.LISTEN): Route(((411, 73), (203, 73), (203, 132)), (188, 112), (300, 73), "end"),
    (State.LISTEN, State.CLOSED): Route(((242, 132), (242, 88), (411, 88)), (257, 118), (360, 88), "start"),
    (State.CLOSED, State.SYN_SENT): Route(((549, 73), (767, 73), (767, 132)), (782, 104), (660, 73), "start", True),
    (State.SYN_SENT, State.CLOSED): Route(((728, 132), (728, 88), (549, 88)), (713, 118), (600, 88), "end"),
    (State.LISTEN, State.SYN_SENT): Route(((299, 150), (671, 150)), (485, 136), (485, 150)),
    (State.LISTEN, State.SYN_RECEIVED): Route(((195, 168), (195, 222)), (180, 190), (195, 192), "end", True),
    (State.SYN_RECEIVED, State.LISTEN): Route(((234, 222), (234, 168)), (249, 187), (234, 197), "start"),
    (State.SYN_SENT, State.SYN_RECEIVED): Route(
        ((722, 168), (722, 199), (270, 199), (270, 222)), (485, 185), (485, 199)
    ),
    (State.SYN_SENT, State.ESTABLISHED): Route(((762, 168), (762, 240), (549, 240)), (652, 226), (652, 240)),
    (State.SYN_RECEIVED, State.ESTABLISHED): Route(((299, 240), (411, 240)), (354, 218), (354, 240)),
    (State.SYN_RECEIVED, State.FIN_WAIT_1): Route(((230, 258), (230, 314)), (214, 284), (230, 285), "end", True),
    (State.ESTABLISHED, State.FIN_WAIT_1): Route(((455, 258), (455, 321), (299, 321)), (377, 307), (377, 321)),
    (State.ESTABLISHED, State.CLOSE_WAIT): Route(((505, 258), (505, 332), (671, 332)), (590, 318), (590, 332)),
    (State.FIN_WAIT_1, State.FIN_WAIT_2): Route(((230, 350), (230, 396)), (214, 378), (230, 371), "end"),
    (State.FIN_WAIT_1, State.CLOSING): Route(
        ((299, 333), (480, 333), (480, 396)), (507, 358), (480, 365), "start", True
    ),
    (State.FIN_WAIT_1, State.TIME_WAIT): Route(
        ((299, 344), (330, 344), (330, 474), (411, 474)), (345, 359), (330, 425), "start", True
    ),
    (State.FIN_WAIT_2, State.TIME_WAIT): Route(
        ((230, 432), (230, 488), (411, 488)), (214, 457), (230, 459), "end", True
    ),
    (State.CLOSE_WAIT, State.LAST_ACK): Route(((740, 350), (740, 396)), (756, 369), (740, 371), "start", True),
    (State.CLOSING, State.TIME_WAIT): Route(((480, 432), (480, 464)), (507, 451), (480, 446), "start"),
    (State.LAST_ACK, State.CLOSED): Route(
        ((809, 414), (925, 414), (925, 48), (505, 48), (505, 62)), (910, 290), (925, 240), "end"
    ),
    (State.TIME_WAIT, State.CLOSED): Route(
        ((480, 500), (480, 520), (35, 520), (35, 48), (455, 48), (455, 62)), (54, 507), (35, 240), "start"
    ),
}  # fmt: skip
"""By source and target."""

LEGEND: Point = (590, 486)
"""The baseline of its first line; it grows downwards."""
_FURTHEST = 2.0
"""How far rows are pulled apart."""


class Places(Value):
    """Everything on a slide that is as wide and as high as the usual one, or more."""

    slide: Slide
    states: Mapping[State, Point]
    routes: Mapping[tuple[State, State], Route]
    legend: Point


def on(slide: Slide) -> Places:
    """Boxes keep their height, what lies between their rows takes what height there is; the rest is margin."""
    rows = sorted({y for _, y in STATES.values()})
    gaps = [(upper + BOX_HEIGHT / 2, lower - BOX_HEIGHT / 2) for upper, lower in pairwise(rows)]
    room = sum(high - low for low, high in gaps)
    more = slide.height - WIDE.height
    stretch = min(_FURTHEST, 1 + more / room)
    right, down = (slide.width - WIDE.width) / 2, (more - (stretch - 1) * room) / 2

    def moved(point: Point) -> Point:
        x, y = point
        within = sum(min(max(y - low, 0.0), high - low) for low, high in gaps)
        return x + right, y + down + (stretch - 1) * within

    if (stretch, right, down) == (1.0, 0.0, 0.0):
        return Places(slide, STATES, ROUTES, LEGEND)
    states = {state: moved(point) for state, point in STATES.items()}
    return Places(slide, states, {ends: _moved(route, moved) for ends, route in ROUTES.items()}, moved(LEGEND))


def _moved(route: Route, moved: Callable[[Point], Point]) -> Route:
    """A label above a level arrow stays as near to it as it was."""
    points, badge = tuple(map(moved, route.points)), moved(route.badge)
    x, y = moved(route.label)
    if route.anchor == "middle":
        y = badge[1] - (route.badge[1] - route.label[1])
    return replace(route, points=points, badge=badge, label=(x, y))
