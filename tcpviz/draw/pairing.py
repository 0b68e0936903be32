"""Two connections -> Drawing: side by side on one slide, what belongs together at the same height.

Two tellings of one story are aligned segment by segment; two connections of one exchange by their common time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tcpviz.draw import elide
from tcpviz.draw.compare import Match, aligned, same_states
from tcpviz.draw.drawing import LEAST_SIZE, Drawing, Text
from tcpviz.draw.fitting import MOST_ROWS
from tcpviz.draw.framing import explained
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.pair_fitting import Both, Halves, Hold, Rows, at_size, largest
from tcpviz.draw.pair_inking import Half, above, beneath, inked_pair, marks
from tcpviz.draw.placed import Placed
from tcpviz.draw.story import Story, tails
from tcpviz.draw.telling import Facts
from tcpviz.draw.words import Words
from tcpviz.value import replace

__all__ = ["Half", "at_once", "compared"]

_ENDS = ((3, 4), (3, 2), (2, 1), (1, 1))
"""How many segments at the beginning and at the end come before what differs; fewer, if that finds no room."""


def compared(one: Half, two: Half, *, title: str, metrics: Metrics, words: Words) -> Drawing:
    """Aligned segment by segment; between the two a mark says whether they are alike."""
    matches = aligned(one.connection, two.connection)
    once = same_states(one.connection, two.connection)
    facts = _facts(one, words), _facts(two, words)
    over, under = above((one, two), title), beneath((one, two), words, metrics)
    halves = Halves(facts, lambda stories: _level(stories, matches), metrics, over, once, under)
    both = largest(halves, _whole(one, two)) or _elided(matches, halves, one, two)
    foot = (words.compared, *((words.same_states,) if once else ()), *explained(one.view, words))

    def between(slides: tuple[Placed, Placed]) -> Iterator[Text]:
        return marks(matches, slides)

    return inked_pair((one, two), both, between, foot, title, metrics, words)


def _elided(matches: Sequence[Match], halves: Halves, one: Half, two: Half) -> Both:
    """As many segments as fit, what differs among them, if need be instead of the ends."""
    odd = _odd(matches, one, two)
    found: list[tuple[set[int], Both]] = []
    for ends in _ENDS if len(odd) < MOST_ROWS else _ENDS[:1]:
        important = _important(matches, odd, one, two, ends)
        for count in range(min(MOST_ROWS, len(matches)), 0, -1):
            shown = set(important[:count])
            both = largest(halves, _rows(matches, sorted(shown), one, two), LEAST_SIZE)
            if both is not None:
                found.append((shown, both))
                break
        if found and odd <= found[-1][0]:
            break
    if not found:
        rows = _rows(matches, [0], one, two)
        return at_size(LEAST_SIZE, replace(halves, holds=lambda stories: ()), rows)
    return max(found, key=lambda tried: len(odd & tried[0]))[1]


def at_once(one: Half, two: Half, *, title: str, metrics: Metrics, words: Words) -> Drawing:
    """Two connections of one exchange, with one time for both; each with its own, if only so all of both is shown."""
    facts = _facts(one, words), _facts(two, words)
    counts = [len(half.connection.segments) for half in (one, two)]
    rows, foot = _whole(one, two), explained(one.view, words)
    halves = Halves(facts, _by_time, metrics, above((one, two), title), beneath=beneath((one, two), words, metrics))
    alone = replace(halves, holds=lambda stories: ())
    both = largest(halves, rows)
    if both is None:
        both = largest(alone, rows)
        foot = (words.own_time, *foot) if both else foot
    most = MOST_ROWS
    while both is None and most:
        most -= 1
        kept = [elide.by_importance(half.connection.segments, most) for half in (one, two)]
        rows = elide.runs(kept[0], counts[0]), elide.runs(kept[1], counts[1])
        both = largest(halves, rows, LEAST_SIZE)
    both = both or at_size(LEAST_SIZE, alone, rows)
    return inked_pair((one, two), both, lambda slides: iter(()), foot, title, metrics, words)


# Which rows


def _facts(half: Half, words: Words) -> Facts:
    """Half a slide has no room for calls."""
    view = replace(half.view, show=half.view.show - {"calls"}, verdicts=False, narrow=True)
    return Facts(half.connection, view, words)


def _whole(one: Half, two: Half) -> Rows:
    first, second = ([(i, i) for i in range(len(half.connection.segments))] for half in (one, two))
    return first, second


def _odd(matches: Sequence[Match], one: Half, two: Half) -> set[int]:
    """What differs, or is to blame."""
    ours, theirs = (
        {i for i, sent in enumerate(half.connection.segments) if sent.verdict == "violation"} for half in (one, two)
    )
    return {
        i
        for i, match in enumerate(matches)
        if not (match.same or match.moved) or match.one in ours or match.two in theirs
    }


def _important(matches: Sequence[Match], odd: set[int], one: Half, two: Half, outer: elide.Ends) -> list[int]:
    """The ends, then what differs, each behind what it follows, then what opens and closes, or else is a landmark."""
    first, end = outer
    last = len(matches) - 1
    ends = [*range(min(first, last + 1)), *range(last, max(last - end, -1), -1)]
    ours, theirs = (set(elide.landmarks(half.connection.segments)) for half in (one, two))
    landmarks = [i for i, match in enumerate(matches) if match.one in ours or match.two in theirs]
    told = [i for at in sorted(odd) for i in (at, max(at - 1, 0))]
    return list(dict.fromkeys([*ends, *told, *landmarks, *range(last + 1)]))


def _rows(matches: Sequence[Match], shown: Sequence[int], one: Half, two: Half) -> Rows:
    kept = [matches[i] for i in shown]
    ours = [match.one for match in kept if match.one is not None]
    theirs = [match.two for match in kept if match.two is not None]
    return elide.runs(ours, len(one.connection.segments)), elide.runs(theirs, len(two.connection.segments))


# What lies level


def _level(stories: tuple[Story, Story], matches: Sequence[Match]) -> Iterator[Hold]:
    """What is shown on both sides leaves at the same height."""
    left, right = map(tails, stories)
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
