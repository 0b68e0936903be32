"""A guess: both ends of a connection after what is assumed, with the segments that nobody captured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tcpviz.exchange.matching.opening import ANY_WINDOW
from tcpviz.exchange.matching.past import Call, End, Entry, Pending, arriving, timeless
from tcpviz.model import events
from tcpviz.model.commands import Emit, Refuse
from tcpviz.model.endpoint import Endpoint, step
from tcpviz.model.sequence import distance
from tcpviz.model.transitions import SYNCHRONIZED, Row
from tcpviz.value import replace

VIOLATION = 100
"""The cost of a segment that breaks the rules."""
NOT_CAPTURED = 60
"""The cost of a segment that must have been on the wire and that the capture lacks."""
TINY, UNLIKELY = 3, VIOLATION + 21
"""A lost frame with so few octets is less likely than a wrong number, unless the peer acknowledges it; so is one for
which its sender's count of packets leaves no room."""
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
    copy: tuple[Emit, int] | None = None
    """After these, what came once more than it was sent, or late, and what that would cost alone."""

    @property
    def free(self) -> int:
        return self.first - len(self.unseen)

    @property
    def price(self) -> int:
        return self.cost + sum(cost for _, _, cost in self.unseen) + (self.copy[1] if self.copy else 0)

    def towards_sender(self, emit: Emit, cost: int) -> Guess:
        """With an unseen segment that reaches the sender."""
        emit = _timeless(emit)
        sender = arriving(_open_up_to(self.sender, emit.segment.end), Pending(self.free, emit.segment))
        return self._replace(sender=sender, unseen=(*self.unseen, (False, emit, cost)))

    def towards_receiver(self, emit: Emit, cost: int) -> Guess:
        emit = _timeless(emit)
        receiver = arriving(_open_up_to(self.receiver, emit.segment.end), Pending(self.free, emit.segment))
        return self._replace(receiver=receiver, unseen=(*self.unseen, (True, emit, cost)))


def sending(end: End, octets: int, index: int) -> Iterator[tuple[End, Emit, int]]:
    """How `end` may have sent so many octets of sequence space: text, or text and a FIN."""
    if octets > _FARTHEST:
        return
    yield from transmitting(end, index, octets, fin=False)
    yield from transmitting(end, index, octets - 1, fin=True)


def transmitting(end: End, index: int, octets: int, *, fin: bool) -> Iterator[tuple[End, Emit, int]]:
    """How it may have sent so much text, with a FIN or without: the end after it, the segment, and what it costs."""
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


def _timeless(emit: Emit) -> Emit:
    return replace(emit, segment=timeless(emit.segment))


def _open_up_to(end: End, number: int) -> End:
    """With a window that reaches as far: what was offered in a segment that nobody saw."""
    tcb = end.endpoint.tcb
    needed = distance(tcb.rcv_nxt, number)
    if end.state not in SYNCHRONIZED or needed <= tcb.rcv_wnd:
        return end
    return end._replace(endpoint=Endpoint(end.state, replace(tcb, rcv_wnd=needed)))
