"""One captured segment, and what the capture tells about it before anybody explains it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from tcpviz.exchange.capture import Frame
from tcpviz.exchange.exchange import Expected, Side
from tcpviz.exchange.matching.past import Pending
from tcpviz.model.segment import Segment
from tcpviz.model.sequence import distance

TIE = 100_000
"""Within so many nanoseconds two frames may be captured in the wrong order."""
_TWIN = 1_000_000
"""Nanoseconds within which an identical frame is the same one, captured twice on its way through loopback."""
_TICK = 20_000_000
"""Nanoseconds within which the slowest usual timestamp clock goes on."""
_RECENT = 9
"""How many frames before tell whether all have twins, and how far the sender's clock was."""
_MEMORY = 64
"""How far back a copy that the network made is looked for."""


@dataclass(frozen=True)
class Observation:
    """Segment number `index` of a connection. `peer` is `side` itself where a socket has connected to itself."""

    index: int
    frame: Frame
    segment: Segment
    side: Side
    peer: Side
    oddity: Expected | None = None
    earlier: list[Observation] = field(default_factory=list, repr=False, compare=False)
    """The connection's segments, this one and all before it."""

    @property
    def time(self) -> int:
        """Nanoseconds since 1970."""
        return self.frame.time

    @cached_property
    def pending(self) -> Pending:
        """What is on its way to the other end: one value for all who wait for it."""
        return Pending(self.index, self.segment)

    @property
    def is_twin(self) -> bool:
        """The same octets as just before: loopback shows a frame going out and coming in. It does so with all."""
        if not self._is_double or self.earlier[self.index - 1].is_twin:
            return False
        before = self.earlier[max(0, self.index - _RECENT) : self.index - 1]
        return 2 * sum(o._is_double for o in before) >= len(before) // 2

    @property
    def _is_double(self) -> bool:
        if not self.index:
            return False
        last = self.earlier[self.index - 1].frame
        return self.frame.data == last.data and 0 <= self.time - last.time < _TWIN

    @property
    def is_repeated(self) -> bool:
        """The same end has sent the same before, to the last option."""
        recent = self.earlier[max(0, self.index - _MEMORY) : self.index]
        return any(o.side == self.side and o.segment == self.segment for o in recent)

    @property
    def is_tied(self) -> bool:
        """The sender's last segment was captured so shortly before that the order of the two tells nothing."""
        mine = [o for o in self.earlier[max(0, self.index - 4) : self.index] if o.side == self.side]
        return bool(mine) and 0 <= self.time - mine[-1].time <= TIE

    @property
    def is_stale(self) -> bool:
        """By its sender's clock it was sent before what was captured earlier (RFC 7323 timestamps)."""
        stamps = self.segment.options.timestamps
        if stamps is None:
            return False
        for earlier in self.earlier[max(0, self.index - _RECENT) : self.index]:
            theirs = earlier.segment.options.timestamps
            if earlier.side == self.side and theirs is not None and not earlier.segment.syn:
                older = distance(stamps[0], theirs[0])
                if older > 0 or (older == 0 and self.time - earlier.time > _TICK):
                    return True
        return False

    @property
    def is_one_way(self) -> bool:
        """So far nothing was captured from the peer."""
        return all(o.side == self.side for o in self.earlier[: self.index])
