"""draw : Exchange -> pictures. A layout makes a Drawing of positioned primitives; a renderer paints it (law 7).

Importing this loads no drawing library: matplotlib comes with the first call of `png`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tcpviz.draw import machine as _machine
from tcpviz.draw import metrics as _metrics
from tcpviz.draw import pairing as _pairing
from tcpviz.draw import png as _png
from tcpviz.draw import sequence as _sequence
from tcpviz.draw.drawing import Drawing
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.theme import LIGHT, Theme
from tcpviz.draw.view import DETAILS, SCALES, USUAL, Detail, Scale, View
from tcpviz.draw.words import ENGLISH, Words
from tcpviz.exchange.exchange import Connection, Exchange, Side
from tcpviz.exchange.numbers import Numbers
from tcpviz.graph import Edge
from tcpviz.model.transitions import Row

__all__ = [
    "DETAILS",
    "ENGLISH",
    "LIGHT",
    "SCALES",
    "USUAL",
    "Detail",
    "Drawing",
    "Metrics",
    "Scale",
    "Theme",
    "Words",
    "machine",
    "pair",
    "png",
    "sequence",
    "slides",
    "steps",
]


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
    [drawing] = _sequence.sequence(connection, title=title, view=view, metrics=measure, words=words)
    return drawing


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
    return _sequence.sequence(connection, title=title, view=view, metrics=measure, words=words, pages=pages)


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
    return _sequence.steps(connection, title=title, view=view, metrics=metrics or _metrics.default(), words=words)


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
        return _pairing.at_once(*halves, title=title or one.title, metrics=measure, words=words)
    named = names or (one.title, two.title)
    halves = (
        _pairing.Half(one.connections[0], named[0], _view(numbers, one.clocks, "even", show, False)),
        _pairing.Half(two.connections[0], named[1], _view(numbers, two.clocks, "even", show, False)),
    )
    return _pairing.compared(*halves, title=title or one.title, metrics=measure, words=words)


def _view(numbers: Numbers, clocks: int, scale: Scale, show: Iterable[Detail], verdicts: bool | None) -> View:
    return View(numbers, scale, frozenset(show), clocks, clocks == 1 if verdicts is None else verdicts)


def machine(
    edges: Iterable[Edge],
    walks: Mapping[Side, Iterable[Row | None]] | None = None,
    weights: Mapping[Row, int] | None = None,
    *,
    title: str = "TCP connection states (RFC 9293, Figure 5)",
    metrics: Metrics | None = None,
    words: Words = ENGLISH,
) -> Drawing:
    """The state machine; `walks` are the rows that each end went through, in order, to be lit up and numbered.

    With `weights`, how often each row fired, arrows are as wide as they were walked.
    """
    given = {side: tuple(rows) for side, rows in (walks or {}).items()}
    return _machine.machine(
        tuple(edges), given, weights, title=title, metrics=metrics or _metrics.default(), words=words
    )


def png(drawing: Drawing, theme: Theme = LIGHT, size: tuple[int, int] = (1920, 1080)) -> bytes:
    """The drawing as a PNG of `size` pixels. The same drawing gives the same bytes."""
    return _png.render(drawing, theme, size)
