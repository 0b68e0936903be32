"""What follows a header's figure: its options and its data, as cells.

Blocks as in `bits`. What does not fit in the lines that a block is given ends in a summary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from tcpviz.draw.bits import SIDE, Pen, fault_mark
from tcpviz.draw.drawing import Line, Rect, Role, Shape
from tcpviz.exchange.headers import CUT, Dissection, Header, Option
from tcpviz.exchange.segment_text import readable

_PAD = 3.0


class _Chip(NamedTuple):
    """Two lines in a cell: what it means, and its octets."""

    name: str
    value: str
    below: str
    fault: bool
    octets: int
    width: float


class Options:
    """A header's options one by one, side by side as long as there is room; beside them, what they are."""

    def __init__(self, header: Header, width: float, lines: int, pen: Pen) -> None:
        self._pen, self._width = pen, width
        options, total = header.options, header.room
        self._label = _Label(pen.say("Options"), pen.octets(total), Role.BAND_LISTEN, "options", pen)
        self._room = width - self._label.width
        groups = [list(alike) for _, alike in groupby(options, _likeness)]
        chips = [self._chip(alike, pen.say) for alike in groups]
        if len(self._set(chips)) > lines:
            chips = [self._chip(alike, pen.brief) for alike in groups]
        kept = len(chips)
        self._lines = self._set(chips)
        while len(self._lines) > lines and kept:
            kept -= 1
            left = total - sum(chip.octets for chip in chips[:kept])
            self._lines = self._set([*chips[:kept], self._more(left)])
        self._row = 2 * pen.line + 2 * _PAD
        self.height = len(self._lines) * self._row if options else 0.0

    def shapes(self, x: float, y: float) -> Iterator[Shape]:
        if not self.height:
            return
        pen = self._pen
        yield from self._label.shapes(x, y, self.height)
        yield Line(((x, y), (x + self._width, y)), Role.FRAME, 1.2, part=f"{pen.prefix}grid")
        for number, line in enumerate(self._lines):
            top, left = y + number * self._row, x + self._label.width
            if number:
                yield Line(((left, top), (x + self._width, top)), Role.FRAME, 1.2, part=f"{pen.prefix}grid")
            spare = (self._room - sum(chip.width for chip in line)) / len(line)
            for place, chip in enumerate(line):
                part = f"option-{sum(map(len, self._lines[:number])) + place + 1}"
                if place:
                    yield Line(((left, top), (left, top + self._row)), Role.FRAME, 1.2, part=f"{pen.prefix}grid")
                yield from self._inked(chip, left + (chip.width + spare) / 2, top + _PAD, part)
                left += chip.width + spare

    def _inked(self, chip: _Chip, middle: float, y: float, part: str) -> Iterator[Shape]:
        pen = self._pen
        if chip.name and chip.value:
            yield from pen.pair(middle, y, chip.name, chip.value, part)
        else:
            yield pen.text(middle, y, chip.name or chip.value, part, bold=not chip.name, anchor="middle")
        role = Role.VIOLATION if chip.fault else Role.MUTED
        yield pen.text(middle, y + pen.line, chip.below, f"{part}/bytes", role=role, anchor="middle")

    def _set(self, chips: Sequence[_Chip]) -> list[list[_Chip]]:
        lines: list[list[_Chip]] = [[]]
        for chip in chips:
            if lines[-1] and sum(each.width for each in lines[-1]) + chip.width > self._room:
                lines.append([])
            lines[-1].append(chip)
        return lines

    def _chip(self, alike: Sequence[Option], say: Callable[[str], str]) -> _Chip:
        option, pen = alike[0], self._pen
        name = say(option.name or "unknown option")
        times = f" ×{len(alike)}" if len(alike) > 1 else ""
        octets = b"".join(o.octets for o in alike)
        length = "" if option.length is None else f"  {pen.brief('length')} {option.length}"
        kind = f"{pen.brief('kind')} {option.kind}{length}"
        fault = f"  {fault_mark(option.fault)}{pen.brief(option.fault)}" if option.fault else ""
        below = f"{kind}  {octets.hex(' ')}{fault}"
        shorter, wrong = fault and f"{kind}{fault}", option.fault not in ("", CUT)
        return self._sized(name + times, option.text, below, shorter, len(octets), wrong)

    def _more(self, octets: int) -> _Chip:
        return self._sized("…", "", f"{octets} {self._pen.brief('more octets')}", "", octets, False)

    def _sized(self, name: str, value: str, below: str, shorter: str, octets: int, fault: bool) -> _Chip:
        """`shorter` stands below where even the whole line is too short for all."""
        pen, room = self._pen, self._room - 3 * SIDE
        if pen.width(below) > room and shorter:
            below = shorter
        if pen.pair_width(name, value) > room >= pen.width(value, True) > 0:
            # its kind is said below, and half a number is none
            name = ""
        name = pen.metrics.fit(name, room, pen.size)
        value = pen.metrics.fit(value, room - (pen.width(f"{name}  ") if name else 0), pen.size, True) if value else ""
        below = pen.metrics.fit(below, room, pen.size)
        above = pen.pair_width(name, value) if name and value else pen.width(name or value, not name)
        return _Chip(name, value, below, fault, octets, max(above, pen.width(below)) + 3 * SIDE)


def _likeness(option: Option) -> tuple[int, bytes, str]:
    return option.kind, option.octets, option.fault


class _Label:
    """The cell that says what the others in its line are."""

    def __init__(self, name: str, below: str, role: Role, part: str, pen: Pen) -> None:
        self._name, self._below, self._role, self._part, self._pen = name, below, role, part, pen
        self.width = max(pen.width(name, True), pen.width(below)) + 16

    def shapes(self, x: float, y: float, height: float) -> Iterator[Shape]:
        pen = self._pen
        yield Rect(x, y, self.width, height, self._role, 0, Role.FRAME, 1.2, f"{pen.prefix}{self._part}")
        top = y + height / 2 - pen.line
        for number, text in enumerate((self._name, self._below)):
            at = x + self.width / 2, top + number * pen.line
            yield pen.text(*at, text, self._part, bold=not number, anchor="middle")


class Data:
    """The text of a segment: its characters, where it has such, and below them their octets."""

    def __init__(self, frame: Dissection, width: float, lines: int, pen: Pen) -> None:
        self._pen, self._frame, self._width = pen, frame, width
        self._label = _Label(pen.say("Data"), pen.octets(frame.length), Role.BAND_ESTABLISHED, "data", pen)
        self._pitch = pen.width("dd") + 0.55 * pen.size
        room = width - self._label.width - 12
        self._across = max(1, int(room / self._pitch))
        more = int((pen.width(f"… {frame.length} {pen.brief('more octets')}") + 8) / self._pitch) + 1
        fits = lines * self._across
        whole = len(frame.data) == frame.length <= fits
        self._shown = frame.data if whole else frame.data[: max(0, fits - more)]
        self.lines = max(1, -(-(len(self._shown) + more * (not whole)) // self._across))
        self.row = 2 * pen.line + 4
        self.height = self.lines * self.row + 2 * _PAD if frame.length else pen.line + 2 * _PAD

    def shapes(self, x: float, y: float) -> Iterator[Shape]:
        pen, height = self._pen, self.height
        yield Line(((x, y), (x + self._width, y)), Role.FRAME, 1.2, part=f"{pen.prefix}grid")
        if not self._frame.length:
            yield from pen.pair(x + self._width / 2, y + _PAD, pen.say("Data"), pen.octets(0), "data")
            return
        yield from self._label.shapes(x, y, height)
        left, top = x + self._label.width + 6, y + _PAD + 2
        for place, octet in enumerate(self._shown):
            line, column = divmod(place, self._across)
            middle, at = left + (column + 0.5) * self._pitch, top + line * self.row
            char = readable(bytes((octet,)))
            if char != " ":
                plain = octet != 0x2E and char == "."
                yield pen.text(
                    middle, at, "·" if plain else char, "data/text",
                    role=Role.MUTED if plain else Role.TEXT, bold=not plain, anchor="middle",
                )  # fmt: skip
            yield pen.text(middle, at + pen.line, f"{octet:02x}", "data/bytes", role=Role.MUTED, anchor="middle")
        if missing := self._frame.length - len(self._shown):
            line, column = divmod(len(self._shown), self._across)
            said = f"… {missing} {pen.brief('more octets')}"
            yield pen.text(left + column * self._pitch + 6, top + line * self.row + pen.line / 2, said, "data/more")
