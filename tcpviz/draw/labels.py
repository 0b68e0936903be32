"""Labels on arrows: how they are written, and where along their lines they have room.

A label reaches above its line, the time and other notes below it. Where arrows cross, a label stands clear of
the crossing; as a last resort it interrupts the line that crosses. Measured in points from the left lifeline.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from tcpviz.draw.columns import Columns, mark_width
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.story import Arrow, Gap, Note, Story, Timer, node
from tcpviz.draw.words import Words
from tcpviz.draw.wrapping import wrap
from tcpviz.exchange.exchange import SIDES, Side, other
from tcpviz.value import Value, replace

PAD = 3.0
"""Least distance between anything and a label."""
NEAR = 6
"""How many rows away a row can still touch."""
MASKED, CUT = 1, 1000
_LEAN = 7.0
"""How far a turned box leans over its end."""
LOST_GAP = 12.0
"""From the cross of a lost segment to the word beside it."""
GAP_HALF = 0.76
"""Half the height of a torn strip, in em."""
ELSEWHERE = 26.0
"""How far from its lifeline a segment begins that its origin did not send."""
DOT = 4.0
"""The radius of the dot that it begins with."""
NOTE = 1.15
"""From one line of notes to the next, in em."""
TIMER_AT = 13.0
"""How far from its lifeline a timer among the arrows stands."""
TIMER_INSET = 24.0
"""How far from its lifeline a timer's text begins."""

Lines = tuple[tuple[str, str], ...]
"""A label's lines, each as its flags and its numbers."""
Window = tuple[float, float]


class Part(Value):
    """Text beside a row's line: from `left` to `right` in points from the left lifeline, `reach` above or below."""

    left: float
    right: float
    reach: float
    above: bool


class Line(Value):
    """One line of a note below an arrow."""

    text: str
    note: Note
    part: Part
    first: bool


class Label(Value):
    """How a row is written: its lines of text, and the parts they take up."""

    lines: Lines
    text: Part
    time: Part | None = None
    notes: tuple[Line, ...] = ()
    stop: float | None = None
    """Where a lost segment ends, in points from the left lifeline."""
    timer: Part | None = None
    trouble: int = 0
    """What it cost: MASKED when a crossing line is interrupted behind it, CUT when some of it is left out."""
    mark: tuple[Part, ...] = ()
    """The word at the cross of a lost segment, or the dot where one begins that comes from elsewhere."""

    def parts(self) -> Iterator[Part]:
        yield from (part for part in (self.text, self.time, self.timer) if part)
        yield from (line.part for line in self.notes)
        yield from self.mark


def timer_room(place: Columns) -> float:
    """How far below its node a timer beside the arrows reaches with its text."""
    return place.small + 3 + 1.15 * place.size + 4


class Labelled:
    """A story whose nodes have positions `y`, and the labels that go with them."""

    def __init__(self, story: Story, place: Columns, metrics: Metrics, words: Words) -> None:
        self.story, self.place, self.metrics, self.words = story, place, metrics, words
        self.order = [{n: i for i, n in enumerate(line.nodes)} for line in story.lifelines]
        self.crossing = [self._crossing(row) for row in range(len(story.rows))]
        self.labels: list[Label] = []
        self.y = [0.0] * story.nodes

    def write(self) -> None:
        """Give every row its label, where it has room among the lines as they lie now."""
        for row in range(len(self.story.rows)):
            # one after another: each makes way for those before it
            self.labels[row : row + 1] = [self._label(row)]

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
        for near in range(max(0, row - 3 * NEAR), min(len(self.story.rows), row + 3 * NEAR + 1)):
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
            half = GAP_HALF * size + 4
            whole = Part(-999, span + 999, half, above=True)
            return Label((("", ""),), whole, replace(whole, above=False))
        flags, _, kind = shown.flags.partition(" (")
        ways: tuple[Lines, ...] = (
            ((shown.flags, shown.numbers),),
            ((shown.flags, ""), ("", shown.numbers)),
            *((((flags, ""), (f"({kind}", ""), ("", shown.numbers)),) if kind else ()),
        )
        for lines in ways:
            if windows := self._fitting(shown, lines, row):
                return self._written(shown, lines, row, windows)
        for lines in ways:
            if windows := self._free_of_labels(shown, lines, row):
                written = self._written(shown, lines, row, windows)
                return replace(written, trouble=written.trouble + MASKED)
        short = ((self.metrics.fit(shown.flags, span / 4, size, True), ""),)
        return replace(self._written(shown, short, row, [(0.0, span)]), trouble=CUT)

    def _free_of_labels(self, shown: Arrow, lines: Lines, row: int) -> list[Window]:
        """Where a label touches lines that cross, which can be interrupted behind it, but no label of theirs."""
        width, reach, span = self._width(shown, lines), self._label_reach(lines), self.place.span
        low, high = self._clear(row, "client"), span - self._clear(row, "server")
        if shown.lost:
            stop = self._stop(shown, width)
            low, high = (low, min(high, stop - 16)) if shown.origin == "client" else (max(low, stop + 16), high)
        places = [(x, x + width) for x in range(int(low) + 4, int(high - width) - 4, 8)]
        return [(a, b) for a, b in places if not self._meets_label(row, Part(a, b, reach, above=True))]

    def _meets_label(self, row: int, text: Part) -> bool:
        left, slope = self._line(row)
        for near in self.crossing[row]:
            near_left, near_slope = self._line(near)
            for part in self.labels[near].parts() if near < len(self.labels) else ():
                low, high = max(text.left, part.left) - 7, min(text.right, part.right) + 7
                # boxes that are turned differently need a little more than their reach
                for x in (low + (high - low) * i / 12 for i in range(13)) if low < high else ():
                    top = left + slope * x - (text.reach if text.above else 0)
                    other_top = near_left + near_slope * x - (part.reach if part.above else 0)
                    if top - 4 < other_top + part.reach and other_top < top + text.reach + 4:
                        return True
        return False

    def _fitting(self, shown: Arrow, lines: Lines, row: int) -> list[Window]:
        """Where on its arrow a label has room."""
        width = self._width(shown, lines)
        windows = self._windows(row, self._label_reach(lines))
        if shown.lost:
            stop = self._stop(shown, width)
            client = shown.origin == "client"
            windows = [(a, min(b, stop - 16)) if client else (max(a, stop + 16), b) for a, b in windows]
        return [(a, b) for a, b in windows if b - a >= width]

    def _written(self, shown: Arrow, lines: Lines, row: int, windows: list[Window]) -> Label:
        width, span = self._width(shown, lines), self.place.span
        # nearer to the head there is more room below the arrow before, which points the other way
        centre = span / 2 if shown.lost else span * (0.58 if shown.origin == "client" else 0.42)
        if row < len(self.labels) and self.crossing[row]:
            # where it was: labels that keep changing places never settle
            before = self.labels[row].text
            centre = (before.left + before.right) / 2
        low, high = min(windows, key=lambda w: abs((w[0] + w[1]) / 2 - centre))
        left = min(max(centre - width / 2, low), max(high - width, low))
        text = Part(left, left + width, self._label_reach(lines), above=True)
        stop = self._stop(shown, width) if shown.lost else None
        mark = self._dot(shown) if stop is None else self._mark(stop, shown.origin)
        time, timer = self._time(shown, row), self._timer(shown, row)
        beside = [part for part in (time, timer) if part]
        notes = self._notes(shown, row, text, beside)
        clash = any(self._meets_label(row, line.part) for line in notes) if self.crossing[row] else False
        return Label(lines, text, time, notes, stop, timer, CUT * clash, mark)

    def _width(self, shown: Arrow, lines: Lines) -> float:
        mark = mark_width(shown, self.place.size, self.metrics)
        return max(self.line_width(*line) + mark * (not at) for at, line in enumerate(lines))

    def _label_reach(self, lines: Lines) -> float:
        return PAD + self.place.size * (1.0 + 1.15 * (len(lines) - 1))

    def _stop(self, shown: Arrow, width: float) -> float:
        """A lost segment ends well short of the other lifeline and its timers, but not before its label does."""
        lost = self.metrics.width(self.words.lost, self.place.size, True)
        timed = any(timer.beside for timer in self.story.lifelines[shown.origin == "client"].timers)
        most = min(0.86 * self.place.span, self.place.span - lost - LOST_GAP - 8 - (TIMER_AT if timed else 0))
        stop = min(most, max(0.66 * self.place.span, width + 40))
        return stop if shown.origin == "client" else self.place.span - stop

    def _mark(self, stop: float, origin: Side) -> tuple[Part, ...]:
        width = self.metrics.width(self.words.lost, self.place.size, True) + LOST_GAP + 9
        left, right = (stop - 9, stop + width) if origin == "client" else (stop - width, stop + 9)
        half = 0.5 * self.place.size + 2
        return Part(left, right, half, above=True), Part(left, right, half, above=False)

    def _clear(self, row: int, end: Side) -> float:
        """How far from a lifeline a label begins at least."""
        shown = self.story.rows[row]
        if not isinstance(shown, Arrow) or shown.origin != end:
            return 8.0
        if shown.foreign:
            return ELSEWHERE + DOT + 4
        timers = self.story.lifelines[end == "server"].timers
        return TIMER_AT + 6 if any(t.beside and t.end == node(row, end) for t in timers) else 8.0

    def _dot(self, shown: Arrow) -> tuple[Part, ...]:
        if not shown.foreign:
            return ()
        middle = ELSEWHERE if shown.origin == "client" else self.place.span - ELSEWHERE
        return tuple(Part(middle - DOT, middle + DOT, DOT + 1, above=above) for above in (True, False))

    def line_width(self, flags: str, numbers: str) -> float:
        gap = "  " if flags and numbers else ""
        return self.metrics.width(flags, self.place.size, True) + self.metrics.width(gap + numbers, self.place.size)

    def _windows(self, row: int, reach: float) -> list[tuple[float, float]]:
        """Where on its line a label that reaches so far up touches no line that crosses, nor the time below it."""
        span, side = self.place.span, self._tail_side(row)
        tail = self._clear(row, side)
        steps = [tail + (span - tail - 14) * i / 60 for i in range(61)]
        if side == "server":
            steps = [span - x for x in reversed(steps)]
        if not self.crossing[row]:
            return [(steps[0], steps[-1])]
        left, slope = self._line(row)
        others = [self._line(near) for near in self.crossing[row]]
        under = PAD + self.place.small + 3
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

    def _time(self, shown: Arrow, row: int) -> Part | None:
        if not shown.time:
            return None
        inset = TIMER_INSET if self._own_timer(shown, row) else ELSEWHERE + 8 if shown.foreign else 6.0
        width = self.metrics.width(shown.time, self.place.small)
        return self._beside_tail(shown, width, inset, self.place.small + 3)

    def _timer(self, shown: Arrow, row: int) -> Part | None:
        timer = self._own_timer(shown, row)
        if timer is None or not timer.text:
            return None
        width = self.metrics.width(timer.text, self.place.size)
        return self._beside_tail(shown, width, TIMER_INSET, timer_room(self.place))

    def _own_timer(self, shown: Arrow, row: int) -> Timer | None:
        line = self.story.lifelines[shown.origin == "server"]
        start = node(row, shown.origin)
        return next((t for t in line.timers if t.start == start and t.beside), None)

    def _notes(self, shown: Arrow, row: int, text: Part, beside: list[Part]) -> tuple[Line, ...]:
        """Below the arrow, as near to the middle of its label as what stands at its tail allows."""
        size, span = self.place.size, self.place.span
        inset = max((part.right if shown.origin == "client" else span - part.left for part in beside), default=20) + 8
        low, high = (inset, span - 14) if shown.origin == "client" else (14, span - inset)
        middle, reach = (text.left + text.right) / 2, 2.0 + (0.5 * size if shown.lost else 0)
        found: list[Line] = []
        for note in shown.notes:
            # what is wrong is said in full
            most = 3 if note.bold else 2
            for number, line in enumerate(wrap(note.text, high - low, size, self.metrics, bold=note.bold, most=most)):
                width = self.metrics.width(line, size, note.bold)
                left = min(max(middle - width / 2, low), max(high - width, low))
                reach += NOTE * size
                found.append(Line(line, note, Part(left, left + width, reach, above=False), not number))
        return tuple(found)
