"""A guess: both ends of a connection after what is assumed, with the segments that nobody captured."""

from __future__ import annotations

from typing import NamedTuple

from tcpviz.exchange.matching.past import End, Pending, arriving, timeless
from tcpviz.model.commands import Emit
from tcpviz.model.endpoint import Endpoint
from tcpviz.model.sequence import distance
from tcpviz.model.transitions import SYNCHRONIZED
from tcpviz.value import replace

VIOLATION = 100
"""The cost of a segment that breaks the rules."""
NOT_CAPTURED = 60
"""The cost of a segment that must have been on the wire and that the capture lacks."""
TINY, UNLIKELY = 3, VIOLATION + 21
"""A lost frame with so few octets is less likely than a wrong number, unless the peer acknowledges it; so is one for
which its sender's count of packets leaves no room."""


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
    copied: bool = False
    """The last of the unseen came once more than it was sent, or later: the network's doing."""

    @property
    def free(self) -> int:
        return self.first - len(self.unseen)

    def towards_sender(self, emit: Emit, cost: int) -> Guess:
        """With an unseen segment that reaches the sender."""
        emit = _timeless(emit)
        sender = arriving(_open_up_to(self.sender, emit.segment.end), Pending(self.free, emit.segment))
        return self._replace(sender=sender, unseen=(*self.unseen, (False, emit, cost)))

    def towards_receiver(self, emit: Emit, cost: int) -> Guess:
        emit = _timeless(emit)
        receiver = arriving(_open_up_to(self.receiver, emit.segment.end), Pending(self.free, emit.segment))
        return self._replace(receiver=receiver, unseen=(*self.unseen, (True, emit, cost)))


def _timeless(emit: Emit) -> Emit:
    return replace(emit, segment=timeless(emit.segment))


def _open_up_to(end: End, number: int) -> End:
    """With a window that reaches as far: what was offered in a segment that nobody saw."""
    tcb = end.endpoint.tcb
    needed = distance(tcb.rcv_nxt, number)
    if end.state not in SYNCHRONIZED or needed <= tcb.rcv_wnd:
        return end
    return end._replace(endpoint=Endpoint(end.state, replace(tcb, rcv_wnd=needed)))
