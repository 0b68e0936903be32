"""A story and its positions -> shapes. Decides nothing about where rows lie, only how each thing looks there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tcpviz.draw.columns import BAND_GAP, GUTTER, LEADING, MARGIN, Columns, shout_lines
from tcpviz.draw.drawing import HEIGHT, WIDTH, Anchor, Line, Point, Polygon, Rect, Role, Shape, Text, arrowhead, cross
from tcpviz.draw.labels import GAP_HALF, LOST_GAP, Part, timer_room
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.spacing import Spacing, bracket_length, phase_rows
from tcpviz.draw.story import SIDES, Arrow, Gap, Lifeline, Story, Timer, node
from tcpviz.draw.words import Words
from tcpviz.exchange.exchange import Side
from tcpviz.model.transitions import State

_BANDS = {
    State.CLOSED: Role.BAND_CLOSED,
    State.LISTEN: Role.BAND_LISTEN,
    State.SYN_SENT: Role.BAND_OPENING,
    State.SYN_RECEIVED: Role.BAND_OPENING,
    State.ESTABLISHED: Role.BAND_ESTABLISHED,
    State.TIME_WAIT: Role.BAND_TIME_WAIT,
}
_TITLES = (24.0, 22.0, 20.0, 18.0, 16.0)
"""A long title is set smaller before it loses words."""
_TEETH = 7.0
"""Half the period of a torn edge."""


def band_role(state: State) -> Role:
    return _BANDS.get(state, Role.BAND_CLOSING)


@dataclass(frozen=True)
class Ink:
    """Everything that inking looks at. `top` is where the diagram begins; `y` are slide coordinates."""

    story: Story
    place: Columns
    spacing: Spacing
    metrics: Metrics
    words: Words
    top: float
    bottom: float
    y: tuple[float, ...]

    def shapes(self) -> Iterator[Shape]:
        for side, line in zip(SIDES, self.story.lifelines, strict=True):
            yield from self._bands(side, line)
        for x, side in zip(self.place.lifelines, SIDES, strict=True):
            yield Line(((x, self.top - 4), (x, self.bottom)), Role.FRAME, 2.0, part=f"lifeline-{side}")
        for row, shown in enumerate(self.story.rows):
            if isinstance(shown, Gap):
                yield from self._gap(row, shown)
        arrows = [(row, shown) for row, shown in enumerate(self.story.rows) if isinstance(shown, Arrow)]
        for row, shown in arrows:
            yield from self._arrow(row, shown)
        for row, shown in arrows:
            if self.spacing.labels[row].trouble:
                yield self._mask(row, f"segment-{shown.index}")
        for row, shown in arrows:
            yield from self._texts(row, shown)
        for side, line in zip(SIDES, self.story.lifelines, strict=True):
            yield from self._margin(side, line)
        yield from self._brackets()

    # Points

    def _line(self, row: int) -> tuple[Point, Point]:
        left, right = self.place.lifelines
        return (left, self.y[node(row, "client")]), (right, self.y[node(row, "server")])

    def _on(self, row: int, x: float, off: float, along: float = 0.0) -> tuple[Point, float]:
        """The point `off` above a row's line, `along` it from `x` points off the left lifeline; the line's angle."""
        (x0, y0), (x1, y1) = self._line(row)
        angle = math.atan2(y1 - y0, x1 - x0)
        x += along * math.cos(angle)
        return (x0 + x, y0 + (y1 - y0) * x / (x1 - x0) - off / math.cos(angle)), math.degrees(angle)

    def _text(
        self, point: Point, text: str, size: float, *, role: Role = Role.TEXT, bold: bool = False,
        anchor: Anchor = "start", angle: float = 0.0, part: str = "",
    ) -> Text:  # fmt: skip
        width = self.metrics.width(text, size, bold)
        return Text(point[0], point[1], text, size, width, role, bold, anchor, angle, part)

    # Arrows

    def _arrow(self, row: int, shown: Arrow) -> Iterator[Shape]:
        part, label = f"segment-{shown.index}", self.spacing.labels[row]
        start, end = self._line(row)
        if shown.origin == "server":
            start, end = end, start
        if label.stop is not None:
            end, _ = self._on(row, label.stop, 0)
        width = 2.4 if shown.strong else 2.0
        if shown.dashed:
            yield Line((start, _short(start, end, 8)), Role.ACK, 1.6, (6, 4), part=part)
        else:
            yield Line((start, _short(start, end, 0 if shown.lost else 8)), shown.role, width, part=part)
        if label.stop is None:
            yield arrowhead(_short(start, end, 1), start, 11 if shown.strong else 10, shown.role, part)
        else:
            yield from cross(end, 6, Role.LOST, part)

    def _mask(self, row: int, part: str) -> Polygon:
        """What interrupts the lines that cross behind a label."""
        text = self.spacing.labels[row].text
        corners = [
            self._on(row, x, off)[0]
            for x, off in (
                (text.left, 1.5),
                (text.right, 1.5),
                (text.right, text.reach + 2),
                (text.left, text.reach + 2),
            )
        ]
        dx = 0.76 * self.place.size * math.sin(math.radians(self._on(row, 0, 0)[1]))
        widened = [(x + (dx if n > 1 else 0) + (3 if n in (1, 2) else -3), y) for n, (x, y) in enumerate(corners)]
        return Polygon(tuple(widened), Role.HALO, f"{part}/mask")

    def _texts(self, row: int, shown: Arrow) -> Iterator[Shape]:
        part, label, small = f"segment-{shown.index}", self.spacing.labels[row], self.place.small
        yield from self._label(row, shown, part)
        if label.stop is not None:
            yield self._lost(row, shown, label.stop, part)
        if label.time:
            at, angle = self._on(row, label.time.left, -3 - 0.76 * small)
            yield self._text(at, shown.time, small, role=Role.MUTED, angle=angle, part=f"{part}/time")
        if label.fault:
            yield from self._fault(row, shown, label.fault, part)

    def _label(self, row: int, shown: Arrow, part: str) -> Iterator[Shape]:
        label, size = self.spacing.labels[row], self.place.size
        for number, (flags, numbers) in enumerate(label.lines):
            off = 3 + size * (0.24 + 1.15 * (len(label.lines) - 1 - number))
            bold_width = self.metrics.width(flags, size, True)
            width = bold_width + (self.metrics.width("  ", size) if flags and numbers else 0)
            whole = width + self.metrics.width(numbers, size)
            # the shorter of two lines is centred above the longer
            start = (label.text.right - label.text.left - whole) / 2
            at, angle = self._on(row, label.text.left, off, start)
            if flags:
                yield self._text(at, flags, size, role=shown.role, bold=True, angle=angle, part=f"{part}/label")
            if numbers:
                at, angle = self._on(row, label.text.left, off, start + width)
                yield self._text(at, numbers, size, role=shown.role, angle=angle, part=f"{part}/label")

    def _lost(self, row: int, shown: Arrow, stop: float, part: str) -> Text:
        size = self.place.size
        beyond = LOST_GAP if shown.origin == "client" else -LOST_GAP
        at, angle = self._on(row, stop + beyond, -0.27 * size)
        anchor: Anchor = "start" if shown.origin == "client" else "end"
        return self._text(
            at, self.words.lost, size, role=Role.LOST, bold=True, anchor=anchor, angle=angle, part=f"{part}/lost"
        )

    def _fault(self, row: int, shown: Arrow, where: Part, part: str) -> Iterator[Shape]:
        size = self.place.size
        off = -3 - 0.88 * size
        at, angle = self._on(row, where.left, off, 1.4 * size)
        room = where.right - where.left - 1.4 * size
        text = self.metrics.fit(shown.fault, room, size, True)
        middle, _ = self._on(row, where.left, off + 0.36 * size, 0.55 * size)
        yield from cross(middle, 0.36 * size, shown.fault_role, f"{part}/fault")
        yield self._text(at, text, size, role=shown.fault_role, bold=True, angle=angle, part=f"{part}/fault")

    def _gap(self, row: int, gap: Gap) -> Iterator[Shape]:
        """A strip torn out of the slide, from band to band."""
        part, y, size = f"gap-{gap.first}", self.y[node(row, "client")], self.place.size
        half = GAP_HALF * size
        left, right = self.place.edges[0] - 3, self.place.edges[1] + 3
        upper, lower = _torn(left, right, y - half), _torn(left, right, y + half)
        yield Polygon((*upper, *reversed(lower)), Role.HALO, part=part)
        yield Line(tuple(upper), Role.MUTED, 1.0, part=part)
        yield Line(tuple(lower), Role.MUTED, 1.0, part=part)
        text = self.metrics.fit(gap.text, self.place.span - 16, size)
        at = sum(self.place.lifelines) / 2, y + 0.27 * size
        yield self._text(at, text, size, role=Role.MUTED, anchor="middle", part=f"{part}/label")

    # States

    def _bands(self, side: Side, line: Lifeline) -> Iterator[Shape]:
        inner = self.place.lifeline(side) + (-BAND_GAP if side == "client" else BAND_GAP)
        x, x1 = sorted((self.place.edges[side == "server"], inner))
        starts = [self.top if b.node is None else self.y[b.node] for b in line.bands]
        for number, (band, start, end) in enumerate(zip(line.bands, starts, [*starts[1:], self.bottom], strict=False)):
            part = f"band-{side}-{number}"
            yield Rect(x, start + 0.5, x1 - x, max(end - start - 1, 1), band_role(band.state), part=part)
            low, high = self._widest_piece(start, end)
            for line_number, name in enumerate(band.lines):
                more = len(band.lines) - 1
                below = 0.36 - 0.05 * more + LEADING * (line_number - more / 2)
                at = (x + x1) / 2, (low + high) / 2 + below * self.place.size
                yield self._text(at, name, self.place.size, bold=True, anchor="middle", part=f"{part}/name")

    def _widest_piece(self, start: float, end: float) -> tuple[float, float]:
        """The tallest part of a band that no torn strip covers."""
        half = GAP_HALF * self.place.size + 3
        cuts = [self.y[node(r, "client")] for r, shown in enumerate(self.story.rows) if isinstance(shown, Gap)]
        inside = [y for y in cuts if start - half < y < end + half]
        lows = [start, *(y + half for y in inside)]
        highs = [*(y - half for y in inside), end]
        return max(zip(lows, highs, strict=True), key=lambda piece: piece[1] - piece[0])

    # The margins: calls, timers, brackets

    def _margin(self, side: Side, line: Lifeline) -> Iterator[Shape]:
        size, edge = self.place.size, self.place.edges[side == "server"]
        out = -1 if side == "client" else 1
        anchor: Anchor = "end" if side == "client" else "start"
        for timer in line.timers:
            if timer.beside:
                yield from self._timer(side, timer)
        wanted: list[tuple[float, float, tuple[str, ...]]] = []
        for timer in line.timers:
            if not timer.beside:
                start, end, x = self.y[timer.start], self.y[timer.end], edge + out * 3
                corners = (edge, start + 1), (x, start + 1), (x, end - 1), (edge, end - 1)
                yield Line(corners, Role.MUTED, 1.2, part=f"timer-{side}-{timer.start}")
                wanted.append(((start + end) / 2, 1.15 * size, (timer.text,)))
        for shout in line.shouts:
            lines = shout_lines(shout, size, self.metrics)
            ys = [
                self.y[n] if n is not None else end for n, end in zip(shout.nodes, (self.top, self.bottom), strict=True)
            ]
            wanted.append((sum(ys) / 2, len(lines) * 1.15 * size, lines))
        wanted.sort(key=lambda item: item[0])
        spots = _spread([(y, height) for y, height, _ in wanted], self.top - 4, self.bottom)
        for number, ((y, height, lines), spot) in enumerate(zip(wanted, spots, strict=True)):
            part = f"call-{side}-{number}"
            yield Line(((edge + out * (GUTTER - 2), spot), (edge + out, y)), Role.MUTED, 1.0, part=part)
            for line_number, text in enumerate(lines):
                baseline = spot - height / 2 + (line_number + 0.5) * 1.15 * size + 0.3 * size
                at = edge + out * GUTTER, baseline
                yield self._text(at, text, size, anchor=anchor, part=f"{part}/label")

    def _timer(self, side: Side, timer: Timer) -> Iterator[Shape]:
        out = 1 if side == "client" else -1
        x = self.place.lifeline(side) + out * 11
        start, end = self.y[timer.start] + 3, self.y[timer.end] - 3
        part = f"timer-{side}-{timer.start}"
        yield Line(((x, start + 5), (x, end - 5)), Role.MUTED, 1.2, part=part)
        yield arrowhead((x, start), (x, end), 7, Role.MUTED, part)
        yield arrowhead((x, end), (x, start), 7, Role.MUTED, part)
        # below the time of the segment that set the timer, and parallel to it
        row, label = timer.start // 2, self.spacing.labels[timer.start // 2].timer
        if label:
            at, angle = self._on(row, label.left, 0.24 * self.place.size - label.reach + 2)
            yield self._text(at, timer.text, self.place.size, role=Role.MUTED, angle=angle, part=f"{part}/label")
        middle = self.y[timer.start] + timer_room(self.place)
        if timer.broken:
            for broken in (x, *self.place.lifelines):
                yield from _axis_break(broken, middle, part)

    def _brackets(self) -> Iterator[Shape]:
        size, spans = self.place.bracketed, phase_rows(self.story)
        tops = [min(self.y[node(rows[0], side)] for side in SIDES) - 2 for _, rows in spans]
        limits = [*(top - 5 for top in tops[1:]), self.bottom]
        for (phase, rows), top, limit in zip(spans, tops, limits, strict=False):
            low = max(self.y[node(rows[-1], side)] for side in SIDES)
            low = min(limit, max(low, top + bracket_length(phase, size, self.metrics)))
            if rows[-1] == len(self.story.rows) - 1:
                low = limit
            part, x = f"phase-{phase.first}", self.place.bracket
            yield Line(((x, top), (x - 7, top), (x - 7, low), (x, low)), Role.FRAME, 1.4, part=part)
            for number, text in enumerate(reversed(phase.lines)):
                at = x - 12 - 0.24 * size - 1.1 * size * number, (top + low) / 2
                yield self._text(at, text, size, bold=True, anchor="middle", angle=-90, part=f"{part}/name")


def frame(
    title: str, names: Sequence[str], centres: Sequence[Point], footer: str, metrics: Metrics, size: float
) -> Iterator[Shape]:
    """What surrounds a diagram: title, the two ends' names, footer."""

    def middle(x: float, y: float, text: str, size: float, room: float, role: Role, bold: bool, part: str) -> Text:
        text = metrics.fit(text, room, size, bold)
        width = metrics.width(text, size, bold)
        x = min(max(x, MARGIN + width / 2), WIDTH - MARGIN - width / 2)
        return Text(x, y, text, size, width, role, bold, "middle", part=part)

    room = WIDTH - 2 * MARGIN
    largest = next((size for size in _TITLES if metrics.width(title, size, True) <= room), _TITLES[-1])
    yield middle(WIDTH / 2, 33, title, largest, room, Role.TEXT, True, "title")
    for side, name, (x, y) in zip(SIDES, names, centres, strict=True):
        yield middle(x, y, name, min(max(size, 15), 20), WIDTH / 2 - MARGIN - 6, Role.TEXT, True, f"name-{side}")
    yield middle(WIDTH / 2, HEIGHT - 9, footer, 12, WIDTH - 2 * MARGIN, Role.MUTED, False, "footer")


def _short(start: Point, end: Point, by: float) -> Point:
    """`end`, moved back towards `start`."""
    length = math.dist(start, end) or 1.0
    return end[0] - (end[0] - start[0]) * by / length, end[1] - (end[1] - start[1]) * by / length


def _torn(left: float, right: float, y: float) -> list[Point]:
    count = max(2, round((right - left) / _TEETH))
    return [(left + (right - left) * i / count, y + (2.5 if i % 2 else -2.5)) for i in range(count + 1)]


def _axis_break(x: float, y: float, part: str) -> Iterator[Shape]:
    yield Polygon(((x - 7, y + 1), (x + 7, y - 7), (x + 7, y - 1), (x - 7, y + 7)), Role.HALO, part)
    for shift in (0.0, 6.0):
        yield Line(((x - 7, y + 1 + shift), (x + 7, y - 7 + shift)), Role.FRAME, 1.6, part=part)


def _spread(wanted: Sequence[tuple[float, float]], top: float, bottom: float) -> list[float]:
    """Middles as near as can be to the wanted ones, in order, none overlapping, all between top and bottom."""
    spots: list[float] = []
    low = top
    for y, height in wanted:
        spots.append(max(y, low + height / 2))
        low = spots[-1] + height / 2
    high = bottom
    for i in range(len(spots) - 1, -1, -1):
        spots[i] = min(spots[i], high - wanted[i][1] / 2)
        high = spots[i] - wanted[i][1] / 2
    return spots
