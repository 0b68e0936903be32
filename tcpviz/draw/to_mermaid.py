"""Recital -> Mermaid's sequenceDiagram: text for who wants to edit it, or put it where Markdown is drawn.

Only writes; Mermaid is no part of this. What Mermaid would read as its own is written as a character reference, but in
titles, where it knows none, as the wide character that looks alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tcpviz.draw.recital import Entered, Phase, Recital, Said, Sent, Told, folded

_ENDS = ("client", "server")
_SIDES = ("left of client", "right of server")
_ODD = re.compile(r"[^\w .,:()=+/·→−×✓✗!'…、。；：（）-]|--|::|\bend\b", re.ASCII)
"""Whatever is no letter, no digit and none of these signs, and words that Mermaid has for itself."""
_LETTERS = re.compile(r"\w")


def render(told: Recital) -> bytes:
    return "".join(f"{line}\n" for line in _lines(told)).encode()


def _lines(told: Recital) -> Iterator[str]:
    yield "sequenceDiagram"
    yield f"    title {_title(told.title)}"
    yield f"    accTitle: {_title(told.title)}"
    for end, names in zip(_ENDS, told.ends, strict=True):
        yield f"    participant {end} as {_several(names)}"
    for event in told.events:
        match event:
            case Sent(origin, text, _, dashed, lost):
                line = "--" if dashed else "-"
                yield f"    {_ENDS[origin]}{line}{'x' if lost else '>>'}{_ENDS[1 - origin]}: {_text(text)}"
            case Entered(place, names, _):
                yield f"    Note over {_ENDS[place]}: {_several(names)}"
            case Said(place, text):
                yield f"    Note {_SIDES[place]}: {_text(text)}"
            case Told(text) | Phase(text):
                yield f"    Note over client,server: {_several(folded(text))}"
    yield f"    %% {_text(told.footer)}"


def _several(lines: Sequence[str]) -> str:
    return "<br/>".join(map(_text, lines))


def _text(text: str) -> str:
    return _ODD.sub(lambda found: "".join(map(_reference, found[0])), text.replace("\u00a0", " "))


def _title(text: str) -> str:
    return _ODD.sub(lambda found: found[0].translate(_WIDE), text.replace("\u00a0", " "))


_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def _reference(char: str) -> str:
    return char if ord(char) > 127 and _LETTERS.fullmatch(char) else f"#{ord(char)};"
