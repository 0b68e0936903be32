"""What must be assumed where no run explains a segment: frames that the capture lacks, an end that is gone.

An assumption costs. What TCP must have sent is sent through the model and marked as not captured; the
blame, which costs more, is `account`'s business.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tcpviz.exchange.matching.explain import explain
from tcpviz.exchange.matching.opening import ANY_WINDOW, midway, settled, shifted, updating
from tcpviz.exchange.matching.past import (
    Call,
    End,
    Entry,
    Pending,
    arriving,
    deliver,
    deliver_all,
    next_in_order,
    timeless,
)
from tcpviz.model import events
from tcpviz.model.commands import Emit, Refuse
from tcpviz.model.endpoint import Endpoint, step
from tcpviz.model.segment import ACK, FIN, SYN, Options, Segment
from tcpviz.model.sentence import Sentence
from tcpviz.model.sequence import add, at_or_before, distance
from tcpviz.model.transitions import SYNCHRONIZED, UNCONNECTED, Row, State
from tcpviz.value import replace

VIOLATION = 100
"""The cost of a segment that breaks the rules."""
NOT_CAPTURED = 60
"""The cost of a segment that must have been on the wire and that the capture lacks."""
TINY, UNLIKELY = 3, VIOLATION + 21
"""A lost frame with so few octets is less likely than a wrong number, unless the peer acknowledges it; so is one for
which its sender's count of packets leaves no room."""
_GAVE_UP, _CRASHED = 5, 40
_FARTHEST = 2**24
"""More octets than this do not go missing between two frames."""


class Guess(NamedTuple):
    """Both ends, after what is assumed.

    `unseen`: segments that nobody captured, each with whether the sender sent it and what that costs; `cost` is
    what all else costs.
    """

    sender: End
    receiver: End
    unseen: tuple[tuple[bool, Emit, int], ...]
    cost: int
    first: int
    """The index of the first unseen segment; they count downwards."""

    @property
    def free(self) -> int:
        return self.first - len(self.unseen)


def assume(
    sender: End, receiver: End, first: int, index: int, observed: Segment, *, lagging: bool = False
) -> list[tuple[Guess, list[End]]]:
    """The assumptions that let `sender` send `observed`, each with the pasts that end in it; cheapest first.

    Where nothing has to be taken from all that is on its way, it is not: that may be a whole window. `lagging` as in
    `explain`.
    """
    start = Guess(sender, receiver, (), 0, first)
    found: list[tuple[Guess, list[End]]] = []
    for further in (False, True):
        for guess in _guesses(start, observed, further=further):
            ways = explain(guess.sender, index, observed, lagging=lagging)
            if ways:
                found.append((guess, ways))
        if found:
            break
    return sorted(found, key=_price)[:3]


def _price(found: tuple[Guess, list[End]]) -> int:
    guess, ways = found
    return guess.cost + sum(cost for _, _, cost in guess.unseen) + min(way.cost for way in ways)


def _guesses(start: Guess, observed: Segment, *, further: bool) -> Iterator[Guess]:
    """`further`: those that take all that is on its way to an end."""
    if further:
        yield from _taken(start, observed)
        return
    yield from _gone(start, observed)
    yield from _from_before(start, observed)
    yield from _crossing(start, observed)
    if start.sender.loose or start.receiver.loose:
        start = _settled(start, observed)
        yield start
        if updated := updating(start.sender, observed):
            yield start._replace(sender=updated)
    if observed.syn and not observed.has_ack:
        return
    for opened in _handshake(start, observed):
        for heard in _heard(opened, observed):
            yield from (sent for sent in _sent(heard, observed) if sent.unseen)
    if observed.rst or observed.syn:
        sender = _let_go(start.sender)
        if sender.state in UNCONNECTED and sender.past:
            yield from _asked(start._replace(sender=sender), observed)
    elif not observed.span and observed.seq == start.sender.endpoint.tcb.snd_nxt:
        yield from _asked(start, observed)


def _taken(start: Guess, observed: Segment) -> Iterator[Guess]:
    if start.sender.loose or start.receiver.loose:
        start = _settled(start, observed)
    if observed.syn and not observed.has_ack:
        return
    for opened in _handshake(start, observed):
        for heard in _heard(opened, observed):
            all_taken = heard._replace(sender=deliver_all(heard.sender)) if heard.sender.pending else heard
            for taken in (heard, all_taken) if heard.sender.pending else (heard,):
                for sent in _sent(taken, observed):
                    if sent.unseen and taken is all_taken:
                        yield sent
                    yield from _acknowledged(sent)


def _settled(guess: Guess, observed: Segment) -> Guess:
    sender, receiver = settled(guess.sender, observed), guess.receiver
    ahead = distance(receiver.endpoint.tcb.snd_nxt, observed.ack) if observed.has_ack else 0
    if receiver.loose and ahead > 0:
        receiver = shifted(receiver, send=ahead)
    return guess._replace(sender=sender, receiver=receiver)


def _gone(guess: Guess, observed: Segment) -> Iterator[Guess]:
    """The sender has forgotten the connection: it gave up, or crashed. It can only reset, or open anew."""
    end = guess.sender
    if not (observed.rst or (observed.syn and not observed.has_ack)) or end.state is State.CLOSED:
        return
    last = next((e.emit for e in end.recent() if e.sent and e.emit), None)
    newest = end.newest()
    at = newest.place if newest else 0
    if last and last.kind in ("retransmission", "keep-alive", "window-probe"):
        result = step(end.endpoint, events.UserTimeout())
        after, cost, rows = result.endpoint, _GAVE_UP, result.rows
    else:
        after, cost, rows = Endpoint(State.CLOSED, end.endpoint.tcb.forgotten(passive=False)), _CRASHED, ()
    entry = Entry(at, False, end.state, after.state, rows)
    yield guess._replace(sender=end.noted(entry, after)._replace(owed=()), cost=guess.cost + cost)


def _from_before(guess: Guess, observed: Segment) -> Iterator[Guess]:
    """The sender has been in a connection all the while, which the SYN's sender has forgotten: it challenges."""
    end = guess.sender
    challenges = observed.has_ack and not (observed.span or observed.rst)
    if challenges and end.past is None and end.pending and observed.ack != end.pending[0].segment.end:
        sender = midway(observed.seq, observed.ack)._replace(pending=end.pending)
        yield guess._replace(sender=sender, cost=guess.cost + _CRASHED)


def _crossing(guess: Guess, observed: Segment) -> Iterator[Guess]:
    """Who answers a SYN,ACK with another has had a SYN before it: both had called connect()."""
    sender = guess.sender
    answer = sender.pending[0].segment if sender.state is State.SYN_SENT and sender.pending else None
    if answer and observed.flags & answer.flags & (SYN | ACK) == SYN | ACK and answer.ack == observed.end:
        syn = Emit(replace(answer, ack=0, flags=SYN), Sentence("connect() sends SYN"), "3.10.1")
        pending = (Pending(guess.free, syn.segment), *sender.pending)
        yield guess._replace(sender=sender._replace(pending=pending), unseen=((False, syn, NOT_CAPTURED),))


def _handshake(guess: Guess, observed: Segment) -> Iterator[Guess]:
    """The SYN,ACK was not captured, and perhaps the ACK that followed it."""
    sender, receiver = guess.sender, guess.receiver
    if not observed.has_ack or observed.rst or observed.syn:
        yield guess
    elif sender.state is State.SYN_SENT and receiver.state in UNCONNECTED and receiver.pending:
        for end, emit in _answers(receiver, guess.free, add(observed.ack, -1), observed):
            yield _towards_sender(guess._replace(receiver=end), emit, NOT_CAPTURED)
    elif sender.state in UNCONNECTED and sender.pending and receiver.state is State.SYN_SENT:
        for end, emit in _answers(sender, guess.free, add(observed.seq, -1), observed):
            yield from _acknowledged(_towards_receiver(guess._replace(sender=end), emit, NOT_CAPTURED))
    elif _is_opening(receiver) and distance(receiver.endpoint.tcb.iss, observed.ack) > 1:
        yield from _third_ack(guess)
    else:
        yield guess


def _is_opening(end: End) -> bool:
    """It is in SYN-RECEIVED once it has taken what is on its way."""
    return end.state in (*UNCONNECTED, State.SYN_SENT, State.SYN_RECEIVED) and (
        deliver_all(end).state is State.SYN_RECEIVED
    )


def _third_ack(guess: Guess) -> Iterator[Guess]:
    """The receiver has sent text since, so it must have had an ACK of its SYN."""
    sender = deliver_all(guess.sender)
    result = step(sender.endpoint, events.Acknowledge())
    emit = next((command for command in result.commands if isinstance(command, Emit)), None)
    if emit:
        entry = Entry(guess.free, True, sender.state, result.endpoint.state, emit=emit)
        guess = _towards_receiver(guess._replace(sender=sender.noted(entry, result.endpoint)), emit, NOT_CAPTURED)
        yield guess._replace(receiver=deliver_all(guess.receiver))


def _answers(end: End, index: int, iss: int, observed: Segment) -> Iterator[tuple[End, Emit]]:
    """The SYN,ACK that a listener must have sent to the pending SYN, with all that the SYN allows."""
    endpoint = end.endpoint
    if endpoint.state is State.CLOSED:
        endpoint = step(endpoint, events.PassiveOpen()).endpoint
    asked = end.pending[0].segment.options
    options = Options(
        mss=asked.mss,
        window_scale=None if asked.window_scale is None else 14,
        sack_permitted=asked.sack_permitted,
        timestamps=asked.timestamps if observed.options.timestamps else None,
        multipath=asked.multipath,
    )
    choice = events.Choose(iss=iss, options=options, window=ANY_WINDOW)
    after = deliver(end._replace(endpoint=step(endpoint, choice).endpoint), 0)
    if after.state is State.SYN_RECEIVED and after.owed:
        emit = after.owed[0]
        yield (
            after.noted(Entry(index, True, after.state, after.state, emit=emit), after.endpoint)._replace(owed=()),
            emit,
        )


def _heard(guess: Guess, observed: Segment) -> Iterator[Guess]:
    """The segment acknowledges more than its receiver was seen to send."""
    if not observed.has_ack or (observed.rst and guess.sender.state not in SYNCHRONIZED):
        yield guess
        return
    receiver = guess.receiver
    if receiver.state in SYNCHRONIZED and distance(receiver.endpoint.tcb.snd_nxt, observed.ack) <= 0:
        yield guess
        return
    later = deliver_all(receiver)
    missing = distance(later.endpoint.tcb.snd_nxt, observed.ack)
    if missing <= 0 or later.state not in SYNCHRONIZED:
        yield guess
        return
    # it may have sent that before it took what is on its way
    for before in (later, receiver) if receiver.pending and receiver.state in SYNCHRONIZED else (later,):
        for end, emit, cost in _sending(before, missing, guess.free):
            yield _towards_sender(guess._replace(receiver=end), emit, cost)


def _sent(guess: Guess, observed: Segment) -> Iterator[Guess]:
    """The segment begins beyond what its sender was seen to send."""
    missing = distance(guess.sender.endpoint.tcb.snd_nxt, observed.seq)
    if missing <= 0:
        yield guess
        return
    for end, emit, cost in _sending(guess.sender, missing, guess.free):
        yield _towards_receiver(guess._replace(sender=end), emit, cost)


def _sending(end: End, octets: int, index: int) -> Iterator[tuple[End, Emit, int]]:
    """How `end` may have sent so many octets of sequence space: text, or text and a FIN."""
    if octets > _FARTHEST:
        return
    yield from _transmitting(end, index, octets, fin=False)
    yield from _transmitting(end, index, octets - 1, fin=True)


def _transmitting(end: End, index: int, octets: int, *, fin: bool) -> Iterator[tuple[End, Emit, int]]:
    # what the peer's window was by then, a segment that nobody saw may have told
    endpoint = Endpoint(end.state, replace(end.endpoint.tcb, snd_wnd=ANY_WINDOW))
    plan: list[events.Event] = [events.Send(octets)] if octets else []
    plan += [events.Close()] if fin and not endpoint.tcb.fin_queued else []
    rows: list[Row] = []
    emits: list[Emit] = []
    for event in (*plan, events.Transmit(octets, fin=fin)):
        result = step(endpoint, event)
        if any(isinstance(command, Refuse) for command in result.commands):
            return
        endpoint = result.endpoint
        rows += result.rows
        emits += [command for command in result.commands if isinstance(command, Emit)]
    if not emits:
        return
    calls: tuple[Call, ...] = (("send", octets),) if octets else ()
    calls += (("close", None),) if fin else ()
    entry = Entry(index, True, end.state, endpoint.state, tuple(rows), calls, emits[-1])
    cost = UNLIKELY if 0 < octets <= TINY else NOT_CAPTURED
    yield end.noted(entry, endpoint), emits[-1], cost


def _acknowledged(guess: Guess) -> Iterator[Guess]:
    """The receiver acknowledged what it had, and nobody saw it."""
    receiver = deliver_all(guess.receiver)
    result = step(receiver.endpoint, events.Acknowledge())
    emit = next((command for command in result.commands if isinstance(command, Emit)), None)
    if emit:
        entry = Entry(guess.free, True, receiver.state, result.endpoint.state, emit=emit)
        receiver = receiver.noted(entry, result.endpoint)
        yield _towards_sender(guess._replace(receiver=receiver), emit, NOT_CAPTURED)


def _asked(guess: Guess, observed: Segment) -> Iterator[Guess]:
    """The segment answers one that nobody saw: a keep-alive, or a copy of something."""
    receiver = guess.receiver
    asked = step(receiver.endpoint, events.KeepAlive())
    emit = next((command for command in asked.commands if isinstance(command, Emit)), None)
    if not emit or observed.rst or observed.syn:
        sent = [e.emit for e in receiver.recent() if e.sent and e.emit and not e.emit.segment.rst]
        # a block that had been acknowledged says what has come twice (RFC 2883)
        twice = [block for block in observed.options.sack[:1] if at_or_before(block[1], observed.ack)]
        known = [piece for block in twice for e in sent if (piece := _piece(e, *block))]
        again = next((e for e in (*known, *sent) if _may_ask(e.segment, observed)), None)
        emit = again and replace(again, kind="duplicate")
    if emit:
        copied = _towards_sender(guess, emit, NOT_CAPTURED)
        # when it came, nobody knows: before what is still under way
        *others, last = copied.sender.pending
        late = copied.sender.late
        pending = (*others[:late], last, *others[late:])
        yield copied._replace(sender=copied.sender._replace(pending=pending))


def _piece(emit: Emit, low: int, high: int) -> Emit | None:
    """What of a segment was cut up on its way (offload) has these numbers; None: it has them not."""
    segment = emit.segment
    if not (at_or_before(segment.seq, low) and at_or_before(high, segment.end)) or segment.syn:
        return None
    flags = segment.flags if high == segment.end else segment.flags & ~FIN
    length = distance(low, high) - bool(flags & FIN)
    return replace(emit, segment=replace(segment, seq=low, length=length, flags=flags))


def _let_go(end: End) -> End:
    """As soon as nothing is left of the connection."""
    while end.state not in UNCONNECTED and (position := next_in_order(end)) is not None:
        end = deliver(end, position)
    return end


def _may_ask(asked: Segment, answer: Segment) -> bool:
    if answer.syn:
        return asked.syn and not asked.has_ack and asked.end == answer.ack
    return asked.ack == answer.seq if answer.rst else bool(asked.span)


def _towards_sender(guess: Guess, emit: Emit, cost: int) -> Guess:
    emit = _timeless(emit)
    sender = arriving(_open_up_to(guess.sender, emit.segment.end), Pending(guess.free, emit.segment))
    return guess._replace(sender=sender, unseen=(*guess.unseen, (False, emit, cost)))


def _towards_receiver(guess: Guess, emit: Emit, cost: int) -> Guess:
    emit = _timeless(emit)
    receiver = arriving(_open_up_to(guess.receiver, emit.segment.end), Pending(guess.free, emit.segment))
    return guess._replace(receiver=receiver, unseen=(*guess.unseen, (True, emit, cost)))


def _timeless(emit: Emit) -> Emit:
    return replace(emit, segment=timeless(emit.segment))


def _open_up_to(end: End, number: int) -> End:
    """With a window that reaches as far: what was offered in a segment that nobody saw."""
    tcb = end.endpoint.tcb
    needed = distance(tcb.rcv_nxt, number)
    if end.state not in SYNCHRONIZED or needed <= tcb.rcv_wnd:
        return end
    return end._replace(endpoint=Endpoint(end.state, replace(tcb, rcv_wnd=needed)))
