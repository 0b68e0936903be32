"""Which connection a segment belongs to, where both ends use their addresses again: what the numbers and answers tell.

`judged` are the segments of a connection so far; the segment in question is the next, or was the next of another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tcpviz.exchange.exchange import Side, other
from tcpviz.exchange.matching.observation import Observation
from tcpviz.model.segment import ACK, RST, SYN, Segment
from tcpviz.model.sequence import add, at_or_before, distance

_PROVOKED = 8
"""How many segments back a reset may have its cause."""
_FAR = 2**15
"""What counts anew is farther on: even who reuses TIME-WAIT begins 65,537 octets on, and clocks make ISNs grow."""
_Judged = Sequence[Observation]
Farthest = Mapping[Side, Observation]
"""Where each end's numbers have come to."""


def unanswered(judged: _Judged, began: Mapping[Side, int], *, from_start: bool) -> int | None:
    """Where the next incarnation began, if all that came since is a SYN that nobody answered.

    `began`: from what each end counted first. `from_start`: the first segment is a SYN.
    """
    if not judged or (from_start and len(judged) < 3):
        return None
    index = len(judged)
    last = judged[-1].segment
    while index and judged[index - 1].segment == last:
        index -= 1
    opens = last.flags & (SYN | ACK | RST) == SYN and last.seq != began.get(judged[-1].side)
    return index if opens and index else None


def another_opened(judged: _Judged, began: Mapping[Side, int], side: Side, segment: Segment) -> int | None:
    """Where the next incarnation began, if `side` answers a SYN with another number than the first.

    Where the earlier one had a word to say in between, both are one story.
    """
    if not segment.has_ack:
        return None
    index = len(judged)
    while index and _asks_for(judged[index - 1], side, segment):
        index -= 1
    asked = [seen.index for seen in judged if _asks_for(seen, side, segment)]
    first = began.get(other(side)) == add(segment.ack, -1)
    return index if index and not first and asked[:1] == [index] else None


def opened_wrongly(judged: _Judged, side: Side, segment: Segment) -> int | None:
    """The same, if the SYN or its answer has a fault: neither goes on from what came before."""
    if (
        not judged
        or judged[-1].side == side
        or not (judged[-1].segment.syn or segment.flags & (SYN | ACK) == SYN | ACK)
    ):
        return None
    index = len(judged)
    while index and judged[index - 1].side != side:
        if not _is_strange(judged[: index - 1], other(side), judged[index - 1].segment):
            break
        index -= 1
    asks = 0 < index < len(judged)
    return index if asks and _is_strange(judged[:index], side, segment) else None


def _is_strange(judged: _Judged, side: Side, segment: Segment) -> bool:
    """It begins where that end had not sent anything yet, nor would go on."""
    sent = [seen.segment for seen in judged if seen.side == side]
    return not any(at_or_before(old.seq, segment.seq) and at_or_before(segment.seq, add(old.end, 1)) for old in sent)


def _asks_for(seen: Observation, side: Side, answer: Segment) -> bool:
    """It is a SYN, and `side` has answered it."""
    asked = seen.segment
    return seen.side != side and asked.syn and not asked.has_ack and add(asked.seq, 1) == answer.ack


def has_asked(judged: _Judged, side: Side, syn: Segment, *, followed: bool) -> bool:
    """The SYN is known already: it comes again, or late. After a reset only its clock can tell that it does.

    Unless that end is not `followed`: nobody knows that it has let go of the connection.
    """
    resets = [seen.index for seen in judged if seen.segment.rst]
    known = [seen for seen in judged if seen.side == side and seen.segment.syn and seen.segment.seq == syn.seq]
    if not resets or syn.options.timestamps or not followed:
        return bool(known)
    return any(seen.index > resets[-1] for seen in known)


def is_stray(judged: _Judged, side: Side, segment: Segment) -> bool:
    """A reset that answers nothing of this connection, while it opens."""
    if not segment.rst or has_provoked(judged, side, segment):
        return False
    return all(seen.segment.flags & (SYN | RST) for seen in judged)


def has_provoked(judged: _Judged, side: Side, segment: Segment) -> bool:
    """The reset answers what was captured here, as who knows of no connection does (3.10.7.1), or is a copy."""
    heard = [seen.segment for seen in judged[-_PROVOKED:] if seen.side != side]
    if segment.has_ack:
        return any(not other.has_ack and other.end == segment.ack for other in heard)
    return any(other.has_ack and other.ack == segment.seq for other in heard)


def still_asks(judged: _Judged) -> bool:
    """Nothing but SYNs of one number was captured."""
    return all(seen.segment == judged[0].segment and seen.segment.syn for seen in judged)


def refuses(judged: _Judged, side: Side, segment: Segment) -> bool:
    """It resets what answered the SYN, as who has sent another SYN does (Figure 8)."""
    last = judged[-1]
    answered = last.segment.syn and last.segment.has_ack and last.side != side
    return answered and segment.rst and segment.seq == last.segment.ack


def begins_anew(farthest: Farthest, side: Side, segment: Segment) -> bool:
    """What it counts and what it acknowledges is far beyond all that came before: its SYN was not captured.

    A SYN,ACK says so only once it is answered: alone it may be forged.
    """
    if segment.flags & (SYN | RST | ACK) != ACK:
        return False
    return _is_far(farthest, side, segment.seq) and _is_far(farthest, other(side), segment.ack)


def goes_on_from(
    judged: _Judged, began: Mapping[Side, int], farthest: Farthest, side: Side, segment: Segment
) -> int | None:
    """The SYN, captured as part of the connection before, that this goes on from: what answered it was not captured."""
    if segment.flags & (SYN | RST | ACK) != ACK:
        return None
    for asking, number, answer in ((side, segment.seq, segment.ack), (other(side), segment.ack, segment.seq)):
        if not _is_far(farthest, other(asking), answer):
            continue
        opened = [j.index for j in judged if j.side == asking and _opens(j.segment, began.get(asking), number)]
        # with no word of the earlier one in between
        if opened and 0 < opened[0] == len(judged) - len(opened):
            return opened[0]
    return None


def _opens(segment: Segment, known: int | None, number: int) -> bool:
    """It is a SYN that has not opened the connection, and what has this number may follow it."""
    plain = segment.flags & (SYN | ACK | RST) == SYN and segment.seq != known
    return plain and 0 < distance(segment.seq, number) < _FAR


def _is_far(farthest: Farthest, side: Side, number: int) -> bool:
    return side in farthest and distance(farthest[side].segment.end, number) > _FAR
