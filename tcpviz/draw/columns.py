"""The horizontal half of a sequence diagram: how wide each column is for a given text size.

From left to right: brackets, the client's calls, its states, the arrows, the server's states, its calls.
"""

from __future__ import annotations

from dataclasses import dataclass

from tcpviz.draw.drawing import WIDTH
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.story import Gap, Lifeline, Shout, Story
from tcpviz.exchange.exchange import Side

MARGIN = 12.0
GUTTER = 10.0
"""Between calls and states: room for the lines that lead from one to the other."""
BAND_GAP = 4.0
LEADING = 1.12
"""From one line of a state's names to the next, in em."""
_WIDEST_CALL = 9.5
"""In em."""
_MOST_LINES = 3


@dataclass(frozen=True, slots=True)
class Columns:
    """x positions. `edges` are the outer edges of the bands, `calls` the width of the call columns."""

    size: float
    bracket: float
    lifelines: tuple[float, float]
    edges: tuple[float, float]
    calls: tuple[float, float]

    @property
    def span(self) -> float:
        return self.lifelines[1] - self.lifelines[0]

    @property
    def small(self) -> float:
        """The size of times and footers."""
        return max(12.0, self.size - 2)

    @property
    def bracketed(self) -> float:
        """The size of the names along the brackets."""
        return max(14.0, 0.85 * self.size)

    def lifeline(self, side: Side) -> float:
        return self.lifelines[side == "server"]


def columns(story: Story, size: float, metrics: Metrics) -> Columns:
    bracket = MARGIN + ((0.1 + 1.1 * _bracket_lines(story)) * max(14.0, 0.85 * size) + 8 if story.phases else 0)
    calls = tuple(_calls(line, size, metrics) for line in story.lifelines)
    bands = tuple(
        max((metrics.width(name, size, True) for band in line.bands for name in band.lines), default=0) + 10
        for line in story.lifelines
    )
    left = bracket + (GUTTER if calls[0] else 4) + calls[0] + (GUTTER if calls[0] else 0)
    right = WIDTH - MARGIN - calls[1] - (GUTTER if calls[1] else 0)
    lifelines = left + bands[0] + BAND_GAP, right - bands[1] - BAND_GAP
    return Columns(size, bracket, lifelines, (left, right), (calls[0], calls[1]))


def _bracket_lines(story: Story) -> int:
    return max(2, *(len(phase.lines) for phase in story.phases))


def _calls(line: Lifeline, size: float, metrics: Metrics) -> float:
    texts = [text for shout in line.shouts for text in shout_lines(shout, size, metrics)]
    texts += [timer.text for timer in line.timers if not timer.beside]
    return min(max((metrics.width(text, size) for text in texts), default=0), _WIDEST_CALL * size)


def shout_lines(shout: Shout, size: float, metrics: Metrics) -> tuple[str, ...]:
    """A long answer goes on below its call, up to three lines."""
    room = _WIDEST_CALL * size
    lines = [""]
    for word in shout.text.split(" "):
        longer = f"{lines[-1]} {word}".lstrip()
        if lines[-1] and len(lines) < _MOST_LINES and metrics.width(longer, size) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return tuple(metrics.fit(line, room, size) for line in lines)


def too_wide(story: Story, place: Columns, metrics: Metrics) -> bool:
    """Some label does not fit on its arrow in one line, with room for the arrowhead."""
    size = place.size
    timers = (
        max((metrics.width(t.text, size) for t in line.timers if t.beside), default=0) for line in story.lifelines
    )
    if sum(timers) > place.span - 90:
        return True
    for row in story.rows:
        if isinstance(row, Gap):
            width = metrics.width(row.text, size)
        else:
            width = metrics.width(row.flags, size, True) + metrics.width(f"  {row.numbers}", size)
            width = width / 0.72 if row.lost else width
        if width > place.span - 40:
            return True
    return False
