"""Two connections, segment by segment: which segments of the one are which of the other, and where they differ.

Numbers are relative, so that two runs of the same story are the same. Knows no coordinates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from tcpviz.exchange.exchange import SIDES, Connection, Side, Transmission
from tcpviz.model.segment import ACK, FIN, RST, SYN, words
from tcpviz.model.transitions import State
from tcpviz.value import Value, replace

_TOLD = SYN | ACK | FIN | RST
"""PSH is a habit, not a part of the story."""

Told = tuple[str, str, int, int | None, int]
"""Origin, flags, relative SEG.SEQ and SEG.ACK, length."""


class Match(Value):
    """A segment of either connection, or of both; `differs` names the fields in which these two are not alike."""

    one: int | None
    two: int | None
    differs: tuple[str, ...] = ()
    moved: bool = False
    """The other connection has it too, but in another order."""

    @property
    def same(self) -> bool:
        return self.one is not None and self.two is not None and not self.differs


def told(connection: Connection, sent: Transmission) -> Told:
    seq, ack = connection.relative(sent)
    return sent.origin, words(sent.segment.flags & _TOLD), seq, ack, sent.segment.length


def same_states(one: Connection, two: Connection) -> bool:
    """Both ends go through the same states, as far as segments and calls made them."""
    return all(_states(one, side) == _states(two, side) for side in SIDES)


def _states(connection: Connection, side: Side) -> list[State]:
    """A state that is left as soon as it is entered may be left out, as may what a timer did in the end."""
    changes = connection.party(side).states
    end = max((s.sent if s.arrived is None else s.arrived for s in connection.segments), default=0)
    return [change.state for change in changes if change.time <= end]


def aligned(one: Connection, two: Connection) -> tuple[Match, ...]:
    """Both connections in order. What differs only in some fields, at the same place, is taken together."""
    left, right = ([told(c, s) for s in c.segments] for c in (one, two))
    found: list[Match] = []
    for what, i, i_end, j, j_end in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if what == "equal":
            found += [Match(a, b) for a, b in zip(range(i, i_end), range(j, j_end), strict=True)]
        else:
            found += _taken_together(left, right, range(i, i_end), range(j, j_end))
    return tuple(_moved(found, left, right))


def _moved(found: Sequence[Match], left: Sequence[Told], right: Sequence[Told]) -> Iterator[Match]:
    """How two processors interleave is not part of the story."""
    ours = Counter(left[m.one] for m in found if m.one is not None and m.two is None)
    theirs = Counter(right[m.two] for m in found if m.two is not None and m.one is None)
    for match in found:
        single = left[match.one] if match.two is None and match.one is not None else None
        single = right[match.two] if match.one is None and match.two is not None else single
        yield replace(match, moved=single is not None and ours[single] > 0 and theirs[single] > 0)


def _taken_together(left: list[Told], right: list[Told], ours: range, theirs: range) -> Iterator[Match]:
    """In a stretch that is not alike: segments of the same origin that do the same, in order."""
    waiting = list(theirs)
    for a in ours:
        b = next((b for b in waiting if _alike(left[a], right[b])), None)
        if b is None:
            yield Match(a, None)
            continue
        for skipped in waiting[: waiting.index(b)]:
            yield Match(None, skipped)
        waiting = waiting[waiting.index(b) + 1 :]
        yield Match(a, b, tuple(_differences(left[a], right[b])))
    for rest in waiting:
        yield Match(None, rest)


def _alike(one: Told, two: Told) -> bool:
    """Sent by the same end, and three of what can differ are the same."""
    return one[0] == two[0] and sum(a == b for a, b in zip(one[1:], two[1:], strict=True)) >= 2


def _differences(one: Told, two: Told) -> Iterator[str]:
    for name, a, b in zip(("flags", "seq", "ack", "len"), one[1:], two[1:], strict=True):
        if a != b:
            yield name
