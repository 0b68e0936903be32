"""Text that comes again though no timer has run out and nobody asked for it, and cut otherwise: a doubt.

So is a keep-alive at once upon what compels an answer. Likelier is a wrong number, in it or in what it overlaps. Which
it was, accounts decide.
"""

from __future__ import annotations

from collections.abc import Sequence

from tcpviz.exchange.matching.guess import VIOLATION
from tcpviz.exchange.matching.observation import Observation
from tcpviz.model.segment import FIN, RST, SYN
from tcpviz.model.sequence import before, distance

_HASTY = 90
"""The cost of such text: more than that of a fault which what follows shows, less than that of any other."""
_NEVER = VIOLATION + 10
"""The cost of such a keep-alive: no stack sends it."""
_SOONEST = 20_000_000
"""Nanoseconds before which nothing is sent again for want of an answer."""
_TICKS = 20
"""So many ticks of the usual clocks take at least as long."""
_SILENCE = 400_000_000
"""Nanoseconds of silence that every keep-alive waits for: stacks count it in seconds, a few in halves (MUST-27)."""
_SILENT_TICKS = 100
_RECENT = 64
"""So many segments back what is overlapped is looked for."""
_SHORT = 536
"""With fewer octets a segment has all that there was to send, and PSH (RFC 9293 3.9.1.2, MUST-61)."""


def haste(judged: Sequence[Observation], farthest: Observation, seen: Observation, bounced: int | None = None) -> int:
    """What it costs that the segment comes so soon.

    `farthest`: where its sender had come to by then. `bounced`: when its sender was told of a loss by ICMP.
    """
    segment = seen.segment
    if not segment.flags & (SYN | FIN | RST) and not segment.length:
        return _NEVER * _asks_hastily(judged, farthest, seen)
    if bounced is not None and 0 <= seen.time - bounced < _SOONEST:
        return 0  # what is too big for a network is sent again at once, in smaller pieces (RFC 1191 section 6.4)
    return _HASTY * _is_hasty(judged, farthest, seen)


def _is_hasty(judged: Sequence[Observation], farthest: Observation, seen: Observation) -> bool:
    segment = seen.segment
    if not segment.length or not before(segment.seq, farthest.segment.end) or segment.flags & (RST | SYN):
        return False
    overlapped = None
    for other in reversed(judged[max(0, seen.index - _RECENT) : seen.index]):
        soon = 0 <= seen.time - other.time < _SOONEST and not _was_long_before(other, seen)
        ours = other.side == seen.side and not other.is_twin
        if ours and ((soon and _overlap(other, seen)) or _was_unfinished(judged, other, seen)):
            overlapped = other
    return overlapped is not None and not seen.is_stale and not _is_asked_for(judged[overlapped.index :], seen)


def _was_unfinished(judged: Sequence[Observation], other: Observation, seen: Observation) -> bool:
    """Without PSH, where there was no more to be sent: whoever goes on from its number with PSH has not sent it."""
    first, again = other.segment, seen.segment
    if first.push or not again.push or not 0 < first.length < _SHORT or first.seq != again.seq:
        return False
    offers = (o.segment.window for o in reversed(judged[: other.index]) if o.side != other.side and o.segment.has_ack)
    # an octet may ask whether the window is still closed
    return not first.flags & (RST | SYN | FIN) and next(offers, 1) > 0


def _asks_hastily(judged: Sequence[Observation], farthest: Observation, seen: Observation) -> bool:
    """A keep-alive if anything, where an answer was due, and nobody had been silent: with another number it is that."""
    segment, last = seen.segment, judged[seen.index - 1]
    if not segment.has_ack or distance(segment.seq, farthest.segment.end) != 1 or seen.is_stale:
        return False
    if last.side == seen.side or not 0 <= seen.time - last.time < _SOONEST or not _is_answered(last, farthest, seen):
        return False
    recent = judged[max(0, seen.index - _RECENT) : seen.index]
    theirs = [other.segment for other in recent if other.side != seen.side and not other.segment.rst]
    if not theirs or not theirs[-1].window:
        return False  # it may ask for a window
    own = (other.segment for other in recent if other.side == seen.side)
    if any(segment.seq in (told.seq, told.end) and not told.syn for told in own):
        return False  # it may be as old as that
    return any(_broke_silence(other, seen) for other in recent)


def _is_answered(last: Observation, farthest: Observation, seen: Observation) -> bool:
    """It lies beyond a gap, or comes again, or is challenged."""
    told = last.segment
    astray = told.has_ack and before(farthest.segment.end, told.ack)
    return bool(told.flags & (SYN | RST)) or told.seq != seen.segment.ack or astray


def _broke_silence(other: Observation, seen: Observation) -> bool:
    told = other.segment
    if not told.span or told.rst or not 0 <= seen.time - other.time < _SILENCE:
        return False
    if other.side == seen.side:
        return not _was_long_before(other, seen, _SILENT_TICKS)
    return not before(seen.segment.ack, told.end)


def _was_long_before(other: Observation, seen: Observation, ticks: int = _TICKS) -> bool:
    """By their sender's clock: the network has kept it for so long."""
    then, now = other.segment.options.timestamps, seen.segment.options.timestamps
    return then is not None and now is not None and distance(then[0], now[0]) >= ticks


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
