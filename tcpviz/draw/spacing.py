"""The vertical half of a sequence diagram: where every node lies, by difference constraints.

Each row has a profile: how far it reaches above and below its own line, and over which stretch. Two rows
keep their profiles apart; two that cross keep their labels out of each other's way. Measured in points
from the top of the diagram; draws nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from math import inf, log10

from tcpviz.draw.columns import LEADING, Columns, note_text, shouted, timer_lines
from tcpviz.draw.drawing import LEAST_SIZE
from tcpviz.draw.labels import CUT, DOT, GAP_HALF, NEAR, PAD, Label, Labelled, Part, timer_room
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.phases import Phase
from tcpviz.draw.solve import Constraint, earliest
from tcpviz.draw.story import Arrow, Gap, Lifeline, Mark, Row, Story, broken, node
from tcpviz.draw.words import Words
from tcpviz.exchange.exchange import SIDES, Side
from tcpviz.value import Value

_ROUNDS = 8
_STEEPEST = 0.6
"""The greatest slope along which anybody can read."""
_HEADS, _HEAD = 11.0, 11.0
"""From one arrowhead to the next on a lifeline, and how long one is."""
_STEEPER = (1.0, 2.0, 3.5, 6.0)


class Pace(Value):
    """How time takes up height, beyond what labels need."""

    pauses: float = 0.0
    """Long waits take so much of a little more, by their logarithm."""
    points: float = 0.0
    """For every nanosecond; waits in `broken` take BREAK instead."""
    broken: frozenset[int] = frozenset()
    """Instants, by their index, before which the axis is broken."""


BREAK = 26.0
PLAIN = Pace()
Floors = Mapping[int, float]
"""For nodes that something outside the story holds down: their least distance from the top."""


class Spacing(Value):
    y: tuple[float, ...]
    height: float
    labels: tuple[Label, ...]
    crossed: tuple[bool, ...]
    """Whether any line crosses a row's."""
    trouble: int
    """The sum of its labels', and CUT for each that has not the room it was given."""


def space(
    story: Story,
    place: Columns,
    metrics: Metrics,
    words: Words,
    pace: Pace = PLAIN,
    floors: Floors | None = None,
    limit: float = inf,
) -> Spacing:
    """The least height at which nothing touches.

    Arrows that cross may be too flat to leave their labels room; then they are made steeper, unless the
    whole is taller than `limit` anyway.
    """
    tries = []
    for steeper in _STEEPER:
        spacing = _Solver(story, place, metrics, words, pace, floors or {}, steeper).solve()
        if not spacing.trouble:
            return spacing
        tries.append(spacing)
        if spacing.height > limit:
            break
    return min(tries, key=lambda spacing: (spacing.trouble, spacing.height))


def first_of(row: Row) -> int:
    return row.index if isinstance(row, Arrow) else row.first


def phase_rows(story: Story) -> list[tuple[Phase, list[int]]]:
    """The phases of which any row is shown, with those rows."""
    shown = [
        (phase, [r for r, row in enumerate(story.rows) if phase.first <= first_of(row) <= phase.last])
        for phase in story.phases
    ]
    return [(phase, rows) for phase, rows in shown if rows]


def bracket_length(phase: Phase, size: float, metrics: Metrics) -> float:
    return max(metrics.width(line, size, True) for line in phase.lines) + 4


class _Solver(Labelled):
    """Moves the nodes until every label has its room."""

    def __init__(
        self,
        story: Story,
        place: Columns,
        metrics: Metrics,
        words: Words,
        pace: Pace,
        floors: Floors,
        steeper: float,
    ) -> None:
        super().__init__(story, place, metrics, words)
        self.slant = 1.3 * place.size
        self.steeper = steeper
        self.pace, self.floors = pace, floors
        self.broken = pace.broken | broken(story)
        self.pauses = tuple(pace.pauses * pause for pause in _pauses(story, place.size))
        self.slopes: list[float] = []
        """Of every row's line, as far as it is certain."""
        self.marked = {mark.node: mark for line in story.lifelines for mark in line.marks}

    def solve(self) -> Spacing:
        height = 0.0
        root, floor = self.story.nodes, self.story.nodes + 1
        fixed = list(self._fixed(root, floor))
        order = (root, *self.story.order, floor)
        self.y = self._earliest(order, fixed)[:root]
        self.slopes = [self._line(row)[1] for row in range(len(self.story.rows))]
        for _ in range(_ROUNDS):
            self.write()
            found = self._earliest(order, [*fixed, *self._apart(root, floor)])
            settled = all(abs(a - b) < 0.1 for a, b in zip(self.y, found, strict=False))
            self.y, height = found[:root], found[floor]
            # only ever flatter, or two rows could drive each other down for ever
            self.slopes = [min(old, self._line(row)[1], key=abs) for row, old in enumerate(self.slopes)]
            if settled:
                break
        trouble = sum(label.trouble for label in self.labels) + CUT * self._broken()
        crossed = tuple(map(bool, self.crossing))
        return Spacing(tuple(self.y), height, tuple(self.labels), crossed, trouble)

    def _earliest(self, order: Sequence[int], constraints: Iterable[Constraint]) -> list[float]:
        """A torn strip is level: its two ends are one node. A lost segment keeps its slant: what moves its end, which
        is on no lifeline, moves all of it."""
        ends = {node(r, "server"): node(r, "client") for r, row in enumerate(self.story.rows) if isinstance(row, Gap)}
        level = [(ends.get(a, a), ends.get(b, b), gap) for a, b, gap in constraints]
        lost = {self._ends(r)[1]: r for r, row in enumerate(self.story.rows) if isinstance(row, Arrow) and row.lost}
        moved = ((a, self._ends(lost[b])[0], gap - self._slant(lost[b])) for a, b, gap in level if b in lost)
        found = earliest(order, chain(level, moved))
        for right, left in ends.items():
            found[right] = found[left]
        return found

    def _broken(self) -> int:
        """Too steep to read along; or the last round moved it so far that it no longer has the room it was given."""
        broken = 0
        for row, shown in enumerate(self.story.rows):
            broken += abs(self._line(row)[1]) > _STEEPEST
            label = self.labels[row]
            text = label.text
            if isinstance(shown, Arrow) and self.crossing[row]:
                if label.trouble:
                    broken += self._meets_label(row, text)
                    continue
                windows = self._fitting(shown, label.lines, row)
                broken += not any(a - 1 <= text.left and text.right <= b + 1 for a, b in windows)
        return broken + sum(self.y[b] - self.y[a] < gap - 1 for a, b, gap in self._apart_rows())

    # Constraints

    def _fixed(self, root: int, floor: int) -> Iterator[Constraint]:
        """What does not depend on where the labels are."""
        size = self.place.size
        for row, shown in enumerate(self.story.rows):
            tail, head = self._ends(row)
            yield tail, head, (self._slant(row) if isinstance(shown, Arrow) else 0)
            yield root, tail, 0
            yield head, floor, 6
        for line in self.story.lifelines:
            for before, after in pairwise(line.nodes):
                yield before, after, self._step(before, after)
            yield from self._bands(line, root, floor)
            for timer in line.timers:
                if timer.beside:
                    yield timer.start, timer.end, timer_room(self.place) + 4
                else:
                    yield timer.start, timer.end, 1.15 * size * len(timer_lines(timer, size, self.metrics)) + 4
            for free in line.nodes:
                yield free, floor, 6
            yield root, floor, shouted(line, size, self.metrics)
        yield from ((root, held, least) for held, least in self.floors.items())
        yield from self._brackets(root, floor)
        yield from self._instants()
        for side in SIDES:
            for before, after in pairwise(range(len(self.story.rows))):
                if self._above(before, after) and self.pauses[after] and self._tail_side(after) == side:
                    yield node(before, side), node(after, side), size + self.pauses[after]

    def _instants(self) -> Iterator[Constraint]:
        """What happens later, at either end, is not drawn higher; nor is what no segment made so before one that leaves
        at that instant."""
        for _, nodes in self.story.instants:
            leaving = [which for which in nodes if which < 2 * len(self.story.rows) and self._is_tail(which)]
            free = [which for which in nodes if which >= 2 * len(self.story.rows)]
            yield from ((tail, which, 0.0) for tail in leaving for which in free)
        for at, ((time, nodes), (later, followers)) in enumerate(pairwise(self.story.instants), 1):
            gap = 0.0 if at in self.broken else self.pace.points * (later - time)
            yield from ((before, after, gap) for before in nodes for after in followers)
        for at in self.broken:
            _, followers = self.story.instants[at]
            for before in self.story.order[: min(map(self.story.order.index, followers))]:
                if any(before in order for order in self.order):
                    half = GAP_HALF * self.place.size + 3 if self._is_torn(before) else 0.0
                    yield from ((before, after, half + BREAK) for after in followers)

    def _is_torn(self, which: int) -> bool:
        return which < 2 * len(self.story.rows) and isinstance(self.story.rows[which // 2], Gap)

    def _bands(self, line: Lifeline, root: int, floor: int) -> Iterator[Constraint]:
        """Every state has room for its name, below the last strip that is torn out of it."""
        gaps = [n for n in line.nodes if self._is_torn(n)]
        at = {n: i for i, n in enumerate(line.nodes)} | {root: -1, floor: len(line.nodes)}
        starts = [root if b.node is None else b.node for b in line.bands]
        torn = GAP_HALF * self.place.size + 4
        for band, start, end in zip(line.bands, starts, [*starts[1:], floor], strict=False):
            top = max((g for g in gaps if at[start] <= at[g] < at[end]), key=at.__getitem__, default=start)
            more = len(band.lines) - 1
            name = self.place.size * (1.2 + LEADING * more) + 3 + 3 * more
            yield start, end, name
            yield top, end, name + torn * ((top in gaps) + (end in gaps))

    def _brackets(self, root: int, floor: int) -> Iterator[Constraint]:
        """A bracket is at least as long as its name, which runs along it; the first one's may begin above it."""
        spans = phase_rows(self.story)
        starts = [self._ends(rows[0])[0] for _, rows in spans]
        for (phase, _), start, end in zip(spans, [root, *starts[1:]], [*starts[1:], floor], strict=False):
            yield start, end, bracket_length(phase, self.place.bracketed, self.metrics) + 6

    def _slant(self, row: int) -> float:
        return self.slant * (self.steeper if self.crossing[row] else 1)

    def _step(self, before: int, after: int) -> float:
        """The least distance of two neighbours on a lifeline, whatever their labels."""
        rows = 2 * len(self.story.rows)
        if before >= rows or after >= rows:
            return self.place.small + 8 if before in self.marked or after in self.marked else 8
        sends, receives = self._is_tail(before), not self._is_tail(after)
        if sends and receives:
            # the time stands below the tail
            return self.place.small + 5
        return 8.0 if sends or receives else _HEADS

    def _apart(self, root: int, floor: int) -> Iterator[Constraint]:
        """Rows keep their profiles apart from the rows before them, and from the top."""
        for row in range(len(self.story.rows)):
            side = self._tail_side(row)
            yield root, node(row, side), self._reach(row, above=True)
            yield node(row, side), floor, self._reach(row, above=False)
        yield from self._apart_rows()
        for side, line in zip(SIDES, self.story.lifelines, strict=True):
            for mark in line.marks:
                yield from self._apart_mark(mark, side, line)
                yield mark.node, floor, self.place.small + 6

    def _apart_mark(self, mark: Mark, side: Side, line: Lifeline) -> Iterator[Constraint]:
        """What happened at a free node is written below it, among the arrows."""
        text = note_text(mark, self.place.span - 20, self.place.small, self.metrics)
        width = self.metrics.width(text, self.place.small) + 6
        end = 0.0 if side == "client" else self.place.span
        reach = self.place.small + 4
        at = line.nodes.index(mark.node)
        for near, which in enumerate(line.nodes):
            if which >= 2 * len(self.story.rows) or abs(near - at) > NEAR:
                continue
            _, slope = self._line(which // 2)
            need = 0.0
            bare = Part(0, self.place.span, 1.5, above=near > at)
            for part in (bare, *(p for p in self.labels[which // 2].parts() if p.above == (near > at))):
                low, high = (0.0, width) if side == "client" else (self.place.span - width, self.place.span)
                left, right = max(low, part.left) - 2, min(high, part.right) + 2
                if left < right:
                    sign = 1 if near < at else -1
                    need = max(need, *(part.reach + sign * slope * (x - end) for x in (left, right)))
            if near < at:
                yield which, mark.node, need + PAD
            else:
                yield mark.node, which, need + reach + PAD

    def _apart_rows(self) -> Iterator[Constraint]:
        for row in range(len(self.story.rows)):
            side = self._tail_side(row)
            for before in range(max(0, row - NEAR), row):
                if self._above(before, row):
                    yield from self._pair(before, row)
            order = self.order[side == "server"]
            for near in sorted(self.crossing[row]):
                # a line that crosses comes in below what stands under the tail
                if order[node(row, side)] < order[node(near, side)]:
                    yield node(row, side), node(near, side), self._under(row, near)
                upper, lower = self._ends(row)[1], self._ends(near)[1]
                heads = self.order[side == "client"]
                if upper in heads and lower in heads and heads[upper] < heads[lower]:
                    # two arrowheads lean towards each other where their arrows cross
                    yield upper, lower, _HEADS + _HEAD * abs(self._line(row)[1] - self._line(near)[1])

    def _reach(self, row: int, *, above: bool) -> float:
        parts = (p for p in self.labels[row].parts() if p.above == above)
        left, slope = self._line(row)
        from_tail = self.y[self._ends(row)[0]]
        sign = -1 if above else 1
        return max(
            (p.reach + sign * (left + slope * x - from_tail) for p in parts for x in (p.left, p.right)), default=0
        )

    def _pair(self, upper: int, lower: int) -> Iterator[Constraint]:
        """Keep two rows apart that do not cross."""
        rows = self.story.rows[upper], self.story.rows[lower]
        span, side = self.place.span, self._tail_side(lower)
        bare = Part(0, span, 1.5, above=True)
        # a time that is too near to the next label reads as if it were its own; where there is no room, it may be
        beside = 4.0 if self.place.size == LEAST_SIZE else 0.6 * self.place.size
        touching = [
            (max(low.left, high.left) - 2, min(low.right, high.right) + 2, low.reach + high.reach + PAD)
            for low in (bare, *(p for p in self.labels[lower].parts() if p.above))
            for high in (bare, *(p for p in self.labels[upper].parts() if not p.above))
            if max(low.left, high.left) - beside < min(low.right, high.right)
        ]
        if any(isinstance(row, Gap) for row in rows) or self._tail_side(upper) == side:
            yield from self._parallel(upper, lower, touching)
            return
        # of what runs the other way the lower one must start so far below that their slopes do the rest
        turn = self.slopes[lower] - self.slopes[upper]
        at = 0.0 if side == "client" else span
        need = max(reach - turn * (x - at) for left, right, reach in touching for x in (left, right))
        yield node(upper, side), node(lower, side), max(need, 0.0)

    def _parallel(self, upper: int, lower: int, touching: list[tuple[float, float, float]]) -> Iterator[Constraint]:
        """What runs the same way, or is level, is kept apart at both ends, whatever its slope."""
        span = self.place.span
        across = max(reach for left, right, reach in touching if left < span / 2 < right)
        needs = {"client": across, "server": across}
        for left, right, reach in touching:
            # what stands near one end only needs its room there
            if right <= span / 2:
                needs["client"] = max(needs["client"], (reach * span - across * right) / (span - right))
            elif left >= span / 2:
                needs["server"] = max(needs["server"], (reach * span - across * (span - left)) / left)
        for end in SIDES:
            yield node(upper, end), node(lower, end), needs[end]

    def _under(self, row: int, near: int) -> float:
        (_, slope), (_, near_slope) = self._line(row), self._line(near)
        at = 0.0 if self._tail_side(row) == "client" else self.place.span
        low = [p for p in (self.labels[row].time, self.labels[row].timer) if p]
        shown = self.story.rows[near]
        pad = PAD + (DOT if isinstance(shown, Arrow) and shown.foreign else 0.0)
        return max((p.reach + pad - (near_slope - slope) * (x - at) for p in low for x in (p.left, p.right)), default=0)


def _pauses(story: Story, size: float) -> tuple[float, ...]:
    """A wait is shown by the logarithm of its length, within reason."""
    least = min((p for p in story.pauses if p > 0), default=1)
    unit = max(least, 10**3)
    return tuple(min(2.5 * size, 0.5 * size * log10(pause / unit)) if pause > unit else 0.0 for pause in story.pauses)
