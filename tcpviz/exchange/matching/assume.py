"""What must be assumed where no run explains a segment: frames that the capture lacks, an end that is gone.

An assumption costs. What TCP must have sent is sent through the model and marked as not captured; the
blame, which costs more, is `account`'s business.
"""

from __future__ import annotations

from collections.abc import Iterator

from tcpviz.exchange.matching.deliveries import opening_with
from tcpviz.exchange.matching.earlier import earlier, repeating, unheard
from tcpviz.exchange.matching.explain import explain
from tcpviz.exchange.matching.guess import NOT_CAPTURED, TINY, Guess, sending
from tcpviz.exchange.matching.opening import ANY_WINDOW, midway, settled, shifted, updating
from tcpviz.exchange.matching.past import (
    End,
    Entry,
    Pending,
    deliver,
    deliver_all,
    next_in_order,
)
from tcpviz.exchange.matching.questions import asked
from tcpviz.exchange.matching.silence import forgotten
from tcpviz.model import events
from tcpviz.model.commands import Emit
from tcpviz.model.endpoint import step
from tcpviz.model.segment import ACK, LARGEST_SCALE, SYN, Options, Segment
from tcpviz.model.sentence import Sentence
from tcpviz.model.sequence import add, distance
from tcpviz.model.transitions import SYNCHRONIZED, UNCONNECTED, State
from tcpviz.value import replace

_GAVE_UP, _CRASHED = 5, 40
_LARGEST = 65535
"""What a header has room for, as a window before it is scaled."""


def assume(
    sender: End, receiver: End, first: int, index: int, observed: Segment, *, lagging: bool = False, alone: bool = False
) -> list[tuple[Guess, list[End]]]:
    """The assumptions that let `sender` send `observed`, each with the pasts that end in it; cheapest first.

    Where nothing has to be taken from all that is on its way, it is not: that may be a whole window. `lagging` as in
    `explain`. `alone`: nothing is known of the receiver, so nothing is assumed but where the sender stood.
    """
    start = Guess(sender, receiver, (), 0, first)
    found: list[tuple[Guess, list[End]]] = []
    for further in (False,) if alone else (False, True):
        for guess in _standing(start, observed) if alone else _guesses(start, observed, further=further):
            ways = explain(guess.sender, index, observed, lagging=lagging)
            if ways:
                found.append((guess, ways))
        if found:
            break
    return sorted(found, key=_price)[:3]


def _price(found: tuple[Guess, list[End]]) -> int:
    guess, ways = found
    return guess.price + min(way.cost for way in ways)


def _standing(start: Guess, observed: Segment) -> Iterator[Guess]:
    """Where the sender stood when the capture began; or it has crashed, and opens the connection anew."""
    yield from _from_before(start, observed)
    if observed.syn:
        yield from _gone(start, observed)
    if start.sender.loose:
        yield from repeating(start, observed)
        sender = settled(start.sender, observed)
        ahead = distance(start.sender.endpoint.tcb.snd_nxt, sender.endpoint.tcb.snd_nxt)
        # what it repeats does not tell how far it had come; so few octets are a wrong number
        if not 0 < ahead <= TINY or not any(entry.sent for entry in sender.recent()):
            yield start._replace(sender=sender)
        if updated := updating(sender, observed):
            yield start._replace(sender=updated)


def _guesses(start: Guess, observed: Segment, *, further: bool) -> Iterator[Guess]:
    """`further`: those that take all that is on its way to an end."""
    if further:
        yield from _taken(start, observed)
        return
    yield from _gone(start, observed)
    yield from _from_before(start, observed)
    yield from _crossing(start, observed)
    yield from earlier(start, observed)
    yield from unheard(start, observed)
    if start.sender.loose or start.receiver.loose:
        start = _settled(start, observed)
        yield start
        if updated := updating(start.sender, observed):
            yield start._replace(sender=updated)
    if observed.syn and not observed.has_ack:
        return
    for opened in _handshake(start, observed):
        for heard in _heard(opened, observed):
            for sent in _sent(heard, observed):
                if sent.unseen:
                    yield sent
                    if _is_bare(observed):
                        yield from asked(sent, observed)
    if observed.rst or observed.syn:
        sender = _let_go(start.sender)
        if sender.past and sender.state in (*UNCONNECTED, State.FIN_WAIT_1, State.FIN_WAIT_2):
            yield from asked(start._replace(sender=sender), observed)
    elif _is_bare(observed) and observed.seq == start.sender.endpoint.tcb.snd_nxt:
        yield from asked(start, observed)


def _is_bare(observed: Segment) -> bool:
    return observed.has_ack and not (observed.span or observed.rst)


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
    gone = forgotten(end)
    newest = gone.newest()
    cost = _GAVE_UP if newest and newest.rows else _CRASHED
    yield guess._replace(sender=gone, cost=guess.cost + cost)


def _from_before(guess: Guess, observed: Segment) -> Iterator[Guess]:
    """The sender has been in a connection all the while, which the SYN's sender has forgotten: it challenges.

    Or it resets: what has a number, and does not acknowledge the SYN, knows of a connection.
    """
    end = guess.sender
    if end.past is not None or not end.pending or not observed.has_ack or observed.span:
        return
    asked = end.pending[0].segment
    knows = observed.seq and observed.ack == asked.seq if observed.rst else observed.ack != asked.end
    if knows:
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
            yield guess._replace(receiver=end).towards_sender(emit, NOT_CAPTURED)
    elif sender.state in UNCONNECTED and sender.pending and receiver.state is State.SYN_SENT:
        for end, emit in _answers(sender, guess.free, add(observed.seq, -1), observed):
            answered = guess._replace(sender=end).towards_receiver(emit, NOT_CAPTURED)
            # or it answers another SYN
            yield answered
            yield from _acknowledged(answered)
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
        guess = guess._replace(sender=sender.noted(entry, result.endpoint)).towards_receiver(emit, NOT_CAPTURED)
        yield guess._replace(receiver=deliver_all(guess.receiver))


def _answers(end: End, index: int, iss: int, observed: Segment) -> Iterator[tuple[End, Emit]]:
    """The SYN,ACK that a listener must have sent to the pending SYN, with all that the SYN allows."""
    endpoint = end.endpoint
    if endpoint.state is State.CLOSED:
        endpoint = step(endpoint, events.PassiveOpen()).endpoint
    asked = end.pending[0].segment.options
    options = Options(
        mss=asked.mss,
        window_scale=None if asked.window_scale is None else LARGEST_SCALE,
        sack_permitted=asked.sack_permitted,
        timestamps=asked.timestamps if observed.options.timestamps else None,
        multipath=asked.multipath,
    )
    answer = Segment(iss, observed.ack, SYN | ACK, window=ANY_WINDOW, options=options)
    after = deliver(opening_with(end._replace(endpoint=endpoint), answer), 0)
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
    for sender in (later, receiver) if receiver.pending and receiver.state in SYNCHRONIZED else (later,):
        for end, emit, cost in sending(sender, missing, guess.free):
            yield guess._replace(receiver=end).towards_sender(emit, cost)


def _sent(guess: Guess, observed: Segment) -> Iterator[Guess]:
    """The segment begins beyond what its sender was seen to send."""
    missing = distance(guess.sender.endpoint.tcb.snd_nxt, observed.seq)
    if missing <= 0:
        yield guess
        return
    for end, emit, cost in sending(_let_in(guess.sender), missing, guess.free):
        yield guess._replace(sender=end).towards_receiver(emit, cost)


def _acknowledged(guess: Guess) -> Iterator[Guess]:
    """The receiver acknowledged what it had, and nobody saw it."""
    receiver = deliver_all(guess.receiver)
    tcb = receiver.endpoint.tcb
    # what it offered then nobody saw; where nothing was due, it was for a larger window alone
    offers: list[events.Event] = [events.Choose(window=_LARGEST << tcb.rcv_scale)] if tcb.owes_ack else []
    endpoint = receiver.endpoint
    for event in (*offers, events.Acknowledge()):
        result = step(endpoint, event)
        endpoint = result.endpoint
    emit = next((command for command in result.commands if isinstance(command, Emit)), None)
    if emit:
        entry = Entry(guess.free, True, receiver.state, endpoint.state, emit=emit)
        receiver = receiver.noted(entry, endpoint)
        yield guess._replace(receiver=receiver).towards_sender(emit, NOT_CAPTURED)


def _let_go(end: End) -> End:
    """As soon as nothing is left of the connection."""
    while end.state not in UNCONNECTED and (position := next_in_order(end)) is not None:
        end = deliver(end, position)
    return end


def _let_in(end: End) -> End:
    """As soon as it may send text; a SYN that came again would have been answered, and may be lost."""
    while end.state in (State.SYN_SENT, State.SYN_RECEIVED):
        waiting = range(end.late, len(end.pending))
        position = next((p for p in waiting if end.pending[p].segment.flags & (SYN | ACK) != SYN), None)
        if position is None:
            break
        end = deliver(end, position)
    return end
