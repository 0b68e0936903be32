"""The vertical half of a sequence diagram: where every node lies, by difference constraints.

Each row has a profile: how far it reaches above and below its own line, and over which stretch. Two rows
keep their profiles apart; two that cross keep their labels out of each other's way. Measured in points
from the top of the diagram; draws nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from math import log10

from tcpviz.draw.columns import Columns
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.phases import Phase
from tcpviz.draw.solve import Constraint, earliest
from tcpviz.draw.story import SIDES, Arrow, Gap, Lifeline, Row, Story, Timer, node
from tcpviz.draw.words import Words
from tcpviz.exchange.exchange import Side, other

_PAD = 3.0
"""Least distance between anything and a label."""
_NEAR = 6
"""How many rows back a row can still touch."""
_ROUNDS = 8
_STEEPER = (1.0, 2.0, 3.5, 6.0)
MASKED, CUT = 1, 1000
_LEAN = 7.0
LOST_GAP = 12.0
"""From the cross of a lost segment to the word beside it."""


Lines = tuple[tuple[str, str], ...]
"""A label's lines, each as its flags and its numbers."""
Window = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Part:
    """Text beside a row's line: from `left` to `right` in points from the left lifeline, `reach` above or below."""

    left: float
    right: float
    reach: float
    above: bool


@dataclass(frozen=True, slots=True)
class Label:
    """How a row is written: its lines of text, and the parts they take up."""

    lines: Lines
    text: Part
    time: Part | None = None
    fault: Part | None = None
    stop: float | None = None
    """Where a lost segment ends, in points from the left lifeline."""
    timer: Part | None = None
    trouble: int = 0
    """What it cost: MASKED when a crossing line is interrupted behind it, CUT when some of it is left out."""
    mark: tuple[Part, ...] = ()
    """The word at the cross of a lost segment."""

    def parts(self) -> Iterator[Part]:
        yield from (part for part in (self.text, self.time, self.fault, self.timer) if part)
        yield from self.mark


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


GAP_HALF = 0.85
"""Half the height of a torn strip, in em."""
TIMER_INSET = 24.0
"""How far from its lifeline a timer's text begins."""


def timer_room(place: Columns) -> float:
    """How far below its node a timer beside the arrows reaches with its text."""
    return place.small + 6 + place.size + 6


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


class _Solver:
    def __init__(
        self, story: Story, place: Columns, metrics: Metrics, words: Words, pauses: bool, steeper: float
    ) -> None:
        self.story, self.place, self.metrics, self.words = story, place, metrics, words
        self.slant = 1.3 * place.size
        self.steeper = steeper
        self.order = [{n: i for i, n in enumerate(line.nodes)} for line in story.lifelines]
        self.pauses = _pauses(story, place.size) if pauses else (0.0,) * len(story.rows)
        self.crossing = [self._crossing(row) for row in range(len(story.rows))]
        self.labels: list[Label] = []
        self.y = [0.0] * story.nodes

    def solve(self) -> Spacing:
        height = 0.0
        root, floor = self.story.nodes, self.story.nodes + 1
        fixed = list(self._fixed(root, floor))
        order = (root, *self.story.order, floor)
        self.y = self._earliest(order, fixed)[:root]
        for _ in range(_ROUNDS):
            for row in range(len(self.story.rows)):
                # one after another: each makes way for those before it
                self.labels[row : row + 1] = [self._label(row)]
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
        for start, end in zip(starts, [*starts[1:], floor], strict=False):
            top = max((g for g in gaps if at[start] <= at[g] < at[end]), key=at.__getitem__, default=start)
            yield start, end, self.place.size + 6
            yield top, end, self.place.size + 6 + torn * ((top in gaps) + (end in gaps))

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
            for before in range(max(0, row - _NEAR), row):
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
                        need = max(need, low.reach + high.reach + _PAD - turn)
        return need

    def _under(self, row: int, near: int) -> float:
        (_, slope), (_, near_slope) = self._line(row), self._line(near)
        at = 0.0 if self._tail_side(row) == "client" else self.place.span
        low = [p for p in (self.labels[row].time, self.labels[row].timer) if p]
        return max(
            (p.reach + _PAD - (near_slope - slope) * (x - at) for p in low for x in (p.left, p.right)), default=0
        )

    # Geometry of a row

    def _ends(self, row: int) -> tuple[int, int]:
        side = self._tail_side(row)
        return node(row, side), node(row, other(side))

    def _tail_side(self, row: int) -> Side:
        shown = self.story.rows[row]
        return shown.origin if isinstance(shown, Arrow) else "client"

    def _is_tail(self, which: int) -> bool:
        return self._ends(which // 2)[0] == which

    def _line(self, row: int) -> tuple[float, float]:
        left, right = self.y[node(row, "client")], self.y[node(row, "server")]
        return left, (right - left) / self.place.span

    def _above(self, upper: int, lower: int) -> bool:
        return lower not in self.crossing[upper]

    def _crossing(self, row: int) -> frozenset[int]:
        """The rows whose line crosses this one's: before it on one lifeline, after it on the other."""
        found = set()
        for near in range(max(0, row - 3 * _NEAR), min(len(self.story.rows), row + 3 * _NEAR + 1)):
            before = [
                order[node(row, side)] < order[node(near, side)]
                for order, side in zip(self.order, SIDES, strict=True)
                if node(row, side) in order and node(near, side) in order
            ]
            if len(before) == 2 and before[0] != before[1] and near != row:
                found.add(near)
        return frozenset(found)

    # Labels

    def _label(self, row: int) -> Label:
        shown, size, span = self.story.rows[row], self.place.size, self.place.span
        if isinstance(shown, Gap):
            half = GAP_HALF * size + 5
            whole = Part(-999, span + 999, half, above=True)
            return Label(((shown.text, ""),), whole, replace(whole, above=False))
        ways = (
            ((shown.flags, shown.numbers),),
            ((shown.flags, ""), ("", shown.numbers)),
        )
        for lines in ways:
            if windows := self._fitting(shown, lines, row):
                return self._written(shown, lines, row, windows)
        for lines in ways:
            if windows := self._free_of_labels(lines, row):
                return replace(self._written(shown, lines, row, windows), trouble=MASKED)
        short = ((self.metrics.fit(shown.flags, span / 4, size, True), ""),)
        return replace(self._written(shown, short, row, [(0.0, span)]), trouble=CUT)

    def _free_of_labels(self, lines: Lines, row: int) -> list[Window]:
        """Where a label touches lines that cross, which can be interrupted behind it, but no label of theirs."""
        width, reach, span = self._width(lines), self._label_reach(lines), self.place.span
        places = [(x, x + width) for x in range(12, int(span - width) - 12, 8)]
        return [(a, b) for a, b in places if not self._meets_label(row, Part(a, b, reach, above=True))]

    def _meets_label(self, row: int, text: Part) -> bool:
        left, slope = self._line(row)
        for near in self.crossing[row]:
            near_left, near_slope = self._line(near)
            for part in self.labels[near].parts() if near < len(self.labels) else ():
                low, high = max(text.left, part.left) - 4, min(text.right, part.right) + 4
                # boxes that are turned differently need a little more than their reach
                for x in (low + (high - low) * i / 12 for i in range(13)) if low < high else ():
                    bottom = left + slope * x
                    other_top = near_left + near_slope * x - (part.reach if part.above else 0)
                    if bottom - text.reach - 4 < other_top + part.reach and other_top < bottom + 4:
                        return True
        return False

    def _fitting(self, shown: Arrow, lines: Lines, row: int) -> list[Window]:
        """Where on its arrow a label has room."""
        width = self._width(lines)
        windows = self._windows(row, self._label_reach(lines))
        if shown.lost:
            stop = self._stop(shown, width)
            client = shown.origin == "client"
            windows = [(a, min(b, stop - 12)) if client else (max(a, stop + 12), b) for a, b in windows]
        return [(a, b) for a, b in windows if b - a >= width]

    def _written(self, shown: Arrow, lines: Lines, row: int, windows: list[Window]) -> Label:
        width, span = self._width(lines), self.place.span
        # nearer to the head there is more room below the arrow before, which points the other way
        centre = span / 2 if shown.lost else span * (0.58 if shown.origin == "client" else 0.42)
        low, high = min(windows, key=lambda w: abs((w[0] + w[1]) / 2 - centre))
        left = min(max(centre - width / 2, low), max(high - width, low))
        text = Part(left, left + width, self._label_reach(lines), above=True)
        stop = self._stop(shown, width) if shown.lost else None
        mark = () if stop is None else self._mark(stop, shown.origin)
        time, timer = self._time(shown, row), self._timer(shown, row)
        return Label(lines, text, time, self._fault(shown, text), stop, timer, mark=mark)

    def _width(self, lines: Lines) -> float:
        return max(self.line_width(*line) for line in lines)

    def _label_reach(self, lines: Lines) -> float:
        return _PAD + self.place.size * (1.0 + 1.15 * (len(lines) - 1))

    def _stop(self, shown: Arrow, width: float) -> float:
        """A lost segment ends well short of the other lifeline, but not before its label does."""
        stop = min(0.86 * self.place.span, max(0.66 * self.place.span, width + 40))
        return stop if shown.origin == "client" else self.place.span - stop

    def _mark(self, stop: float, origin: Side) -> tuple[Part, ...]:
        width = self.metrics.width(self.words.lost, self.place.size, True) + LOST_GAP + 9
        left, right = (stop - 9, stop + width) if origin == "client" else (stop - width, stop + 9)
        half = 0.5 * self.place.size + 2
        return Part(left, right, half, above=True), Part(left, right, half, above=False)

    def line_width(self, flags: str, numbers: str) -> float:
        gap = "  " if flags and numbers else ""
        return self.metrics.width(flags, self.place.size, True) + self.metrics.width(gap + numbers, self.place.size)

    def _windows(self, row: int, reach: float) -> list[tuple[float, float]]:
        """Where on its line a label that reaches so far up touches no line that crosses, nor the time below it."""
        span = self.place.span
        steps = [8 + (span - 22) * i / 60 for i in range(61)]
        if self._tail_side(row) == "server":
            steps = [span - x for x in reversed(steps)]
        if not self.crossing[row]:
            return [(steps[0], steps[-1])]
        left, slope = self._line(row)
        others = [self._line(near) for near in self.crossing[row]]
        under = _PAD + self.place.small + 3
        free = [
            all(y + 2 < at + turn * x or y - reach - under > at + turn * x for at, turn in others)
            for x, y in ((x, left + slope * x) for x in steps)
        ]
        windows = []
        for isfree, run in groupby(range(len(steps)), key=free.__getitem__):
            if isfree:
                ends = list(run)
                # a box that is turned leans over its end
                low = steps[ends[0]] + (_LEAN if ends[0] else 0)
                windows.append((low, steps[ends[-1]] - (_LEAN if ends[-1] < len(steps) - 1 else 0)))
        return windows

    def _beside_tail(self, shown: Arrow, width: float, inset: float, reach: float) -> Part:
        if shown.origin == "client":
            return Part(inset, inset + width, reach, above=False)
        return Part(self.place.span - inset - width, self.place.span - inset, reach, above=False)

    def _time(self, shown: Arrow, row: int) -> Part:
        inset = TIMER_INSET if self._own_timer(shown, row) else 6.0
        width = self.metrics.width(shown.time, self.place.small)
        return self._beside_tail(shown, width, inset, self.place.small + 3)

    def _timer(self, shown: Arrow, row: int) -> Part | None:
        timer = self._own_timer(shown, row)
        if timer is None:
            return None
        width = self.metrics.width(timer.text, self.place.size)
        return self._beside_tail(shown, width, TIMER_INSET, timer_room(self.place))

    def _own_timer(self, shown: Arrow, row: int) -> Timer | None:
        line = self.story.lifelines[shown.origin == "server"]
        start = node(row, shown.origin)
        return next((t for t in line.timers if t.start == start and t.beside), None)

    def _fault(self, shown: Arrow, text: Part) -> Part | None:
        if not shown.fault:
            return None
        size, span = self.place.size, self.place.span
        width = min(self.metrics.width(shown.fault, size, True) + 1.4 * size, span - 130)
        middle = (text.left + text.right) / 2
        low, high = (80, span - 20) if shown.origin == "client" else (20, span - 80)
        left = min(max(middle - width / 2, low), max(high - width, low))
        return Part(left, left + width, size + 4, above=False)


def _pauses(story: Story, size: float) -> tuple[float, ...]:
    """A wait is shown by the logarithm of its length, within reason."""
    least = min((p for p in story.pauses if p > 0), default=1)
    unit = max(least, 10**3)
    return tuple(min(2.5 * size, 0.5 * size * log10(pause / unit)) if pause > unit else 0.0 for pause in story.pauses)
