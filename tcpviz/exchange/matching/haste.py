"""Text that comes again sooner than any timer runs out, though nobody asked for it, and cut otherwise: a doubt.

Likelier than that is a wrong number, in it or in what it overlaps. Which it was, accounts decide.
"""

from __future__ import annotations

from collections.abc import Sequence

from tcpviz.exchange.matching.observation import Observation
from tcpviz.model.segment import RST, SYN
from tcpviz.model.sequence import before, distance

HASTY = 90
"""The cost of such text: more than that of a fault which what follows shows, less than that of any other."""
_SOONEST = 20_000_000
"""Nanoseconds before which nothing is sent again for want of an answer."""
_TICKS = 20
"""So many ticks of the usual clocks take at least as long."""
_RECENT = 64
"""So many segments back what is overlapped is looked for."""


def is_hasty(
    judged: Sequence[Observation], farthest: Observation, seen: Observation, bounced: int | None = None
) -> bool:
    """`farthest`: where its sender had come to by then. `bounced`: when its sender was told of a loss by ICMP."""
    segment = seen.segment
    if bounced is not None and 0 <= seen.time - bounced < _SOONEST:
        return False  # what is too big for a network is sent again at once, in smaller pieces (RFC 1191 section 6.4)
    if not segment.length or not before(segment.seq, farthest.segment.end) or segment.flags & (RST | SYN):
        return False
    overlapped = None
    for other in reversed(judged[max(0, seen.index - _RECENT) : seen.index]):
        if not 0 <= seen.time - other.time < _SOONEST:
            break
        ours = other.side == seen.side and not other.is_twin
        if ours and _overlap(other, seen) and not _was_long_before(other, seen):
            overlapped = other
    return overlapped is not None and not seen.is_stale and not _is_asked_for(judged[overlapped.index :], seen)


def _was_long_before(other: Observation, seen: Observation) -> bool:
    """By their sender's clock: the network has kept it for so long."""
    then, now = other.segment.options.timestamps, seen.segment.options.timestamps
    return then is not None and now is not None and distance(then[0], now[0]) >= _TICKS


def _overlap(other: Observation, seen: Observation) -> bool:
    """One begins or ends in the midst of the other. What was pushed may have been sent again, with more behind it."""
    first, again = other.segment, seen.segment
    if first.flags & (RST | SYN):
        return False
    if before(again.seq, first.seq):
        return before(first.seq, again.end)
    inside = before(again.seq, first.end) and before(first.end, again.end)
    return inside and (again.seq != first.seq or not first.push)


def _is_asked_for(judged: Sequence[Observation], seen: Observation) -> bool:
    """Its receiver has told since what it lacks."""
    theirs = [other.segment for other in judged[: seen.index] if other.side != seen.side]
    return any(o.options.sack or (not o.span and o.ack == seen.segment.seq) for o in theirs)
