"""Edges -> Drawing: the state machine; plain, with the ways that client and server took, or how often each row fired.

Knows where things stand (`machine_places`) and how they look; which edges there are comes from the table.
Client and server differ in colour, in dash and in the shape of their badges (`machine_badges`); how often, in width
and in a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import log10

from tcpviz.draw.columns import MARGIN
from tcpviz.draw.drawing import LEAST_SIZE, Anchor, Drawing, Line, Point, Rect, Role, Shape, Slide, Text, arrowhead
from tcpviz.draw.machine_badges import ROLES, Steps, badges, count, upright
from tcpviz.draw.machine_places import BOX_HEIGHT, BOX_WIDTH, ROUTES, STATES, Places, Route, on
from tcpviz.draw.margins import band_role
from tcpviz.draw.metrics import Metrics, printable
from tcpviz.draw.words import Words
from tcpviz.draw.wrapping import wrap
from tcpviz.exchange.exchange import SIDES, Side
from tcpviz.graph import Edge
from tcpviz.model.transitions import Row, State

_SIZE, _NAME = LEAST_SIZE, 15.0
_TAG = 40.0
"""How wide the sign of a reset is."""
_LEADING = 16.0
_RADIUS = 8.0
_TOLD = 2
"""Steps beyond the figure for which the legend has room."""
_DASH = (9.0, 3.0)
_NEVER = (3.0, 3.0)


Ways = Mapping[Side, Sequence[Row | None]]
Weights = Mapping[Row, int]


def machine(
    edges: Sequence[Edge],
    walks: Ways,
    weights: Weights | None,
    *,
    title: str,
    slide: Slide,
    metrics: Metrics,
    words: Words,
) -> Drawing:
    """On the least slide of the shape of `slide` that has room for it."""
    title, places = printable(title), on(slide.shaped())
    chart = _Chart(edges, walks, weights, places, metrics, words)
    return Drawing(tuple(chart.shapes(title)), title, slide=places.slide)


class _Chart:
    def __init__(
        self,
        edges: Sequence[Edge],
        walks: Ways,
        weights: Weights | None,
        places: Places,
        metrics: Metrics,
        words: Words,
    ) -> None:
        self.places = places
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
        width = self.places.slide.width
        title = self.metrics.fit(title, width - 40, 22, True)
        yield self._text((width / 2, 30), title, 22, Role.TEXT, True, "middle", "title")
        routed = [(edge, self.places.routes[edge.source, edge.target], self._steps(edge)) for edge in self.edges
                  if not edge.reset and (edge.source, edge.target) in ROUTES]  # fmt: skip
        # walked arrows last, so that nothing lies over them
        for edge, route, steps in sorted(routed, key=lambda item: bool(item[2])):
            yield from self._arrow(edge, route, steps)
        yield from self._boxes()
        for edge, route, steps in routed:
            yield from self._label(edge, route, steps)
            stand = upright(route)
            yield from badges(route.badge, steps, _part(edge), self.metrics, upright=stand, beside=route)
            if times := self._times(edge):
                yield from count(_grouped(times), route, _part(edge), self.metrics)
        yield from self._resets()
        yield from self._legend()

    def _times(self, edge: Edge) -> int:
        """How often any of an edge's rows fired."""
        return sum((self.weights or {}).get(row, 0) for row in edge.rows)

    def _steps(self, edge: Edge) -> tuple[Steps, ...]:
        found = []
        for side in SIDES:
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
            yield Line(line, ROLES[step.side], width, dash, _RADIUS, part)
        yield arrowhead(tip, before, 13, ROLES[steps[0].side], part)

    def _label(self, edge: Edge, route: Route, steps: tuple[Steps, ...]) -> Iterator[Shape]:
        role = Role.MUTED if self.walks or (self.weights is not None and not self._times(edge)) else Role.TEXT
        if steps:
            role = ROLES[steps[0].side] if len(steps) == 1 else Role.TEXT
        lines = list(map(self.words.notation, edge.lines))
        if route.stacked:
            halves = [self.words.notation(half) for label in edge.labels for half in label if half]
            lines = [line for half in halves for line in _broken(half)]
        for number, line in enumerate(lines):
            at = route.label[0], route.label[1] + number * _LEADING
            yield self._text(at, line, _SIZE, role, bool(steps), route.anchor, f"{_part(edge)}/label")

    # States

    def _boxes(self) -> Iterator[Shape]:
        walked = [row for rows in self.walks.values() for row in rows if row]
        fired = [row for row, times in (self.weights or {}).items() if times]
        visited = {state for row in (*walked, *fired) for state in (row.source, row.target)}
        for state, (x, y) in self.places.states.items():
            lit = state in visited
            part = f"state-{state}"
            corner = x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2
            there = [side for side in SIDES if self._is_in(side) is state]
            stroke = 3.6 if there else 2.6 if lit else 1.2
            outline = Role.FAINT if (self.walks or self.weights is not None) and not lit else Role.FRAME
            if len(there) == 1:
                outline = ROLES[there[0]]
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
            x, y = self.places.states[edge.source]
            left, low = x - BOX_WIDTH / 2, y + BOX_HEIGHT / 2
            part = f"reset-{edge.source}"
            yield from self._tag((left - 10, low - 6), part)
            yield from badges((left - 11, low + 2), self._steps(edge), part, self.metrics, ending=True)
            if times := self._times(edge):
                at = left - 14, low + 8
                yield self._text(at, _grouped(times), _SIZE, Role.RESET, True, "end", f"{part}/badge")

    def _tag(self, corner: Point, part: str) -> Iterator[Shape]:
        yield Rect(*corner, _TAG, 17, Role.RESET, 3, part=part)
        yield self._text((corner[0] + _TAG / 2, corner[1] + 13.6), "RST", _SIZE, Role.ON_BADGE, True, "middle", part)

    # Legend

    def _legend(self) -> Iterator[Shape]:
        x, y = self.places.legend
        told = self.strays[:_TOLD]
        y -= 18 * (len(told) > 0)
        for side, number, row in told:
            stimulus = self.words.notation(str(row.stimulus)) if row else self.words.crash
            what = f"{stimulus} → {row.target if row else State.CLOSED}"
            text = f"{self._names[side]} {number}: {what} ({self.words.not_in_figure})"
            (text,) = wrap(text, self.places.slide.width - MARGIN - x, _SIZE, self.metrics)
            yield self._text((x, y), text, _SIZE, ROLES[side], False, "start", "legend")
            y += 19
        if any(edge.reset for edge in self.edges):
            yield from self._tag((x, y - 11), "legend")
            yield self._text((x + _TAG + 8, y), self.words.resets, _SIZE, Role.TEXT, False, "start", "legend")
        if self.weights is not None:
            rows = [row for edge in self.edges for row in edge.rows]
            fired = sum(self.weights.get(row, 0) > 0 for row in rows)
            text = self.words.fired.format(fired=fired, rows=len(rows))
            yield self._text((x, y + 22), text, _SIZE, Role.TEXT, False, "start", "legend")
        for side in SIDES:
            if self.walks.get(side):
                dash = _DASH if side == "server" else ()
                yield Line(((x, y + 20), (x + 36, y + 20)), ROLES[side], 3.2, dash, part="legend")
                label = self._text((x + 44, y + 25), self._names[side], _SIZE, ROLES[side], True, "start", "legend")
                yield label
                x += max(140, 68 + label.width)

    def _text(self, at: Point, text: str, size: float, role: Role, bold: bool, anchor: Anchor, part: str) -> Text:
        width = self.metrics.width(text, size, bold)
        return Text(*at, text, size, width, role, bold, anchor, part=part)


def _part(edge: Edge) -> str:
    return f"edge-{edge.source}-{edge.target}"


def _broken(text: str) -> list[str]:
    """`rcv FIN, ACK of FIN` in two lines; the comma of `SYN,ACK` is none."""
    pieces = text.split(", ")
    return [f"{piece}," for piece in pieces[:-1]] + pieces[-1:]


def _grouped(number: int) -> str:
    """With no-break spaces between thousands."""
    return f"{number:,}".replace(",", "\u00a0")


def _back(tip: Point, before: Point, by: float) -> Point:
    """A line ends inside its arrowhead."""
    dx, dy = before[0] - tip[0], before[1] - tip[1]
    length = (dx * dx + dy * dy) ** 0.5 or 1.0
    return tip[0] + dx * by / length, tip[1] + dy * by / length
