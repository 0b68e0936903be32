"""Edges -> Drawing: the state machine; plain, with the ways that client and server took, or how often each row fired.

Knows where things stand (`machine_places`) and how they look; which edges there are comes from the table.
Client and server differ in colour, in dash and in the shape of their badges; how often, in width and in a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log10

from tcpviz.draw.drawing import Anchor, Circle, Drawing, Line, Point, Rect, Role, Shape, Text, arrowhead
from tcpviz.draw.machine_places import BOX_HEIGHT, BOX_WIDTH, LEGEND, ROUTES, STATES, Route
from tcpviz.draw.margins import band_role
from tcpviz.draw.metrics import Metrics, printable
from tcpviz.draw.words import Words
from tcpviz.draw.wrapping import wrap
from tcpviz.exchange.exchange import Side
from tcpviz.graph import Edge
from tcpviz.model.transitions import Row, State

_SIDES: tuple[Side, Side] = ("client", "server")
_ROLES = {"client": Role.CLIENT, "server": Role.SERVER}
_SIZE, _SMALL, _NAME = 14.0, 12.0, 15.0
_LEADING = 16.0
_BADGE = 9.5
_RADIUS = 8.0
_TOLD = 2
"""Steps beyond the figure for which the legend has room."""
_NUMBERS = 3
"""Steps that one badge names; of more, the first and the last."""
_CLEAR = 5.0
"""Least distance of a badge from a label beside it."""
_DASH = (9.0, 3.0)
_NEVER = (3.0, 3.0)


@dataclass(frozen=True, slots=True)
class Steps:
    """The numbers of a party's steps along one edge."""

    side: Side
    numbers: tuple[int, ...]

    @property
    def text(self) -> str:
        if len(self.numbers) > _NUMBERS:
            return f"{self.numbers[0]}…{self.numbers[-1]}"
        return ",".join(map(str, self.numbers))


Ways = Mapping[Side, Sequence[Row | None]]
Weights = Mapping[Row, int]


def machine(
    edges: Sequence[Edge], walks: Ways, weights: Weights | None, *, title: str, metrics: Metrics, words: Words
) -> Drawing:
    title = printable(title)
    return Drawing(tuple(_Chart(edges, walks, weights, metrics, words).shapes(title)), title)


class _Chart:
    def __init__(
        self, edges: Sequence[Edge], walks: Ways, weights: Weights | None, metrics: Metrics, words: Words
    ) -> None:
        self.edges, self.walks, self.metrics, self.words = edges, walks, metrics, words
        self.weights = weights
        self._names: dict[Side, str] = {"client": words.client, "server": words.server}
        drawn = {row for edge in edges for row in edge.rows if edge.reset or (edge.source, edge.target) in ROUTES}
        self.strays = [
            (side, number, row)
            for side, rows in walks.items()
            for number, row in enumerate(rows, 1)
            if row not in drawn
        ]
        """Steps that the figure does not show, such as ABORT: told in words."""

    def shapes(self, title: str) -> Iterator[Shape]:
        title = self.metrics.fit(title, 920, 22, True)
        yield self._text((480, 30), title, 22, Role.TEXT, True, "middle", "title")
        routed = [(edge, ROUTES[edge.source, edge.target], self._steps(edge)) for edge in self.edges
                  if not edge.reset and (edge.source, edge.target) in ROUTES]  # fmt: skip
        # walked arrows last, so that nothing lies over them
        for edge, route, steps in sorted(routed, key=lambda item: bool(item[2])):
            yield from self._arrow(edge, route, steps)
        yield from self._boxes()
        for edge, route, steps in routed:
            yield from self._label(edge, route, steps)
            yield from self._badges(route.badge, steps, _part(edge), upright=_upright(route), beside=route)
            if self._times(edge):
                yield from self._count(route, edge)
        yield from self._resets()
        yield from self._legend()

    def _times(self, edge: Edge) -> int:
        """How often any of an edge's rows fired."""
        return sum((self.weights or {}).get(row, 0) for row in edge.rows)

    def _steps(self, edge: Edge) -> tuple[Steps, ...]:
        found = []
        for side in _SIDES:
            numbers = tuple(n for n, row in enumerate(self.walks.get(side, ()), 1) if row in edge.rows)
            if numbers:
                found.append(Steps(side, numbers))
        return tuple(found)

    # Arrows

    def _arrow(self, edge: Edge, route: Route, steps: tuple[Steps, ...]) -> Iterator[Shape]:
        part = _part(edge)
        tip, before = route.points[-1], route.points[-2]
        if not steps:
            times = self._times(edge)
            faint = bool(self.walks) or (self.weights is not None and not times)
            role = Role.FAINT if faint else Role.FRAME
            width = min(1.5 + 1.2 * log10(times), 6.0) if times else 1.5
            dash = _NEVER if self.weights is not None and not times else ()
            back = 7 + width / 2
            yield Line((*route.points[:-1], _back(tip, before, back)), role, width, dash, _RADIUS, part)
            yield arrowhead(tip, before, 9 + width / 2, role, part)
            return
        # of two ends that go the same way, the client's line runs inside the server's
        both = len(steps) == 2
        for step in reversed(steps):
            width = 7.0 if both and step.side == "server" else 2.4 if both else 3.2
            dash = _DASH if step.side == "server" else ()
            line = (*route.points[:-1], _back(tip, before, 10))
            yield Line(line, _ROLES[step.side], width, dash, _RADIUS, part)
        yield arrowhead(tip, before, 13, _ROLES[steps[0].side], part)

    def _label(self, edge: Edge, route: Route, steps: tuple[Steps, ...]) -> Iterator[Shape]:
        role = Role.MUTED if self.walks or (self.weights is not None and not self._times(edge)) else Role.TEXT
        if steps:
            role = _ROLES[steps[0].side] if len(steps) == 1 else Role.TEXT
        lines = list(map(self.words.notation, edge.lines))
        if route.stacked:
            halves = [self.words.notation(half) for label in edge.labels for half in label if half]
            lines = [line for half in halves for line in _broken(half)]
        for number, line in enumerate(lines):
            at = route.label[0], route.label[1] + number * _LEADING
            yield self._text(at, line, _SIZE, role, bool(steps), route.anchor, f"{_part(edge)}/label")

    def _badges(
        self,
        at: Point,
        steps: tuple[Steps, ...],
        part: str,
        *,
        upright: bool = False,
        ending: bool = False,
        beside: Route | None = None,
    ) -> Iterator[Shape]:
        """One per end around `at`, or ending there: a disc for the client, a square for the server."""
        widths = [max(2 * _BADGE, self.metrics.width(step.text, 12, True) + 8) for step in steps]
        at = _clear(at, max(widths, default=0.0), beside)
        left = at[0] - (sum(widths) + 2 * len(widths)) / (1 if ending else 2)
        top = at[1] - (_BADGE + 1) * (len(steps) if upright else 1)
        for step, width in zip(steps, widths, strict=True):
            x = at[0] if upright else left + 1 + width / 2
            y = top + _BADGE + 1
            role, label = _ROLES[step.side], f"{part}/badge"
            if step.side == "client" and width == 2 * _BADGE:
                yield Circle(x, y, _BADGE, role, label)
            else:
                radius = _BADGE if step.side == "client" else 2.5
                yield Rect(x - width / 2, y - _BADGE, width, 2 * _BADGE, role, radius, part=label)
            yield self._text((x, y + 4.4), step.text, 12, Role.ON_BADGE, True, "middle", label)
            left += width + 2
            top += 2 * (_BADGE + 1) if upright else 0

    def _count(self, route: Route, edge: Edge) -> Iterator[Shape]:
        """How often, on the arrow."""
        text = f"{self._times(edge):,}".replace(",", "\u00a0")
        width = max(2 * _BADGE, self.metrics.width(text, 12, True) + 8)
        (x, y), part = _clear(route.badge, width, route), f"{_part(edge)}/badge"
        yield Rect(x - width / 2, y - _BADGE, width, 2 * _BADGE, Role.CLIENT, 2.5, part=part)
        yield self._text((x, y + 4.4), text, 12, Role.ON_BADGE, True, "middle", part)

    # States

    def _boxes(self) -> Iterator[Shape]:
        walked = [row for rows in self.walks.values() for row in rows if row]
        fired = [row for row, times in (self.weights or {}).items() if times]
        visited = {state for row in (*walked, *fired) for state in (row.source, row.target)}
        for state, (x, y) in STATES.items():
            lit = state in visited
            part = f"state-{state}"
            corner = x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2
            there = [side for side in _SIDES if self._is_in(side) is state]
            stroke = 3.6 if there else 2.6 if lit else 1.2
            outline = Role.FAINT if (self.walks or self.weights is not None) and not lit else Role.FRAME
            if len(there) == 1:
                outline = _ROLES[there[0]]
            yield Rect(*corner, BOX_WIDTH, BOX_HEIGHT, band_role(state), 7, outline, stroke, part)
            names = self.words.state(state)
            size = _NAME if len(names) == 1 else _SIZE
            for line, name in enumerate(names):
                below = 0.36 + 1.12 * line - 0.6 * (len(names) - 1)
                yield self._text((x, y + below * size), name, size, Role.TEXT, True, "middle", f"{part}/name")

    def _is_in(self, side: Side) -> State | None:
        """Where an end is after its last step."""
        rows = self.walks.get(side)
        return (rows[-1].target if rows[-1] else State.CLOSED) if rows else None

    def _resets(self) -> Iterator[Shape]:
        """Note 3: a tag on every state that a reset closes, instead of nine more arrows."""
        for edge in self.edges:
            if not edge.reset or edge.source not in STATES:
                continue
            x, y = STATES[edge.source]
            left, low = x - BOX_WIDTH / 2, y + BOX_HEIGHT / 2
            yield from self._tag((left - 6, low - 6), f"reset-{edge.source}")
            yield from self._badges((left - 7, low + 1), self._steps(edge), f"reset-{edge.source}", ending=True)
            if times := self._times(edge):
                text = f"{times:,}".replace(",", "\u00a0")
                part = f"reset-{edge.source}/badge"
                yield self._text((left - 10, low + 6), text, 14, Role.RESET, True, "end", part)

    def _tag(self, corner: Point, part: str) -> Iterator[Shape]:
        yield Rect(corner[0], corner[1], 35, 14.5, Role.RESET, 3, part=part)
        yield self._text((corner[0] + 17.5, corner[1] + 11.6), "RST", _SMALL, Role.ON_BADGE, True, "middle", part)

    # Legend

    def _legend(self) -> Iterator[Shape]:
        x, y = LEGEND
        told = self.strays[:_TOLD]
        y -= 18 * (len(told) > 0)
        for side, number, row in told:
            stimulus = self.words.notation(str(row.stimulus)) if row else self.words.crash
            what = f"{stimulus} → {row.target if row else State.CLOSED}"
            text = f"{self._names[side]} {number}: {what} ({self.words.not_in_figure})"
            (text,) = wrap(text, 948 - x, _SIZE, self.metrics)
            yield self._text((x, y), text, _SIZE, _ROLES[side], False, "start", "legend")
            y += 19
        if any(edge.reset for edge in self.edges):
            yield from self._tag((x, y - 11), "legend")
            yield self._text((x + 42, y), self.words.resets, _SIZE, Role.TEXT, False, "start", "legend")
        if self.weights is not None:
            rows = [row for edge in self.edges for row in edge.rows]
            fired = sum(self.weights.get(row, 0) > 0 for row in rows)
            text = self.words.fired.format(fired=fired, rows=len(rows))
            yield self._text((x, y + 22), text, _SIZE, Role.TEXT, False, "start", "legend")
        for side in _SIDES:
            if self.walks.get(side):
                dash = _DASH if side == "server" else ()
                yield Line(((x, y + 20), (x + 36, y + 20)), _ROLES[side], 3.2, dash, part="legend")
                label = self._text((x + 44, y + 25), self._names[side], _SIZE, _ROLES[side], True, "start", "legend")
                yield label
                x += max(140, 68 + label.width)

    def _text(self, at: Point, text: str, size: float, role: Role, bold: bool, anchor: Anchor, part: str) -> Text:
        width = self.metrics.width(text, size, bold)
        return Text(*at, text, size, width, role, bold, anchor, part=part)


def _part(edge: Edge) -> str:
    return f"edge-{edge.source}-{edge.target}"


def _clear(at: Point, width: float, beside: Route | None) -> Point:
    """A badge's place, moved along the level as far as a label beside its upright arrow demands."""
    if beside is None or not _upright(beside) or beside.anchor == "middle":
        return at
    label = beside.label[0]
    if beside.anchor == "end" and label < at[0]:
        return max(at[0], label + _CLEAR + width / 2), at[1]
    if beside.anchor == "start" and label > at[0]:
        return min(at[0], label - _CLEAR - width / 2), at[1]
    return at


def _upright(route: Route) -> bool:
    """Whether the badges sit on an upright piece that is long enough for two, one above the other."""
    return any(
        x0 == x1 == route.badge[0] and abs(y1 - y0) >= 46 and min(y0, y1) <= route.badge[1] <= max(y0, y1)
        for (x0, y0), (x1, y1) in pairwise(route.points)
    )


def _broken(text: str) -> list[str]:
    """`rcv FIN, ACK of FIN` in two lines; the comma of `SYN,ACK` is none."""
    pieces = text.split(", ")
    return [f"{piece}," for piece in pieces[:-1]] + pieces[-1:]


def _back(tip: Point, before: Point, by: float) -> Point:
    """A line ends inside its arrowhead."""
    dx, dy = before[0] - tip[0], before[1] - tip[1]
    length = (dx * dx + dy * dy) ** 0.5 or 1.0
    return tip[0] + dx * by / length, tip[1] + dy * by / length
