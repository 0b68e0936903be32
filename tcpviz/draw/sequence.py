"""Connection -> Drawings: the sequence diagram, as large as the slide allows, on one slide or several.

Time runs downwards; coordinates are those of `drawing`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tcpviz.draw.drawing import Drawing, Role, Shape, Text
from tcpviz.draw.fitting import Fit, Room
from tcpviz.draw.framing import explained, footer, names, title_line
from tcpviz.draw.inking import inked
from tcpviz.draw.metrics import Metrics, printable
from tcpviz.draw.pages import slides
from tcpviz.draw.placed import Placed
from tcpviz.draw.telling import Facts
from tcpviz.draw.testimony import ROW, rows, testimony
from tcpviz.draw.view import View
from tcpviz.draw.words import Words
from tcpviz.exchange.exchange import Connection
from tcpviz.value import replace

_ABOVE, _BELOW = 66.0, 22.0
"""Of the slide, for the title and the names, and for the footer."""
_STRETCH = 2.0
"""How far a short story is pulled apart."""
_STEEPEST = 0.22


def sequence(
    connection: Connection, *, title: str, view: View, metrics: Metrics, words: Words, pages: int = 1
) -> tuple[Drawing, ...]:
    """At most `pages` slides."""
    return tuple(drawing for drawing, _ in told(connection, title, view, metrics, words, pages))


def told(
    connection: Connection, title: str, view: View, metrics: Metrics, words: Words, pages: int
) -> Iterator[tuple[Drawing, Placed]]:
    """The same, each with the story that it shows: for who brings it to life."""
    facts, title = Facts(connection, view, words), printable(title)
    height = _height(facts, metrics)
    fits = slides(facts, Room(height, metrics, (0.0, view.slide.width)), pages)
    titles = [title] if len(fits) == 1 else [f"{title} ({page}/{len(fits)})" for page in range(1, len(fits) + 1)]
    for found, name in zip(fits, titles, strict=True):
        slide = placed(found, height, metrics, words)
        yield Drawing(tuple(_shapes(facts, slide, name)), name, slide=view.slide), slide


def steps(connection: Connection, *, title: str, view: View, metrics: Metrics, words: Words) -> tuple[Drawing, ...]:
    """The same slide as it comes about: one Drawing for each row, and one for what only timers did at the end."""
    facts, title = Facts(connection, view, words), printable(title)
    height = _height(facts, metrics)
    [found] = slides(facts, Room(height, metrics, (0.0, view.slide.width)), 1)
    slide = placed(found, height, metrics, words)
    count = len(found.story.rows)
    sights = [*range(1, count + 1), *([None] if found.story.nodes > 2 * count or not count else [])]
    return tuple(
        Drawing(tuple(_shapes(facts, replace(slide, until=until), title)), title, slide=view.slide) for until in sights
    )


def _height(facts: Facts, metrics: Metrics) -> float:
    """What the diagram may fill; what the kernel said stands beneath it."""
    slide = facts.view.slide
    return slide.height - _ABOVE - _BELOW - ROW * len(rows(facts.connection, facts.words, metrics, slide.width))


def placed(found: Fit, room: float, metrics: Metrics, words: Words) -> Placed:
    """The layout on the slide: stretched if it is short, and in the middle."""
    story, spacing = found.story, found.spacing
    # not so far that text is hard to read along an arrow
    steepest = max((abs(spacing.y[2 * r] - spacing.y[2 * r + 1]) for r in range(len(story.rows))), default=0.0)
    stretch = min(_STRETCH, max(1.0, _STEEPEST * found.place.span / max(steepest, 1.0)))
    scale = min(stretch, room / max(spacing.height, 1.0))
    height = scale * spacing.height if story.rows else room
    top = _ABOVE + (room - height) / 2
    y = tuple(top + scale * at for at in spacing.y)
    return Placed(story, found.place, spacing, found.pace, metrics, words, top, top + height, y)


def _shapes(facts: Facts, slide: Placed, title: str) -> Iterator[Shape]:
    connection, words, place = facts.connection, slide.words, slide.place
    size, said = facts.view.slide, rows(facts.connection, slide.words, slide.metrics, facts.view.slide.width)
    addresses = (
        f"{words.client}  {printable(str(connection.client.address))}",
        f"{words.server}  {printable(str(connection.server.address))}",
    )
    yield title_line(title, size, slide.metrics)
    yield from names(addresses, place, slide.top - 11, slide.metrics)
    yield from inked(slide)
    if not slide.story.rows:
        x, y, width = sum(place.lifelines) / 2, (slide.top + slide.bottom) / 2, slide.metrics.width(words.nothing, 18)
        yield Text(x, y, words.nothing, 18, width, Role.MUTED, anchor="middle", part="nothing")
    yield from testimony(connection, said, size.width, size.height - _BELOW - ROW * len(said), 0.0, "")
    yield footer(explained(facts.view, words), size, slide.metrics)
