"""Two layouts that agree -> Drawing: both halves, and between them what is said of each pair of segments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tcpviz.draw.columns import MARGIN
from tcpviz.draw.compare import Match
from tcpviz.draw.drawing import Drawing, Role, Shape, Text
from tcpviz.draw.framing import footer, names, title_line
from tcpviz.draw.inking import inked
from tcpviz.draw.margins import spread
from tcpviz.draw.metrics import Metrics, printable
from tcpviz.draw.pair_fitting import BELOW, Both
from tcpviz.draw.placed import Placed
from tcpviz.draw.spacing import PLAIN
from tcpviz.draw.story import tails
from tcpviz.draw.testimony import ROW, Rows, rows, testimony
from tcpviz.draw.view import View
from tcpviz.draw.words import ENGLISH, Words
from tcpviz.exchange.exchange import Connection
from tcpviz.value import Value

_TITLED, _UNTITLED = 92.0, 62.0
_STRETCH = 1.6
"""How far a short story is pulled apart."""


class Half(Value):
    """One of the two: its connection, what it is called, and how it is to be shown."""

    connection: Connection
    name: str
    view: View

    def kernel(self, words: Words, metrics: Metrics) -> Rows:
        """What the kernel says of its states, as rows for half a slide."""
        return rows(self.connection, words, metrics, self.view.slide.width / 2, brief=True)


def above(halves: tuple[Half, Half], title: str) -> float:
    """How high title and names are. A title that says nothing but the two names is not written over them again."""
    return _UNTITLED if title == " · ".join(half.name for half in halves) else _TITLED


def beneath(halves: tuple[Half, Half], words: Words, metrics: Metrics) -> float:
    """How high the kernel's rows are."""
    return ROW * max(len(half.kernel(words, metrics)) for half in halves)


def inked_pair(
    halves: tuple[Half, Half],
    both: Both,
    between: Callable[[tuple[Placed, Placed]], Iterator[Text]],
    foot: Sequence[str],
    title: str,
    metrics: Metrics,
    words: Words,
) -> Drawing:
    whole = halves[0].view.slide
    kernel = beneath(halves, words, metrics)
    over = above(halves, title)
    room = whole.height - over - BELOW - kernel
    scale = min(_STRETCH, room / max(both.height, 1.0))
    height = scale * both.height
    top = over + (room - height) / 2

    def placed(side: int, prefix: str) -> Placed:
        y = tuple(top + scale * at for at in both.spacings[side].y)
        story, place, spacing = both.stories[side], both.places[side], both.spacings[side]
        return Placed(story, place, spacing, PLAIN, metrics, words, top, top + height, y, prefix=prefix)

    slides = placed(0, "left/"), placed(1, "right/")
    title = printable(title)
    shapes: list[Shape] = [title_line(title, whole, metrics)] if over == _TITLED else []
    for half, slide in zip(halves, slides, strict=True):
        shapes += _half(half, slide, words, over)
        place = slide.place.frame[0], whole.height - BELOW - kernel
        shapes += testimony(
            half.connection, half.kernel(words, metrics), whole.width / 2, place[1], place[0], slide.prefix
        )
    shapes += [*between(slides), footer(foot, whole, metrics)]
    return Drawing(tuple(shapes), title, slide=whole)


def _half(half: Half, slide: Placed, words: Words, over: float) -> Iterator[Shape]:
    connection, place = half.connection, slide.place
    low, high = place.frame[0] + MARGIN, place.frame[1] - MARGIN
    size = 18.0 if over == _TITLED else 20.0
    text = slide.metrics.fit(printable(half.name), high - low, size, True)
    at, part = ((low + high) / 2, slide.top - 34), f"{slide.prefix}name"
    yield slide.text(at, text, size, bold=True, anchor="middle", part=part)
    # half a slide has room for the names of the ends in one language
    ends = (words.language.translated(name) for name in (ENGLISH.client, ENGLISH.server))
    addresses = (connection.client.address, connection.server.address)
    texts = [f"{end}  {printable(str(address))}" for end, address in zip(ends, addresses, strict=True)]
    yield from names(texts, place, slide.top - 12, slide.metrics, slide.prefix)
    yield from inked(slide)


def marks(matches: Sequence[Match], slides: tuple[Placed, Placed]) -> Iterator[Text]:
    """In the middle, at the height where the segments leave, and clear of each other."""
    left, right = (tails(slide.story) for slide in slides)
    seen = []
    for match in matches:
        if match.one in left:
            seen.append((slides[0].y[left[match.one]], match))
        elif match.two in right:
            seen.append((slides[1].y[right[match.two]], match))
    seen.sort(key=lambda item: item[0])
    size, x = 16.0, (slides[0].place.frame[1] + slides[1].place.frame[0]) / 2
    spots = spread([(y + 4, 1.1 * size) for y, _ in seen], slides[0].top - size, slides[0].bottom)
    for number, ((_, match), y) in enumerate(zip(seen, spots, strict=True)):
        (text, role), part = _verdict(match), f"mark-{number}"
        yield slides[0].text((x, y + 0.36 * size), text, size, role=role, bold=True, anchor="middle", part=part)


def _verdict(match: Match) -> tuple[str, Role]:
    if match.differs:
        return "≠", Role.VIOLATION
    if match.same or match.moved:
        return ("=" if match.same else "↕"), Role.MUTED
    return ("◀" if match.two is None else "▶"), Role.WARNING
