"""draw : Exchange -> pictures. A layout makes a Drawing of positioned primitives; a renderer paints it (law 7).

Importing this loads no drawing library: matplotlib comes with the first call of `png`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tcpviz.draw import flow as _flow
from tcpviz.draw import machine as _machine
from tcpviz.draw import metrics as _metrics
from tcpviz.draw import png as _png
from tcpviz.draw import sequence as _sequence
from tcpviz.draw.drawing import Drawing
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.theme import LIGHT, Theme
from tcpviz.draw.words import ENGLISH, Words
from tcpviz.exchange.exchange import Connection, Flow, Side
from tcpviz.exchange.numbers import Numbers
from tcpviz.graph import Edge
from tcpviz.model.transitions import Row

__all__ = ["ENGLISH", "LIGHT", "Drawing", "Metrics", "Theme", "Words", "flow", "machine", "png", "sequence"]


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
    measure = metrics or _metrics.default()
    return _sequence.sequence(connection, title=title, numbers=numbers, clocks=clocks, metrics=measure, words=words)


def flow(told: Flow, *, title: str, clocks: int = 2, metrics: Metrics | None = None) -> Drawing:
    """The diagram of one UDP flow: datagrams and calls."""
    return _flow.flow(told, title=title, clocks=clocks, metrics=metrics or _metrics.default())


def machine(
    edges: Iterable[Edge],
    walks: Mapping[Side, Iterable[Row]] | None = None,
    *,
    title: str = "TCP connection states (RFC 9293, Figure 5)",
    metrics: Metrics | None = None,
    words: Words = ENGLISH,
) -> Drawing:
    """The state machine; `walks` are the rows that each end went through, in order, to be lit up and numbered."""
    given = {side: tuple(rows) for side, rows in (walks or {}).items()}
    return _machine.machine(tuple(edges), given, title=title, metrics=metrics or _metrics.default(), words=words)


def png(drawing: Drawing, theme: Theme = LIGHT, size: tuple[int, int] = (1920, 1080)) -> bytes:
    """The drawing as a PNG of `size` pixels. The same drawing gives the same bytes."""
    return _png.render(drawing, theme, size)
