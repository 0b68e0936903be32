"""A dissected frame, or two -> Drawing: TCP's or UDP's header bit by bit, inside its IP header, inside its link's.

Knows how boxes nest and what gives way where there is too little room; what stands in a box is `bits` and `boxes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tcpviz.draw.bits import Figure, Pen, fault_mark
from tcpviz.draw.boxes import Data, Options
from tcpviz.draw.drawing import Drawing, Rect, Role, Shape, Slide
from tcpviz.draw.framing import footer, title_line
from tcpviz.draw.metrics import Metrics, printable
from tcpviz.draw.strips import Strip
from tcpviz.draw.words import Words
from tcpviz.exchange.headers import CUT, IPV4, IPV6, Dissection, Header
from tcpviz.model.sentence import Sentence
from tcpviz.value import replace

MARGIN, _GAP = 8.0, 10.0
"""Beside and between two panels."""
_TITLE = 18.0
"""Addresses stand in a title only if they leave it so large."""
_ABOVE, _BELOW = 43.0, 23.0
"""For the title, and for the footer."""
_INSET = 5.0
"""How far a box stands within the one around it."""
_SIZES = (22.0, 20.0, 18.0, 17.0, 16.0, 15.0, 14.0)
_STRIP_SIZE = 17.0
"""What surrounds the segment need not be larger."""
_STRIPS, _OPTIONS, _DATA = (6, 4, 3, 2, 1), (12, 8, 6, 5, 4, 3, 2, 1), 5
"""Lines that strips, options and data may have, the most first."""
_MOST_STRETCH = 2.4
"""In em, of a row where there is room to spare."""


class _Fit(NamedTuple):
    """How large, and how many lines of what."""

    size: float
    strip: int
    options: int


def segment(frames: Sequence[Dissection], *, title: str, slide: Slide, metrics: Metrics, words: Words) -> Drawing:
    """One frame on the whole slide, or two side by side."""
    told = printable(title) or _title(frames, slide, metrics, words)
    shapes: list[Shape] = [title_line(told, slide, metrics)]
    room = Slide((slide.width - 2 * MARGIN - _GAP * (len(frames) - 1)) / len(frames), slide.height - _ABOVE - _BELOW)
    panels = _fitted(frames, room, metrics, words)
    top = _ABOVE + (room.height - max(panel.stretched for panel in panels)) / 2
    for number, panel in enumerate(panels):
        shapes += panel.shapes(MARGIN + number * (room.width + _GAP), top)
    shapes.append(footer((words.language.translated(EXPLAINED),), slide, metrics))
    return Drawing(tuple(shapes), told, slide=slide)


def _title(frames: Sequence[Dissection], slide: Slide, metrics: Metrics, words: Words) -> str:
    """Whose frame it is, and what; of one alone also between whom, unless their names are too long."""
    named: list[str] = []
    for number, frame in enumerate(frames):
        named += [frame.file] if not number or frame.file != frames[number - 1].file else []
        named.append(words.language.say(Sentence("frame {}", frame.number)))
    told = " · ".join(named)
    if len(frames) > 1:
        return printable(told)
    told = printable(f"{told} · {frames[0].what}")
    longer = f"{told}  {' → '.join(frames[0].ends)}"
    return longer if metrics.width(longer, _TITLE, True) <= slide.width - 4 * MARGIN else told


EXPLAINED = "Each row is 32 bits, the first sent on the left; below each value its bytes, in hexadecimal."


def _fitted(frames: Sequence[Dissection], room: Slide, metrics: Metrics, words: Words) -> list[_Panel]:
    """The panels in the largest letters with which all fits; in the smallest, some is left out."""
    several = len(frames) > 1
    # in half a slide a bit is no wider than a letter of the smallest
    sizes = _SIZES[-1:] if several else _SIZES
    fits = [_Fit(size, _STRIPS[0], _OPTIONS[0]) for size in sizes]
    fits += [_Fit(_SIZES[-1], strip, options) for options in _OPTIONS for strip in _STRIPS]
    for fit in fits:
        panels = [
            _Panel(frame, room, fit, Pen(metrics, words, fit.size, f"frame-{number}/" if several else "", several))
            for number, frame in enumerate(frames, 1)
        ]
        if all(panel.height <= room.height for panel in panels):
            break
    return panels


class _Panel:
    """Boxes within boxes, from the link's down to the segment."""

    def __init__(self, frame: Dissection, room: Slide, fit: _Fit, pen: Pen) -> None:
        self._frame, self._pen, self._headed = frame, pen, pen.terse
        width = self._width = room.width
        self._boxes = _boxes(frame)
        inner = width - 2 * _INSET * len(self._boxes)
        self._unit = inner / 32
        small = replace(pen, size=min(pen.size, _STRIP_SIZE))
        self._strips = [
            Strip(box, 0 if depth else frame.trailer, width - 2 * _INSET * (depth + 1) - 4, fit.strip, small)
            for depth, box in enumerate(self._boxes)
        ]
        self._figure = Figure(frame.segment, self._unit, pen)
        self._options = Options(frame.segment, inner, fit.options, pen)
        self._data = Data(frame, inner, 1, pen)
        spare = room.height - self.height
        lines = 1 + max(0, int(spare / self._data.row))
        self._data = Data(frame, inner, min(lines, _DATA), pen)
        spare = room.height - self.height
        # side by side, equal fields are equally high
        self._stretch = 0.0 if self._headed else max(0.0, min(spare / self._figure.rows, _MOST_STRETCH * pen.size))

    @property
    def height(self) -> float:
        strips = sum(strip.height + _INSET for strip in self._strips)
        core = self._figure.height + self._options.height + self._data.height
        return self._heading() + strips + self._segment_line() + core + _INSET * len(self._boxes)

    @property
    def stretched(self) -> float:
        """Its height, where there is room to spare."""
        return self.height + self._stretch * self._figure.rows

    def _heading(self) -> float:
        return 1.5 * self._pen.size if self._headed else 0.0

    def _segment_line(self) -> float:
        return self._pen.line + 4

    def shapes(self, x: float, y: float) -> Iterator[Shape]:
        pen, frame = self._pen, self._frame
        if self._headed:
            source, destination = frame.ends
            said, brief = f"{frame.number}: {frame.what}  {source} → {destination}", f"{frame.number}: {frame.what}"
            said = said if pen.width(said, True) <= self._width else brief
            yield pen.text(x + self._width / 2, y, said, "heading", bold=True, anchor="middle")
        bottom = y + self.stretched
        y += self._heading()
        width = self._width
        for depth, strip in enumerate(self._strips):
            role = (Role.BAND_CLOSED, Role.BAND_OPENING)[depth - len(self._strips)]
            part = f"{pen.prefix}box-{depth + 1}"
            yield Rect(x, y, width, bottom - y, role, 5, Role.FRAME, 1.2, part)
            yield from strip.shapes(x + _INSET + 2, y + 3)
            y += strip.height + _INSET
            x, width, bottom = x + _INSET, width - 2 * _INSET, bottom - _INSET
        yield Rect(x, y, width, bottom - y, Role.HALO, 0, Role.FRAME, 1.6, f"{pen.prefix}segment")
        yield from self._first_line(x, y, width)
        y += self._segment_line()
        yield from self._figure.shapes(x, y, self._stretch)
        y += self._figure.height + self._stretch * self._figure.rows
        yield from self._options.shapes(x, y)
        yield from self._data.shapes(x, y + self._options.height)

    def _first_line(self, x: float, y: float, width: float) -> Iterator[Shape]:
        pen, header = self._pen, self._frame.segment
        name = f"{header.name}  "
        yield pen.text(x + 6, y + 3, header.name, "segment/name", bold=True)
        at = x + 6 + pen.width(name, True)
        yield pen.text(at, y + 3, pen.octets(header.length), "segment/name")
        yield pen.text(x + width - 6, y + 3, header.kind.section, "segment/name", role=Role.MUTED, anchor="end")
        if header.fault:
            at += pen.width(f"{pen.octets(header.length)}    ")
            room = x + width - 6 - pen.width(f"{header.kind.section}  ") - at
            said = pen.metrics.fit(f"{fault_mark(header.fault)}{pen.brief(header.fault)}", room, pen.size, True)
            role = Role.MUTED if header.fault == CUT else Role.VIOLATION
            yield pen.text(at, y + 3, said, "segment/fault", role=role, bold=True)


def _boxes(frame: Dissection) -> list[list[Header]]:
    """The headers around the segment's: the link's in one box, IP's and its extensions in the next."""
    outer = frame.headers[:-1]
    first = next(number for number, header in enumerate(outer) if header.kind in (IPV4, IPV6))
    return [list(box) for box in (outer[:first], outer[first:]) if box]
