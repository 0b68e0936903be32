"""Recital -> PlantUML's sequence diagram: text for who wants to edit it.

Only writes; PlantUML is no part of this. What PlantUML would read as its own is written by its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tcpviz.draw.recital import Entered, Phase, Recital, Said, Sent, Told, folded
from tcpviz.draw.theme import Theme

_ENDS = ("client", "server")
_SIDES = ("left of client", "right of server")
_ODD = re.compile(r"[\\%$<>\[\]{}~*_\"&#|@`^;]|--|//|==|''|\.\.")
"""Creole's marks, the preprocessor's, and the diagram's own."""


def render(told: Recital, theme: Theme) -> bytes:
    return "".join(f"{line}\n" for line in _lines(told, theme)).encode()


def _lines(told: Recital, theme: Theme) -> Iterator[str]:
    yield "@startuml"
    yield "hide footbox"
    yield f"title {_text(told.title)}"
    for end, names in zip(_ENDS, told.ends, strict=True):
        yield f'participant "{_several(names)}" as {end}'
    for event in told.events:
        match event:
            case Sent(origin, text, role, dashed, lost):
                arrow = f"-[{theme.colours[role]}]{'-' if dashed else ''}>{'x' if lost else ''}"
                yield f"{_ENDS[origin]} {arrow} {_ENDS[1 - origin]} : {_text(text)}"
            case Entered(place, names, role):
                yield f"hnote over {_ENDS[place]} {theme.colours[role]} : {_several(names)}"
            case Said(place, text):
                yield f"note {_SIDES[place]} : {_text(text)}"
            case Told(text):
                yield f"note over client,server : {_several(folded(text))}"
            case Phase(text):
                yield f"== {_text(text)} =="
    yield f"footer {_text(told.footer)}"
    yield "@enduml"


def _several(lines: Sequence[str]) -> str:
    return "\\n".join(map(_text, lines))


def _text(text: str) -> str:
    return _ODD.sub(lambda found: "".join(f"<U+{ord(char):04X}>" for char in found[0]), text)
