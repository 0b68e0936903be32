"""The headers around a segment's: a line or some for each box, with what they are called, their lengths and values.

A block as in `bits`. What there is no room for goes by how little it tells, and leaves an ellipsis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tcpviz.draw.bits import MARKS, Pen, fault_mark
from tcpviz.draw.drawing import Shape
from tcpviz.exchange.headers import Field, Header
from tcpviz.value import Value

_BETWEEN = 16.0
"""Between two values."""
_LEAST = (
    "Res", "Reserved", "DEI", "PCP", "ECN", "DSCP", "Traffic Class", "Flow Label", "IHL", "Hdr Ext Len", "ARPHRD type",
    "Packet type", "Address length", "Interface index", "Version", "Header Checksum", "Fragment Offset", "DF",
    "Identification", "Address", "MF", "M",
)  # fmt: skip
"""What goes first where there is no room, in this order; then the others from the end."""


class _Piece(Value):
    name: str
    value: str
    width: float
    part: str
    rank: int = len(_LEAST)
    title: bool = False


class Strip:
    """The headers of one box. Each begins a line, if there are `lines` enough."""

    def __init__(self, box: Sequence[Header], padding: int, width: float, lines: int, pen: Pen) -> None:
        self._pen, self._width = pen, width
        self._apart = lines >= len(box)
        pieces = [piece for header in box for piece in self._pieces(header)]
        if padding:
            pieces.append(self._piece("octets of padding", str(padding), "padding"))
        self._lines = self._set(pieces)
        while len(self._lines) > lines and len(pieces) > 1:
            # the last of those that tell least; titles, but the first, when nothing else is left
            going = min(reversed(pieces[1:]), key=lambda piece: (piece.title, piece.rank))
            pieces.remove(going)
            self._lines = self._set([*pieces, self._piece("…", "", "elided")])
        self.height = len(self._lines) * pen.line + 4

    def shapes(self, x: float, y: float) -> Iterator[Shape]:
        pen = self._pen
        for number, line in enumerate(self._lines):
            at, top = x, y + number * pen.line
            for piece in line:
                yield pen.text(at, top, piece.name, piece.part, bold=piece.title)
                if piece.value:
                    yield pen.text(
                        at + piece.width, top, piece.value, piece.part, bold=not piece.title, anchor="end"
                    )  # fmt: skip
                at += piece.width + _BETWEEN

    def _pieces(self, header: Header) -> Iterator[_Piece]:
        pen, part = self._pen, f"header-{header.name.lower().replace(' ', '-')}"
        octets = pen.octets(header.length)
        width = pen.width(header.name, True) + pen.width(f"  {octets}")
        yield _Piece(header.name, octets, width, part, title=True)
        for field in header.fields:
            if field.name != "0" or field.raw:  # the flag without a name is said where it is not as it must be
                yield self._piece(field.name, self._said(field), part)
        for option in header.options:
            yield self._piece(option.name or "unknown option", option.fault and pen.brief(option.fault), part)
        if header.fault:
            yield self._piece("", f"{fault_mark(header.fault)}{pen.brief(header.fault)}", part)

    def _said(self, field: Field) -> str:
        note = f" {MARKS.get(field.note, '')}{self._pen.brief(field.note)} {field.detail}" if field.note else ""
        return f"{field.text or '?'}{note}".rstrip()

    def _piece(self, name: str, value: str, part: str) -> _Piece:
        pen, brief = self._pen, self._pen.brief(name)
        value = pen.metrics.fit(value, self._width - pen.width(f"{brief}  "), pen.size, True)
        width = pen.pair_width(brief, value) if value else pen.width(brief)
        return _Piece(brief, value, width, part, _LEAST.index(name) if name in _LEAST else len(_LEAST))

    def _set(self, pieces: Sequence[_Piece]) -> list[list[_Piece]]:
        lines: list[list[_Piece]] = []
        used = 0.0
        for piece in pieces:
            used += _BETWEEN + piece.width
            if not lines or used > self._width or (piece.title and self._apart):
                lines.append([])
                used = piece.width
            lines[-1].append(piece)
        return lines
