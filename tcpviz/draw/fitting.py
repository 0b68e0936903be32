"""The largest layout of a story that fits: text sizes from large to small, then fewer segments.

Decides size and selection; where things lie is for `columns` and `spacing` to say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import cbrt

from tcpviz.draw import elide
from tcpviz.draw.columns import Columns, Frame, columns, too_wide
from tcpviz.draw.drawing import LEAST_SIZE
from tcpviz.draw.elide import Run
from tcpviz.draw.labels import CUT
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.spacing import PLAIN, Pace, Spacing, space
from tcpviz.draw.story import Story
from tcpviz.draw.telling import Facts, tell
from tcpviz.value import Value, replace

SIZES = (26.0, 24.0, 22.0, 20.0, 18.0, 17.0, 16.0, 15.0, LEAST_SIZE)
MOST_ROWS = 24
"""No slide holds more; what is longer is elided before anything is laid out."""
_SHORTEST = 14.0
"""No row takes less."""
_LONGEST = 0.75
"""A wait that is longer than this part of all time breaks a linear axis."""
_SHARES = (1.0, 0.6, 0.3)
"""Of the height that long waits would like."""
_HALVINGS = 12
_PATIENCE = 4
"""After so many segments for which there was no room, there is none for others."""


class Fit(Value):
    story: Story
    place: Columns
    spacing: Spacing
    pace: Pace = PLAIN


class Room(Value):
    """What a diagram has to fit into."""

    height: float
    metrics: Metrics
    frame: Frame
    most: float = SIZES[0]
    """The largest text."""


def fit(facts: Facts, runs: Sequence[Run], room: Room) -> Fit | None:
    """The largest layout of these rows; None when they do not fit at the least size."""
    if len(runs) > MOST_ROWS or len(runs) * _SHORTEST > room.height:
        return None
    strict, loose = (tell(facts, runs, strict=strict) for strict in (True, False))
    tries = [(strict, 0), (loose, 0), (loose, CUT - 1)] if strict != loose else [(strict, 0), (strict, CUT - 1)]
    return next(filter(None, (_largest(facts, story, trouble, room) for story, trouble in tries)), None)


def _largest(facts: Facts, story: Story, trouble: int, room: Room) -> Fit | None:
    """The layout at the largest size at which it fits, with its labels in no more trouble than allowed."""
    most = room.most
    for size in SIZES:
        if size > LEAST_SIZE and most < size:
            continue
        place = columns(story, size, room.metrics, room.frame)
        if size > LEAST_SIZE and too_wide(story, place, room.metrics):
            continue
        found, height = _at(facts, story, place, trouble, room)
        if found is not None:
            return found
        # text takes area, and what is narrow wraps: with the size, the height shrinks no faster than by its cube
        most = size * cbrt(room.height / height)
    return None


def _at(facts: Facts, story: Story, place: Columns, trouble: int, room: Room) -> tuple[Fit | None, float]:
    """The layout at one size, None when it does not fit; and the least height it would take."""

    def paced(pace: Pace) -> Fit | None:
        fit = Fit(story, place, space(story, place, room.metrics, facts.words, pace, limit=room.height), pace)
        heights.append(fit.spacing.height)
        return fit if fit.spacing.height <= room.height and fit.spacing.trouble <= trouble else None

    heights: list[float] = []
    scale = facts.view.scale
    least = place.size == LEAST_SIZE
    if scale == "log" and not least:
        return paced(Pace(_SHARES[0])), heights[0]
    plain = paced(PLAIN)
    if plain is not None and scale == "log":
        # at the least size waits make way before anything is left out
        plain = next(filter(None, (paced(Pace(share)) for share in _SHARES)), plain)
    elif plain is not None and scale == "linear":
        # room for time, not only for text
        fills = not least and plain.spacing.height > _LONGEST * room.height
        plain = None if fills else _linear(story, plain, paced, room.height)
    return plain, heights[0]


def _linear(story: Story, plain: Fit, paced: Callable[[Pace], Fit | None], height: float) -> Fit:
    """As many points for every nanosecond as the height allows."""
    times = [time for time, _ in story.instants]
    waits = {at: later - time for at, (time, later) in enumerate(pairwise(times), 1)}
    broken: frozenset[int] = frozenset()
    while len(waits) > 1 and max(waits.values()) > _LONGEST * sum(waits.values()):
        longest = max(waits, key=waits.__getitem__)
        del waits[longest]
        broken |= {longest}
    low, high, best = 0.0, height / max(sum(waits.values()), 1), plain
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        attempt = paced(Pace(points=middle, broken=broken))
        if attempt is None:
            high = middle
        else:
            low, best = middle, attempt
    return best


def elided(facts: Facts, room: Room) -> Fit:
    """As many rows as fit at the least size, the most important first; never fewer than one."""
    segments = facts.connection.segments
    count, landmarks = len(segments), set(elide.landmarks(segments))
    # where there are too many landmarks for any slide, the ends need not make way for them
    tries = elide.ENDS if len(landmarks) < MOST_ROWS else elide.ENDS[:1]
    found: list[tuple[list[int], Fit]] = []
    for ends in tries:
        found.append(_most(facts, elide.by_importance(segments, MOST_ROWS, ends), room))
        if landmarks <= set(found[-1][0]):
            break
    kept, best = min(found, key=lambda tried: len(landmarks.difference(tried[0])))
    return fit(facts, elide.runs(kept, count), replace(room, most=LEAST_SIZE)) or best


def _most(facts: Facts, wanted: Sequence[int], room: Room) -> tuple[list[int], Fit]:
    """Of the wanted segments those that fit, one after another."""
    count, failures = len(facts.connection.segments), 0
    kept, best = [wanted[0]], _loosely(facts, elide.runs(wanted[:1], count), room)
    for index in wanted[1:]:
        attempt = _loosely(facts, elide.runs([*kept, index], count), room)
        if _fits(attempt, room):
            kept, best, failures = [*kept, index], attempt, 0
        else:
            failures += 1
        if failures == _PATIENCE:
            break
    return kept, best


def loosely_fits(facts: Facts, runs: Sequence[Run], room: Room) -> bool:
    """Whether `fit` will find a way, without looking for the best."""
    return len(runs) <= MOST_ROWS and _fits(_loosely(facts, runs, room), room)


def _fits(attempt: Fit, room: Room) -> bool:
    return attempt.spacing.height <= room.height and attempt.spacing.trouble < CUT


def _loosely(facts: Facts, runs: Sequence[Run], room: Room) -> Fit:
    """Whatever is shown, at the least size, and as close together as it can be."""
    story = tell(facts, runs, strict=False)
    place = columns(story, LEAST_SIZE, room.metrics, room.frame)
    return Fit(story, place, space(story, place, room.metrics, facts.words, limit=room.height))
