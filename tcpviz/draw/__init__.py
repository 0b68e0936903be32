"""draw : Exchange -> pictures. A layout makes a Drawing of positioned primitives; a renderer paints it (law 7).

Importing this loads no library: each renderer comes with its first picture, matplotlib with `png`, fpdf2 with `pdf`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tcpviz.draw import describe as _describe
from tcpviz.draw import machine as _machine
from tcpviz.draw import metrics as _metrics
from tcpviz.draw import sequence as _sequence
from tcpviz.draw.drawing import Drawing
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.page import SLIDE, Page
from tcpviz.draw.theme import DARK, LIGHT, PRINT, THEMES, Theme, dress
from tcpviz.draw.words import ENGLISH, Words, words_in
from tcpviz.exchange.exchange import Connection, Side
from tcpviz.exchange.numbers import Numbers
from tcpviz.graph import Edge
from tcpviz.model.transitions import Row

__all__ = [
    "DARK",
    "ENGLISH",
    "LIGHT",
    "PRINT",
    "SLIDE",
    "THEMES",
    "Drawing",
    "Metrics",
    "Page",
    "Theme",
    "Words",
    "lack_of_fonts",
    "machine",
    "pdf",
    "png",
    "sequence",
    "svg",
    "words_in",
]

MACHINE_TITLE = "TCP connection states (RFC 9293, Figure 5)"


def sequence(
    connection: Connection,
    *,
    title: str,
    numbers: Numbers = "relative",
    clocks: int = 2,
    metrics: Metrics | None = None,
    words: Words = ENGLISH,
) -> Drawing:
    """The sequence diagram of one connection. `clocks` is the exchange's: with 1 the slant means nothing."""
    drawing = _sequence.sequence(
        connection,
        title=words.title(title),
        numbers=numbers,
        clocks=clocks,
        metrics=metrics or _metrics.default(),
        words=words,
    )
    return replace(drawing, description=_describe.connection(connection, numbers, words), language=words.language.tag)


def machine(
    edges: Iterable[Edge],
    walks: Mapping[Side, Iterable[Row]] | None = None,
    *,
    title: str = MACHINE_TITLE,
    metrics: Metrics | None = None,
    words: Words = ENGLISH,
) -> Drawing:
    """The state machine; `walks` are the rows that each end went through, in order, to be lit up and numbered."""
    given = {side: tuple(rows) for side, rows in (walks or {}).items()}
    measure, edges = metrics or _metrics.default(), tuple(edges)
    drawing = _machine.machine(edges, given, title=words.title(title), metrics=measure, words=words)
    return replace(drawing, description=_describe.machine(edges, given, words), language=words.language.tag)


def lack_of_fonts(drawing: Drawing) -> str:
    """What no font here can draw, and what to do about it; empty when all can be drawn. For PNG and PDF."""
    from tcpviz.draw import faces

    return faces.lack(drawing)


def png(drawing: Drawing, theme: Theme = LIGHT, page: Page = SLIDE) -> bytes:
    """The drawing as a PNG. The same drawing gives the same bytes, as in every format."""
    from tcpviz.draw import to_png

    return to_png.render(dress(drawing, theme), theme, page)


def svg(drawing: Drawing, theme: Theme = LIGHT, page: Page = SLIDE) -> bytes:
    """The drawing as an SVG, made without any library."""
    from tcpviz.draw import to_svg

    return to_svg.render(dress(drawing, theme), theme, page)


def pdf(drawing: Drawing, theme: Theme = LIGHT, page: Page = SLIDE) -> bytes:
    """The drawing as a PDF of one page, with its fonts in it."""
    from tcpviz.draw import to_pdf

    return to_pdf.render(dress(drawing, theme), theme, page)
