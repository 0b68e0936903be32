"""A dissected frame as text, in the manner of the RFCs' figures: 32 bits a row, two characters a bit.

Plain ASCII but for the words of a language. Knows no pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tcpviz.exchange.headers import IPV4, IPV6, TCP, UDP, Dissection, Field, Header, Option, octet_groups, rows
from tcpviz.language import ENGLISH, Language, columns
from tcpviz.model.sentence import Sentence

WORDS = ("octets", "kind", "length", "Options", "Data", "unknown option", "more octets", "octets of padding")
"""The words of this text besides those of `headers`."""
_DRAWN = (TCP, UDP, IPV4, IPV6)
_RULE = "+-" * 32 + "+"
_RULER = (
    " 0                   1                   2                   3",
    " " + " ".join(str(bit % 10) for bit in range(32)),
)
_LINE, _MOST_LINES = 16, 8
"""Octets of data on a line, and lines of it."""


def segment_text(frame: Dissection, language: Language = ENGLISH) -> str:
    """From the link's header to the data, one header below the other."""
    return "".join(f"{line.rstrip()}\n" for line in _lines(frame, language))


def _lines(frame: Dissection, language: Language) -> Iterator[str]:
    say = language.say
    source, destination = frame.ends
    told = Sentence("{}, frame {}: {}, {} > {}", frame.file, frame.number, frame.what, source, destination)
    yield from language.lines(told)
    for header in frame.headers:
        section = f", {header.kind.section}" if header.kind.section else ""
        yield ""
        yield f"{header.name}, {header.length} {say('octets')}{section}"
        if header.fault:
            yield f"  ! {say(header.fault)}"
        yield from _figure(header, language) if header.kind in _DRAWN else _listed(header, language)
        if header.options:
            yield f"{say('Options')}, {header.room} {say('octets')}"
            yield from (_option(option, language) for option in header.options)
    yield ""
    yield f"{say('Data')}, {frame.length} {say('octets')}"
    yield from _data(frame, language)
    if frame.trailer:
        yield ""
        yield f"{frame.trailer} {say('octets of padding')}"


def _listed(header: Header, language: Language) -> Iterator[str]:
    for field in header.fields:
        yield f"  {language.say(field.name)} {field.text or '?'}"
    yield f"  {header.octets.hex(' ')}"


def _figure(header: Header, language: Language) -> Iterator[str]:
    yield from _RULER
    yield _RULE
    for row in rows(header.fields):
        cells = [_cell(field, language) for field in row]
        tallest = max((len(cell) for field, cell in zip(row, cells, strict=True) if field.flag), default=0)
        for field, cell in zip(row, cells, strict=True):
            if field.flag:  # the values of flags stand on one line
                cell[-1:-1] = [""] * (tallest - len(cell))
        height = max(map(len, cells))
        for line in range(height):
            yield _row(
                (field.bits, cell[line] if line < len(cell) else "") for field, cell in zip(row, cells, strict=True)
            )
        yield _row((sum(f.bits for f in group), header.octets_of(*group)) for group in octet_groups(row))
        yield _RULE


def _row(cells: Iterator[tuple[int, str]]) -> str:
    return "|" + "".join(f"{_centred(text, _width(bits))}|" for bits, text in cells)


def _width(bits: int) -> int:
    return 2 * min(bits, 32) - 1


def _centred(text: str, width: int) -> str:
    left = max(0, width - columns(text)) // 2
    return " " * left + text + " " * max(0, width - columns(text) - left)


def _cell(field: Field, language: Language) -> list[str]:
    """Name and value, on one line where they fit; then what is to be said of the value."""
    name, value, width = language.say(field.name), field.text or "?", _width(field.bits)
    whole = f"{name} {value}"
    lines = [whole] if columns(whole) <= width else [*_wrapped(name, width), *_wrapped(value, width)]
    if field.note:
        lines += _wrapped(f"{language.say(field.note)} {field.detail}".rstrip(), width)
    return lines


def _wrapped(text: str, width: int) -> Iterator[str]:
    """Between words where it can be, else anywhere."""
    line = ""
    for word in text.split(" "):
        if line and columns(f"{line} {word}") <= width:
            line = f"{line} {word}"
            continue
        if line:
            yield line
        line = ""
        for char in word:
            if line and columns(line + char) > width:
                yield line
                line = ""
            line += char
    yield line


def _option(option: Option, language: Language) -> str:
    say = language.say
    length = f" {say('length')} {option.length}" if option.length is not None else ""
    told = " ".join(filter(None, (say(option.name or "unknown option"), option.text)))
    fault = f"  ! {say(option.fault)}" if option.fault else ""
    return f"  {say('kind')} {option.kind}{length}: {told}{fault}   {option.octets.hex(' ')}"


def _data(frame: Dissection, language: Language) -> Iterator[str]:
    shown: Sequence[int] = range(0, min(len(frame.data), _LINE * _MOST_LINES), _LINE)
    for start in shown:
        octets = frame.data[start : start + _LINE]
        yield f"  {start:04x}  {octets.hex(' '):<{3 * _LINE}} {readable(octets)}"
    left = frame.length - min(len(frame.data), _LINE * _MOST_LINES)
    if left:
        yield f"  ... {left} {language.say('more octets')}"


def readable(octets: bytes) -> str:
    """What of it is a character of ASCII; a point for all else, so that nothing steers a terminal."""
    return "".join(chr(octet) if 0x20 <= octet < 0x7F else "." for octet in octets)
