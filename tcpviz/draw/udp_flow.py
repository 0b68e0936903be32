"""Flow -> Drawing: UDP between two endpoints. Arrows and calls, and what is not there: no state, no answer.

Knows no TCP but the size of its header; a connection's diagram is `sequence`. Time runs downwards, and all rows are
of one height.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from unicodedata import bidirectional

from tcpviz.draw.columns import MARGIN, Columns
from tcpviz.draw.drawing import LEAST_SIZE, Anchor, Drawing, Line, Rect, Role, Shape, Slide, Text, arrowhead
from tcpviz.draw.framing import footer, names, title_line
from tcpviz.draw.margins import spread
from tcpviz.draw.metrics import Metrics, printable
from tcpviz.draw.view import View
from tcpviz.draw.words import Words
from tcpviz.exchange.exchange import Datagram, Flow
from tcpviz.exchange.numbers import time_text
from tcpviz.value import Value, replace

_SIZES = (22.0, 20.0, 18.0, 17.0, 16.0, 15.0, LEAST_SIZE)
_ABOVE, _BELOW = 92.0, 112.0
"""Of the slide, for title and names, and for the headers and the footer."""
_BAR, _BARS = 28.0, 104.0
"""From one header to the next, and from the first to the lower edge."""
_ROW, _TALLEST = 2.2, 62.0
"""The height of a row: at least in em, at most in points."""
_SLANT = 14.0
UDP, _TCP = 8, (20, 60)
"""Octets of the header: RFC 768; RFC 9293 section 3.1 without options and with all there is room for."""
_OCTET = 7.0
"""How wide an octet of a header is drawn at most."""
_GAP = 10.0
READ = 120
"""Characters of a text that anybody reads."""

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
    left: int
    """How many datagrams are left out, in the row for them."""
    view: View
    metrics: Metrics
    words: Words
    size: float = LEAST_SIZE
    lifelines: tuple[float, float] = (0.0, 0.0)

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
    """The whole flow on one slide; of more datagrams than there is room for, the first and the last."""
    [drawing] = flows(told, title=title, view=view, metrics=metrics, words=words)
    return drawing


def flows(told: Flow, *, title: str, view: View, metrics: Metrics, words: Words, pages: int = 1) -> tuple[Drawing, ...]:
    """On up to `pages` slides, in the largest text for which there is room."""
    slide, title, count = view.slide, printable(title), len(told.datagrams)
    sheets = _sheets(count, int((slide.height - _BELOW - _ABOVE) / (_ROW * LEAST_SIZE)), pages)
    left = count - sum(index is not None for sheet in sheets for index in sheet)
    charts: list[_Chart] = []
    for size in _SIZES:
        charts = [_placed(_Chart(told, sheet, left, view, metrics, words, size)) for sheet in sheets]
        if all(map(_fits, charts)):
            break
    count = len(charts)
    titles = [title] if count == 1 else [f"{title} ({page}/{count})" for page in range(1, count + 1)]
    return tuple(Drawing(tuple(_shapes(*each)), each[1], slide=slide) for each in zip(charts, titles, strict=True))


def _sheets(count: int, most: int, pages: int) -> list[tuple[Row, ...]]:
    """What stands on each slide, `most` rows at most: none nearly empty."""
    rows: list[Row] = list(range(count))
    if count > most * pages:
        head = (most * pages) // 2
        rows[head : count - (most * pages - 1 - head)] = [None]
    needed = max(1, -(-len(rows) // most))
    return [tuple(rows[len(rows) * n // needed : len(rows) * (n + 1) // needed]) for n in range(needed)]


def _fits(chart: _Chart) -> bool:
    tall = len(chart.rows) * _ROW * chart.size <= chart.bottom - _ABOVE
    return tall and all(chart.metrics.width(label, chart.size) <= _room(chart) for label in _labels(chart))


def _shapes(chart: _Chart, title: str) -> Iterator[Shape]:
    yield title_line(title, chart.view.slide, chart.metrics)
    yield from _around(chart)
    for row, index in enumerate(chart.rows):
        yield from _left_out(chart, row) if index is None else _datagram(chart, row, index)
    for side in (0, 1):
        yield from _calls(chart, side)
    yield from _headers(chart)
    said = chart.words.udp, *((chart.words.one_clock,) if chart.view.clocks == 1 else ())
    yield footer(said, chart.view.slide, chart.metrics)


def _placed(chart: _Chart) -> _Chart:
    """The lifelines make room for what stands beside them."""
    wide = [max(_wide(chart, call) for call in (*_said(chart, side), _NOTHING)) for side in (0, 1)]
    names = (chart.metrics.width(name, LEAST_SIZE) + _GAP for name, *_ in _bars(chart.words))
    wide[0] = max(wide[0], *names)
    return replace(chart, lifelines=(MARGIN + wide[0], chart.view.slide.width - MARGIN - wide[1]))


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


def _label(chart: _Chart, index: int, most: int = READ) -> str:
    datagram = chart.told.datagrams[index]
    return labelled(datagram, chart.words.udp_counted.format(datagram.length, UDP), most)


def labelled(datagram: Datagram, counted: str, most: int = READ) -> str:
    """What was said, and how long it was. Words written from right to left would turn around what follows them."""
    said = spoken(datagram, most)
    leftwards = any(bidirectional(char) in ("R", "AL", "AN") for char in said)
    return "  ".join(filter(None, (counted, said) if leftwards else (said, counted)))


def spoken(datagram: Datagram, most: int = READ) -> str:
    """What was said, if it is text: its beginning."""
    text = decoded(datagram.payload)
    if not text or not text.isprintable():
        return ""
    return f"“{text}”" if len(text) <= most else f"“{text[:most]}…”"


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
    # of what was said the end goes; how long it was stays
    labels = (_label(chart, index, most) for most in range(READ, -1, -1))
    label = next((label for label in labels if chart.metrics.width(label, chart.size) <= _room(chart)), "")
    angle = math.degrees(math.atan2(_SLANT if datagram.origin == 0 else -_SLANT, abs(end - start)))
    at = sum(chart.lifelines) / 2, y - 0.36 * chart.size
    yield chart.text(*at, label, Role.TEXT, f"{part}/label", "middle", angle)


def _left_out(chart: _Chart, row: int) -> Iterator[Shape]:
    number = f"{chart.left:,}".replace(",", "\u00a0")
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
    first, last = not chart.rows or chart.rows[0] == 0, not chart.rows or chart.rows[-1] == len(told.datagrams) - 1
    for number, made in enumerate(told.calls[side]):
        if "calls" in show and ((made.name == "bind" and first) or (made.name == "close" and last)):
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
