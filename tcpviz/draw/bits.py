"""A header's fields -> cells of the RFCs' figure: 32 bits a row, values above their bytes, flags bit by bit.

A block knows its height before it has a place; `shapes` puts it at one. Knows nothing of what surrounds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tcpviz.draw.drawing import Anchor, Line, Rect, Role, Shape, Text
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.words import Words
from tcpviz.exchange.headers import CORRECT, CUT, WRONG, Field, Header, octet_groups, rows
from tcpviz.value import Value, replace

_LEADING = 1.18
_STACK = 1.06
"""Line heights in em: of lines, and of letters that stand on one another."""
_PAD = 3.0
_RULER = 18.0
"""Bit numbers are no larger."""
_GAP = "  "
"""Between a name and its value."""
SIDE = 4.0
"""Least distance of text from the edge of its cell."""
MARKS = {CORRECT: "✓ ", WRONG: "✗ "}
"""Said without colours too."""


def fault_mark(fault: str) -> str:
    """What a capture lacks is nobody's fault."""
    return "… " if fault == CUT else "✗ "


class Pen(Value):
    """What all blocks write with."""

    metrics: Metrics
    words: Words
    size: float
    prefix: str = ""
    """Of every part, where a slide shows two headers."""
    terse: bool = False
    """One language must do."""

    @property
    def line(self) -> float:
        return _LEADING * self.size

    def width(self, text: str, bold: bool = False) -> float:
        return self.metrics.width(text, self.size, bold)

    def say(self, english: str) -> str:
        return self.brief(english) if self.terse else self.words.language.say(english)

    def brief(self, english: str) -> str:
        """What need not be said twice, when bilingual."""
        return self.words.language.translated(english)

    def octets(self, count: int) -> str:
        return f"{count} {self.brief('octets')}"

    def text(
        self, x: float, y: float, text: str, part: str, *,
        role: Role = Role.TEXT, bold: bool = False, anchor: Anchor = "start", size: float | None = None,
    ) -> Text:  # fmt: skip
        """`y` is the upper edge of its line."""
        size = size or self.size
        width = self.metrics.width(text, size, bold)
        return Text(x, y + 0.94 * size, text, size, width, role, bold, anchor, part=f"{self.prefix}{part}")

    def pair(self, middle: float, y: float, name: str, value: str, part: str) -> Iterator[Text]:
        """A name and, bold, its value, centred together."""
        whole = self.width(name + _GAP) + self.width(value, True)
        yield self.text(middle - whole / 2, y, name, part)
        yield self.text(middle + whole / 2, y, value, part, bold=True, anchor="end")

    def pair_width(self, name: str, value: str) -> float:
        return self.width(name + _GAP) + self.width(value, True)


class Cell(Value):
    """One field as it is set: its name's lines, then its value, or both on one line."""

    field: Field
    names: tuple[str, ...]
    value: str
    together: bool
    stacked: bool

    def height(self, pen: Pen) -> float:
        if self.together:
            return pen.line
        return len(self.names) * (_STACK * pen.size if self.stacked else pen.line) + pen.line


class Figure:
    """The fixed part of a header, `unit` points a bit."""

    def __init__(self, header: Header, unit: float, pen: Pen) -> None:
        self._header, self._unit, self._pen = header, unit, pen
        self._rows = [tuple(self._cell(field) for field in row) for row in rows(header.fields)]
        self.height = self._ruler() + sum(map(self._row_height, self._rows))
        self.rows = len(self._rows)

    def shapes(self, x: float, y: float, stretch: float = 0.0) -> Iterator[Shape]:
        """With every row `stretch` points higher than it must be."""
        yield from self._bit_numbers(x, y)
        y += self._ruler()
        right = x + 32 * self._unit
        for row in self._rows:
            height = self._row_height(row) + stretch
            yield Line(((x, y), (right, y)), Role.FRAME, 1.2, part=f"{self._pen.prefix}grid")
            yield from self._row(row, x, y, height, stretch)
            y += height

    # Measures

    def _ruler(self) -> float:
        return 1.1 * min(self._pen.size, _RULER) + 3

    def _row_height(self, row: Sequence[Cell]) -> float:
        return self._head(row) + self._notes(row) * self._pen.line + self._pen.line + 2 * _PAD

    def _head(self, row: Sequence[Cell]) -> float:
        return max(cell.height(self._pen) for cell in row)

    def _notes(self, row: Sequence[Cell]) -> int:
        """Lines of remarks that do not fit beside the bytes."""
        return int(any(cell.field.note and not self._beside(cell.field) for cell in row))

    def _beside(self, field: Field) -> bool:
        whole = self._pen.width(f"{self._header.octets_of(field)}    {self._note(field)}")
        return field.bits % 8 == 0 and whole <= self._room(field)

    def _room(self, field: Field) -> float:
        return min(field.bits, 32) * self._unit - 2 * SIDE

    def _note(self, field: Field) -> str:
        said = f"{self._pen.brief(field.note)} {field.detail}".rstrip()
        return f"{MARKS.get(field.note, '')}{said}"

    def _cell(self, field: Field) -> Cell:
        pen, room = self._pen, self._room(field)
        name, value = pen.say(field.name), field.text or "?"
        if field.flag:
            return Cell(field, tuple(field.name), value, False, True)
        if pen.pair_width(name, value) <= room:
            return Cell(field, (name,), value, True, False)
        if pen.width(name) <= room:
            return Cell(field, (name,), value, False, False)
        twice = pen.words.language.bilingual and not pen.terse
        languages = (pen.brief(field.name), field.name) if twice else (name,)
        lines = tuple(line for said in dict.fromkeys(languages) for line in self._broken(said, room))
        return Cell(field, lines, value, False, False)

    def _broken(self, name: str, room: float) -> Iterator[str]:
        """Between words, and Chinese anywhere; in as few lines as there must be, and these alike in length."""
        lines, narrower = self._lines(name, room), room - 1
        while narrower > 0 and len(tried := self._lines(name, narrower)) == len(lines):
            lines, narrower = tried, narrower - 1
        return (self._pen.metrics.fit(line, room, self._pen.size) for line in lines)

    def _lines(self, name: str, room: float) -> list[str]:
        lines = [""]
        for piece in re.findall(r"[\u4e00-\u9fff]|[^\s\u4e00-\u9fff]+\s*", name):
            if lines[-1] and self._pen.width(lines[-1] + piece.rstrip()) > room:
                lines.append("")
            lines[-1] += piece
        return [line.rstrip() for line in lines]

    # Ink

    def _bit_numbers(self, x: float, y: float) -> Iterator[Shape]:
        """Over every bit, or, where that is too narrow, over the first of each octet and the last."""
        pen = replace(self._pen, size=min(self._pen.size, _RULER))
        wide = pen.width("00") + 2 <= self._unit
        for bit in range(32):
            if wide or bit % 8 == 0 or bit == 31:
                middle = x + (bit + 0.5) * self._unit
                middle = min(middle, x + 32 * self._unit - SIDE - pen.width(str(bit)) / 2)
                yield pen.text(middle, y, str(bit), "ruler", role=Role.MUTED, anchor="middle")

    def _row(self, row: Sequence[Cell], x: float, y: float, height: float, stretch: float) -> Iterator[Shape]:
        pen, head = self._pen, self._head(row)
        first = row[0].field.start
        top, bottom = y + _PAD + stretch / 2, y + height
        bytes_at = top + head + self._notes(row) * pen.line
        for number, cell in enumerate(row):
            left = x + (cell.field.start - first) * self._unit
            whole = cell.field.start % 8 == 0
            if number and (whole or not cell.stacked or self._unit > 1.4 * pen.size):
                # fields that share an octet are parted above it only, narrow flags not at all
                end = bottom if whole else top + head
                yield Line(((left, y), (left, end)), Role.FRAME, 1.2, part=f"{pen.prefix}grid")
            yield from self._inked(cell, left, top, head)
        for group in octet_groups([cell.field for cell in row]):
            yield from self._bytes(group, x + (group[0].start - first) * self._unit, bytes_at)

    def _inked(self, cell: Cell, left: float, top: float, head: float) -> Iterator[Shape]:
        pen, field = self._pen, cell.field
        middle, part = left + min(field.bits, 32) * self._unit / 2, _part(field)
        if cell.together:
            yield from pen.pair(middle, top + (head - pen.line) / 2, cell.names[0], cell.value, part)
        elif cell.stacked:
            yield from self._stack(cell, left, top, head)
        else:
            above = (head - cell.height(pen)) / 2
            for number, line in enumerate(cell.names):
                yield pen.text(middle, top + above + number * pen.line, line, part, anchor="middle")
            at = top + above + len(cell.names) * pen.line
            value = pen.metrics.fit(cell.value, self._room(field), pen.size, True)
            yield pen.text(middle, at, value, part, bold=True, anchor="middle")
        if field.note and not self._beside(field):
            said = pen.metrics.fit(self._note(field), self._room(field), pen.size)
            yield pen.text(middle, top + head, said, f"{part}/note", role=_role(field), anchor="middle")

    def _stack(self, cell: Cell, left: float, top: float, head: float) -> Iterator[Shape]:
        """Letters one above the other, as the RFC has them; a flag that is set stands out: filled, and bold."""
        pen, unit, part = self._pen, self._unit, _part(cell.field)
        set_ = cell.field.flag and cell.field.raw == 1
        role = Role.ON_BADGE if set_ else Role.TEXT
        fill = Role.RESET if cell.field.name == "RST" else Role.CLIENT
        # where a letter is as wide as its bit, it gives way to the line on its left
        nudge = 0.65 if max(map(pen.width, cell.names)) > unit - 1.3 else 0.0
        lines, leading = (*cell.names, cell.value), _STACK * pen.size
        high = pen.line + (len(lines) - 1) * leading
        at = top + head - high
        if set_:
            width = unit - 0.1 if nudge else unit - 1.2
            yield Rect(left + 0.6, at - 1, width, high + 1, fill, 2.5, part=f"{pen.prefix}{part}")
        for number, line in enumerate(lines):
            last = number == len(lines) - 1
            bold = set_ and pen.width(line, True) <= unit - 2
            place = left + unit / 2 + nudge, at + number * leading + 1.5 * last
            yield pen.text(*place, line, part, role=role, bold=bold, anchor="middle")

    def _bytes(self, group: Sequence[Field], left: float, y: float) -> Iterator[Shape]:
        """The octets that the fields of a group share, and beside them what is said of a value."""
        pen, width = self._pen, min(sum(field.bits for field in group), 32) * self._unit
        octets, field = self._header.octets_of(*group), group[0]
        part = f"{_part(field)}/bytes"
        if not (len(group) == 1 and field.note and self._beside(field)):
            yield pen.text(left + width / 2, y, octets, part, role=Role.MUTED, anchor="middle")
            return
        said, note = f"{octets}    ", self._note(field)
        start = left + (width - pen.width(said + note)) / 2
        yield pen.text(start, y, octets, part, role=Role.MUTED)
        yield pen.text(start + pen.width(said), y, note, f"{_part(field)}/note", role=_role(field))


def _part(field: Field) -> str:
    return f"field-{field.name.lower().replace(' ', '-')}"


def _role(field: Field) -> Role:
    return {CORRECT: Role.DATA, WRONG: Role.VIOLATION}.get(field.note, Role.MUTED)
