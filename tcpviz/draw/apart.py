"""What keeps the rows of a diagram apart, as difference constraints between their nodes.

Each row has a profile: how far it reaches above and below its own line, and over which stretch. Two rows keep their
profiles apart; of two that cross, one comes in below what stands under the other's tail. Solves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import hypot

from tcpviz.draw.columns import Columns, note_text
from tcpviz.draw.drawing import LEAST_SIZE
from tcpviz.draw.labels import DOT, NEAR, PAD, Labelled, Part
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.solve import Constraint
from tcpviz.draw.story import Arrow, Gap, Lifeline, Mark, Story, node
from tcpviz.draw.words import Words
from tcpviz.exchange.exchange import SIDES, Side

_SLIGHT = 0.12
"""A slope that text along it does not need more height for."""
HEADS, HEAD = 11.0, 11.0
"""From one arrowhead to the next on a lifeline, and how long one is."""


class Apart(Labelled):
    """A story's labels, and what distance they need."""

    def __init__(self, story: Story, place: Columns, metrics: Metrics, words: Words) -> None:
        super().__init__(story, place, metrics, words)
        self.slopes: list[float] = []
        """Of every row's line, as far as it is certain."""

    def apart(self, root: int, floor: int) -> Iterator[Constraint]:
        """Rows keep their profiles apart from the rows before them, and from the top."""
        for row in range(len(self.story.rows)):
            side = self._tail_side(row)
            yield root, node(row, side), self._reach(row, above=True)
            yield node(row, side), floor, self._reach(row, above=False)
        yield from self.apart_rows()
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

    def apart_rows(self) -> Iterator[Constraint]:
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
                    yield upper, lower, HEADS + HEAD * abs(self._line(row)[1] - self._line(near)[1])

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
        leans = self._lean(lower), self._lean(upper)
        touching = [
            (
                max(low.left, high.left) - 2,
                min(low.right, high.right) + 2,
                low.reach * leans[0] + high.reach * leans[1] + PAD,
            )
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

    def _lean(self, row: int) -> float:
        """How much more of the height text takes that stands square on a slanted line."""
        slope = self._line(row)[1]
        return hypot(1, slope) if abs(slope) > _SLIGHT else 1.0

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
