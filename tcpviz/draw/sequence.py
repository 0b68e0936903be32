"""Connection -> Drawing: the sequence diagram, as large as the slide allows.

Tries text sizes from large to small; what does not fit at the least one is elided in the middle. Time
runs downwards; the slide's coordinates are those of `drawing`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tcpviz.draw import columns, elide
from tcpviz.draw.columns import Columns
from tcpviz.draw.drawing import Drawing, Role, Shape, Text
from tcpviz.draw.inking import Ink, frame
from tcpviz.draw.labels import CUT
from tcpviz.draw.metrics import Metrics, printable
from tcpviz.draw.spacing import Spacing, space
from tcpviz.draw.story import Story, tell
from tcpviz.draw.words import Words
from tcpviz.exchange.exchange import Connection
from tcpviz.exchange.numbers import Numbers

LEAST_SIZE = 14.0
_SIZES = (26.0, 24.0, 22.0, 20.0, 18.0, 17.0, 16.0, 15.0, LEAST_SIZE)
_TOP, _BOTTOM = 76.0, 512.0
_ROOM = _BOTTOM - _TOP
_MOST_ROWS = 24
"""No slide holds more; what is longer is elided before anything is laid out."""
_STRETCH = 2.0
"""How far a short story is pulled apart."""
_STEEPEST = 0.22

_Layout = tuple[Story, Columns, Spacing]


def sequence(
    connection: Connection, *, title: str, numbers: Numbers, clocks: int, metrics: Metrics, words: Words
) -> Drawing:
    story, place, spacing = _layout(connection, numbers, clocks, metrics, words)
    # nor so far that text is hard to read along an arrow
    steepest = max((abs(spacing.y[2 * r] - spacing.y[2 * r + 1]) for r in range(len(story.rows))), default=0.0)
    stretch = min(_STRETCH, max(1.0, _STEEPEST * place.span / max(steepest, 1.0)))
    scale = min(stretch, _ROOM / max(spacing.height, 1.0))
    height = scale * spacing.height if story.rows else _ROOM
    top = _TOP + (_ROOM - height) / 2
    y = tuple(top + scale * at for at in spacing.y)
    ink = Ink(story, place, spacing, metrics, words, top, top + height, y)
    names = (
        f"{words.client}  {printable(str(connection.client.address))}",
        f"{words.server}  {printable(str(connection.server.address))}",
    )
    centres = [((edge + line) / 2, top - 14) for edge, line in zip(place.edges, place.lifelines, strict=True)]
    title = printable(title)
    around = frame(title, names, centres, _footer(numbers, clocks, words), metrics, place.size)
    return Drawing((*around, *ink.shapes(), *_nothing(story, place, metrics, words)), title)


def _layout(connection: Connection, numbers: Numbers, clocks: int, metrics: Metrics, words: Words) -> _Layout:
    """The largest layout that fits; at the least size, with as many segments as fit."""
    count = len(connection.segments)
    if count <= _MOST_ROWS:
        stories = [tell(connection, range(count), numbers, clocks, words, strict=strict) for strict in (True, False)]
        tries = [(LEAST_SIZE, False), *((size, True) for size in reversed(_SIZES))]
        for story, most in ((stories[0], 0), (stories[1], 0), (stories[0], CUT - 1)):
            best = None
            for size, pauses in tries:
                attempt = _fitting(story, size, pauses, most, metrics, words)
                if attempt is None:
                    break
                best = attempt
            if best is not None:
                return best
    wanted = elide.by_importance(connection.segments, _MOST_ROWS)
    low, best = 1, _attempt(connection, wanted[:1], numbers, clocks, metrics, words)
    high = len(wanted)
    while low < high:
        middle = (low + high + 1) // 2
        attempt = _attempt(connection, wanted[:middle], numbers, clocks, metrics, words)
        if attempt[2].height <= _ROOM and attempt[2].trouble < CUT:
            low, best = middle, attempt
        else:
            high = middle - 1
    return best


def _fitting(story: Story, size: float, pauses: bool, most: int, metrics: Metrics, words: Words) -> _Layout | None:
    """The layout at one size; None when it is too tall or wide, or its labels are in more trouble than `most`."""
    place = columns.columns(story, size, metrics)
    if size > LEAST_SIZE and columns.too_wide(story, place, metrics):
        return None
    spacing = space(story, place, metrics, words, pauses=pauses)
    return (story, place, spacing) if spacing.height <= _ROOM and spacing.trouble <= most else None


def _attempt(
    connection: Connection, kept: Sequence[int], numbers: Numbers, clocks: int, metrics: Metrics, words: Words
) -> _Layout:
    story = tell(connection, kept, numbers, clocks, words, strict=False)
    place = columns.columns(story, LEAST_SIZE, metrics)
    return story, place, space(story, place, metrics, words, pauses=False)


def _footer(numbers: Numbers, clocks: int, words: Words) -> str:
    counted = {"relative": words.relative, "symbolic": words.symbolic, "absolute": words.absolute}[numbers]
    return "  ".join([counted, *([words.one_clock] if clocks == 1 else []), words.not_to_scale])


def _nothing(story: Story, place: Columns, metrics: Metrics, words: Words) -> Iterator[Shape]:
    if not story.rows:
        text, size = words.nothing, 18.0
        width = metrics.width(text, size)
        x = sum(place.lifelines) / 2
        yield Text(x, (_TOP + _BOTTOM) / 2, text, size, width, Role.MUTED, anchor="middle", part="nothing")
