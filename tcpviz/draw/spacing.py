"""The vertical half of a sequence diagram: where every node lies, by difference constraints.

Time, states, brackets and timers take height; so do labels, as `apart` says. All of it is solved, labels are set where
there is room now, and again, until nothing moves. Measured in points from the top of the diagram; draws nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from math import inf, log10

from tcpviz.draw.apart import HEADS, Apart
from tcpviz.draw.columns import LEADING, Columns, shouted, timer_lines
from tcpviz.draw.labels import CUT, GAP_HALF, Label, timer_room
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.phases import Phase
from tcpviz.draw.solve import Constraint, earliest
from tcpviz.draw.story import Arrow, Gap, Lifeline, Row, Story, broken, node
from tcpviz.draw.words import Words
from tcpviz.exchange.exchange import SIDES
from tcpviz.value import Value

_ROUNDS = 8
_STEEPEST = 0.6
"""The greatest slope along which anybody can read."""
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


class _Solver(Apart):
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
            found = self._earliest(order, [*fixed, *self.apart(root, floor)])
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
        return broken + sum(self.y[b] - self.y[a] < gap - 1 for a, b, gap in self.apart_rows())

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
        return 8.0 if sends or receives else HEADS


def _pauses(story: Story, size: float) -> tuple[float, ...]:
    """A wait is shown by the logarithm of its length, within reason."""
    least = min((p for p in story.pauses if p > 0), default=1)
    unit = max(least, 10**3)
    return tuple(min(2.5 * size, 0.5 * size * log10(pause / unit)) if pause > unit else 0.0 for pause in story.pauses)
