"""Exchange -> Picture: a Drawing with its theme and its page, which a notebook shows.

`tcpviz.draw(...)` is `draw` here. Decides which diagram an exchange gets, and no layout.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import get_args

import tcpviz.draw as diagrams
from tcpviz.draw import theme_file
from tcpviz.draw.drawing import Drawing
from tcpviz.draw.page import GIF_DPI, SIZES, Page
from tcpviz.draw.theme import Theme
from tcpviz.draw.view import SCALES, USUAL, Scale
from tcpviz.draw.words import words_in
from tcpviz.errors import InputError
from tcpviz.exchange.exchange import Exchange
from tcpviz.exchange.flow_ladder import ladders
from tcpviz.exchange.numbers import Numbers
from tcpviz.exchange.scenario import DETAILS, Detail
from tcpviz.language import LANGUAGES
from tcpviz.value import Value, replace

Bundle = dict[str, str]
"""Of one thing, its representations by MIME type."""

_CELL = 720.0
"""Points that a picture is wide in a notebook, whatever its page: as much as a cell has."""


class Picture(Value):
    """A drawing, how it is coloured, the page it is put on, and the same as text."""

    drawing: Drawing
    theme: Theme
    page: Page
    text: str

    def __repr__(self) -> str:
        return f"<Picture {self.drawing.title!r}>"

    def svg(self) -> bytes:
        """The picture as an SVG document."""
        return diagrams.svg(self.drawing, self.theme, self.page)

    def png(self) -> bytes:
        """The picture as PNG; OutputError when no font here has its language, as with `pdf`."""
        return diagrams.png(self.drawing, self.theme, self.page)

    def pdf(self) -> bytes:
        """The picture as a PDF of one page."""
        return diagrams.pdf(self.drawing, self.theme, self.page)

    def tex(self) -> bytes:
        """The picture as a LaTeX document that draws it with TikZ."""
        return diagrams.tex(self.drawing, self.theme, self.page)

    def gif(self) -> bytes:
        """The picture as it comes about: its segments travel."""
        return diagrams.gif(self.drawing, self.theme, replace(self.page, dpi=GIF_DPI))

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> Bundle:
        page = Page(_CELL, _CELL * self.page.height / self.page.width)
        bundle = {
            "text/plain": self.text,
            "image/svg+xml": diagrams.svg(self.drawing, self.theme, page).decode(),
        }
        return {
            kind: data for kind, data in bundle.items() if kind in (include or bundle) and kind not in (exclude or ())
        }


def draw(
    exchange: Exchange,
    *,
    connection: int | None = None,
    flow: int | None = None,
    numbers: Numbers = "relative",
    scale: Scale = "log",
    show: Iterable[Detail] = USUAL,
    theme: str = "light",
    language: str = "en",
    size: str = "16:9",
) -> Picture:
    """The sequence diagram of one conversation in an exchange, or of two; `tcpviz.draw.html` shows all of them.

    `connection` is the TCP connection to draw, `flow` the UDP flow, both counted from 1. Without either, two
    connections that conform stand side by side; of others it is the first that violates, else the first; only an
    exchange without connections shows its first UDP flow. `theme` is light, dark, print or the path of a .toml file,
    `language` en, zh or both, `size` 16:9, 4:3 or A4.
    InputError names what of these cannot be used.
    """
    show = tuple(show)
    _check("language", LANGUAGES, language)
    _check("size", SIZES, size)
    _check("numbers", get_args(Numbers), numbers)
    _check("scale", SCALES, scale)
    _check("show", DETAILS, *show)
    words = words_in(LANGUAGES[language])
    text = ladders(exchange, numbers, language=words.language)
    page = Page(*SIZES[size])
    asked: diagrams.Asked = {
        "numbers": numbers,
        "scale": scale,
        "show": show,
        "clocks": exchange.clocks,
        "words": words,
        "slide": page.slide,
    }
    drawing = _drawing(exchange, connection, flow, asked)
    return Picture(drawing, theme_file.load(theme), page, text)


def _check(name: str, known: Iterable[str], *given: str) -> None:
    for one in given:
        if one not in known:
            raise InputError(f"{name} {one!r}: expected one of {', '.join(known)}")


def _drawing(exchange: Exchange, connection: int | None, flow: int | None, asked: diagrams.Asked) -> Drawing:
    connections, flows = exchange.connections, exchange.flows
    if connection is not None and flow is not None:
        raise InputError(f"connection {connection} and flow {flow}: one picture shows one of them")
    for name, number, known in (("connection", connection, connections), ("flow", flow, flows)):
        if number is not None and not 1 <= number <= len(known):
            raise InputError(f"{name} {number}: {exchange.title} has {len(known)}")
    if flow is not None or not connections:
        if not flows:
            raise InputError(f"{exchange.title}: there is neither a TCP connection nor a UDP flow to draw")
        return diagrams.flow(flows[(flow or 1) - 1], title=exchange.title, **asked)
    if connection is None and len(connections) == 2 and exchange.conforms:
        return diagrams.pair(exchange, **asked)
    number = connection or next((n for n, found in enumerate(connections, 1) if not found.conforms), 1)
    title = asked["words"].one_of(exchange.title, number, len(connections))
    return diagrams.sequence(connections[number - 1], title=title, **asked)
