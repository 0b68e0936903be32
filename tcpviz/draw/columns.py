"""The horizontal half of a sequence diagram: how wide each column is for a given text size.

From left to right: brackets, the client's calls, its states, the arrows, the server's states, its calls.
"""

from __future__ import annotations

from tcpviz.draw.drawing import LEAST_SIZE, WIDE
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.story import Arrow, Gap, Lifeline, Mark, Shout, Story, Timer
from tcpviz.draw.wrapping import wrap
from tcpviz.exchange.exchange import Side
from tcpviz.value import Value

MARGIN = 12.0
GUTTER = 10.0
"""Between calls and states: room for the lines that lead from one to the other."""
LANE = 6.0
"""Between two brackets of timers that run at the same time."""
BAND_GAP = 4.0
LEADING = 1.12
"""From one line of a state's names to the next, in em."""
_WIDEST_CALL = 9.5
"""In em."""
_MOST_LINES = 4

Frame = tuple[float, float]
"""From where to where on the slide a diagram reaches."""
_WHOLE: Frame = (0.0, WIDE.width)


class Columns(Value):
    """x positions. `edges` are the outer edges of the bands, `gutters` the room between them and the calls."""

    size: float
    bracket: float
    lifelines: tuple[float, float]
    edges: tuple[float, float]
    gutters: tuple[float, float]
    frame: Frame = _WHOLE

    @property
    def span(self) -> float:
        return self.lifelines[1] - self.lifelines[0]

    @property
    def small(self) -> float:
        """The size of times."""
        return max(LEAST_SIZE, self.size - 2)

    @property
    def bracketed(self) -> float:
        """The size of the names along the brackets."""
        return max(LEAST_SIZE, 0.85 * self.size)

    def lifeline(self, side: Side) -> float:
        return self.lifelines[side == "server"]


def columns(story: Story, size: float, metrics: Metrics, frame: Frame = _WHOLE) -> Columns:
    first, last = frame[0] + MARGIN, frame[1] - MARGIN
    bracket = first + ((0.1 + 1.1 * _bracket_lines(story)) * max(LEAST_SIZE, 0.85 * size) + 8 if story.phases else 0)
    calls = [_calls(line, size, metrics) for line in story.lifelines]
    gutters = tuple(
        GUTTER + LANE * max((lane for _, lane in outside(line)), default=0) if width else 0.0
        for line, width in zip(story.lifelines, calls, strict=True)
    )
    bands = [
        max(metrics.width(name, size, True) for band in line.bands for name in band.lines) + 10 if line.bands else 0
        for line in story.lifelines
    ]
    left = bracket + (gutters[0] or 4) + calls[0] + gutters[0]
    right = last - calls[1] - gutters[1]
    lifelines = left + bands[0] + BAND_GAP, right - bands[1] - BAND_GAP
    return Columns(size, bracket, lifelines, (left, right), (gutters[0], gutters[1]), frame)


def _bracket_lines(story: Story) -> int:
    return max(2, *(len(phase.lines) for phase in story.phases))


def outside(line: Lifeline) -> list[tuple[Timer, int]]:
    """The timers outside the bands, each with its lane: brackets that overlap keep apart, one further out."""
    rank = {n: i for i, n in enumerate(line.nodes)}
    ends: list[int] = []
    found = []
    for timer in sorted((t for t in line.timers if not t.beside), key=lambda t: rank[t.start]):
        lane = next((i for i, end in enumerate(ends) if end <= rank[timer.start]), len(ends))
        ends[lane : lane + 1] = [rank[timer.end]]
        found.append((timer, lane))
    return found


def _calls(line: Lifeline, size: float, metrics: Metrics) -> float:
    texts = [text for shout in line.shouts for text in shout_lines(shout, size, metrics)]
    texts += [text for timer in line.timers if not timer.beside for text in timer_lines(timer, size, metrics)]
    return min(max((metrics.width(text, size) for text in texts), default=0), _WIDEST_CALL * size)


def shout_lines(shout: Shout, size: float, metrics: Metrics) -> tuple[str, ...]:
    """A long answer goes on below its call."""
    return wrap(shout.text, _WIDEST_CALL * size, size, metrics, most=_MOST_LINES)


def timer_lines(timer: Timer, size: float, metrics: Metrics) -> tuple[str, ...]:
    """What stands beside a bracket outside the bands."""
    return wrap(timer.text, _WIDEST_CALL * size, size, metrics, most=2)


def shouted(line: Lifeline, size: float, metrics: Metrics) -> float:
    """How much height everything in the column of calls takes at least."""
    count = sum(len(shout_lines(shout, size, metrics)) for shout in line.shouts)
    timers = sum(len(timer_lines(timer, size, metrics)) for timer in line.timers if not timer.beside)
    return 1.15 * size * (count + timers)


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
            width = metrics.width(row.texts[0], size)
        else:
            width = label_width(row, size, metrics)
            width = width / 0.72 if row.lost else width
        if width > place.span - 40:
            return True
    return False


def gap_text(gap: Gap, room: float, size: float, metrics: Metrics) -> str:
    """The longest summary that fits."""
    last = gap.texts[-1]
    return next((text for text in gap.texts if metrics.width(text, size) <= room), metrics.fit(last, room, size))


def note_text(mark: Mark, room: float, size: float, metrics: Metrics) -> str:
    """What happened at a free node and when; only when, where there is no room for both."""
    return mark.text if metrics.width(mark.text, size) <= room else mark.time


def mark_width(row: Arrow, size: float, metrics: Metrics) -> float:
    """Of a verdict, before the flags."""
    return metrics.width(f"{row.mark} ", size, True) if row.mark else 0.0


def label_width(row: Arrow, size: float, metrics: Metrics) -> float:
    return (
        mark_width(row, size, metrics) + metrics.width(row.flags, size, True) + metrics.width(f"  {row.numbers}", size)
    )
