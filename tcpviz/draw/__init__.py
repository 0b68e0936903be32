"""draw : Exchange -> pictures. A layout makes a Drawing of positioned primitives; a renderer paints it (law 7).

Importing this loads no library: each renderer comes with its first picture, matplotlib with `png`, fpdf2 with `pdf`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

from tcpviz.draw import describe as _describe
from tcpviz.draw import flow as _flow
from tcpviz.draw import machine as _machine
from tcpviz.draw import metrics as _metrics
from tcpviz.draw import pairing as _pairing
from tcpviz.draw import segment as _segment
from tcpviz.draw import sequence as _sequence
from tcpviz.draw.drawing import Drawing
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.page import SLIDE, Page
from tcpviz.draw.theme import DARK, LIGHT, PRINT, THEMES, Theme, dress
from tcpviz.draw.view import DETAILS, SCALES, USUAL, Detail, Scale, View
from tcpviz.draw.words import ENGLISH, Words, words_in
from tcpviz.exchange.exchange import Connection, Exchange, Flow, Side
from tcpviz.exchange.headers import Dissection
from tcpviz.exchange.numbers import Numbers
from tcpviz.graph import Edge
from tcpviz.model.transitions import Row

__all__ = [
    "DARK",
    "DETAILS",
    "ENGLISH",
    "LIGHT",
    "PRINT",
    "SCALES",
    "SLIDE",
    "THEMES",
    "USUAL",
    "Detail",
    "Drawing",
    "Metrics",
    "Page",
    "Scale",
    "Theme",
    "Words",
    "flow",
    "lack_of_fonts",
    "machine",
    "pair",
    "pdf",
    "png",
    "segment",
    "sequence",
    "slides",
    "steps",
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
    scale: Scale = "log",
    show: Iterable[Detail] = USUAL,
    verdicts: bool | None = None,
    metrics: Metrics | None = None,
    words: Words = ENGLISH,
) -> Drawing:
    """The sequence diagram of one connection on one slide; what does not fit is summed up.

    `clocks` is the exchange's: with 1, a capture's, the slant means nothing, and arrows carry verdicts
    unless `verdicts` says otherwise. `show` are the details wanted, of `DETAILS`.
    """
    view = _view(numbers, clocks, scale, show, verdicts)
    measure = metrics or _metrics.default()
    [drawing] = _sequence.sequence(connection, title=words.title(title), view=view, metrics=measure, words=words)
    return _described(drawing, connection, numbers, words)


def slides(
    connection: Connection,
    *,
    title: str,
    pages: int,
    numbers: Numbers = "relative",
    clocks: int = 2,
    scale: Scale = "log",
    show: Iterable[Detail] = USUAL,
    verdicts: bool | None = None,
    metrics: Metrics | None = None,
    words: Words = ENGLISH,
) -> tuple[Drawing, ...]:
    """The same on up to `pages` slides; only what does not fit on all of them is summed up."""
    view = _view(numbers, clocks, scale, show, verdicts)
    measure = metrics or _metrics.default()
    drawings = _sequence.sequence(
        connection, title=words.title(title), view=view, metrics=measure, words=words, pages=pages
    )
    return tuple(_described(drawing, connection, numbers, words) for drawing in drawings)


def steps(
    connection: Connection,
    *,
    title: str,
    numbers: Numbers = "relative",
    clocks: int = 2,
    scale: Scale = "log",
    show: Iterable[Detail] = USUAL,
    verdicts: bool | None = None,
    metrics: Metrics | None = None,
    words: Words = ENGLISH,
) -> tuple[Drawing, ...]:
    """The same slide as it comes about, segment by segment."""
    view = _view(numbers, clocks, scale, show, verdicts)
    measure = metrics or _metrics.default()
    drawings = _sequence.steps(connection, title=words.title(title), view=view, metrics=measure, words=words)
    return tuple(_described(drawing, connection, numbers, words) for drawing in drawings)


def pair(
    one: Exchange,
    two: Exchange | None = None,
    *,
    title: str = "",
    names: tuple[str, str] | None = None,
    numbers: Numbers = "relative",
    show: Iterable[Detail] = USUAL,
    metrics: Metrics | None = None,
    words: Words = ENGLISH,
) -> Drawing:
    """Side by side: the first connections of two exchanges, aligned segment by segment; of one exchange its first two.

    `names` are what the two are called on the slide: the exchanges' titles, if nothing else is said.
    """
    measure = metrics or _metrics.default()
    if two is None:
        first, second = one.connections[:2]
        named = names or (f"{words.connection} 1", f"{words.connection} 2")
        view = _view(numbers, one.clocks, "even", show, False)
        halves = _pairing.Half(first, named[0], view), _pairing.Half(second, named[1], view)
        drawing = _pairing.at_once(*halves, title=words.title(title or one.title), metrics=measure, words=words)
        return _described(drawing, first, numbers, words, second)
    named = names or (words.title(one.title), words.title(two.title))
    halves = (
        _pairing.Half(one.connections[0], named[0], _view(numbers, one.clocks, "even", show, False)),
        _pairing.Half(two.connections[0], named[1], _view(numbers, two.clocks, "even", show, False)),
    )
    drawing = _pairing.compared(*halves, title=words.title(title or one.title), metrics=measure, words=words)
    return _described(drawing, one.connections[0], numbers, words, two.connections[0])


def _described(
    drawing: Drawing, connection: Connection, numbers: Numbers, words: Words, other: Connection | None = None
) -> Drawing:
    """With what it shows in words, for who cannot see it."""
    shown = [connection] if other is None else [connection, other]
    description = "\n".join(_describe.connection(c, numbers, words) for c in shown)
    return replace(drawing, description=description, language=words.language.tag)


def _view(numbers: Numbers, clocks: int, scale: Scale, show: Iterable[Detail], verdicts: bool | None) -> View:
    return View(numbers, scale, frozenset(show), clocks, clocks == 1 if verdicts is None else verdicts)


def flow(told: Flow, *, title: str, clocks: int = 2, metrics: Metrics | None = None) -> Drawing:
    """The diagram of one UDP flow: datagrams and calls."""
    return _flow.flow(told, title=title, clocks=clocks, metrics=metrics or _metrics.default())


def machine(
    edges: Iterable[Edge],
    walks: Mapping[Side, Iterable[Row | None]] | None = None,
    weights: Mapping[Row, int] | None = None,
    *,
    title: str = MACHINE_TITLE,
    metrics: Metrics | None = None,
    words: Words = ENGLISH,
) -> Drawing:
    """The state machine; `walks` are the rows that each end went through, in order, to be lit up and numbered.

    With `weights`, how often each row fired, arrows are as wide as they were walked.
    """
    given = {side: tuple(rows) for side, rows in (walks or {}).items()}
    measure, edges = metrics or _metrics.default(), tuple(edges)
    drawing = _machine.machine(edges, given, weights, title=words.title(title), metrics=measure, words=words)
    return replace(drawing, description=_describe.machine(edges, given, words), language=words.language.tag)


def segment(
    frames: Sequence[Dissection], *, title: str = "", metrics: Metrics | None = None, words: Words = ENGLISH
) -> Drawing:
    """A frame's headers as the RFCs' bit diagram with their values; of two frames, side by side."""
    measure = metrics or _metrics.default()
    drawing = _segment.segment(frames, title=title, metrics=measure, words=words)
    description = "\n".join(line for frame in frames for line in _describe.frame(frame, words))
    return replace(drawing, description=description, language=words.language.tag)


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


class _Verb(ModuleType):
    """This package, as the verb that `tcpviz` gives its users: `tcpviz.draw(exchange)`."""

    def __call__(self, *what: Any, **how: Any) -> Any:
        from tcpviz.draw.picture import draw

        return draw(*what, **how)


sys.modules[__name__].__class__ = _Verb
