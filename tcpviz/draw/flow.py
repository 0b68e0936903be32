"""Flow -> Drawing: UDP between two endpoints. Arrows and calls, and what is not there: no state, no answer.

Knows no TCP; a connection's diagram is `sequence`. Time runs downwards, a row for each datagram.
"""

from __future__ import annotations

from collections.abc import Iterator

from tcpviz.draw.drawing import HEIGHT, WIDTH, Drawing, Line, Rect, Role, Shape, Text, arrowhead
from tcpviz.draw.metrics import Metrics, printable
from tcpviz.exchange.exchange import Datagram, Flow
from tcpviz.exchange.numbers import time_text

_LIFELINES = (250.0, 710.0)
_MARGIN, _TOP, _BOTTOM = 24.0, 108.0, 408.0
_MOST = 8
"""Rows; of more, the first and the last are shown."""
_SIZE, _SMALL = 17.0, 14.0
_SLANT, _ROW = 12.0, 58.0
_UDP, _TCP = 8, (20, 60)
"""Octets of the header: RFC 768; RFC 9293 section 3.1 without options and with all there is room for."""
_FIRST_CJK = "\u2e80"
"""The usual font has no glyphs from there on."""
_OCTET = 7.0
"""How wide an octet of a header is drawn."""


def flow(told: Flow, *, title: str, clocks: int, metrics: Metrics) -> Drawing:
    """The whole flow on one slide."""
    rows = _shown(told.datagrams)
    height = min(_ROW, (_BOTTOM - _TOP) / max(1, len(rows)))
    shapes: list[Shape] = [*_around(told, title, clocks, metrics)]
    for place, index in enumerate(rows):
        y = _TOP + place * height + 0.55 * height
        if index is None:
            left = len(told.datagrams) - _MOST + 1
            shapes += _middle(
                sum(_LIFELINES) / 2, y, f"… {left} more datagrams …", _SIZE, Role.MUTED, metrics, "elided"
            )
        else:
            shapes += _row(told, index, y, metrics)
    return Drawing((*shapes, *_headers(metrics)), title)


def _shown(datagrams: tuple[Datagram, ...]) -> list[int | None]:
    count = len(datagrams)
    if count <= _MOST:
        return list(range(count))
    head = _MOST - 1 - (_MOST - 1) // 2
    return [*range(head), None, *range(count - (_MOST - 1 - head), count)]


def _around(told: Flow, title: str, clocks: int, metrics: Metrics) -> Iterator[Shape]:
    yield from _middle(WIDTH / 2, 33, printable(title), 24, Role.TEXT, metrics, "title", bold=True)
    for number, (endpoint, x) in enumerate(zip(told.endpoints, _LIFELINES, strict=True)):
        part = f"name-{number}"
        yield from _middle(x, _TOP - 22, printable(str(endpoint)), 18, Role.TEXT, metrics, part, bold=True)
        yield Line(((x, _TOP - 12), (x, _BOTTOM + 6)), Role.FRAME, 2.0, part=f"lifeline-{number}")
    said = "UDP: no handshake, no acknowledgement, no close, no states."
    clock = "  One clock: an arrow's slant is schematic." if clocks == 1 else ""
    yield from _middle(WIDTH / 2, HEIGHT - 9, said + clock, 12, Role.MUTED, metrics, "footer")


def _row(told: Flow, index: int, y: float, metrics: Metrics) -> Iterator[Shape]:
    datagram = told.datagrams[index]
    part = f"datagram-{index + 1}"
    start, end = _LIFELINES if datagram.origin == 0 else _LIFELINES[::-1]
    tail, tip = (start, y - _SLANT / 2), (end, y + _SLANT / 2)
    yield Line((tail, tip), Role.DATA, 2.2, part=f"{part}/arrow")
    yield arrowhead(tip, tail, 13, Role.DATA, f"{part}/head")
    room = abs(end - start) - 60
    label = metrics.fit(f"{_text(datagram)}{_counted(datagram.length)}", room, _SIZE, False)
    yield from _middle(sum(_LIFELINES) / 2, y - 8, label, _SIZE, Role.TEXT, metrics, f"{part}/label")
    yield from _beside(start, y - _SLANT / 2, f"sendto({datagram.length})", time_text(datagram.time), metrics, part)
    if _received(told, index):
        when = time_text(datagram.time if datagram.arrived is None else datagram.arrived)
        yield from _beside(end, y + _SLANT / 2, f"recvfrom() → {datagram.length}", when, metrics, f"{part}/received")


def _received(told: Flow, index: int) -> bool:
    """The receiver is known to have called recvfrom() often enough to have this one."""
    datagram = told.datagrams[index]
    calls = told.calls[1 - datagram.origin]
    earlier = sum(other.origin == datagram.origin for other in told.datagrams[: index + 1])
    return sum(call.name == "recvfrom" and call.returned is not None for call in calls) >= earlier


def _text(datagram: Datagram) -> str:
    """What was said, if it is text."""
    for encoding in ("utf-8", "gbk"):
        try:
            text = datagram.payload.decode(encoding)
        except UnicodeDecodeError:
            continue
        return f"“{printable(text)}”  " if text and text.isprintable() and max(text) < _FIRST_CJK else ""
    return ""


def _counted(octets: int) -> str:
    return f"{_UDP} + {octets} octets"


def _beside(x: float, y: float, call: str, when: str, metrics: Metrics, part: str) -> Iterator[Shape]:
    """A call outside its lifeline, and when."""
    left = x < WIDTH / 2
    for text, role, down, name in ((call, Role.TEXT, 0.0, "call"), (when, Role.MUTED, 16.0, "time")):
        width = metrics.width(text, _SMALL)
        at = x - 12 if left else x + 12
        yield Text(at, y + down, text, _SMALL, width, role, False, "end" if left else "start", part=f"{part}/{name}")


def _headers(metrics: Metrics) -> Iterator[Shape]:
    """UDP's header beside TCP's, to scale."""
    x, height = _LIFELINES[0], 17.0
    rows = (("UDP header", _UDP, _UDP, f"{_UDP} octets"), ("TCP header", *_TCP, f"{_TCP[0]} to {_TCP[1]} octets"))
    for number, (name, least, most, text) in enumerate(rows):
        y = 436 + number * 28
        part = f"header-{number}"
        yield Rect(x, y, most * _OCTET, height, Role.HALO, outline=Role.FAINT, part=part)
        yield Rect(x, y, least * _OCTET, height, Role.BAND_ESTABLISHED, outline=Role.FRAME, part=part)
        width = metrics.width(name, _SMALL)
        yield Text(x - 12, y + 13, name, _SMALL, width, Role.TEXT, False, "end", part=part)
        width = metrics.width(text, _SMALL)
        yield Text(x + most * _OCTET + 10, y + 13, text, _SMALL, width, Role.MUTED, part=part)


def _middle(
    x: float, y: float, text: str, size: float, role: Role, metrics: Metrics, part: str, bold: bool = False
) -> Iterator[Shape]:
    text = metrics.fit(text, WIDTH - 2 * _MARGIN, size, bold)
    yield Text(x, y, text, size, metrics.width(text, size, bold), role, bold, "middle", part=part)
