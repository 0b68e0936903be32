"""In what a captured segment differs from what a run of the model would have sent: what a blame consists of."""

from __future__ import annotations

from typing import NamedTuple

from tcpviz.exchange.matching.past import End
from tcpviz.model.segment import ACK, FIN, PSH, RST, SYN, Segment, words
from tcpviz.model.sentence import Sentence
from tcpviz.model.sequence import distance

FLAGS = Sentence("flags")
_COMPARED_FLAGS = SYN | ACK | FIN | RST
"""PSH, URG and the ECN bits are the sender's own affair at the handshake and the close."""


class Difference(NamedTuple):
    """A field in which the observed segment is not what this run of the model would send."""

    field: str
    observed: int | str | None
    allowed: int | str | None
    reason: Sentence | None = None
    """Why this run would send nothing of the kind."""


class Miss(NamedTuple):
    """A run that nearly explains a segment: what it would have sent instead, or why it would send nothing."""

    end: End
    differences: tuple[Difference, ...]
    section: str
    meant: Segment | None = None
    """What follows shows that this is what was sent."""
    flags: int = 1
    """How many flags are wrong, where some are."""

    @property
    def severity(self) -> tuple[bool, int, int, int, bool, bool]:
        """Fewer wrong fields first, and fewer calls that nothing else shows; flags alone, for then all numbers fit.

        Of what costs as much, a number that is off by one.
        """
        fields = [difference.field for difference in self.differences]
        nothing = any(difference.reason for difference in self.differences)
        newest = self.end.newest()
        emit = newest.emit if newest else None
        rare = emit is not None and emit.kind in ("keep-alive", "window-probe")
        # where an acknowledgement was due, a FIN that was sent again is less likely
        rare |= emit is not None and emit.kind == "retransmission" and emit.segment.fin and fields == ["flags"]
        wrong = len(fields) + 2 * nothing + rare + ("flags" in fields and len(fields) > 1) + (self.flags > 1)
        calls = len(newest.calls) if newest else 0
        return self.meant is None, wrong, calls, self.end.cost, fields != ["flags"], not self._off_by_one

    @property
    def _off_by_one(self) -> bool:
        numbers = [(one.observed, one.allowed) for one in self.differences]
        return any(isinstance(a, int) and isinstance(b, int) and abs(distance(a, b)) == 1 for a, b in numbers)


def differences(expected: Segment, observed: Segment, offers: bool = False) -> tuple[Difference, ...]:
    """Flags first: with other flags the numbers mean other things. `offers`: windows are compared as well."""
    found = []
    if toggled(expected.flags, observed.flags):
        found.append(Difference(FLAGS, kind_of(observed), kind_of(expected)))
    if expected.seq != observed.seq:
        found.append(Difference("seq", observed.seq, expected.seq))
    if observed.has_ack and observed.ack != (expected.ack if expected.has_ack else 0):
        # without ACK the field is zero
        found.append(Difference("ack", observed.ack, expected.ack))
    if expected.length != observed.length:
        found.append(Difference(Sentence("length"), observed.length, expected.length))
    if offers and expected.window != observed.window:
        found.append(Difference(Sentence("window"), observed.window, Sentence("at least {}", expected.window)))
    scale, larger = observed.options.window_scale, expected.options.window_scale
    if offers and larger is not None and larger != scale:
        found.append(Difference(Sentence("window scale"), scale, Sentence("at least {}", 1 + (scale or 0))))
    return tuple(found)


def toggled(expected: int, observed: int) -> int:
    """In how many of the flags that count they differ."""
    return ((expected ^ observed) & _COMPARED_FLAGS).bit_count()


def kind_of(segment: Segment) -> str:
    """The flags that matter, in words: `SYN,ACK`."""
    return words(segment.flags & ~PSH or segment.flags)
