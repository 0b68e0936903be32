"""What the rest of a capture tells that a segment should have been.

Both ends go on as if it had been that; whether this explains more than the segment as captured, accounts decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce

from tcpviz.exchange.matching.observation import Observation
from tcpviz.model.segment import FIN, LARGEST_SCALE, RST, SYN, Segment
from tcpviz.model.sequence import add, before, distance, later
from tcpviz.value import replace

_LONGEST = 2**16
_STAMPS = 12
"""The octets of options that a segment with timestamps has."""


def meant(judged: Sequence[Observation], index: int) -> tuple[Segment, ...]:
    """The same segment with one field as what follows shows it."""
    seen = judged[index]
    if seen.frame.offset is not None and seen.frame.held is not None:
        found = []
    elif seen.frame.offset is not None:
        found = [replace(seen.segment, length=length) for length in _texts(judged, seen)]
    elif seen.segment.rst:
        found = [replace(seen.segment, length=0)] if _was_last(judged, seen) else []
        if is_foreign(judged, index):
            found.append(replace(seen.segment, flags=seen.segment.flags & ~RST))
    else:
        found = [*_counted(judged, seen), *_ended(judged, seen), *_offered(judged, seen), *_uncounted(judged, seen)]
    if seen.frame.held is not None and seen.frame.held >= 0:
        found.append(replace(seen.segment, length=seen.frame.held))
    return tuple(
        dict.fromkeys(segment for segment in found if segment != seen.segment or seen.frame.offset is not None)
    )


def is_foreign(judged: Sequence[Observation], index: int) -> bool:
    """Both ends go on as if the segment had not been: somebody else has sent it."""
    seen, segment = judged[index], judged[index].segment
    if segment.syn or not (segment.span or segment.rst):
        return False
    own, _ = _later(judged, seen)
    going_on = [other for other in own if not other.rst and (other.span or other.has_ack)]
    if not going_on or going_on[0].seq != segment.seq:
        return False
    if segment.rst:
        # it has heard since of what came since
        heard = [o.segment.ack for o in judged[: index + 1] if o.side == seen.side and o.segment.has_ack]
        return bool(heard) and any(before(reduce(later, heard), new.ack) for new in going_on if new.has_ack)
    if segment.span == 1 and len(going_on) == 1:
        return False  # the wrong number may be that one's
    again = going_on[0].length >= segment.length if segment.length else going_on[0].fin
    return not again and not _is_acknowledged(judged[index + 1 :], seen)


def outlives(judged: Sequence[Observation], reset: int, seen: Observation) -> bool:
    """It acknowledges what its peer has said since it reset the connection: nobody does who was reset, or has."""
    if not seen.segment.has_ack:
        return False
    since = (o.segment for o in judged[reset + 1 : seen.index] if o.side == seen.peer)
    said = next((segment for segment in since if segment.span and not segment.rst), None)
    return said is not None and not before(seen.segment.ack, said.end)


def _is_acknowledged(rest: Sequence[Observation], seen: Observation) -> bool:
    """By the peer, before anything else of its sender goes as far."""
    for other in rest:
        if not before(other.segment.end if other.side == seen.side else other.segment.ack, seen.segment.end):
            return other.side != seen.side and other.segment.has_ack
    return False


def _later(judged: Sequence[Observation], seen: Observation) -> tuple[list[Segment], list[Segment]]:
    """What the segment's sender and its peer have sent since."""
    rest = [other for other in judged[seen.index + 1 :] if not other.is_twin]
    own = [other.segment for other in rest if other.side == seen.side]
    return own, [other.segment for other in rest if other.side != seen.side]


def _texts(judged: Sequence[Observation], seen: Observation) -> list[int]:
    """How much text there is behind a header that ends nowhere, if as many options precede it as elsewhere."""
    if seen.segment.syn or seen.segment.rst:
        return [0]
    stamped = any(other.segment.options.timestamps for other in judged if other.side == seen.side)
    return [length for length in (seen.segment.length - (_STAMPS if stamped else 0),) if length >= 0]


def _was_last(judged: Sequence[Observation], seen: Observation) -> bool:
    own, _ = _later(judged, seen)
    return all(segment.rst for segment in own)


def _counted(judged: Sequence[Observation], seen: Observation) -> Iterator[Segment]:
    """Any ISS will do, but it is the one from which both go on to count."""
    if not seen.segment.syn:
        return
    own, theirs = _later(judged, seen)
    goes_on = next((segment.seq for segment in own if not segment.syn and segment.has_ack), None)
    acked = next((segment.ack for segment in theirs if segment.has_ack and not segment.rst), None)
    if goes_on is None or goes_on != acked or _goes_again(seen.segment, own):
        return
    known = [o for o in judged[: seen.index] if o.side != seen.side and o.segment.has_ack and o.segment.ack == acked]
    if goes_on == seen.segment.seq and known:
        # its SYN came before, and was acknowledged
        yield replace(seen.segment, flags=seen.segment.flags & ~SYN)
        return
    yield replace(seen.segment, seq=add(goes_on, -1))


def _goes_again(segment: Segment, own: list[Segment]) -> bool:
    """Of its text its sender sends the rest again: it ended there."""
    return segment.length > 0 and any(other.length and other.end == segment.end for other in own[:1])


def _ended(judged: Sequence[Observation], seen: Observation) -> Iterator[Segment]:
    """It ends where its sender goes on, if the peer acknowledges that, and the sender goes on from there."""
    segment = seen.segment
    own, theirs = _later(judged, seen)
    following = [other for other in own if other.span or other.has_ack]
    acked = {edge for other in theirs if other.has_ack for edge in (other.ack, *_told(other))}
    if not following or _goes_again(segment, following):
        return
    next_, *others = following
    # where it goes on once more, what lies behind tells as much
    if next_.seq not in acked and (not others or all(before(edge, next_.seq) for edge in acked)):
        return
    # what is sent again in between tells nothing of how it goes on
    onward = next((other.seq for other in others if not before(other.seq, next_.end)), None)
    if not (next_.end == onward if others else not next_.span or next_.end in acked):
        return  # the wrong number may be that one
    more = distance(segment.end, next_.seq)
    if more > 0 and not segment.length and any(other.span and other.seq == segment.end for other in others):
        return  # its sender goes on where it ended
    before_it = next((o.segment for o in reversed(judged[: seen.index]) if o.side == seen.side), None)
    # or the same text goes again from there
    again = segment.length > 0 and (next_.seq, next_.length) == (before_it and before_it.end, segment.length)
    if before_it and (again or add(segment.seq, more) == before_it.end):
        yield replace(segment, seq=before_it.end)
        return
    length = segment.length + more
    # no text follows a FIN
    without = more == (-1 if segment.fin else 1) and not segment.syn and not (more > 0 and next_.length)
    # there is one FIN
    if without and (length < 0 or any(other.fin for other in own) == segment.fin):
        if not (segment.fin and _is_acknowledged(judged[seen.index + 1 :], seen)):
            yield replace(segment, flags=segment.flags ^ FIN)
    elif 0 <= length < _LONGEST and (segment.span or segment.push):
        # the peer would have had no cause to acknowledge less of it, or more before there was more
        less = any(other.ack == segment.end for other in theirs if other.has_ack)
        if not segment.length or not (less if more > 0 else _heard_beyond(judged, seen, next_)):
            yield replace(segment, length=length)


def _heard_beyond(judged: Sequence[Observation], seen: Observation, following: Segment) -> bool:
    """The peer acknowledges more than where its sender goes on, and that has not gone on yet."""
    for other in judged[seen.index + 1 :]:
        if other.segment is following:
            return False
        if other.side != seen.side and other.segment.has_ack and before(following.seq, other.segment.ack):
            return True
    return False


def _told(answer: Segment) -> Iterator[int]:
    """Where text ends that has arrived behind a gap."""
    return (high for _, high in answer.options.sack)


def _uncounted(judged: Sequence[Observation], seen: Observation) -> Iterator[Segment]:
    """It ends where its sender goes on, or, if that was its last, with what the peer acknowledges.

    Where text ends that waits for no more, PSH is set (RFC 9293 3.9.1.2, MUST-61): what has it was sent so, and an
    acknowledgement in the midst of it is wrong itself. A SYN with text has a cookie (RFC 7413), and seldom PSH.
    """
    segment = seen.segment
    if not segment.length or segment.options.fast_open is not None:
        return
    own, theirs = _later(judged, seen)
    following = [o for o in own if (o.span or o.has_ack) and not (o.rst and o.seq != segment.text)]
    if segment.syn:
        following = [o for o in following if not o.syn]
    acks = [other.ack for other in theirs if other.has_ack]
    if segment.end in acks and not (following and following[0].end == segment.end):
        return
    if following:
        ends, fin = following[0].seq, 0
        again = ends == segment.text and segment.push
        if following[0].length == segment.length and segment.push >= following[0].push:
            return  # it was sent again, or was as full as the next
        if segment.push and not following[0].length and ends not in acks:
            return  # of what one bare ACK alone tells, that is wrong
        if again and following[0].length:
            ends = following[0].end
    else:
        ends, fin = reduce(later, acks, segment.seq), int(segment.fin)
        if segment.push:
            return
    length = distance(segment.text, ends) - fin
    if not 0 <= length < segment.length:
        return
    yield replace(segment, length=length)
    if segment.syn and segment.options.window_scale is None and _is_small(judged, seen):
        # what looks like text was the rest of its options
        yield replace(segment, length=length, options=replace(segment.options, window_scale=LARGEST_SCALE))


def _offered(judged: Sequence[Observation], seen: Observation) -> Iterator[Segment]:
    """It offered room for all that the peer sent before the next offer, if that was acknowledged."""
    segment = seen.segment
    needed = _taken(judged, seen)
    scales = [other.segment.options.window_scale for other in judged[: seen.index + 1] if other.segment.syn]
    mine = [o.segment.options.shift for o in judged[: seen.index + 1] if o.segment.syn and o.side == seen.side]
    scale = 0 if segment.syn or None in scales or not mine else mine[0]
    if segment.has_ack and needed > segment.window << scale and -(-needed >> scale) < _LONGEST:
        yield replace(segment, window=-(-needed >> scale))
    if segment.syn and segment.options.shift < LARGEST_SCALE and _is_small(judged, seen):
        yield replace(segment, options=replace(segment.options, window_scale=LARGEST_SCALE))


def _taken(judged: Sequence[Observation], seen: Observation) -> int:
    """So many octets beyond what it acknowledges were sent to its sender before that spoke again, and arrived."""
    own, _ = _later(judged, seen)
    acked = [segment.ack for segment in own if segment.has_ack and not segment.rst]
    furthest = 0
    for other in judged[seen.index + 1 :]:
        if other.side == seen.side:
            break
        end = add(other.segment.text, other.segment.length)
        if other.segment.length and any(not before(ack, end) for ack in acked) and not _refused(judged, other):
            furthest = max(furthest, distance(seen.segment.ack, end))
    return furthest


def _refused(judged: Sequence[Observation], text: Observation) -> bool:
    """The next word of who got it is the last one again: it acknowledges nothing of the text."""
    earlier = (o.segment for o in reversed(judged[: text.index]) if o.side != text.side)
    last, answer = next(earlier, None), next((o.segment for o in judged[text.index + 1 :] if o.side != text.side), None)
    if last is None or answer is None or answer.span or answer.rst:
        return False
    return (answer.seq, answer.ack, answer.window) == (last.end, last.ack, last.window)


def _is_small(judged: Sequence[Observation], syn: Observation) -> bool:
    """What was taken later is more than the windows that were offered, as they stand, and none of it was refused."""
    if any(o.side != syn.side and o.segment.length and _refused(judged, o) for o in judged[syn.index + 1 :]):
        return False
    return any(
        _taken(judged, other) > other.segment.window > 0
        for other in judged[syn.index + 1 :]
        if other.segment.has_ack and not other.segment.rst and not other.segment.syn
    )
