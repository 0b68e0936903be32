"""Rows -> slides: what does not fit on one goes on on the next, all of them in one text size.

A slide ends where no segment is on its way, if it can.
"""

from __future__ import annotations

from collections.abc import Sequence

from tcpviz.draw import elide
from tcpviz.draw.elide import Run
from tcpviz.draw.fitting import MOST_ROWS, Fit, Room, elided, fit, loosely_fits
from tcpviz.draw.telling import Facts
from tcpviz.value import replace

_FEWEST, _COMMON = 4, 18
"""Segments that a slide holds in any case, and more than it usually does."""


def slides(facts: Facts, room: Room, most: int) -> list[Fit]:
    """At most `most` slides. What does not fit on them is elided, the least important first."""
    count = len(facts.connection.segments)
    for way in facts.ways():
        whole = fit(way, elide.runs(range(count), count), room) if count <= MOST_ROWS else None
        if whole is not None:
            return [whole]
    return [elided(way, room)] if most <= 1 else _paged(way, room, most)


def _paged(facts: Facts, room: Room, most: int) -> list[Fit]:
    count = len(facts.connection.segments)
    wanted = elide.by_importance(facts.connection.segments, most * MOST_ROWS)
    low, high = min(_FEWEST * most, len(wanted)), min(_COMMON * most, len(wanted))
    best: list[list[Run]] = []
    while low <= high:
        middle = (low + high) // 2
        found = _turned(facts, elide.runs(wanted[:middle], count), room, most)
        if found is None:
            high = middle - 1
        else:
            low, best = middle + 1, found
    if len(best) < 2:
        return [elided(facts, room)]
    best = _even(facts, best, room)
    fits = [_fits(facts, page, room) for page in best]
    size = min(found.place.size for found in fits)
    return [_fits(facts, page, replace(room, most=size)) for page in best]


def _fits(facts: Facts, page: Sequence[Run], room: Room) -> Fit:
    found = fit(facts, page, room)
    assert found is not None, "a page was made of what fits"
    return found


def _turned(
    facts: Facts, rows: Sequence[Run], room: Room, most: int, longest: int = MOST_ROWS
) -> list[list[Run]] | None:
    """The rows as pages, each as full as it can be; None when that takes more than `most`."""
    pages: list[list[Run]] = []
    at = 0
    while at < len(rows):
        if len(pages) == most:
            return None
        taken = _taken(facts, rows[at : at + longest], room)
        if not taken:
            return None
        if at + taken < len(rows):
            quiet = [n for n in range(taken, taken // 2, -1) if _quiet(facts, rows, at + n)]
            taken = quiet[0] if quiet else taken
        pages.append(list(rows[at : at + taken]))
        at += taken
    return pages


def _taken(facts: Facts, rows: Sequence[Run], room: Room) -> int:
    low, high = 0, len(rows)
    while low < high:
        middle = (low + high + 1) // 2
        if loosely_fits(facts, rows[:middle], room):
            low = middle
        else:
            high = middle - 1
    return low


def _quiet(facts: Facts, rows: Sequence[Run], at: int) -> bool:
    """Everything sent before the row `at` has arrived when its segment leaves."""
    segments = facts.connection.segments
    leaves = segments[rows[at][0]].sent
    return all((segments[last].arrived or 0) <= leaves for _, last in rows[max(0, at - 8) : at])


def _even(facts: Facts, pages: list[list[Run]], room: Room) -> list[list[Run]]:
    """As many pages, but none nearly empty."""
    rows = [row for page in pages for row in page]
    fewest = -(-len(rows) // len(pages))
    for longest in range(fewest, min(fewest + 3, max(map(len, pages)))):
        found = _turned(facts, rows, room, len(pages), longest)
        if found is not None:
            return found
    return pages
