"""One account of a connection: what was assumed, who was blamed, and the possible pasts of both ends.

A value: how it grows when a captured segment is one that was missing, or tells of one that did not arrive. Which
account is the likeliest is `competition`'s business.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tcpviz.exchange.exchange import Side
from tcpviz.exchange.matching.difference import Miss
from tcpviz.exchange.matching.guess import NOT_CAPTURED, TINY, UNLIKELY
from tcpviz.exchange.matching.observation import TIE, Observation
from tcpviz.exchange.matching.past import (
    LATE,
    End,
    Entry,
    Pending,
    arriving,
    deliver_answered,
    likeliest,
    without_sack,
)
from tcpviz.model import events
from tcpviz.model.commands import Emit
from tcpviz.model.endpoint import step
from tcpviz.model.segment import Segment
from tcpviz.model.sequence import distance
from tcpviz.model.transitions import State
from tcpviz.value import replace

_AGAIN = 45
"""The cost of an unseen segment that is seen later: a number was wrong, likelier, or nobody needed it."""
_SHOWN = 20
"""The cost of unseen text that is seen when it is sent again."""
_TIMEOUT = 200_000_000, 4_000_000_000
"""Nanoseconds before a FIN is sent again: the least that usual stacks wait (Linux), and the most at first
(RFC 6298 section 5.7)."""
_SKIPPED = 5
"""The cost of an unseen segment where its sender's count of packets has a hole."""
_RECENT = 64
"""So many segments back the count of packets is looked at."""
_OUTLIVED = 90
"""The cost of a reset after which both ends go on, and which yet was its sender's."""
SWAPPED = 5
"""The cost of two frames that were captured in the wrong order."""


class Unseen(NamedTuple):
    """A segment that must have been on the wire before captured segment `at`."""

    at: int
    origin: Side
    emit: Emit
    cost: int
    time: int
    """Nanoseconds since 1970 of frame `at`."""
    sooner: bool = False
    """It was missed by a segment of its own sender."""
    again: bool = False
    """Its sender was seen to send it again."""
    covered: int = 0
    """So many of its octets were captured late, in pieces."""
    found: int | None = None
    """It was captured after all, a moment too late: as that segment."""
    counted: bool = False
    """What its sender's count of packets says of it is in the cost."""


class Account(NamedTuple):
    """`cost` is that of the assumptions; each end's past has a cost of its own."""

    client: tuple[End, ...]
    server: tuple[End, ...]
    cost: int = 0
    unseen: tuple[Unseen, ...] = ()
    missing: tuple[int, ...] = ()
    """Which of the unseen may still turn up."""
    blames: tuple[tuple[int, Miss], ...] = ()
    disorder: int = 0
    """How often the network has copied a segment, or held it back."""
    copies: int = 0
    """What those of the copies would cost, each alone, that only their answers tell of."""

    def ends(self, side: Side) -> tuple[End, ...]:
        return self.client if side == "client" else self.server

    def best(self, side: Side) -> End:
        return min(self.ends(side), key=lambda end: end.cost)

    def final(self, side: Side) -> End:
        """The best past, once it has processed all that has come."""
        return min(map(deliver_answered, self.ends(side)), key=lambda end: end.cost)

    @property
    def total(self) -> int:
        return self.cost + sum(min(end.cost for end in ends) for ends in (self.client, self.server) if ends)

    @property
    def waiting(self) -> int:
        """How far the ends may lag behind: who has processed less can still become more."""
        return sum(max(len(end.pending) for end in ends) for ends in (self.client, self.server) if ends)

    @property
    def open(self) -> list[tuple[Side, Segment]]:
        """Of the unseen segments those that may still turn up."""
        return [(self.unseen[n].origin, self.unseen[n].emit.segment) for n in self.missing]

    def disturbed(self, price: int = 0) -> Account:
        """The network has copied a segment, or held it back; `price` is what that alone would cost, as a guess.

        A network that does so does it again: the oftener it was seen to, the less each guess costs, earlier ones too.
        """
        disorder, copies = self.disorder + 1, self.copies + price
        more = 2 * copies // (disorder + 1) - 2 * self.copies // disorder if disorder > 1 else price
        return self._replace(cost=self.cost + more, disorder=disorder, copies=copies)

    def doubted(self, seen: Observation, cost: int) -> Account:
        """The segment came too soon: as what it is, or after what it follows on, unless that is to blame already."""
        newest = self.best(seen.side).newest()
        asks = newest is not None and newest.place == seen.index and newest.emit and newest.emit.kind == "keep-alive"
        bare = not seen.segment.length
        return self._replace(cost=self.cost + cost) if (asks if bare else not self.blames) else self

    def doubting(self, index: int) -> Account:
        """Both ends go on after that reset."""
        blamed = any(at == index for at, _ in self.blames)
        return self if blamed else self._replace(cost=self.cost + _OUTLIVED)

    def repeated(self, seen: Observation) -> Account:
        """With the unseen segments that this one repeats, or is: frames that tie may be captured in either order."""
        observed = seen.segment
        again = [n for n in self.missing if self.is_missing(n, seen)]
        if not again:
            return self
        cost, unseen = self.cost, list(self.unseen)
        for n in again:
            item, segment = unseen[n], unseen[n].emit.segment
            tied = seen.time - item.time <= TIE
            older = seen.is_outdated or seen.is_as_old_as(seen.earlier[item.at])
            late = seen.is_stale or tied or (item.sooner and older)
            # of one sender's two segments, a lone FIN captured late looks just like a wrong number in the first
            alone = item.sooner and not segment.length and not segment.syn and not seen.is_outdated
            if segment.end == observed.end and not alone and late:
                unseen[n] = item._replace(found=seen.index)
                cost += SWAPPED - item.cost
            elif seen.was_sent and distance(segment.seq, observed.end) <= segment.span:
                whole = item.covered + observed.span >= segment.span
                unseen[n] = item._replace(covered=item.covered + observed.span, found=seen.index if whole else None)
                cost += SWAPPED - item.cost if whole else 0
            elif late and 0 < observed.span < segment.length:
                # it was several
                rest = replace(segment, seq=observed.end, length=segment.length - observed.span)
                unseen[n] = item._replace(emit=replace(item.emit, segment=rest))
            elif segment.span and observed.span:
                unseen[n] = item._replace(again=True)
                cost += self._shown(item, seen)
        missing = tuple(n for n in self.missing if not unseen[n].again and unseen[n].found is None)
        return self._replace(unseen=tuple(unseen), missing=missing, cost=cost)

    def _shown(self, item: Unseen, seen: Observation) -> int:
        """What changes in the cost of an unseen segment with text or a FIN when `seen` may be the same, sent again.

        That is why it comes again, and shows that it was there. Of a few octets nothing says so but that the peer has
        asked for them, or that a timer may have fired, and what comes ends where they, or all, had ended: new text
        after a number that is wrong by as much would end anywhere. A FIN ends where it does.
        """
        segment, observed = item.emit.segment, seen.segment
        if not segment.length:
            return 0 if _timed_out(item, seen) else _AGAIN
        ended = observed.end in (segment.end, self.best(seen.side).endpoint.tcb.snd_nxt)
        shown = segment.length > TINY or _asked_for(item, seen) or (ended and _timed_out(item, seen))
        return min(0, _SHOWN - item.cost) if shown else 0

    def requested(self, seen: Observation) -> Account:
        """With what an ACK tells of the few octets that it asks for: they are missing, and no number is wrong."""
        segment = seen.segment
        few = [n for n in self.missing if self.unseen[n].cost > NOT_CAPTURED]
        if not few or segment.span or segment.rst or not segment.has_ack:
            return self
        last = next((o.segment for o in reversed(seen.earlier[: seen.index]) if o.side == seen.side), segment)
        if last.ack != segment.ack and not segment.options.sack:
            return self
        cost, unseen = self.cost, list(self.unseen)
        for n in few:
            item, missed = unseen[n], seen.earlier[unseen[n].at]
            beyond = item.at < seen.index and missed.segment.span > 0 and not missed.adjoins
            if item.origin != seen.side and item.emit.segment.seq == segment.ack and beyond:
                unseen[n] = item._replace(cost=NOT_CAPTURED)
                cost += NOT_CAPTURED - item.cost
        return self._replace(cost=cost, unseen=tuple(unseen))

    def counted(self, seen: Observation) -> Account:
        """With what the count of packets of this segment's sender tells of those that it was not seen to send."""
        open_ = [n for n in self.missing if self.unseen[n].origin == seen.side and not self.unseen[n].counted]
        if not open_ or not (seen.adjoins or seen.is_ahead):
            return self
        cost, unseen = self.cost, list(self.unseen)
        for n in open_:
            item = unseen[n]
            unseen[n] = item._replace(cost=counted(seen, item.emit, item.cost), counted=True)
            cost += unseen[n].cost - item.cost
        return self._replace(cost=cost, unseen=tuple(unseen))

    def is_missing(self, n: int, seen: Observation) -> bool:
        place = distance(self.unseen[n].emit.segment.seq, seen.segment.seq)
        inside = seen.was_sent and 0 < place < self.unseen[n].emit.segment.span
        return self.unseen[n].origin == seen.side and (place == 0 or inside)

    def having(self, side: Side, ends: Iterable[End]) -> Account:
        kept = likeliest(ends)
        return self._replace(client=kept) if side == "client" else self._replace(server=kept)

    def untold(self, side: Side) -> Account:
        """What `side` tells of text beyond a gap is cut off (a short snap length), so it is not held to it."""
        if not any(end.endpoint.tcb.sack_on for end in self.ends(side)):
            return self
        return self.having(side, [without_sack(end) for end in self.ends(side)])

    def receives(self, side: Side, *versions: Pending) -> Account:
        """Every past of `side` has the segment on its way; several versions where nobody knows what it was."""
        if not self.ends(side):
            return self
        return self.having(side, [arriving(end, version) for version in versions for end in self.ends(side)])

    def undelivered(self, side: Side, peer: Side, number: int, last: int) -> Account:
        """A SYN has not arrived: likely that its sender gives up, though it may go on asking (RFC 9293 3.9.2.2)."""
        asking = [end for end in self.ends(side) if end.state is State.SYN_SENT and end.endpoint.tcb.iss == number]
        if not asking or side == peer:
            return self
        given_up = []
        for end in asking:
            result = step(end.endpoint, events.Abort())
            entry = Entry(last, False, end.state, result.endpoint.state, result.rows)
            given_up.append(end.noted(entry, result.endpoint))
        spared = [
            end._replace(pending=tuple(item for item in end.pending if item.segment.seq != number))
            for end in self.ends(peer)
        ]
        going_on = [end._replace(cost=end.cost + LATE) for end in self.ends(side)]
        arrived = [end._replace(cost=end.cost + LATE) for end in self.ends(peer)]
        return self.having(side, [*given_up, *going_on]).having(peer, [*spared, *arrived])


def _timed_out(item: Unseen, seen: Observation) -> bool:
    """It was sent between what its sender had sent before and what missed it: since then a timer may have fired."""
    missed = seen.earlier[item.at]
    last = next((o for o in reversed(seen.earlier[: item.at]) if o.side == seen.side), missed)
    soonest, latest = _TIMEOUT
    return seen.time - last.time >= soonest and seen.time - missed.time <= latest


def _asked_for(item: Unseen, seen: Observation) -> bool:
    """What missed it had text, and the peer has gone on to acknowledge what comes before both."""
    since = seen.earlier[item.at : seen.index]
    answers = (o.segment for o in since if o.side != seen.side and o.segment.has_ack)
    return since[0].segment.span > 0 and any(answer.ack == item.emit.segment.seq for answer in answers)


def counted(seen: Observation, emit: Emit, cost: int) -> int:
    """What it costs that a segment is missing before `seen`, by the count of packets of the sender of both."""
    if seen.is_ahead:
        return min(cost, _SKIPPED)
    # Linux sends a SYN,ACK in the name of a connection to be, without a count
    if not seen.adjoins or emit.segment.syn:
        return cost
    for other in reversed(seen.earlier[max(0, seen.index - _RECENT) : seen.index]):
        if other.side != seen.side:
            continue
        # it was sent before what went again since
        if other.is_ahead:
            return min(cost, _SKIPPED)
        if other.segment.end == emit.segment.seq:
            break
        if not other.adjoins:
            return cost
    return max(cost, UNLIKELY)
