"""What had been sent and heard by then, as far as only what an end sends again tells of it.

A capture that begins in the middle shows neither what was on its way before nor how far that was acknowledged, and
none shows whether an ACK has arrived.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from tcpviz.exchange.matching.guess import Guess
from tcpviz.exchange.matching.opening import before_syn_ack, settled
from tcpviz.exchange.matching.past import End, deliver_all
from tcpviz.model import events
from tcpviz.model.endpoint import Endpoint, step
from tcpviz.model.segment import ACK, FIN, LARGEST_SCALE, RST, SYN, Segment
from tcpviz.model.sequence import add, at_or_before, before, distance
from tcpviz.model.transitions import SYNCHRONIZED, State
from tcpviz.value import replace

_KNOWN = 2
"""The cost of something that was on its way when the capture began."""
_UNHEARD = 20
"""The same, where the peer was captured telling that it had come: that has been lost behind the place of capture."""
_FARTHEST = 2**24
"""So many octets at most were on their way."""
_RECENT = 256
"""How far back that is looked for which is sent again."""


def earlier(guess: Guess, observed: Segment) -> Iterator[Guess]:
    """The sender repeats what it had sent before the capture began, or tells of what had come by then."""
    if not guess.sender.loose or not observed.has_ack or observed.rst:
        return
    if observed.syn:
        yield from _opening(guess, observed)
        return
    yield from _scaled(guess, observed)
    for heard in (guess, *_heard(guess, observed)):
        if heard is not guess:
            yield heard
        yield from repeating(heard, observed)


def _scaled(guess: Guess, observed: Segment) -> Iterator[Guess]:
    """It tells by how much the peer's windows are scaled: it stands at the edge of one that was taken back."""
    sender, tcb = guess.sender, guess.sender.endpoint.tcb
    if observed.span or tcb.snd_scale != LARGEST_SCALE or not before(observed.seq, tcb.snd_nxt):
        return
    for scale in range(LARGEST_SCALE):
        window = tcb.snd_wnd >> LARGEST_SCALE << scale
        scaled = Endpoint(sender.state, replace(tcb, snd_scale=scale, snd_wnd=window, multipath_on=False))
        end = sender._replace(endpoint=scaled)
        if any(run.endpoint.tcb.acceptable_nxt == observed.seq for run in (end, deliver_all(end))):
            yield guess._replace(sender=end, cost=guess.cost + _KNOWN)


def _heard(guess: Guess, observed: Segment) -> Iterator[Guess]:
    """Text beyond a gap had come, and the gap has been filled since."""
    end = deliver_all(guess.sender)
    tcb, number = end.endpoint.tcb, observed.ack
    octets = distance(tcb.rcv_nxt, number)
    if end.state not in SYNCHRONIZED or not 0 < octets < _FARTHEST:
        return
    if before(guess.receiver.endpoint.tcb.snd_nxt, number):
        return
    if any(before(segment.seq, number) and before(tcb.rcv_nxt, segment.end) for segment in _sent(guess.receiver)):
        return
    held = Segment(tcb.rcv_nxt, tcb.snd_una, ACK, length=octets)
    taken = step(end.endpoint, events.SegmentArrives(held)).endpoint
    yield guess._replace(sender=end._replace(endpoint=taken), cost=guess.cost + _KNOWN)


def repeating(guess: Guess, observed: Segment) -> Iterator[Guess]:
    """The sender repeats what it had sent before the capture began."""
    sender = settled(guess.sender, observed)
    ahead = distance(observed.seq, add(sender.endpoint.tcb.iss, 1))
    if not observed.span or not 0 < ahead < _FARTHEST:
        return
    cost = _UNHEARD if _is_told(guess.receiver, observed.end) else _KNOWN
    if again := _unacknowledged(sender, observed):
        yield guess._replace(sender=again, cost=guess.cost + cost)


def unheard(guess: Guess, observed: Segment) -> Iterator[Guess]:
    """The sender repeats text though its ACK was on its way: that has not arrived."""
    sender, tcb = guess.sender, guess.sender.endpoint.tcb
    if sender.state not in SYNCHRONIZED or not observed.has_ack or observed.flags & (SYN | FIN | RST):
        return
    if not observed.length or not before(observed.seq, tcb.snd_una) or before(tcb.snd_nxt, observed.end):
        return
    if not any(segment.length and segment.seq == observed.seq for segment in _sent(sender)):
        return
    # text that told of it has been taken
    telling = (segment for segment in _sent(guess.receiver) if segment.length and before(observed.seq, segment.ack))
    if any(at_or_before(segment.end, tcb.rcv_nxt) for segment in telling):
        return
    again = Endpoint(sender.state, replace(tcb, snd_una=observed.seq))
    yield guess._replace(sender=sender._replace(endpoint=again), cost=guess.cost + _UNHEARD)


def _sent(end: End) -> Iterator[Segment]:
    """What it was captured sending of late, newest first."""
    return (entry.emit.segment for entry in islice(end.recent(), _RECENT) if entry.sent and entry.emit)


def _is_told(end: End, number: int) -> bool:
    """It has acknowledged so much in what was captured."""
    told = any(entry.sent for entry in end.recent())
    return told and at_or_before(number, end.endpoint.tcb.rcv_acked)


def _unacknowledged(end: End, observed: Segment) -> End | None:
    """The same, with all that was sent from that number on not acknowledged yet."""
    state, tcb = end.state, end.endpoint.tcb
    older = replace(tcb, iss=add(observed.seq, -1), snd_una=observed.seq)
    if not observed.fin or before(tcb.snd_nxt, observed.end) or tcb.fin_sent is not None:
        return end._replace(endpoint=Endpoint(state, older))
    if observed.end != tcb.snd_nxt or state not in (State.ESTABLISHED, State.CLOSE_WAIT):
        return None
    # its FIN was among it
    endpoint = Endpoint(state, replace(older, snd_nxt=observed.seq, queued=observed.length))
    for event in (events.Close(), events.Transmit(observed.length, fin=True)):
        endpoint = step(endpoint, event).endpoint
    return end._replace(endpoint=endpoint)


def _opening(guess: Guess, observed: Segment) -> Iterator[Guess]:
    """The capture began between a SYN,ACK and what acknowledges it: the SYN,ACK comes again."""
    sender, receiver = guess.sender, guess.receiver
    tcb = receiver.endpoint.tcb
    if sender.past or not receiver.loose or sender.state not in SYNCHRONIZED:
        return
    if sender.endpoint.tcb.iss != observed.seq or not at_or_before(observed.ack, add(tcb.iss, 1)):
        return
    (answering, *_), _ = before_syn_ack(observed)
    known = Endpoint(receiver.state, replace(tcb, iss=add(observed.ack, -1), irs=observed.seq))
    yield guess._replace(
        sender=answering._replace(pending=sender.pending, loose=True),
        receiver=receiver._replace(endpoint=known),
        cost=guess.cost + _KNOWN,
    )
