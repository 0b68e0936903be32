"""The vertical half of a sequence diagram: where every node lies, by difference constraints.

Each row has a profile: how far it reaches above and below its own line, and over which stretch. Two rows
keep their profiles apart; two that cross keep their labels out of each other's way. Measured in points
from the top of the diagram; draws nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log10

from tcpviz.draw.columns import LEADING, Columns
from tcpviz.draw.labels import CUT, GAP_HALF, NEAR, PAD, Label, Labelled, Part, timer_room
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.phases import Phase
from tcpviz.draw.solve import Constraint, earliest
from tcpviz.draw.story import SIDES, Arrow, Gap, Lifeline, Row, Story, node
from tcpviz.draw.words import Words

_ROUNDS = 8
_STEEPER = (1.0, 2.0, 3.5, 6.0)


@dataclass(frozen=True, slots=True)
class Spacing:
    y: tuple[float, ...]
    height: float
    labels: tuple[Label, ...]
    trouble: int
    """The sum of its labels', and CUT for each that has not the room it was given."""


def space(story: Story, place: Columns, metrics: Metrics, words: Words, *, pauses: bool) -> Spacing:
    """The least height at which nothing touches; with `pauses`, long waits take a little more.

    Arrows that cross may be too flat to leave their labels room; then they are made steeper.
    """
    tries = []
    for steeper in _STEEPER:
        spacing = _Solver(story, place, metrics, words, pauses, steeper).solve()
        if not spacing.trouble:
            return spacing
        tries.append(spacing)
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
        self, story: Story, place: Columns, metrics: Metrics, words: Words, pauses: bool, steeper: float
    ) -> None:
        super().__init__(story, place, metrics, words)
        self.slant = 1.3 * place.size
        self.steeper = steeper
        self.pauses = _pauses(story, place.size) if pauses else (0.0,) * len(story.rows)

    def solve(self) -> Spacing:
        height = 0.0
        root, floor = self.story.nodes, self.story.nodes + 1
        fixed = list(self._fixed(root, floor))
        order = (root, *self.story.order, floor)
        self.y = self._earliest(order, fixed)[:root]
        for _ in range(_ROUNDS):
            self.write()
            found = self._earliest(order, [*fixed, *self._apart(root, floor)])
            settled = all(abs(a - b) < 0.1 for a, b in zip(self.y, found, strict=False))
            self.y, height = found[:root], found[floor]
            if settled:
                break
        trouble = sum(label.trouble for label in self.labels) + CUT * self._broken()
        return Spacing(tuple(self.y), height, tuple(self.labels), trouble)

    def _earliest(self, order: Sequence[int], constraints: Iterable[Constraint]) -> list[float]:
        """A torn strip is level: its two ends are one node."""
        ends = {node(r, "server"): node(r, "client") for r, row in enumerate(self.story.rows) if isinstance(row, Gap)}
        found = earliest(order, ((ends.get(a, a), ends.get(b, b), gap) for a, b, gap in constraints))
        for right, left in ends.items():
            found[right] = found[left]
        return found

    def _broken(self) -> int:
        """What the last round moved so far that a label no longer has the room it was given."""
        broken = 0
        for row, shown in enumerate(self.story.rows):
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
                yield timer.start, timer.end, timer_room(self.place) + (12 if timer.broken else 4)
            for free in line.nodes:
                yield free, floor, 6
        yield from self._brackets(floor)
        for side in SIDES:
            for before, after in pairwise(range(len(self.story.rows))):
                if self._above(before, after) and self.pauses[after] and self._tail_side(after) == side:
                    yield node(before, side), node(after, side), size + self.pauses[after]

    def _bands(self, line: Lifeline, root: int, floor: int) -> Iterator[Constraint]:
        """Every state has room for its name, below the last strip that is torn out of it."""
        gaps = [n for n in line.nodes if n < 2 * len(self.story.rows) and isinstance(self.story.rows[n // 2], Gap)]
        at = {n: i for i, n in enumerate(line.nodes)} | {root: -1, floor: len(line.nodes)}
        starts = [root if b.node is None else b.node for b in line.bands]
        torn = GAP_HALF * self.place.size + 5
        for band, start, end in zip(line.bands, starts, [*starts[1:], floor], strict=False):
            top = max((g for g in gaps if at[start] <= at[g] < at[end]), key=at.__getitem__, default=start)
            more = len(band.lines) - 1
            name = self.place.size * (1 + LEADING * more) + 6 + 3 * more
            yield start, end, name
            yield top, end, name + torn * ((top in gaps) + (end in gaps))

    def _brackets(self, floor: int) -> Iterator[Constraint]:
        """A bracket is at least as long as its name, which runs along it."""
        spans = phase_rows(self.story)
        for (phase, rows), after in zip(spans, [*(rows[0] for _, rows in spans[1:]), None], strict=False):
            end = floor if after is None else self._ends(after)[0]
            yield self._ends(rows[0])[0], end, bracket_length(phase, self.place.bracketed, self.metrics) + 6

    def _slant(self, row: int) -> float:
        return self.slant * (self.steeper if self.crossing[row] else 1)

    def _step(self, before: int, after: int) -> float:
        """The least distance of two neighbours on a lifeline, whatever their labels."""
        rows = 2 * len(self.story.rows)
        if before >= rows or after >= rows:
            return 0
        sends, receives = self._is_tail(before), not self._is_tail(after)
        if sends and receives:
            # the time stands below the tail
            return self.place.small + 5
        return 5.0 if not sends and not receives else 8.0

    def _apart(self, root: int, floor: int) -> Iterator[Constraint]:
        """Rows keep their profiles apart from the rows before them, and from the top."""
        for row in range(len(self.story.rows)):
            side = self._tail_side(row)
            yield root, node(row, side), self._reach(row, above=True)
            yield node(row, side), floor, self._reach(row, above=False)
        yield from self._apart_rows()

    def _apart_rows(self) -> Iterator[Constraint]:
        for row in range(len(self.story.rows)):
            side = self._tail_side(row)
            for before in range(max(0, row - NEAR), row):
                if self._above(before, row):
                    yield node(before, side), node(row, side), self._distance(before, row)
            order = self.order[side == "server"]
            for near in sorted(self.crossing[row]):
                # a line that crosses comes in below what stands under the tail
                if order[node(row, side)] < order[node(near, side)]:
                    yield node(row, side), node(near, side), self._under(row, near)

    def _reach(self, row: int, *, above: bool) -> float:
        parts = (p for p in self.labels[row].parts() if p.above == above)
        left, slope = self._line(row)
        from_tail = self.y[self._ends(row)[0]]
        sign = -1 if above else 1
        return max(
            (p.reach + sign * (left + slope * x - from_tail) for p in parts for x in (p.left, p.right)), default=0
        )

    def _distance(self, upper: int, lower: int) -> float:
        """How far below `upper` the line `lower` must start, on the side where it starts."""
        _, upper_slope = self._line(upper)
        _, lower_slope = self._line(lower)
        at = 0.0 if self._tail_side(lower) == "client" else self.place.span
        bare = Part(0, self.place.span, 1.5, above=True)
        need = 0.0
        for low in (bare, *(p for p in self.labels[lower].parts() if p.above)):
            for high in (bare, *(p for p in self.labels[upper].parts() if not p.above)):
                left, right = max(low.left, high.left) - 2, min(low.right, high.right) + 2
                if left < right:
                    for x in (left, right):
                        turn = (lower_slope - upper_slope) * (x - at)
                        need = max(need, low.reach + high.reach + PAD - turn)
        return need

    def _under(self, row: int, near: int) -> float:
        (_, slope), (_, near_slope) = self._line(row), self._line(near)
        at = 0.0 if self._tail_side(row) == "client" else self.place.span
        low = [p for p in (self.labels[row].time, self.labels[row].timer) if p]
        return max((p.reach + PAD - (near_slope - slope) * (x - at) for p in low for x in (p.left, p.right)), default=0)


def _pauses(story: Story, size: float) -> tuple[float, ...]:
    """A wait is shown by the logarithm of its length, within reason."""
    least = min((p for p in story.pauses if p > 0), default=1)
    unit = max(least, 10**3)
    return tuple(min(2.5 * size, 0.5 * size * log10(pause / unit)) if pause > unit else 0.0 for pause in story.pauses)
