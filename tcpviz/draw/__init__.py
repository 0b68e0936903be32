"""draw : Exchange -> pictures. A layout makes a Drawing of positioned primitives; a renderer paints it (law 7).

Importing this loads no library, and of the layouts only the sequence diagram's: the others come with their first
picture, as each renderer does, matplotlib with `png` and fpdf2 with `pdf`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from tcpviz.draw import describe as _describe
from tcpviz.draw import metrics as _metrics
from tcpviz.draw import sequence as _sequence
from tcpviz.draw.drawing import WIDE, Drawing, Slide
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.page import MOVING, SLIDE, Page
from tcpviz.draw.theme import DARK, LIGHT, PRINT, THEMES, Theme, dress
from tcpviz.draw.view import BLANKS, SCALES, USUAL, Blank, Scale, View
from tcpviz.draw.words import ENGLISH, Words, words_in
from tcpviz.errors import InputError
from tcpviz.exchange.exchange import Connection, Exchange, Flow, Side
from tcpviz.exchange.numbers import Numbers
from tcpviz.exchange.scenario import DETAILS, Detail
from tcpviz.model.transitions import Row
from tcpviz.value import replace

if TYPE_CHECKING:
    from tcpviz.draw.recital import Recital
    from tcpviz.exchange.headers import Dissection
    from tcpviz.graph import Edge

__all__ = [
    "BLANKS",
    "DARK",
    "DETAILS",
    "ENGLISH",
    "LIGHT",
    "PRINT",
    "SCALES",
    "SLIDE",
    "THEMES",
    "USUAL",
    "WIDE",
    "Asked",
    "Blank",
    "Detail",
    "Drawing",
    "Metrics",
    "Page",
    "Scale",
    "Setting",
    "Slide",
    "Theme",
    "Words",
    "flow",
    "flows",
    "gif",
    "html",
    "lack_of_fonts",
    "machine",
    "mermaid",
    "pair",
    "pdf",
    "plantuml",
    "png",
    "segment",
    "sequence",
    "slides",
    "steps",
    "svg",
    "tex",
    "words_in",
]

MACHINE_TITLE = "TCP connection states (RFC 9293, Figure 5)"


class Setting(TypedDict, total=False):
    """What every picture can be asked for; each may be left out."""

    slide: Slide
    """What to fill, in points. InputError when it is too small for any diagram."""
    metrics: Metrics
    words: Words


class Asked(Setting, total=False):
    """What every diagram of a story can be asked for besides."""

    numbers: Numbers
    clocks: int
    """The exchange's: with 1, a capture's, an arrow's slant means nothing."""
    scale: Scale
    show: Iterable[Detail]
    """The details wanted, of `DETAILS`."""
    verdicts: bool
    """Whether arrows carry them; unless said otherwise, a capture's do."""
    quiz: Iterable[Blank]
    """What is left blank, of `BLANKS`, and with it whatever would give it away."""


def sequence(connection: Connection, *, title: str, **asked: Unpack[Asked]) -> Drawing:
    """The sequence diagram of one connection on one slide; what does not fit is summed up."""
    [drawing] = slides(connection, title=title, pages=1, **asked)
    return drawing


def slides(connection: Connection, *, title: str, pages: int, **asked: Unpack[Asked]) -> tuple[Drawing, ...]:
    """The same on up to `pages` slides; only what does not fit on all of them is summed up."""
    return _told(partial(_sequence.sequence, pages=pages), connection, title, asked)


def steps(connection: Connection, *, title: str, **asked: Unpack[Asked]) -> tuple[Drawing, ...]:
    """The same slide as it comes about, segment by segment."""
    return _told(_sequence.steps, connection, title, asked)


def _told(
    layout: Callable[..., tuple[Drawing, ...]], connection: Connection, title: str, asked: Asked
) -> tuple[Drawing, ...]:
    words, metrics = _in_words(asked)
    view = _view(asked)
    connection = _unwitnessed(connection, view)
    drawings = layout(connection, title=words.title(title), view=view, metrics=metrics, words=words)
    return tuple(_described(drawing, view, words, connection) for drawing in drawings)


def pair(
    one: Exchange,
    two: Exchange | None = None,
    *,
    title: str = "",
    names: tuple[str, str] | None = None,
    **asked: Unpack[Asked],
) -> Drawing:
    """Side by side: the first connections of two exchanges, aligned segment by segment; of one exchange its first two.

    `names` are what the two are called on the slide: the exchanges' titles, if nothing else is said. Each exchange
    knows its own clocks, and time is not to scale. InputError when there are not two connections.
    """
    from tcpviz.draw import pairing

    words, metrics = _in_words(asked)
    if two is None:
        connections = one.connections[:2]
        named = names or (f"{words.connection} 1", f"{words.connection} 2")
        exchanges, layout = (one, one), pairing.at_once
    else:
        connections = *one.connections[:1], *two.connections[:1]
        named = names or (words.title(one.title), words.title(two.title))
        exchanges, layout = (one, two), pairing.compared
    if len(connections) < 2:
        raise InputError(f"{title or one.title}: two TCP connections are needed to stand side by side")
    left, right = (
        pairing.Half(_unwitnessed(connection, view), name, view)
        for connection, name, exchange in zip(connections, named, exchanges, strict=True)
        for view in [_view({**asked, "clocks": exchange.clocks, "scale": "even"})]
    )
    drawing = layout(left, right, title=words.title(title or one.title), metrics=metrics, words=words)
    return _described(drawing, left.view, words, *connections)


def _unwitnessed(connection: Connection, view: View) -> Connection:
    """In an exercise about states nobody tells them."""
    return replace(connection, witness=None) if "states" in view.quiz else connection


def _described(drawing: Drawing, view: View, words: Words, *shown: Connection) -> Drawing:
    """With what it shows in words, for who cannot see it."""
    description = "\n".join(_describe.connection(c, view.numbers, words, view.quiz) for c in shown)
    return replace(drawing, description=description, language=words.language.tag)


def _in_words(asked: Setting) -> tuple[Words, Metrics]:
    return asked.get("words", ENGLISH), asked.get("metrics") or _metrics.default()


def _view(asked: Asked) -> View:
    clocks, slide = asked.get("clocks", 2), asked.get("slide", WIDE)
    return View(
        asked.get("numbers", "relative"),
        asked.get("scale", "log"),
        frozenset(asked.get("show", USUAL)),
        clocks,
        asked.get("verdicts", clocks == 1),
        slide=_large_enough(slide),
        quiz=frozenset(asked.get("quiz", ())),
    )


def _large_enough(slide: Slide) -> Slide:
    if slide.width < WIDE.width or slide.height < WIDE.height:
        given, least = (f"{round(width)} by {round(height)} points" for width, height in (slide, WIDE))
        raise InputError(f"a slide of {given} is too small for any diagram: at least {least}")
    return slide


def flow(told: Flow, *, title: str, **asked: Unpack[Asked]) -> Drawing:
    """The diagram of one UDP flow: datagrams and calls. It has no sequence numbers and no verdicts."""
    [drawing] = flows(told, title=title, pages=1, **asked)
    return drawing


def flows(told: Flow, *, title: str, pages: int, **asked: Unpack[Asked]) -> tuple[Drawing, ...]:
    """The same on up to `pages` slides."""
    from tcpviz.draw import udp_flow

    words, metrics = _in_words(asked)
    drawings = udp_flow.flows(
        told, title=words.title(title), pages=pages, view=_view(asked), metrics=metrics, words=words
    )
    said = _describe.flow(told, words)
    return tuple(replace(drawing, description=said, language=words.language.tag) for drawing in drawings)


def machine(
    edges: Iterable[Edge],
    walks: Mapping[Side, Iterable[Row | None]] | None = None,
    weights: Mapping[Row, int] | None = None,
    *,
    title: str = MACHINE_TITLE,
    **asked: Unpack[Setting],
) -> Drawing:
    """The state machine; `walks` are the rows that each end went through, in order, to be lit up and numbered.

    With `weights`, how often each row fired, arrows are as wide as they were walked.
    """
    from tcpviz.draw import state_chart

    given = {side: tuple(rows) for side, rows in (walks or {}).items()}
    (words, metrics), edges = _in_words(asked), tuple(edges)
    drawing = state_chart.machine(
        edges, given, weights, title=words.title(title), slide=asked.get("slide", WIDE), metrics=metrics, words=words
    )
    return replace(drawing, description=_describe.machine(edges, given, words), language=words.language.tag)


def segment(frames: Sequence[Dissection], *, title: str = "", **asked: Unpack[Setting]) -> Drawing:
    """A frame's headers as the RFCs' bit diagram with their values; of two frames, side by side."""
    from tcpviz.draw import header_figure

    words, metrics = _in_words(asked)
    slide = _large_enough(asked.get("slide", WIDE))
    drawing = header_figure.segment(frames, title=title, slide=slide, metrics=metrics, words=words)
    description = "\n".join(line for frame in frames for line in _describe.frame(frame, words))
    return replace(drawing, description=description, language=words.language.tag)


def html(
    exchange: Exchange,
    *,
    title: str = "",
    names: Sequence[str] = (),
    pages: int = 1,
    theme: Theme | None = None,
    **asked: Unpack[Asked],
) -> bytes:
    """All connections of an exchange, and its UDP flows, as one HTML page to step through.

    `names` are what they are called there, the connections first: TCP 1, TCP 2, UDP 1 unless something else is said.
    Without a theme the page is light or dark, as its reader's system is. ValueError when there is nothing to show.
    """
    from tcpviz.draw import web
    from tcpviz.graph import edges

    if not exchange.connections and not exchange.flows:
        raise ValueError("the exchange has neither a connection nor a flow")
    words, metrics = _in_words(asked)
    view, named = _view({"clocks": exchange.clocks, **asked}), words.title(title or exchange.title)
    return web.render(
        exchange, names, edges(), title=named, view=view, pages=pages, theme=theme, metrics=metrics, words=words
    )


def mermaid(told: Connection | Flow, *, title: str, **asked: Unpack[Asked]) -> bytes:
    """A sequence diagram in the words of Mermaid, which lays it out. Of more than 100 segments it has a summary."""
    from tcpviz.draw import to_mermaid

    return to_mermaid.render(_recital(told, title, asked))


def plantuml(told: Connection | Flow, *, title: str, theme: Theme = LIGHT, **asked: Unpack[Asked]) -> bytes:
    """The same in the words of PlantUML, in the theme's colours for segments and states."""
    from tcpviz.draw import to_plantuml

    return to_plantuml.render(_recital(told, title, asked), theme)


def _recital(told: Connection | Flow, title: str, asked: Asked) -> Recital:
    from tcpviz.draw import recital

    (words, _), view = _in_words(asked), _view(asked)
    named = words.title(title)
    if isinstance(told, Flow):
        return recital.recital_of_flow(told, title=named, view=view, words=words)
    return recital.recital(told, title=named, view=view, words=words)


def lack_of_fonts(drawing: Drawing) -> str:
    """What no font here can draw, and what to do about it; empty when all can be drawn. For PNG and PDF."""
    from tcpviz.draw import faces

    return faces.lack(drawing)


def png(drawing: Drawing, theme: Theme = LIGHT, page: Page = SLIDE) -> bytes:
    """The drawing as a PNG. The same drawing gives the same bytes, as in every format."""
    from tcpviz.draw import to_png

    return to_png.render(dress(drawing, theme), theme, page)


def gif(drawing: Drawing, theme: Theme = LIGHT, page: Page = MOVING) -> bytes:
    """The drawing of a story as a GIF, in which its segments travel."""
    from tcpviz.draw import to_gif

    return to_gif.render(drawing, theme, page)


def svg(drawing: Drawing, theme: Theme = LIGHT, page: Page = SLIDE) -> bytes:
    """The drawing as an SVG, made without any library."""
    from tcpviz.draw import to_svg

    return to_svg.render(dress(drawing, theme), theme, page)


def pdf(drawing: Drawing, theme: Theme = LIGHT, page: Page = SLIDE) -> bytes:
    """The drawing as a PDF of one page, with its fonts in it."""
    from tcpviz.draw import to_pdf

    return to_pdf.render(dress(drawing, theme), theme, page)


def tex(drawing: Drawing, theme: Theme = LIGHT, page: Page = SLIDE) -> bytes:
    """The drawing as a LaTeX document that draws it with TikZ, made without any library."""
    from tcpviz.draw import to_tex

    return to_tex.render(dress(drawing, theme), theme, page)


class _Verb(ModuleType):
    """This package, as the verb that `tcpviz` gives its users: `tcpviz.draw(exchange)`."""

    def __call__(self, *what: Any, **how: Any) -> Any:
        from tcpviz.draw.picture import draw

        return draw(*what, **how)


sys.modules[__name__].__class__ = _Verb
