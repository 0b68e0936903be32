"""A listener that keeps nothing of a SYN (RFC 4987): what it does that no end with a memory would.

Its SYN,ACK carries a cookie. Whatever acknowledges that with the right numbers opens a connection, though the first one
is over; whatever has other numbers is reset, and the listener stays.
"""

from __future__ import annotations

from collections.abc import Iterator

from tcpviz.exchange.matching.deliveries import in_order, turns
from tcpviz.exchange.matching.past import End, Entry, deliver
from tcpviz.model import events
from tcpviz.model.commands import Emit
from tcpviz.model.endpoint import Endpoint, step
from tcpviz.model.segment import ACK, LARGEST_SCALE, RST, SYN, Segment
from tcpviz.model.sequence import add, distance
from tcpviz.model.transitions import UNCONNECTED, State
from tcpviz.value import replace

_AGAIN, _WRONG = 20, 5
"""The cost of a second connection from one cookie; of a cookie that does not fit."""


def cookies(start: End, observed: Segment) -> Iterator[End]:
    """The pasts in which the SYN,ACK that was sent carried a cookie."""
    if observed.flags & SYN:
        return
    if start.state in UNCONNECTED and start.past and not observed.flags & RST:
        yield from _opened_again(start, observed)
    elif start.state is State.SYN_RECEIVED and start.endpoint.tcb.passive and observed.flags & RST:
        yield from _refused(start)


def _opened_again(start: End, observed: Segment) -> Iterator[End]:
    sent = [entry.emit.segment for entry in start.recent() if entry.sent and entry.emit]
    # accept() had given the first away; a bare reset may be anybody's
    if not sent or sent[0].flags & (RST | ACK) != RST | ACK:
        return
    cookie = next((segment for segment in sent if segment.syn), None)
    if cookie is None or not cookie.has_ack or any(segment.syn and not segment.has_ack for segment in sent):
        return
    for position, (_, segment) in enumerate(start.pending):
        # the numbers are known by their difference alone
        fits = distance(cookie.ack, segment.seq) == distance(add(cookie.seq, 1), segment.ack)
        if fits and segment.flags & (SYN | ACK | RST) == ACK:
            tcb = replace(start.endpoint.tcb.forgotten(passive=True), iss=add(segment.ack, -1), syn_cookies=True)
            scaled = replace(tcb, snd_scale=LARGEST_SCALE, rcv_scale=tcb.options.shift)
            listener = start._replace(endpoint=Endpoint(State.LISTEN, scaled), cost=start.cost + _AGAIN)
            yield from turns(in_order(deliver(listener, position), observed)[1])
            return


def _refused(start: End) -> Iterator[End]:
    tcb = start.endpoint.tcb
    listener = Endpoint(State.LISTEN, replace(tcb.forgotten(passive=True), syn_cookies=True))
    for position, (place, segment) in enumerate(start.pending):
        if place >= 0 and segment.seq == tcb.rcv_nxt:
            return  # the third ACK, or text in its stead, came first
        if segment.flags & (SYN | ACK | RST) == ACK and segment.seq != tcb.rcv_nxt:
            # the model knows a cookie by the number that is acknowledged, and this one acknowledges it
            wrong = replace(segment, ack=add(segment.ack, 1))
            commands = step(listener, events.SegmentArrives(wrong)).commands
            resets = tuple(
                replace(c, segment=replace(c.segment, seq=segment.ack)) for c in commands if isinstance(c, Emit)
            )
            entry = Entry(place, False, start.state, start.state)
            pending = (*start.pending[:position], *start.pending[position + 1 :])
            yield start.noted(entry, start.endpoint)._replace(
                pending=pending,
                late=min(start.late, position),
                owed=(*start.owed, *resets),
                cost=start.cost + _WRONG,
            )
