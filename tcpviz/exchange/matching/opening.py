"""Where both ends may have stood before the first captured segment of a connection.

A capture may begin with the SYN, with the SYN,ACK, or anywhere later; then the least is assumed.
"""

from __future__ import annotations

from tcpviz.exchange.matching.past import End
from tcpviz.model import events
from tcpviz.model.commands import Emit
from tcpviz.model.control import ControlBlock
from tcpviz.model.endpoint import Endpoint, step
from tcpviz.model.segment import LARGEST_SCALE, Options, Segment
from tcpviz.model.sequence import add, at_or_before, before, distance
from tcpviz.model.transitions import State
from tcpviz.value import replace

ANY_WINDOW = 2**30
"""Offered before the capture began, or in a segment that nobody saw; nobody knows how much."""
_STRAY = 2


def opening(observed: Segment) -> tuple[list[End], list[End]]:
    """The pasts of the sender and of the receiver of a connection's first captured segment."""
    if observed.syn and not observed.has_ack:
        listener = step(Endpoint(), events.PassiveOpen()).endpoint
        return [End(Endpoint())], [End(listener), End(Endpoint())]
    if observed.syn:
        return before_syn_ack(observed)
    ack = observed.ack if observed.has_ack else 0
    # or it was a stray, and its receiver knows of no connection
    strangers = [End(Endpoint(), cost=_STRAY), End(step(Endpoint(), events.PassiveOpen()).endpoint, cost=_STRAY)]
    return [midway(observed.seq, ack)], [midway(ack, observed.seq), *strangers]


def before_syn_ack(observed: Segment) -> tuple[list[End], list[End]]:
    """The SYN was not captured: it is inferred from what acknowledges it."""
    stamps, offered = observed.options.timestamps, observed.options
    # by how much the windows of its sender are scaled only the SYN itself tells
    offered = replace(offered, window_scale=None if offered.window_scale is None else LARGEST_SCALE)
    guess = events.Choose(iss=add(observed.ack, -1), options=offered, timestamp=stamps[1] if stamps else None)
    client = step(Endpoint(), guess).endpoint
    opened = step(client, events.ActiveOpen())
    syn = next(command.segment for command in opened.commands if isinstance(command, Emit))
    server = step(Endpoint(), events.PassiveOpen()).endpoint
    choice = events.Choose(iss=observed.seq, options=observed.options, window=observed.window)
    server = step(step(server, choice).endpoint, events.SegmentArrives(syn)).endpoint
    return [End(server)], [End(opened.endpoint)]


def uncut(options: Options) -> Options:
    """Of a SYN whose options were cut off: windows may mean the most, and nobody must tell of blocks or times."""
    return replace(options, window_scale=LARGEST_SCALE, sack_permitted=False, timestamps=None)


def midway(seq: int, ack: int) -> End:
    """ESTABLISHED, with all that was sent acknowledged: the least one can assume of a capture that starts later."""
    # the scale is not known: the largest, so that nobody is blamed for a window that nobody saw
    scale = LARGEST_SCALE
    blank = replace(Endpoint().tcb, window=ANY_WINDOW, scaled=True, snd_scale=scale, rcv_scale=scale, multipath_on=True)
    tcb = blank.agreed(sent=seq, heard=ack, peer_window=ANY_WINDOW)
    # nor is it known what was told already: an ACK may be the first to tell of it (but of no SYN)
    tcb = replace(tcb, rcv_acked=add(ack, -2), rcv_wnd=min(tcb.rcv_wnd, ANY_WINDOW))
    return End(Endpoint(State.ESTABLISHED, tcb), loose=True)


def shifted(end: End, *, send: int = 0, receive: int = 0, cost: int = 0) -> End:
    """The same past, had this end counted its own octets, or its peer's, from another number."""
    tcb = end.endpoint.tcb
    tcb = replace(
        tcb,
        iss=add(tcb.iss, send),
        snd_una=add(tcb.snd_una, send),
        snd_nxt=add(tcb.snd_nxt, send),
        snd_wl2=add(tcb.snd_wl2, send),
        fin_sent=None if tcb.fin_sent is None else add(tcb.fin_sent, send),
        irs=add(tcb.irs, receive),
        rcv_nxt=add(tcb.rcv_nxt, receive),
        rcv_acked=add(tcb.rcv_acked, receive),
        snd_wl1=add(tcb.snd_wl1, receive),
        fin_at=None if tcb.fin_at is None else add(tcb.fin_at, receive),
        held=tuple((add(low, receive), add(high, receive)) for low, high in tcb.held),
    )
    return end._replace(endpoint=Endpoint(end.state, tcb), cost=end.cost + cost)


def settled(end: End, observed: Segment) -> End:
    """An end of which the capture has shown little counts from where its segment says."""
    tcb = end.endpoint.tcb
    if not end.loose or end.state is not State.ESTABLISHED or observed.syn:
        return end
    if not observed.span and distance(observed.seq, tcb.snd_nxt) == 1:
        # a keep-alive asks when everything has been told
        end = end._replace(endpoint=Endpoint(end.state, replace(tcb, rcv_acked=tcb.rcv_nxt)))
    ahead = distance(tcb.snd_nxt, observed.seq)
    # where the peer has acknowledged nothing, only this end itself tells what it counts from
    end = shifted(end, send=ahead if _is_unnumbered(tcb) else max(0, ahead))
    missing = distance(observed.ack, tcb.rcv_nxt) if observed.has_ack else 0
    captured = [item.segment.seq for item in end.pending if item.place >= 0]
    # text was on its way to this end when the capture began: some of it may have arrived since
    under_way = all(at_or_before(observed.ack, seq) for seq in captured) and all(e.sent for e in end.entries())
    # a reset that acknowledges zero, acknowledges nothing
    under_way = under_way and not (observed.rst and (end.past or not observed.ack)) and abs(missing) < ANY_WINDOW
    # what it has been captured telling it does not take back
    under_way = under_way and not (end.past and before(observed.ack, tcb.rcv_acked))
    if (missing > 0 and not tcb.held and (under_way or not captured)) or missing < 0:
        end = shifted(end, receive=-missing)
    if missing < 0 and under_way:
        end = end._replace(endpoint=Endpoint(end.state, replace(end.endpoint.tcb, rcv_acked=tcb.rcv_nxt)))
    return end


def _is_unnumbered(tcb: ControlBlock) -> bool:
    """Of this end nothing was captured, and no ACK of its peer."""
    return (tcb.iss, tcb.snd_nxt) == (add(0, -1), 0)


def updating(end: End, observed: Segment) -> End | None:
    """The same end, had it offered no more before the capture began than since; None where that changes nothing."""
    tcb = end.endpoint.tcb
    window = observed.window << tcb.rcv_scale
    if not end.loose or observed.span or observed.ack != tcb.rcv_nxt or not tcb.window < window < tcb.rcv_wnd:
        return None
    return end._replace(endpoint=Endpoint(end.state, replace(tcb, rcv_wnd=tcb.window)))
