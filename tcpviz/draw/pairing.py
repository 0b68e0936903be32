"""Two connections -> Drawing: side by side on one slide, what belongs together at the same height.

Two tellings of one story are aligned segment by segment; two connections of one exchange by their common time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from tcpviz.draw import elide
from tcpviz.draw.columns import MARGIN, Columns, Frame, columns
from tcpviz.draw.compare import Match, aligned, same_states
from tcpviz.draw.drawing import WIDTH, Drawing, Role, Shape, Text
from tcpviz.draw.elide import Run
from tcpviz.draw.fitting import LEAST_SIZE, MOST_ROWS
from tcpviz.draw.framing import explained, footer, names, title_line
from tcpviz.draw.inking import inked
from tcpviz.draw.labels import CUT
from tcpviz.draw.margins import spread
from tcpviz.draw.metrics import Metrics, printable
from tcpviz.draw.placed import Placed
from tcpviz.draw.spacing import PLAIN, Spacing, space
from tcpviz.draw.story import Arrow, Story, node
from tcpviz.draw.telling import Facts, tell
from tcpviz.draw.view import View
from tcpviz.draw.words import Words
from tcpviz.exchange.exchange import Connection

_TOP, _BOTTOM = 92.0, 516.0
_FRAMES: tuple[Frame, Frame] = (-2.0, 478.0), (482.0, WIDTH + 2)
_SIZES = (LEAST_SIZE, 15.0, 16.0, 17.0, 18.0)
_ROUNDS = 16
_STRETCH = 1.6
_FIRST, _LAST = 3, 4

Rows = tuple[Sequence[Run], Sequence[Run]]
Hold = tuple[int, int, int]
"""(side, node, node): the second, on the other side than the first, is not higher than it."""


@dataclass(frozen=True, slots=True)
class Half:
    """One of the two: its connection, what it is called, and how it is to be shown."""

    connection: Connection
    name: str
    view: View


@dataclass(frozen=True, slots=True)
class _Both:
    """Two layouts that agree."""

    stories: tuple[Story, Story]
    places: tuple[Columns, Columns]
    spacings: tuple[Spacing, Spacing]

    @property
    def height(self) -> float:
        return max(spacing.height for spacing in self.spacings)


def compared(one: Half, two: Half, *, title: str, metrics: Metrics, words: Words) -> Drawing:
    """Aligned segment by segment; between the two a mark says whether they are alike."""
    matches = aligned(one.connection, two.connection)
    once = same_states(one.connection, two.connection)
    facts = _facts(one, words), _facts(two, words)
    shown, both, rows = list(range(len(matches))), None, _whole(one, two)
    for count in range(min(MOST_ROWS, len(matches)), 0, -1):
        shown = sorted(_important(matches)[:count])
        rows = _rows(matches, shown, one, two)
        most = _SIZES[-1] if count == len(matches) else LEAST_SIZE
        both = _largest(facts, rows, lambda stories: _level(stories, matches), metrics, once, most)
        if both is not None:
            break
    both = both or _at(LEAST_SIZE, facts, rows, lambda stories: (), metrics, once)
    foot = (words.compared, *((words.same_states,) if once else ()), *explained(one.view, words))

    def marks(slides: tuple[Placed, Placed]) -> Iterator[Text]:
        return _marks(matches, slides)

    return _drawing((one, two), both, marks, foot, title, metrics, words)


def at_once(one: Half, two: Half, *, title: str, metrics: Metrics, words: Words) -> Drawing:
    """Two connections of one exchange, with one time for both."""
    facts = _facts(one, words), _facts(two, words)
    counts = [len(half.connection.segments) for half in (one, two)]
    rows = _whole(one, two)
    both = _largest(facts, rows, _by_time, metrics)
    most = MOST_ROWS
    while both is None and most:
        most -= 1
        kept = [elide.by_importance(half.connection.segments, most) for half in (one, two)]
        rows = elide.runs(kept[0], counts[0]), elide.runs(kept[1], counts[1])
        both = _largest(facts, rows, _by_time, metrics, most=LEAST_SIZE)
    both = both or _at(LEAST_SIZE, facts, rows, lambda stories: (), metrics)
    return _drawing((one, two), both, lambda slides: iter(()), explained(one.view, words), title, metrics, words)


# Which rows


def _facts(half: Half, words: Words) -> Facts:
    """Half a slide has no room for calls."""
    view = replace(half.view, show=half.view.show - {"calls"}, verdicts=False, narrow=True)
    return Facts(half.connection, view, words)


def _whole(one: Half, two: Half) -> Rows:
    first, second = ([(i, i) for i in range(len(half.connection.segments))] for half in (one, two))
    return first, second


def _important(matches: Sequence[Match]) -> list[int]:
    """The ends, then what differs, then inwards."""
    last = len(matches) - 1
    ends = [*range(min(_FIRST, last + 1)), *range(last, max(last - _LAST, -1), -1)]
    odd = [i for i, match in enumerate(matches) if not (match.same or match.moved)]
    return list(dict.fromkeys([*ends, *odd, *range(last + 1)]))


def _rows(matches: Sequence[Match], shown: Sequence[int], one: Half, two: Half) -> Rows:
    kept = [matches[i] for i in shown]
    ours = [match.one for match in kept if match.one is not None]
    theirs = [match.two for match in kept if match.two is not None]
    return elide.runs(ours, len(one.connection.segments)), elide.runs(theirs, len(two.connection.segments))


# What lies level


def _tails(story: Story) -> dict[int, int]:
    """By segment, the node where it leaves."""
    return {row.index: node(r, row.origin) for r, row in enumerate(story.rows) if isinstance(row, Arrow)}


def _level(stories: tuple[Story, Story], matches: Sequence[Match]) -> Iterator[Hold]:
    """What is shown on both sides leaves at the same height."""
    left, right = map(_tails, stories)
    for match in matches:
        if match.one in left and match.two in right:
            yield 0, left[match.one], right[match.two]
            yield 1, right[match.two], left[match.one]


def _by_time(stories: tuple[Story, Story]) -> Iterator[Hold]:
    """What happens later on the one side is not higher than what happened earlier on the other."""
    times = [sorted((time, which) for time, nodes in story.instants for which in nodes) for story in stories]
    for side in (0, 1):
        for time, which in times[side]:
            later = [n for t, n in times[1 - side] if t > time or (t == time and side == 0)]
            yield from ((side, which, n) for n in later[:6])


# Layout


Holds = Callable[[tuple[Story, Story]], Sequence[Hold] | Iterator[Hold]]


def _largest(
    facts: tuple[Facts, Facts], rows: Rows, holds: Holds, metrics: Metrics, once: bool = False, most: float = _SIZES[-1]
) -> _Both | None:
    if max(map(len, rows)) > MOST_ROWS:
        return None
    best = None
    for size in (size for size in _SIZES if size <= most):
        both = _at(size, facts, rows, holds, metrics, once)
        fits = both.height <= _BOTTOM - _TOP and all(spacing.trouble < CUT for spacing in both.spacings)
        if not fits:
            break
        best = both
    return best


def _at(
    size: float, facts: tuple[Facts, Facts], rows: Rows, holds: Holds, metrics: Metrics, once: bool = False
) -> _Both:
    """Both at one text size: each holds the other down until they agree.

    States that are the same on both sides are shown `once`, at the outer edges: there is more room for arrows.
    """
    left, right = (_plain(tell(fact, row, strict=False)) for fact, row in zip(facts, rows, strict=True))
    stories = (_without(left, 1), _without(right, 0)) if once else (left, right)
    places = columns(stories[0], size, metrics, _FRAMES[0]), columns(stories[1], size, metrics, _FRAMES[1])
    given = tuple(holds(stories))
    floors: tuple[dict[int, float], dict[int, float]] = {}, {}

    def laid(side: int) -> Spacing:
        room = _BOTTOM - _TOP
        return space(stories[side], places[side], metrics, facts[side].words, PLAIN, floors[side], room)

    spacings = laid(0), laid(1)
    for _ in range(_ROUNDS):
        moved = False
        for side, holder, held in given:
            least = spacings[side].y[holder]
            if spacings[1 - side].y[held] < least - 0.1:
                floors[1 - side][held] = least
                moved = True
        if not moved or max(spacing.height for spacing in spacings) > _BOTTOM - _TOP:
            break
        spacings = laid(0), laid(1)
    return _Both(stories, places, spacings)


def _plain(story: Story) -> Story:
    """Without brackets, and without the timers for which only a column of calls has room."""
    client, server = (
        replace(line, timers=tuple(t for t in line.timers if t.beside), shouts=()) for line in story.lifelines
    )
    return replace(story, phases=(), lifelines=(client, server))


def _without(story: Story, side: int) -> Story:
    """Without the states of one side."""
    lifelines = list(story.lifelines)
    lifelines[side] = replace(lifelines[side], bands=())
    return replace(story, lifelines=(lifelines[0], lifelines[1]))


# Ink


def _drawing(
    halves: tuple[Half, Half],
    both: _Both,
    marks: Callable[[tuple[Placed, Placed]], Iterator[Text]],
    foot: Sequence[str],
    title: str,
    metrics: Metrics,
    words: Words,
) -> Drawing:
    room = _BOTTOM - _TOP
    scale = min(_STRETCH, room / max(both.height, 1.0))
    height = scale * both.height
    top = _TOP + (room - height) / 2

    def placed(side: int, prefix: str) -> Placed:
        y = tuple(top + scale * at for at in both.spacings[side].y)
        story, place, spacing = both.stories[side], both.places[side], both.spacings[side]
        return Placed(story, place, spacing, PLAIN, metrics, words, top, top + height, y, prefix=prefix)

    slides = placed(0, "left/"), placed(1, "right/")
    title = printable(title)
    shapes: list[Shape] = [title_line(title, metrics)]
    for half, slide in zip(halves, slides, strict=True):
        shapes += _half(half, slide, words)
    shapes += [*marks(slides), footer(foot, metrics)]
    return Drawing(tuple(shapes), title)


def _half(half: Half, slide: Placed, words: Words) -> Iterator[Shape]:
    connection, place = half.connection, slide.place
    low, high = place.frame[0] + MARGIN, place.frame[1] - MARGIN
    text = slide.metrics.fit(printable(half.name), high - low, 18, True)
    yield slide.text(((low + high) / 2, 58), text, 18, bold=True, anchor="middle", part=f"{slide.prefix}name")
    addresses = (
        f"{words.client}  {printable(str(connection.client.address))}",
        f"{words.server}  {printable(str(connection.server.address))}",
    )
    yield from names(addresses, place, slide.top - 12, slide.metrics, slide.prefix)
    yield from inked(slide)


def _marks(matches: Sequence[Match], slides: tuple[Placed, Placed]) -> Iterator[Text]:
    """In the middle, at the height where the segments leave, and clear of each other."""
    left, right = (_tails(slide.story) for slide in slides)
    seen = []
    for match in matches:
        if match.one in left:
            seen.append((slides[0].y[left[match.one]], match))
        elif match.two in right:
            seen.append((slides[1].y[right[match.two]], match))
    seen.sort(key=lambda item: item[0])
    size, x = 16.0, (_FRAMES[0][1] + _FRAMES[1][0]) / 2
    spots = spread([(y + 4, 1.1 * size) for y, _ in seen], _TOP - size, _BOTTOM)
    for (_, match), y in zip(seen, spots, strict=True):
        text, role = _verdict(match)
        yield slides[0].text((x, y + 0.36 * size), text, size, role=role, bold=True, anchor="middle", part="compared")


def _verdict(match: Match) -> tuple[str, Role]:
    if match.differs:
        return "≠", Role.VIOLATION
    if match.same or match.moved:
        return ("=" if match.same else "↕"), Role.MUTED
    return ("◀" if match.two is None else "▶"), Role.WARNING
