"""What an end answers though nobody saw it come: a keep-alive, or something that came again, or late."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from tcpviz.exchange.matching.deliveries import fits, one_by_one
from tcpviz.exchange.matching.guess import NOT_CAPTURED, TINY, VIOLATION, Guess, transmitting
from tcpviz.exchange.matching.past import End, deliver, next_in_order
from tcpviz.model import events
from tcpviz.model.commands import Emit
from tcpviz.model.endpoint import step
from tcpviz.model.segment import ACK, FIN, RST, SYN, Segment
from tcpviz.model.sequence import add, at_or_before, distance
from tcpviz.model.transitions import SYNCHRONIZED
from tcpviz.value import replace

_UNWARRANTED = VIOLATION + 40
"""The cost of a copy that nobody saw, where a violation is likelier."""
_TOLD = 5
"""The cost of a copy that a D-SACK block tells of."""
_RECENT = 256
"""How far back that is looked for which has come again."""


def asked(guess: Guess, observed: Segment) -> Iterator[Guess]:
    """The segment answers one that nobody saw: a keep-alive, or something that came again, or late."""
    # what it acknowledges had come before
    reached = (run for run in one_by_one(guess.sender, observed) if fits(run, observed))
    guess = guess._replace(sender=next(reached, guess.sender))
    commands = step(guess.receiver.endpoint, events.KeepAlive()).commands
    alive = next((command for command in commands if isinstance(command, Emit)), None)
    if alive and not (observed.rst or observed.syn):
        yield _first(guess.towards_sender(alive, NOT_CAPTURED))
    sent = [e.emit for e in islice(guess.receiver.recent(), _RECENT) if e.sent and e.emit and not e.emit.segment.rst]
    # a block that had been acknowledged says what has come twice (RFC 2883)
    twice = [block for block in observed.options.sack[:1] if at_or_before(block[1], observed.ack)]
    told = [piece for block in twice for emit in sent if (piece := _piece(emit, *block))]
    old = [_old(emit, observed) for emit in sent[:1] if not observed.flags & (SYN | RST)]
    emit = next((emit for emit in (*told, *sent, *old) if _may_ask(emit.segment, observed)), None)
    if not emit and observed.rst and not observed.has_ack and (text := _answered(guess.receiver, observed.seq)):
        yield _first(guess.towards_sender(text, NOT_CAPTURED))
    if emit:
        cost = _TOLD if emit in told else _copy(guess, observed)
        asking = guess.towards_sender(replace(emit, kind="duplicate"), 0)
        yield _first(asking._replace(unseen=guess.unseen, copy=(asking.unseen[-1][1], cost)))


def _first(guess: Guess) -> Guess:
    """When it came, nobody knows: before what is still under way."""
    sender = guess.sender
    *others, last = sender.pending
    pending = (*others[: sender.late], last, *others[sender.late :])
    return guess._replace(sender=sender._replace(pending=pending))


def _old(emit: Emit, observed: Segment) -> Emit:
    """What stands for anything that came so late that its number, or its clock, was too old."""
    return replace(emit, segment=replace(emit.segment, seq=add(observed.ack, -1), flags=ACK, length=0))


def _answered(end: End, number: int) -> Emit | None:
    """Text that acknowledges so much: a reset without ACK says no more of what it answers."""
    while True:
        if end.state in SYNCHRONIZED and end.endpoint.tcb.rcv_nxt == number:
            return next((emit for _, emit, _ in transmitting(end, 0, 1, fin=False)), None)
        position = next_in_order(end)
        if position is None:
            return None
        end = deliver(end, position)


def _copy(guess: Guess, observed: Segment) -> int:
    """What a copy costs to which `observed` is the answer.

    Where every question was counted (`asked`), where all but a few octets had come, or where more must be assumed, a
    wrong number is likelier.
    """
    end = guess.sender
    few = any(p.segment.seq == observed.ack and 0 < p.segment.span <= TINY for p in islice(end.pending, end.late, None))
    return _UNWARRANTED if end.asked or few or guess.unseen else NOT_CAPTURED


def _piece(emit: Emit, low: int, high: int) -> Emit | None:
    """What of a segment was cut up on its way (offload) has these numbers; None: it has them not."""
    segment = emit.segment
    if not (at_or_before(segment.seq, low) and at_or_before(high, segment.end)) or segment.syn:
        return None
    flags = segment.flags if high == segment.end else segment.flags & ~FIN
    length = distance(low, high) - bool(flags & FIN)
    return replace(emit, segment=replace(segment, seq=low, length=length, flags=flags))


def _may_ask(asked: Segment, answer: Segment) -> bool:
    if answer.syn:
        return asked.syn and not asked.has_ack and asked.end == answer.ack
    if answer.rst:
        return asked.ack == answer.seq
    return at_or_before(asked.end, answer.ack) and (bool(asked.span) or asked.seq == add(answer.ack, -1))
