"""One possible past of one end of a connection: where it stands, what it has not yet taken from the wire.

Values only. Whatever happens to an end goes through the model's own `step`; there is no second TCP here.
"""

from __future__ import annotations

from typing import NamedTuple

from tcpviz.model import events
from tcpviz.model.commands import Emit
from tcpviz.model.endpoint import Endpoint, step
from tcpviz.model.segment import FIN, SYN, Segment
from tcpviz.model.sequence import distance
from tcpviz.model.transitions import Row, State
from tcpviz.value import replace

MOST_PENDING = 4096
"""How far an end may lag behind the capture without a word that tells so: as many segments as a window may hold."""
_MOST_LATE = 32
"""How many segments are remembered that were captured and not taken, as others were that came later."""
_MOST_OWED = 16
"""Who left so many replies unsent will not send the oldest of them."""
LATE = 1
"""The cost of a segment that is taken after one that was captured later, or never."""

_BURST = 4
"""Where as many are lost or overtaken together, the more are no further surprise."""

Call = tuple[str, int | None]
"""What an application must have called, and for how many octets."""


class Entry(NamedTuple):
    """One thing that happened to an end: segment number `place` was sent by it, or processed by it.

    A place below 0 is that of a segment which was not captured. Without rows, a new state is a crash.
    """

    place: int
    sent: bool
    before: State
    after: State
    rows: tuple[Row, ...] = ()
    calls: tuple[Call, ...] = ()
    emit: Emit | None = None


class Past(NamedTuple):
    """A linked list of entries, newest first, so that ends share what they have in common."""

    entry: Entry
    earlier: Past | None


class Pending(NamedTuple):
    """A segment on its way to this end."""

    place: int
    segment: Segment


class End(NamedTuple):
    """`cost` counts what is unlikely about this past: replies that nobody saw, segments taken out of order."""

    endpoint: Endpoint
    pending: tuple[Pending, ...] = ()
    """In the order of the capture."""
    late: int = 0
    """So many of them, the oldest, are late: one that was captured after them has been taken already."""
    owed: tuple[Emit, ...] = ()
    """Segments the endpoint must have sent that have not been seen yet, in order."""
    past: Past | None = None
    cost: int = 0
    loose: int = 0
    """For so many more segments it may turn out that this end counted from elsewhere: the capture began too late."""
    asked: int = 0
    """So many of the pending segments lie beyond a gap and have been answered; without SACK nobody knows which."""

    @property
    def state(self) -> State:
        return self.endpoint.state

    def noted(self, entry: Entry, endpoint: Endpoint) -> End:
        return self._replace(endpoint=endpoint, past=Past(entry, self.past))

    def newest(self) -> Entry | None:
        return self.past.entry if self.past else None

    def entries(self) -> list[Entry]:
        """Oldest first."""
        found, past = [], self.past
        while past:
            found.append(past.entry)
            past = past.earlier
        return found[::-1]


def arriving(end: End, item: Pending) -> End:
    """One more segment on its way; who lags too far behind takes the oldest."""
    end = end._replace(pending=(*end.pending, item))
    return deliver(end, end.late) if len(end.pending) > MOST_PENDING else end


def deliver(end: End, position: int) -> End:
    """Process one pending segment; those before it become late."""
    place, segment = end.pending[position]
    result = step(end.endpoint, events.SegmentArrives(segment))
    emitted = tuple(command for command in result.commands if isinstance(command, Emit))
    entry = Entry(place, False, end.endpoint.state, result.endpoint.state, result.rows)
    overtaken = max(0, position - end.late)
    late = position if overtaken else end.late - (position < end.late)
    forgotten = max(0, late - _MOST_LATE) if overtaken else 0
    answered = end.asked > 0 and bool(emitted) and result.endpoint.tcb.rcv_nxt == end.endpoint.tcb.rcv_nxt
    if answered:
        emitted = ()
    return End(
        result.endpoint,
        end.pending[forgotten:position] + end.pending[position + 1 :],
        late - forgotten,
        (*end.owed, *emitted)[-_MOST_OWED:] if emitted else end.owed,
        Past(entry, end.past),
        end.cost + min(overtaken, _BURST) * LATE,
        end.loose,
        end.asked - answered,
    )


def divided(end: End, position: int, number: int) -> End:
    """The same, with one pending segment cut in two at a sequence number within its text."""
    item = end.pending[position]
    segment = item.segment
    length = distance(segment.text, number)
    front = replace(segment, length=length, flags=segment.flags & ~FIN)
    back = replace(segment, seq=number, length=segment.length - length, flags=segment.flags & ~SYN)
    halves = (item._replace(segment=front), item._replace(segment=back))
    late = end.late + (position < end.late)
    return end._replace(pending=(*end.pending[:position], *halves, *end.pending[position + 1 :]), late=late)


def next_in_order(end: End) -> int | None:
    """The place of the oldest pending segment that is not late."""
    return end.late if end.late < len(end.pending) else None


def deliver_all(end: End) -> End:
    """Process whatever is pending and was not lost, as at the end of a capture."""
    while (position := next_in_order(end)) is not None:
        end = deliver(end, position)
    return end


def deliver_late(end: End) -> End:
    """Process what is late as well."""
    while end.pending:
        end = deliver(end, 0)
    return end
