"""Which of the captured segments an end had processed when it sent: its acknowledgement and its SACK blocks tell.

Capture order does not: segments are lost and overtaken behind the place of capture, and an end may lag behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from tcpviz.exchange.matching.guess import TINY
from tcpviz.exchange.matching.past import (
    ETHERNET,
    LATE,
    End,
    deliver,
    divided,
    next_in_order,
    packet,
    packets,
    timeless,
)
from tcpviz.model import events
from tcpviz.model.commands import Emit
from tcpviz.model.control import ControlBlock, Ranges
from tcpviz.model.deviations import Deviation
from tcpviz.model.endpoint import step
from tcpviz.model.segment import ACK, Segment
from tcpviz.model.sequence import add, at_or_before, before, distance
from tcpviz.model.transitions import SYNCHRONIZED, UNCONNECTED, State
from tcpviz.value import replace

_MOST_DISORDER = 8
"""How many segments may overtake one."""
_UNSYNCHRONIZED = (*UNCONNECTED, State.SYN_SENT)
"""Where RCV.NXT is not known: only a reset acknowledges anything."""


def fits(run: End, observed: Segment) -> bool:
    """RCV.NXT is what the segment acknowledges: it tells what its sender had processed."""
    if not observed.has_ack:
        return True
    if run.state in _UNSYNCHRONIZED:
        return observed.rst
    tcb = run.endpoint.tcb
    return tcb.rcv_nxt == observed.ack and not _lacks_sack(tcb, observed) and not _exceeds_sack(run, observed)


def _lacks_sack(tcb: ControlBlock, observed: Segment) -> bool:
    """A SACK option says that more has arrived."""
    if not tcb.sack_on or observed.span or observed.rst or not observed.options.sack:
        return False
    return not all(_covered(block, tcb.isolated) for block in _blocks(observed))


def _exceeds_sack(run: End, observed: Segment) -> bool:
    """More has arrived than the segment tells, though its sender has forgotten nothing of it."""
    tcb = run.endpoint.tcb
    if not (tcb.held or tcb.fin_at is not None) or not tcb.sack_on or observed.span or observed.rst:
        return False
    blocks = _blocks(observed)
    return not run.forgetful and not all(_covered(text, blocks) for text in tcb.isolated)


def _blocks(observed: Segment) -> Ranges:
    """Without what was there already (RFC 2883)."""
    return tuple(block for block in observed.options.sack if before(observed.ack, block[1]))


def _covered(inner: tuple[int, int], ranges: Iterable[tuple[int, int]]) -> bool:
    return any(at_or_before(low, inner[0]) and at_or_before(inner[1], high) for low, high in ranges)


def _beyond(run: End, observed: Segment) -> bool:
    """It has taken more than the segment tells of, and will not unlearn it."""
    tells = observed.has_ack and not (observed.rst and Deviation.RESET_ACKNOWLEDGES in run.endpoint.tcb.deviations)
    if not tells or run.state in _UNSYNCHRONIZED:
        return False
    ahead = distance(observed.ack, run.endpoint.tcb.rcv_nxt)
    return ahead > 0 or (ahead == 0 and _exceeds_sack(run, observed))


def opening_with(end: End, observed: Segment) -> End:
    """An end that is about to open, with the ISS, the options and the window that its SYN shows."""
    if end.state not in UNCONNECTED:
        return end
    options = observed.options
    asked = end.pending[0].segment if end.pending else None
    if asked and asked.length and observed.has_ack and observed.ack == asked.end:
        # the text on the SYN is acknowledged: its Fast Open cookie was good, or none was asked for (RFC 7413 5.1)
        cookie = asked.options.fast_open or b"none"
        options = replace(options, fast_open=cookie)
        granted = replace(asked, options=replace(asked.options, fast_open=cookie))
        end = end._replace(pending=(end.pending[0]._replace(segment=granted), *end.pending[1:]))
    elif asked and asked.length and observed.has_ack and observed.ack == asked.text:
        # nobody has to take the text, whatever the cookie (RFC 7413 4.2.2)
        options = replace(options, fast_open=None)
    choice = events.Choose(iss=observed.seq, options=options, window=observed.window)
    return end._replace(endpoint=step(end.endpoint, choice).endpoint)


def in_order(end: End, observed: Segment) -> tuple[list[End], list[End]]:
    """The past after each further delivery, and those of them that fit what the segment acknowledges."""
    runs = list(one_by_one(end, observed))
    return runs, [run for run in runs if fits(run, observed)]


def one_by_one(end: End, observed: Segment) -> Iterator[End]:
    """The past after each further delivery, as long as it has taken no more than the segment tells of.

    What lies beyond a gap is not taken before something tells that it was: whether it arrived, nobody knows yet.
    """
    run = end
    yield run
    while (position := next_in_order(run)) is not None and not _beyond(run, observed):
        segment = run.pending[position].segment
        silent = leaves_gap(run, segment) and not observed.rst and not _told(segment, observed)
        if silent or _comes_again(run, position):
            return
        run = deliver(run, position)
        if observed.syn:
            run = opening_with(run, observed)
        yield run


def _comes_again(end: End, position: int) -> bool:
    """The peer was told that it is missing, or nobody saw it, and it was sent again: the first has been lost."""
    place, first = end.pending[position]
    if not (end.asked or place < 0) or not first.span or first.seq != end.endpoint.tcb.rcv_nxt:
        return False
    later = (item.segment for item in end.pending[position + 1 :])
    return any(segment.seq == first.seq and segment.span >= first.span for segment in later)


def leaves_gap(end: End, segment: Segment) -> bool:
    """What precedes the segment's text has not been taken."""
    if end.state in _UNSYNCHRONIZED or not segment.span or segment.syn:
        return False
    return before(end.endpoint.tcb.rcv_nxt, segment.seq)


def disordered(end: End, observed: Segment) -> Iterator[End]:
    """The pasts in which segments were lost or overtaken on their way: what is acknowledged tells which."""
    if not observed.has_ack or end.state in _UNSYNCHRONIZED:
        for position in range(len(end.pending))[:_MOST_DISORDER]:
            run = deliver(end, position)
            fitting = in_order(run, observed)[1]
            # what the handshake brings in may be followed by disorder too
            yield from turns(fitting) if fitting or run.state not in SYNCHRONIZED else disordered(run, observed)
        return
    run, reached = _taking(end, observed)
    if run.endpoint.tcb.rcv_nxt != observed.ack:
        # of what came again the first may have come after all, and which clock was first nobody knows
        run, reached = _taking(_without_clocks(end), observed, again=True)
    if run.endpoint.tcb.rcv_nxt != observed.ack:
        return
    if fits(run, observed):
        yield run
    if reached is not run and fits(reached, observed):
        yield reached
    if observed.span:
        # text beyond a gap brings an acknowledgement with it, and that makes room for more text to go out
        beyond = (p for p in reversed(range(len(run.pending))) if leaves_gap(run, run.pending[p].segment))
        yield from (deliver(run, position) for position in islice(beyond, _MOST_DISORDER))
    # what lies beyond a gap, and what was there already, are answered at once
    for past in (run, end):
        asking = (p for p, item in enumerate(past.pending) if _asks(past, item.segment, observed))
        for position in islice(asking, _MOST_DISORDER):
            if fits(asked := deliver(past, position), observed):
                yield asked


def unidentified(end: End) -> End | None:
    """The past that has answered one more of the segments that bring nothing in order, as long as there is one more.

    Which it was only later acknowledgements tell, so nothing is taken.
    """
    left, now = end.asked, end.endpoint.tcb.rcv_nxt
    for position, (_, segment) in enumerate(end.pending):  # noqa: B007
        left -= packets(end, segment) - (segment.seq == now and segment.span > 0)
        if left < 0:
            break
    else:
        return None
    asking = end._replace(asked=0)
    if segment.seq == now:
        # its front has not arrived
        asking, position = divided(asking, position, add(segment.text, packet(end))), position + 1
    reply = deliver(asking, position).owed
    return end._replace(owed=reply[-1:], asked=end.asked + 1, cost=end.cost + LATE * (not end.asked)) if reply else None


def copied(end: End, observed: Segment) -> End | None:
    """The past that has answered text beyond a gap which came again: the second block holds the first (RFC 2883 4.2).

    The network may have copied it behind the place of capture.
    """
    first, *others = observed.options.sack or ((observed.ack, observed.ack),)
    low, high = first
    if not _covered(first, others[:1]):
        return None
    tcb = end.endpoint.tcb
    again = Segment(low, tcb.snd_una, ACK, length=distance(low, high))
    commands = step(end.endpoint, events.SegmentArrives(again)).commands
    reply = tuple(command for command in commands if isinstance(command, Emit))
    return end._replace(owed=reply[-1:], cost=end.cost + LATE) if reply else None


def _asks(end: End, segment: Segment, observed: Segment) -> bool:
    """The segment may be what `observed` answers; where there are SACK blocks, one tells of it (RFC 2018 section 4)."""
    if segment.rst:
        # beyond a gap it is challenged (RFC 5961 section 3.2)
        return not observed.span and before(observed.ack, segment.seq)
    if not end.endpoint.tcb.sack_on or not segment.span or segment.seq == observed.ack:
        return False
    return not observed.options.sack or at_or_before(segment.end, observed.ack) or _told(segment, observed)


def _without_clocks(end: End) -> End:
    return end._replace(pending=tuple(item._replace(segment=timeless(item.segment)) for item in end.pending))


def _taking(end: End, observed: Segment, *, again: bool = False) -> tuple[End, End]:
    """The past that has taken what `observed` tells of and nothing else; and the same, as soon as it fits.

    `again`: also what has come again.
    """
    ack, reached, position = observed.ack, end, 0
    while position < len(end.pending):
        segment = end.pending[position].segment
        beyond = bool(segment.span) and before(ack, segment.end)
        edge = _edge_within(segment, observed) if beyond else None
        if edge is not None and (_is_several(end, segment) or _is_part(segment, edge)):
            end = divided(end, position, edge)
        elif segment.rst or (beyond and not _told(segment, observed)) or (not again and _comes_again(end, position)):
            position += 1
        else:
            behind = len(end.pending) - position - 1
            end = deliver(end, position)
            # of those before it, deliver may have forgotten some
            position = len(end.pending) - behind
            if reached.endpoint.tcb.rcv_nxt != ack:
                reached = end
    return end, reached


def _is_several(end: End, segment: Segment) -> bool:
    """One captured frame may have been several segments on the wire, which arrived one by one (offload)."""
    return segment.length > packet(end)


def _is_part(segment: Segment, edge: int) -> bool:
    """Who passes text on may take a part of much, and acknowledge what the next has taken; not all but a few octets."""
    taken = distance(segment.text, edge)
    return segment.length > ETHERNET and min(taken, segment.length - taken) > TINY


def _edge_within(segment: Segment, observed: Segment) -> int | None:
    """The first number inside the text at which, as `observed` tells, something had arrived or had not."""
    edges = [observed.ack, *(edge for block in observed.options.sack for edge in block)]
    places = [distance(segment.text, edge) for edge in edges]
    inside = [place for place in places if 0 < place < segment.length]
    return add(segment.text, min(inside)) if inside else None


def _told(segment: Segment, observed: Segment) -> bool:
    """A SACK block covers the segment: its text, or where it has none its FIN."""
    end = add(segment.text, segment.length) if segment.length else segment.end
    return _covered((segment.text, end), observed.options.sack)


def turns(runs: list[End]) -> list[End]:
    """Of the pasts after each delivery the last in each state, latest first, and the one that has taken least."""
    last = {run.state: run for run in runs}
    found = [*last.values()][::-1]
    return found if not runs or found[-1] is runs[0] else [*found, runs[0]]
