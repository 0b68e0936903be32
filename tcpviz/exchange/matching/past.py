"""One possible past of one end of a connection: where it stands, what it has not yet taken from the wire.

Values only. Whatever happens to an end goes through the model's own `step`; there is no second TCP here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice, takewhile
from typing import NamedTuple

from tcpviz.model import events
from tcpviz.model.commands import Emit
from tcpviz.model.endpoint import Endpoint, step
from tcpviz.model.segment import ACK, FIN, RST, SYN, Segment
from tcpviz.model.sequence import at_or_before, before, distance
from tcpviz.model.transitions import SYNCHRONIZED, Row, State
from tcpviz.value import replace

MOST_PENDING = 4096
"""How far an end may lag behind the capture without a word that tells so: as many segments as a window may hold."""
ETHERNET = 1460
_MOST_LATE = 32
"""How many segments are remembered that were captured and not taken, though their text was, in later ones."""
_MOST_OWED = 16
"""Who left so many replies unsent will not send the oldest of them."""
_MOST_ENDS = 5
"""How many pasts of one end are followed; the costlier are given up, though what comes might have spoken for them."""
LATE = 1
"""The cost of a segment that is taken after one that was captured later, or never."""

_MANY_BLOCKS, _MANY_BESIDE_MULTIPATH = 3, 2
"""Who holds as many may forget some: a header has room for three, and Linux keeps the newest four. What it has
forgotten it does not join to what comes beside it, either. Beside the options of Multipath TCP one has room."""
_BEFORE_ABORT = 64
"""So much has happened at most between the reset of an abort and its capture."""
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
    loose: bool = False
    """It may still turn out that this end counted from elsewhere: the capture began too late."""
    asked: int = 0
    """So many of the pending segments have been answered though they brought nothing in order; nobody knows which."""
    forgetful: bool = False
    """Its SACK options may leave out some of what it holds."""

    @property
    def state(self) -> State:
        return self.endpoint.state

    def noted(self, entry: Entry, endpoint: Endpoint) -> End:
        return self._replace(endpoint=endpoint, past=Past(entry, self.past))

    def newest(self) -> Entry | None:
        return self.past.entry if self.past else None

    def recent(self) -> Iterator[Entry]:
        """Newest first."""
        past = self.past
        while past:
            yield past.entry
            past = past.earlier

    def entries(self) -> list[Entry]:
        """Oldest first."""
        return [*self.recent()][::-1]


def arriving(end: End, item: Pending) -> End:
    """One more segment on its way; who lags too far behind takes the oldest."""
    end = end._replace(pending=(*end.pending, item))
    return deliver(end, end.late) if len(end.pending) > MOST_PENDING else end


def deliver(end: End, position: int) -> End:
    """Process one pending segment; those before it become late."""
    place, segment = end.pending[position]
    if position < end.late:
        segment = _come_earlier(end, segment)
    result = step(end.endpoint, events.SegmentArrives(segment))
    emitted = tuple(command for command in result.commands if isinstance(command, Emit))
    entry = Entry(place, False, end.endpoint.state, result.endpoint.state, result.rows)
    overtaken = max(0, position - end.late)
    late = position if overtaken else end.late - (position < end.late)
    front = end.pending[:position]
    if overtaken and late > _MOST_LATE:
        front = _remembered(front, result.endpoint.tcb.rcv_nxt)
        late = len(front)
    answered = min(end.asked, packets(end, segment))
    if answered and result.endpoint.tcb.rcv_nxt == end.endpoint.tcb.rcv_nxt:
        emitted = ()
    held = result.endpoint.tcb.held
    many = _MANY_BESIDE_MULTIPATH if result.endpoint.tcb.multipath_on else _MANY_BLOCKS
    return End(
        result.endpoint,
        front + end.pending[position + 1 :],
        late,
        (*end.owed, *emitted)[-_MOST_OWED:] if emitted else end.owed,
        Past(entry, end.past),
        end.cost + min(overtaken, _BURST) * LATE,
        end.loose,
        end.asked - answered,
        bool(held) and (end.forgetful or len(held) >= many),
    )


def timeless(segment: Segment) -> Segment:
    """When it came nobody knows, so its timestamp tells nothing; only a SYN's tells more than the time."""
    if segment.syn or segment.options.timestamps is None:
        return segment
    return replace(segment, options=replace(segment.options, timestamps=None))


def _come_earlier(end: End, segment: Segment) -> Segment:
    """Taken after what was captured later, it may have come before that: its clock and its ACK are not too old."""
    una = end.endpoint.tcb.snd_una
    if end.state in SYNCHRONIZED and segment.has_ack and before(segment.ack, una):
        segment = replace(segment, ack=una)
    return timeless(segment)


def _remembered(late: tuple[Pending, ...], number: int) -> tuple[Pending, ...]:
    """Of what is late, all that may still be missed, and as much of the rest as is likely to come at all."""
    old = [item for item in late if not before(number, item.segment.end)]
    forgotten = {id(item) for item in old[:-_MOST_LATE]}
    return tuple(item for item in late if id(item) not in forgotten) if forgotten else late


def packets(end: End, segment: Segment) -> int:
    """How many packets with text or a FIN the captured segment may have been on the wire (offload)."""
    return max(1, -(-segment.length // packet(end))) if segment.span else 0


def packet(end: End) -> int:
    """So many octets of text fit into one packet on its way to this end."""
    return end.endpoint.tcb.options.mss or ETHERNET


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


def instead(end: End, place: int, item: Pending) -> End:
    """The same, with what was captured after all in the place of the unseen text that was on its way."""
    first, last = item.segment.seq, item.segment.end
    for position, (at, segment) in enumerate(end.pending):
        if at != place or distance(segment.seq, first) < 0 or distance(last, segment.end) < 0:
            continue
        if segment.seq != first:
            end, position = divided(end, position, first), position + 1
        if segment.end != last:
            end = divided(end, position, last)
        return end._replace(pending=(*end.pending[:position], item, *end.pending[position + 1 :]))
    return end


def without_sack(end: End) -> End:
    """The same, from now on held to no SACK blocks."""
    return end._replace(endpoint=replace(end.endpoint, tcb=replace(end.endpoint.tcb, sack_on=False)))


def next_in_order(end: End) -> int | None:
    """The place of the oldest pending segment that is not late."""
    return end.late if end.late < len(end.pending) else None


def deliver_all(end: End) -> End:
    """Process whatever is pending and was not lost, as at the end of a capture."""
    while (position := next_in_order(end)) is not None:
        end = deliver(end, position)
    return end


def deliver_answered(end: End) -> End:
    """The same, but for a SYN or a FIN that its sender has repeated since, without an answer: it has not arrived.

    Nor has what would have kept this end from repeating its SYN.
    """
    newest = end.newest()
    if end.state is State.SYN_SENT and newest and newest.sent and not end.late:
        answers = any(item.segment.syn and item.place < newest.place for item in end.pending)
        # whom no SYN,ACK has reached, none will reach that came later
        end = end._replace(
            pending=tuple(p for p in end.pending if p.place > newest.place and not (answers and p.segment.syn))
        )
    asking = Counter(item.segment.end for item in end.pending[end.late :] if item.segment.flags & (SYN | FIN))
    lost = [number for number, times in asking.items() if times > 1]
    if not lost:
        return deliver_all(end)
    kept = [item for item in end.pending[end.late :] if item.segment.end not in lost or not item.segment.span]
    return deliver_all(end._replace(pending=(*end.pending[: end.late], *kept)))


def deliver_late(end: End) -> End:
    """Process what is late as well."""
    while end.pending:
        end = deliver(end, 0)
    return end


# What it has sent, or may have sent before


def sent_instead(end: End, index: int) -> Emit | None:
    entry = end.newest()
    return entry.emit if entry and entry.sent and entry.place == index else None


def was_first(end: End, observed: Segment) -> bool:
    """A bare ACK that fits before the segment which was captured before it."""
    last = next((e.emit.segment for e in islice(end.recent(), 4) if e.sent and e.emit), None)
    return (
        last is not None
        and not observed.span
        and not observed.rst
        and bool(last.span or last.rst)
        and (last.seq, last.ack) == (observed.seq, observed.ack)
    )


def aborted_first(end: End, observed: Segment) -> bool:
    """The reset of an abort that fits before the resets which were captured before it: they answer what came after.

    On several processors one sends them as soon as another has begun to close.
    """
    if observed.flags & (RST | ACK) != RST | ACK or end.state is not State.CLOSED:
        return False
    sent = [entry.emit.segment for entry in islice(end.recent(), _BEFORE_ABORT) if entry.sent and entry.emit]
    resets = list(takewhile(lambda segment: segment.flags & (RST | ACK) == RST, sent))
    if not resets or len(resets) == len(sent) or any(reset.seq != observed.seq for reset in resets):
        return False
    last = sent[len(resets)]
    return (last.end, last.ack) == (observed.seq, observed.ack)


def was_sent(end: End, observed: Segment) -> bool:
    """It counts nothing that its sender had not sent, or had not had, by then."""
    tcb = end.endpoint.tcb
    sent = at_or_before(observed.end, tcb.snd_nxt) and at_or_before(tcb.iss, observed.seq)
    return sent and observed.has_ack and at_or_before(observed.ack, tcb.rcv_nxt) and not observed.syn


# Which of several are worth following


def lags(end: End, other: End) -> bool:
    """It may become the other by processing what waits, and none of that is text or must be answered."""
    more = len(end.pending) - len(other.pending)
    return (
        more > 0
        and other.state is end.state
        and other.owed == end.owed
        and other.endpoint.tcb.rcv_nxt == end.endpoint.tcb.rcv_nxt
        and (not other.pending or other.pending[0] is end.pending[more])
    )


def extremes(ends: tuple[End, ...]) -> list[End]:
    """Of the cheapest pasts the one that has processed most, and the one that has processed least."""
    least = min(end.cost for end in ends)
    cheap = sorted((end for end in ends if end.cost == least), key=lambda end: len(end.pending))
    return [cheap[0]] if len(cheap) == 1 else [cheap[0], cheap[-1]]


def likeliest(ends: Iterable[End]) -> tuple[End, ...]:
    """The cheapest few, each present only once, and the one that has processed least: it can become any other."""
    found = sorted(ends, key=lambda end: (end.cost, len(end.pending)))
    if len(found) == 1:
        return tuple(found)
    kept: list[End] = []
    idle = found[0]
    for end in found:
        if end.cost == idle.cost and len(end.pending) > len(idle.pending):
            idle = end
        if len(kept) < _MOST_ENDS and not any(same(end, other) for other in kept):
            kept.append(end)
    return tuple(kept if any(end is idle or same(end, idle) for end in kept) else [*kept, idle])


def same(end: End, other: End) -> bool:
    """Whatever comes, both will answer it alike; mostly they share all that they have."""
    return (end.endpoint, end.pending, end.owed, end.asked) == (other.endpoint, other.pending, other.owed, other.asked)
