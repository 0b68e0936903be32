"""Two stories under common heights -> the largest text at which both fit, each on its half of the slide.

Each half is laid out as if it were alone, and then holds the other down until they agree. Knows nothing of why two
nodes belong together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tcpviz.draw.columns import Columns, Frame, columns, too_wide
from tcpviz.draw.drawing import LEAST_SIZE, Slide
from tcpviz.draw.elide import Run
from tcpviz.draw.fitting import MOST_ROWS
from tcpviz.draw.labels import CUT
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.spacing import PLAIN, Spacing, space
from tcpviz.draw.story import Story
from tcpviz.draw.telling import Facts, tell
from tcpviz.value import Value, replace

BELOW = 24.0
"""Of the slide, for the footer."""
SIZES = (LEAST_SIZE, 15.0, 16.0, 17.0, 18.0)
_ROUNDS = 16

Rows = tuple[Sequence[Run], Sequence[Run]]
Hold = tuple[int, int, int]
"""(side, node, node): the second, on the other side than the first, is not higher than it."""
Holds = Callable[[tuple[Story, Story]], Sequence[Hold] | Iterator[Hold]]


class Both(Value):
    """Two layouts that agree."""

    stories: tuple[Story, Story]
    places: tuple[Columns, Columns]
    spacings: tuple[Spacing, Spacing]

    @property
    def height(self) -> float:
        return max(spacing.height for spacing in self.spacings)


class Halves(Value):
    """What both are laid out from."""

    facts: tuple[Facts, Facts]
    holds: Holds
    metrics: Metrics
    above: float
    """Height that title and names take."""
    once: bool = False
    """States that are the same on both sides are shown once, at the outer edges: there is more room for arrows."""
    beneath: float = 0.0
    """Height that something else takes, above the footer."""

    @property
    def slide(self) -> Slide:
        return self.facts[0].view.slide

    @property
    def room(self) -> float:
        return self.slide.height - self.above - BELOW - self.beneath


def frames(slide: Slide) -> tuple[Frame, Frame]:
    """The two halves; between them there is room for a mark."""
    return (-2.0, slide.width / 2 - 2), (slide.width / 2 + 2, slide.width + 2)


def largest(halves: Halves, rows: Rows, most: float = SIZES[-1]) -> Both | None:
    """Of the sizes up to `most` the largest that fits, if any does."""
    if max(map(len, rows)) > MOST_ROWS:
        return None
    best = None
    for size in (size for size in SIZES if size <= most):
        both = at_size(size, halves, rows)
        wide = any(
            too_wide(story, place, halves.metrics) for story, place in zip(both.stories, both.places, strict=True)
        )
        if best is not None and wide:
            break
        if both.height > halves.room or any(spacing.trouble >= CUT for spacing in both.spacings):
            break
        best = both
    return best


def at_size(size: float, halves: Halves, rows: Rows) -> Both:
    """Both at one text size: each holds the other down until they agree."""
    facts, metrics = halves.facts, halves.metrics
    left, right = (_plain(tell(fact, row, strict=False)) for fact, row in zip(facts, rows, strict=True))
    stories = (_without(left, 1), _without(right, 0)) if halves.once else (left, right)
    left_frame, right_frame = frames(halves.slide)
    places = columns(stories[0], size, metrics, left_frame), columns(stories[1], size, metrics, right_frame)
    given = tuple(halves.holds(stories))
    floors: tuple[dict[int, float], dict[int, float]] = {}, {}

    def laid(side: int) -> Spacing:
        return space(stories[side], places[side], metrics, facts[side].words, PLAIN, floors[side], halves.room)

    spacings = laid(0), laid(1)
    for _ in range(_ROUNDS):
        moved = False
        for side, holder, held in given:
            least = spacings[side].y[holder]
            if spacings[1 - side].y[held] < least - 0.1:
                floors[1 - side][held] = least
                moved = True
        if not moved or max(spacing.height for spacing in spacings) > halves.room:
            break
        spacings = laid(0), laid(1)
    return Both(stories, places, spacings)


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
