"""A story with its positions on the slide: what inking looks at, and nothing of how things look."""

from __future__ import annotations

import math
from functools import cached_property

from tcpviz.draw.columns import Columns
from tcpviz.draw.drawing import Anchor, Point, Role, Text
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.spacing import Pace, Spacing
from tcpviz.draw.story import Arrow, Story, node
from tcpviz.draw.words import Words
from tcpviz.exchange.exchange import SIDES
from tcpviz.value import Value


class Placed(Value, dict=True):
    """`top` and `bottom` are where the diagram begins and ends; `y`, by node, are slide coordinates."""

    story: Story
    place: Columns
    spacing: Spacing
    pace: Pace
    metrics: Metrics
    words: Words
    top: float
    bottom: float
    y: tuple[float, ...]
    until: int | None = None
    """So many rows have happened; None: all, and what only timers did after them."""
    prefix: str = ""
    """Of every part, where a slide shows two diagrams."""

    @cached_property
    def frontier(self) -> float:
        """How far down things have happened, and room for the name of a state."""
        if self.until is None:
            return self.bottom
        reached = max((self.y[n] for n in range(2 * self.until)), default=self.top)
        return min(self.bottom, reached + self.place.size + 8)

    def happened(self, which: int | None) -> bool:
        """Whether a node is in sight; None stands for the top."""
        if which is None or self.until is None:
            return True
        if which < 2 * len(self.story.rows):
            return which < 2 * self.until
        return self.y[which] < self.frontier - self.place.size - 8

    def part(self, arrow: Arrow) -> str:
        return f"{self.prefix}segment-{arrow.index}"

    def line(self, row: int) -> tuple[Point, Point]:
        left, right = self.place.lifelines
        return (left, self.y[node(row, SIDES[0])]), (right, self.y[node(row, SIDES[1])])

    def on(self, row: int, x: float, off: float, along: float = 0.0) -> tuple[Point, float]:
        """The point `off` above a row's line, `along` it from `x` points off the left lifeline; the line's angle."""
        (x0, y0), (x1, y1) = self.line(row)
        angle = math.atan2(y1 - y0, x1 - x0)
        x += along * math.cos(angle)
        return (x0 + x, y0 + (y1 - y0) * x / (x1 - x0) - off / math.cos(angle)), math.degrees(angle)

    def text(
        self, point: Point, text: str, size: float, *, role: Role = Role.TEXT, bold: bool = False,
        anchor: Anchor = "start", angle: float = 0.0, part: str = "",
    ) -> Text:  # fmt: skip
        width = self.metrics.width(text, size, bold)
        return Text(point[0], point[1], text, size, width, role, bold, anchor, angle, part)
