"""One captured segment, and what the capture tells about it before anybody explains it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise

from tcpviz.exchange.capture import Frame
from tcpviz.exchange.exchange import Expected, Side
from tcpviz.exchange.matching.order import Place
from tcpviz.exchange.matching.past import Pending
from tcpviz.model.segment import ACK, RST, SYN, Segment
from tcpviz.model.sequence import before, distance
from tcpviz.value import Value, field, replace

TIE = 100_000
"""Within so many nanoseconds two frames may be captured in the wrong order."""
_TWIN = 1_000_000
"""Nanoseconds within which an identical frame is the same one, captured twice on its way through loopback."""
_TICK = 20_000_000
"""Nanoseconds within which the slowest usual timestamp clock goes on."""
_RECENT = 9
"""How many frames before tell whether the sender's clock stands still."""
_MEMORY = 64
"""How far back a copy that the network made is looked for, and how far a segment may be overtaken."""


class Observation(Value, eq=False, dict=True):
    """Segment number `index` of a connection. `peer` is `side` itself where a socket has connected to itself."""

    index: int
    frame: Frame
    segment: Segment
    side: Side
    peer: Side
    oddity: Expected | None = None
    kept_window: int | None = None
    """The window that its sender had offered, where this takes it back: which of them holds, the peer will show."""
    doubles: int = 0
    """How many before it had the same octets as the one before them."""
    reorders: bool = False
    """Its sender's clock has shown before that what was sent later may be captured sooner."""
    place: Place | None = None
    """Where its sender's count of packets puts it; None where it does not count."""
    earlier: list[Observation] = field(default_factory=list)
    """The connection's segments, this one and all before it."""

    def __repr__(self) -> str:
        return f"{self.side} #{self.index}: {self.segment}"

    @property
    def time(self) -> int:
        """Nanoseconds since 1970."""
        return self.frame.time

    @cached_property
    def pending(self) -> Pending:
        """What is on its way to the other end: one value for all who wait for it."""
        return Pending(self.index, self.segment)

    @cached_property
    def versions(self) -> tuple[Pending, ...]:
        """What may have arrived: the same, and where a number beside those of the sequence is odd also without that.

        New by its numbers and old by its clock: PAWS has seen another stamp.
        """
        segment, stamps = self.segment, self.segment.options.timestamps
        if self.kept_window is not None:
            segment = replace(segment, window=self.kept_window)
        if stamps is not None and any(distance(stamps[0], theirs) > 0 for theirs in self._stamps):
            segment = replace(segment, options=replace(segment.options, timestamps=None))
        return (self.pending,) if segment is self.segment else (self.pending, Pending(self.index, segment))

    @property
    def _stamps(self) -> Iterator[int]:
        """The clock of the same sender in what was captured shortly before."""
        for earlier in self.earlier[max(0, self.index - _MEMORY) : self.index]:
            stamps = earlier.segment.options.timestamps
            if stamps is not None and earlier.side == self.side:
                yield stamps[0]

    @property
    def is_twin(self) -> bool:
        """The same octets as just before: loopback shows a frame going out and coming in. It does so with all."""
        if not self.is_double or self.earlier[self.index - 1].is_twin:
            return False
        # the capture may begin with a second copy, and lack some
        return 2 * self.doubles >= self.index - 2 - self.index // 8

    @cached_property
    def is_double(self) -> bool:
        if not self.index:
            return False
        last = self.earlier[self.index - 1].frame
        return self.frame.data == last.data and 0 <= self.time - last.time < _TWIN

    @property
    def is_repeated(self) -> bool:
        """The same end has sent the same before, to the last option."""
        if self.place:
            return self.place.copied
        recent = self.earlier[max(0, self.index - _MEMORY) : self.index]
        return any(o.side == self.side and o.segment == self.segment for o in recent)

    @property
    def is_tied(self) -> bool:
        """The sender's last segment was captured so shortly before that the order of the two tells nothing."""
        mine = [o for o in self.earlier[max(0, self.index - 4) : self.index] if o.side == self.side]
        return bool(mine) and 0 <= self.time - mine[-1].time <= TIE

    @cached_property
    def age(self) -> int:
        """By so many packets, or ticks of its sender's clock (RFC 7323), it is older than what was captured before."""
        if self.place:
            return self.place.behind
        stamps = self.segment.options.timestamps
        if stamps is None:
            return 0
        recent = self.earlier[max(0, self.index - _MEMORY) : self.index]
        theirs = (o.segment.options.timestamps for o in recent if o.side == self.side and not o.segment.syn)
        return max(0, 0, *(distance(stamps[0], other[0]) for other in theirs if other is not None))

    @property
    def was_sent(self) -> bool:
        """Its sender's count leaves no doubt: it was sent before something that was captured before it."""
        return self.place is not None and (self.place.behind > 0 or self.place.copied)

    @property
    def is_ahead(self) -> bool:
        """Its sender's count tells of packets before it that have not been captured, or not yet."""
        return self.place is not None and self.place.skipped > 0

    @property
    def adjoins(self) -> bool:
        """Its sender's count leaves no room for another packet between this one and the last."""
        return self.place is not None and self.place.adjoins

    def is_as_old_as(self, other: Observation) -> bool:
        """By the clock of both segments' sender this one was sent no later."""
        stamps, theirs = self.segment.options.timestamps, other.segment.options.timestamps
        return self.side == other.side and bool(stamps and theirs and distance(stamps[0], theirs[0]) >= 0)

    @property
    def is_stale(self) -> bool:
        """By its sender's clock it was sent before what was captured earlier, or may have been where others were."""
        if self.place:
            return self.was_sent
        if self.age > 0 or self.segment.options.timestamps is None:
            return self.age > 0
        now, echo = self.segment.options.timestamps
        for earlier in self.earlier[max(0, self.index - _MEMORY) : self.index]:
            theirs = earlier.segment.options.timestamps
            same = earlier.side == self.side and theirs is not None and theirs[0] == now and not earlier.segment.syn
            stands_still = self.index - earlier.index <= _RECENT and self.time - earlier.time > _TICK
            # TS.Recent only grows
            older = theirs is not None and distance(echo, theirs[1]) > 0 and not self.segment.span
            if same and (self.reorders or stands_still or older or self._tells_less_than(earlier.segment)):
                return True
        return False

    def _tells_less_than(self, other: Segment) -> bool:
        """What it once had beyond a gap, an end does not forget (RFC 2018 section 8 allows it, and nobody does)."""
        mine, theirs = self.segment.options.sack, other.options.sack
        covered = all(
            any(distance(low, block[0]) >= 0 and distance(block[1], high) >= 0 for low, high in theirs)
            for block in mine
        )
        return not self.segment.span and self.segment.ack == other.ack and covered and set(mine) != set(theirs)

    @property
    def is_outdated(self) -> bool:
        """Text or a FIN that acknowledges less than what was captured before it: nobody takes that back."""
        recent = self.earlier[max(0, self.index - _MEMORY) : self.index]
        acks = [o.segment.ack for o in recent if o.side == self.side and o.segment.has_ack and not o.segment.rst]
        plain = self.segment.flags & (SYN | ACK | RST) == ACK and self.segment.span > 0
        return plain and any(distance(self.segment.ack, ack) > 0 for ack in acks)

    @cached_property
    def was_overtaken(self) -> bool:
        """Its sender would have sent it at one time, and has said more since: it was captured late.

        Then it went on from where that had got, and acknowledges just what that had of its peer.
        """
        segment = self.segment
        if segment.flags & (SYN | RST) or not segment.has_ack or self.place:
            return False
        recent = self.earlier[max(0, self.index - _MEMORY) : self.index]
        own = [o for o in recent if o.side == self.side]
        if segment.ack not in {o.segment.end for o in recent if o.side != self.side} | {o.segment.ack for o in own}:
            return False
        return any(
            self._fits_between(before.segment, after.segment)
            for before, after in pairwise(own)
            if self._may_precede(after) and not (after.segment.flags & (SYN | RST) and self._answers_since(after))
        )

    def _fits_between(self, first: Segment, last: Segment) -> bool:
        """By what it counts, of what its sender sent before it and after it; the latter tells more."""
        mine = self.segment
        # behind a bare ACK the capture may lack text
        goes_on = mine.end == last.seq or (not mine.span and before(mine.seq, last.seq))
        if first.end != mine.seq or not goes_on or (first.has_ack and before(mine.ack, first.ack)):
            return False
        if last.rst:
            return True
        told = last.end != mine.seq or self._tells_less_than(last)
        more = last.ack != mine.ack or (not mine.span and told)
        return more and distance(mine.ack, last.ack) >= 0

    def _answers_since(self, last: Observation) -> bool:
        """It may answer what came since: then the last, which let go of the connection, was somebody else's."""
        since = [o.segment for o in self.earlier[last.index + 1 : self.index] if o.side != self.side]
        return any(s.span and distance(s.end, self.segment.ack) >= 0 for s in since)

    def _may_precede(self, other: Observation) -> bool:
        """No clock speaks against it: neither its sender's, nor that of what it echoes."""
        stamps = self.segment.options.timestamps
        if not stamps:
            return True
        before = [o.segment for o in self.earlier[max(0, other.index - _MEMORY) : other.index] if o.side != self.side]
        # TS.Recent is not of text beyond what it acknowledges (RFC 7323 section 4.3)
        theirs = [s.options.timestamps for s in before if distance(s.end, self.segment.ack) >= 0]
        heard = any(stamp and distance(stamps[1], stamp[0]) >= 0 for stamp in theirs)
        return heard and (not other.segment.options.timestamps or self.is_as_old_as(other))

    @property
    def has_outlived_its_sender(self) -> bool:
        """A reset has overtaken it, and what its sender had sent and heard by then goes at least as far."""
        recent = self.earlier[max(0, self.index - _MEMORY) : self.index]
        mine, segment = [o.segment for o in recent if o.side == self.side], self.segment
        acks = [s.ack for s in mine if s.has_ack and not s.syn]
        heard = any(distance(ack, segment.ack) <= 0 for ack in acks) if segment.has_ack else False
        sent = any(distance(s.end, segment.end) <= 0 for s in mine if not s.syn)
        return any(s.rst for s in mine) and sent and heard and not segment.flags & (SYN | RST)

    @property
    def is_one_way(self) -> bool:
        """So far nothing was captured from the peer."""
        return all(o.side == self.side for o in self.earlier[: self.index])
