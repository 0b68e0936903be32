"""Where an end took more than it had offered or less, does what RFC 9293 does not, or leaves out what it may.

Each is a control block that differs in one thing, tried where nothing else explains a segment; `step` does the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from tcpviz.exchange.matching.deliveries import disordered, in_order, turns
from tcpviz.exchange.matching.guess import TINY
from tcpviz.exchange.matching.past import End
from tcpviz.model.control import ControlBlock, Ranges
from tcpviz.model.deviations import Deviation
from tcpviz.model.segment import RST, SYN, Segment
from tcpviz.model.sequence import add, at_or_before, before, distance
from tcpviz.model.transitions import UNCONNECTED, State, Stimulus
from tcpviz.value import replace

SILENT_CALL = 2
"""The cost of a call, a timeout or a liberty that shows in nothing but what follows."""
_NOT_TAKEN, _RECENT = 30, 64
"""The cost of text that was captured and not taken by the device; how far back it is looked for."""
_ROOM = 2**20
"""Octets that a receiver may have room for without having said so: a window of 65535 may mean more (3.8.6)."""


def otherwise(start: End, observed: Segment) -> Iterator[End]:
    """The pasts of an end that took one of these liberties, after each delivery that fits the segment."""
    for tcb in _liberties(start, observed):
        other = start._replace(endpoint=replace(start.endpoint, tcb=tcb))
        _, fitting = in_order(other, observed)
        if Deviation.PART_ANSWERED in tcb.deviations:
            # each such ACK is answered once
            fitting = [run for run in fitting if before(tcb.snd_una, run.endpoint.tcb.snd_una)]
        fitting = turns(fitting)
        beyond = Deviation.EDGE_TAKEN in tcb.deviations
        if beyond or (not fitting and tcb.rcv_wnd > start.endpoint.tcb.rcv_wnd):
            # what it had no room for at first has come again since, and what fills the window leaves a gap
            fitting += disordered(other, observed)
        yield from (run._replace(cost=run.cost + SILENT_CALL) for run in fitting)
    if (number := _not_taken(start, observed)) is not None:
        tcb = start.endpoint.tcb
        kept = replace(tcb, snd_nxt=number, queued=tcb.queued + distance(number, tcb.snd_nxt))
        other = start._replace(endpoint=replace(start.endpoint, tcb=kept), cost=start.cost + _NOT_TAKEN)
        yield from turns(in_order(other, observed)[1])


def _not_taken(start: End, observed: Segment) -> int | None:
    """Where its text begins that the device did not take, though it was captured there: it is not counted as sent.

    So it is sent again and again, and a bare ACK in between has its number (Linux tcp_write_xmit()).
    """
    tcb = start.endpoint.tcb
    ahead = distance(observed.seq, tcb.snd_nxt)
    if observed.span or observed.flags & RST or tcb.fin_sent is not None or not 0 < ahead <= _ROOM:
        return None
    again = False
    for entry in islice(start.recent(), _RECENT):
        if not entry.sent or entry.emit is None or not entry.emit.segment.length:
            continue
        if entry.emit.kind != "retransmission":
            return observed.seq if again and entry.emit.segment.seq == observed.seq else None
        again = True
    return None


def _liberties(start: End, observed: Segment) -> list[ControlBlock]:
    tcb = start.endpoint.tcb
    others = [replace(tcb, deviations=tcb.deviations | {habit}) for habit in _without_connection(start, observed)]
    if start.state in UNCONNECTED:
        return others
    asked = any(item.segment.syn for item in start.pending)
    if any(item.segment.rst for item in start.pending):
        others.append(replace(tcb, deviations=tcb.deviations - {Deviation.RESET_AT_FIN}))
    if observed.rst and start.state is State.SYN_RECEIVED:
        others.append(replace(tcb, deviations=tcb.deviations | {Deviation.ACK_FIRST}))
    if any(item.segment.has_ack and before(item.segment.ack, add(tcb.iss, 1)) for item in start.pending):
        others.append(replace(tcb, deviations=tcb.deviations | {Deviation.GHOST_ACK}))
    if start.state is State.SYN_SENT and any(item.segment.syn and item.segment.fin for item in start.pending):
        others.append(replace(tcb, deviations=tcb.deviations | {Deviation.SYN_WITHOUT_FIN}))
    reach = max((distance(tcb.rcv_nxt, item.segment.end) for item in start.pending), default=0)
    if tcb.rcv_wnd < reach <= _ROOM:
        others.append(replace(tcb, rcv_wnd=reach + 1))
    if observed.rst and asked:
        bare = replace(tcb, deviations=tcb.deviations - {Deviation.RESET_WITH_ACK})
        others += [replace(e, deviations=e.deviations | {Deviation.SYN_IN_WINDOW}) for e in (tcb, bare, *others)]
    if start.state is State.SYN_RECEIVED and tcb.fin_at is not None:
        # the FIN was on the SYN
        others.append(replace(tcb, fin_at=None, deviations=tcb.deviations | {Deviation.SYN_WITHOUT_FIN}))
    if start.state is State.TIME_WAIT and tcb.passive and asked:
        # MAY-2 is no duty: a SYN may be challenged as where the connection was opened actively
        others.append(replace(tcb, passive=False))
    if not observed.span and _recovers(start):
        others.append(replace(tcb, deviations=tcb.deviations | {Deviation.PART_ANSWERED}))
    edge = add(tcb.rcv_nxt, tcb.rcv_wnd)
    if any(item.segment.seq == edge and not item.segment.span for item in start.pending):
        others.append(replace(tcb, deviations=tcb.deviations | {Deviation.EDGE_TAKEN}))
    if tcb.held and not observed.span and before(tcb.rcv_nxt, observed.ack):
        # short of memory it may give up what came beyond a gap, though it told of that (RFC 2018 section 8)
        others.append(replace(tcb, held=_kept(tcb.held, observed.ack), recent=()))
    if tcb.window < tcb.rcv_wnd:
        # it has no room any more for all that it had offered
        others.append(replace(tcb, rcv_wnd=tcb.window))
    told = observed.window << tcb.rcv_scale
    if observed.has_ack and not observed.flags & (SYN | RST) and told < min(tcb.rcv_wnd, reach):
        # a window taken back (SHLD-14) takes no text that was sent for it; that it was is a warning
        others.append(replace(tcb, rcv_wnd=told, window=told))
    return others


def _recovers(end: End) -> bool:
    """It has sent text again of late, and an ACK on its way leaves a part of what was there by then unacknowledged."""
    tcb = end.endpoint.tcb
    acks = [item.segment.ack for item in end.pending if item.segment.has_ack and before(tcb.snd_una, item.segment.ack)]
    if not any(before(ack, tcb.snd_nxt) for ack in acks):
        return False
    again = False
    for entry in islice(end.recent(), _RECENT):
        if not entry.sent or entry.emit is None or not entry.emit.segment.length:
            continue
        if again and entry.emit.kind != "retransmission":
            return any(before(ack, entry.emit.segment.end) for ack in acks)
        again = entry.emit.kind == "retransmission"
    return again


def _kept(held: Ranges, number: int) -> Ranges:
    """What lies before that number; of a piece that it is in, its front, where it is not in but by a few octets."""
    kept = []
    for low, high in held:
        if at_or_before(high, number):
            kept.append((low, high))
        elif min(distance(low, number), distance(number, high)) > TINY:
            kept.append((low, number))
    return tuple(kept)


def _without_connection(start: End, observed: Segment) -> Iterator[Deviation]:
    """How a stack may reset what belongs to no connection."""
    if observed.rst and any(item.segment.rst for item in start.pending):
        yield Deviation.RESET_ANSWERED
    if observed.rst and observed.has_ack and not _is_gone(start):
        yield Deviation.RESET_ACKNOWLEDGES


def _is_gone(end: End) -> bool:
    """That it has forgotten its connection is assumed for this reset alone: a wrong flag is likelier than both."""
    newest = end.newest()
    if newest is None or newest.after is not State.CLOSED or newest.before is State.CLOSED:
        return False
    return not newest.rows or newest.rows[-1].stimulus is Stimulus.USER_TIMEOUT
