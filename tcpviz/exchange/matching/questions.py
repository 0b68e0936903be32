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
from tcpviz.model.segment import FIN, Segment
from tcpviz.model.sequence import at_or_before, distance
from tcpviz.model.transitions import SYNCHRONIZED
from tcpviz.value import replace

_UNWARRANTED = VIOLATION + 40
"""The cost of a copy that nobody saw, where a violation is likelier."""
_RECENT = 256
"""How far back that is looked for which has come again."""


def asked(guess: Guess, observed: Segment) -> Iterator[Guess]:
    """The segment answers one that nobody saw: a keep-alive, or something that came again, or late."""
    receiver = guess.receiver
    alive = step(receiver.endpoint, events.KeepAlive())
    emit = next((command for command in alive.commands if isinstance(command, Emit)), None)
    copied = not emit or observed.rst or observed.syn
    if copied:
        # a block that had been acknowledged says what has come twice (RFC 2883)
        twice = [block for block in observed.options.sack[:1] if at_or_before(block[1], observed.ack)]
        sent = [e.emit for e in islice(receiver.recent(), _RECENT) if e.sent and e.emit and not e.emit.segment.rst]
        known = [piece for block in twice for e in sent if (piece := _piece(e, *block))]
        again = next((e for e in (*known, *sent) if _may_ask(e.segment, observed)), None)
        emit = again and replace(again, kind="duplicate")
    if not emit and observed.rst and not observed.has_ack:
        emit = _answered(receiver, observed.seq)
    if emit:
        # what it acknowledges had come before
        reached = (run for run in one_by_one(guess.sender, observed) if fits(run, observed))
        guess = guess._replace(sender=next(reached, guess.sender), copied=copied)
        asking = guess.towards_sender(emit, _copy(guess, observed) if copied else NOT_CAPTURED)
        # when it came, nobody knows: before what is still under way
        *others, last = asking.sender.pending
        late = asking.sender.late
        pending = (*others[:late], last, *others[late:])
        yield asking._replace(sender=asking.sender._replace(pending=pending))


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
    return bool(asked.span) and at_or_before(asked.end, answer.ack)
