"""Flow -> Drawing: UDP between two endpoints. Arrows and calls, and what is not there: no state, no answer.

Knows no TCP but the size of its header; a connection's diagram is `sequence`. Time runs downwards, and all rows are
of one height.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from tcpviz.draw.columns import MARGIN, Columns
from tcpviz.draw.drawing import LEAST_SIZE, Anchor, Drawing, Line, Rect, Role, Shape, Slide, Text, arrowhead
from tcpviz.draw.framing import footer, names, title_line
from tcpviz.draw.margins import spread
from tcpviz.draw.metrics import Metrics, printable
from tcpviz.draw.view import View
from tcpviz.draw.words import Words
from tcpviz.exchange.exchange import Datagram, Flow
from tcpviz.exchange.numbers import time_text
from tcpviz.value import Value

_SIZES = (22.0, 20.0, 18.0, 17.0, 16.0, 15.0, LEAST_SIZE)
_ABOVE, _BELOW = 92.0, 112.0
"""Of the slide, for title and names, and for the headers and the footer."""
_BAR, _BARS = 28.0, 104.0
"""From one header to the next, and from the first to the lower edge."""
_MOST = 8
"""Rows; of more, the first and the last are shown."""
_ROW, _TALLEST = 2.2, 62.0
"""The height of a row: at least in em, at most in points."""
_SLANT = 14.0
UDP, _TCP = 8, (20, 60)
"""Octets of the header: RFC 768; RFC 9293 section 3.1 without options and with all there is room for."""
_OCTET = 7.0
"""How wide an octet of a header is drawn at most."""
_GAP = 10.0

Row = int | None
"""The index of a datagram; None stands for those left out."""


class _Call(Value):
    """What an application called, or what that returned, beside its end's lifeline at `y`.

    `parts` are those of text and time.
    """

    y: float
    text: str
    time: str
    parts: tuple[str, str]


class _Chart(Value):
    told: Flow
    rows: tuple[Row, ...]
    view: View
    metrics: Metrics
    words: Words
    size: float
    lifelines: tuple[float, float]

    @property
    def bottom(self) -> float:
        return self.view.slide.height - _BELOW

    def y(self, row: float) -> float:
        """The middle of a row; half a row further there is the next."""
        height = min(_TALLEST, (self.bottom - _ABOVE) / max(1, len(self.rows)))
        top = _ABOVE + (self.bottom - _ABOVE - height * len(self.rows)) / 2
        return top + (row + 0.62) * height

    def text(
        self, x: float, y: float, text: str, role: Role, part: str, anchor: Anchor = "start", angle: float = 0.0
    ) -> Text:
        return Text(x, y, text, self.size, self.metrics.width(text, self.size), role, False, anchor, angle, part)


def flow(told: Flow, *, title: str, view: View, metrics: Metrics, words: Words) -> Drawing:
    """The whole flow on one slide, in the largest text for which there is room."""
    rows, slide, title = _shown(told.datagrams), view.slide, printable(title)
    for size in _SIZES:
        chart = _placed(told, rows, view, metrics, words, size)
        tall = len(rows) * _ROW * size <= chart.bottom - _ABOVE
        if tall and all(metrics.width(label, size) <= _room(chart) for label in _labels(chart)):
            break
    shapes = [title_line(title, slide, metrics), *_around(chart)]
    for row, index in enumerate(rows):
        shapes += _left_out(chart, row) if index is None else _datagram(chart, row, index)
    for side in (0, 1):
        shapes += _calls(chart, side)
    shapes += _headers(chart)
    said = words.udp, *((words.one_clock,) if view.clocks == 1 else ())
    return Drawing((*shapes, footer(said, slide, metrics)), title, slide=slide)


def _shown(datagrams: Sequence[Datagram]) -> tuple[Row, ...]:
    count = len(datagrams)
    if count <= _MOST:
        return tuple(range(count))
    head = _MOST - 1 - (_MOST - 1) // 2
    return *range(head), None, *range(count - (_MOST - 1 - head), count)


def _placed(told: Flow, rows: tuple[Row, ...], view: View, metrics: Metrics, words: Words, size: float) -> _Chart:
    """The lifelines make room for what stands beside them."""
    chart = _Chart(told, rows, view, metrics, words, size, (0.0, view.slide.width))
    wide = [max(_wide(chart, call) for call in (*_said(chart, side), _NOTHING)) for side in (0, 1)]
    wide[0] = max(wide[0], *(metrics.width(name, LEAST_SIZE) + _GAP for name, *_ in _bars(words)))
    return _Chart(told, rows, view, metrics, words, size, (MARGIN + wide[0], view.slide.width - MARGIN - wide[1]))


def _wide(chart: _Chart, call: _Call) -> float:
    width = chart.metrics.width
    return sum(width(text, chart.size) + _GAP for text in (call.text, call.time) if text)


_NOTHING = _Call(0.0, "", "", ("", ""))


def _around(chart: _Chart) -> Iterator[Shape]:
    place = Columns(chart.size, MARGIN, chart.lifelines, chart.lifelines, (0, 0), (0, chart.view.slide.width))
    yield from names([printable(str(end)) for end in chart.told.endpoints], place, _ABOVE - 20, chart.metrics)
    for number, x in enumerate(chart.lifelines):
        yield Line(((x, _ABOVE - 12), (x, chart.bottom)), Role.FRAME, 2.0, part=f"lifeline-{number}")


# Rows


def _room(chart: _Chart) -> float:
    return chart.lifelines[1] - chart.lifelines[0] - 50


def _labels(chart: _Chart) -> Iterator[str]:
    return (_label(chart, index) for index in chart.rows if index is not None)


def _label(chart: _Chart, index: int) -> str:
    datagram = chart.told.datagrams[index]
    return spoken(datagram) + chart.words.udp_counted.format(datagram.length, UDP)


def spoken(datagram: Datagram) -> str:
    """What was said, if it is text."""
    text = decoded(datagram.payload)
    return f"“{printable(text)}”  " if text and text.isprintable() else ""


def decoded(payload: bytes) -> str | None:
    """As text, in either of the encodings that a lecture's programs speak."""
    for encoding in ("utf-8", "gbk"):
        try:
            return payload.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _datagram(chart: _Chart, row: int, index: int) -> Iterator[Shape]:
    datagram, part, y = chart.told.datagrams[index], f"datagram-{index + 1}", chart.y(row)
    start, end = chart.lifelines if datagram.origin == 0 else chart.lifelines[::-1]
    tail, tip = (start, y - _SLANT / 2), (end, y + _SLANT / 2)
    yield Line((tail, tip), Role.DATA, 2.2, part=f"{part}/arrow")
    yield arrowhead(tip, tail, 12, Role.DATA, f"{part}/head")
    label = chart.metrics.fit(_label(chart, index), _room(chart), chart.size, False)
    angle = math.degrees(math.atan2(_SLANT if datagram.origin == 0 else -_SLANT, abs(end - start)))
    at = sum(chart.lifelines) / 2, y - 0.36 * chart.size
    yield chart.text(*at, label, Role.TEXT, f"{part}/label", "middle", angle)


def _left_out(chart: _Chart, row: int) -> Iterator[Shape]:
    left = len(chart.told.datagrams) - len(chart.rows) + 1
    number = f"{left:,}".replace(",", "\u00a0")
    text = f"… {chart.words.datagrams.format(number)} …"
    yield chart.text(sum(chart.lifelines) / 2, chart.y(row), text, Role.MUTED, "elided", "middle")


# Calls


def _calls(chart: _Chart, side: int) -> Iterator[Shape]:
    """Each beside its moment, the time outside; none upon another."""
    out: float = 1 if side else -1
    anchor: Anchor = "start" if side else "end"
    calls = sorted(_said(chart, side), key=lambda call: call.y)
    spots = spread([(call.y, 1.15 * chart.size) for call in calls], _ABOVE - 12, chart.bottom)
    for call, spot in zip(calls, spots, strict=True):
        x, y = chart.lifelines[side] + out * _GAP, spot + 0.27 * chart.size
        if call.text:
            yield chart.text(x, y, call.text, Role.TEXT, call.parts[0], anchor)
            x += out * (chart.metrics.width(call.text, chart.size) + _GAP)
        if call.time:
            yield chart.text(x, y, call.time, Role.MUTED, call.parts[1], anchor)


def _said(chart: _Chart, side: int) -> Iterator[_Call]:
    """What this end sent and received, and its bind() and close()."""
    told, show = chart.told, chart.view.show
    heights: list[tuple[int, float]] = []
    for row, index in enumerate(chart.rows):
        if index is None:
            continue
        datagram, part = told.datagrams[index], f"datagram-{index + 1}"
        sends = datagram.origin == side
        time = datagram.time if sends or datagram.arrived is None else datagram.arrived
        y = chart.y(row) + (-_SLANT if sends else _SLANT) / 2
        heights.append((time, y))
        call = f"sendto({datagram.length})" if sends else f"recvfrom() →\u00a0{datagram.length}"
        parts = (f"{part}/call", f"{part}/time") if sends else (f"{part}/returned", f"{part}/arrived")
        known = "calls" in show and (sends or received(told, index))
        # one clock saw a datagram once
        timed = "times" in show and (sends or chart.view.clocks == 2)
        if known or timed:
            yield _Call(y, call if known else "", time_text(time) if timed else "", parts)
    for number, made in enumerate(told.calls[side]):
        if made.name in ("bind", "close") and "calls" in show:
            # nothing goes out of a closed socket: of several threads, the last one's close() is the socket's
            over = made.name == "close"
            before = max((y for time, y in heights if over or time <= made.time), default=_ABOVE - 12)
            yield _Call(before + 1, f"{made.name}()", "", (f"call-{side}-{number}", ""))


def received(told: Flow, index: int) -> bool:
    """The receiver is known to have called recvfrom() often enough to have this one."""
    datagram = told.datagrams[index]
    calls = told.calls[1 - datagram.origin]
    earlier = sum(other.origin == datagram.origin for other in told.datagrams[: index + 1])
    return sum(call.name == "recvfrom" and call.returned is not None for call in calls) >= earlier


# Headers


def _bars(words: Words) -> Iterator[tuple[str, int, int, str]]:
    """What each header is called, how many octets it has at least and at most, and that in words."""
    yield words.udp_header, UDP, UDP, words.octets.format(UDP)
    yield words.tcp_header, *_TCP, words.octets_range.format(*_TCP)


def _headers(chart: _Chart) -> Iterator[Shape]:
    """UDP's header beside TCP's, to scale."""
    slide: Slide = chart.view.slide
    x, width = chart.lifelines[0], chart.metrics.width
    octet = min(
        _OCTET, (slide.width - MARGIN - x - 20 - max(width(t, LEAST_SIZE) for *_, t in _bars(chart.words))) / 60
    )
    for number, (name, least, most, text) in enumerate(_bars(chart.words)):
        y, part = slide.height - _BARS + number * _BAR, f"header-{number}"
        yield Rect(x, y, most * octet, 18, Role.HALO, outline=Role.FAINT, part=part)
        yield Rect(x, y, least * octet, 18, Role.BAND_ESTABLISHED, outline=Role.FRAME, part=part)
        size = LEAST_SIZE
        yield Text(x - _GAP, y + 14, name, size, width(name, size), Role.TEXT, False, "end", part=f"{part}/name")
        right = x + most * octet + _GAP
        yield Text(right, y + 14, text, size, width(text, size), Role.MUTED, part=f"{part}/octets")
