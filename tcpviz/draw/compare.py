"""Two connections, segment by segment: which segments of the one are which of the other, and where they differ.

Numbers are relative, so that two runs of the same story are the same. Knows no coordinates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from tcpviz.exchange.exchange import SIDES, Connection, Side, Transmission
from tcpviz.model.segment import ACK, FIN, RST, SYN, words
from tcpviz.model.transitions import State
from tcpviz.value import Value, replace

_TOLD = SYN | ACK | FIN | RST
"""PSH is a habit, not a part of the story."""

_FIELDS = ("flags", "seq", "ack", "len")
_LONG = 48
"""A stretch of so many segments is more than any slide shows."""


class Told(NamedTuple):
    """A segment, as a story tells it. Numbers are relative."""

    origin: Side
    flags: str
    seq: int
    ack: int | None
    length: int
    again: bool
    """A retransmission is none of its original, however alike."""


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
    again = sent.kind == "retransmission"
    return Told(sent.origin, words(sent.segment.flags & _TOLD), seq, ack, sent.segment.length, again)


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
    """In a stretch that is not alike: in order, what is most alike. Of a long one only its ends, one by one."""
    if len(ours) * len(theirs) > _LONG**2:
        one, two = min(_LONG, len(ours)) // 2, min(_LONG, len(theirs)) // 2
        yield from _taken_together(left, right, ours[:one], theirs[:two])
        yield from (Match(a, None) for a in ours[one : len(ours) - one])
        yield from (Match(None, b) for b in theirs[two : len(theirs) - two])
        yield from _taken_together(left, right, ours[len(ours) - one :], theirs[len(theirs) - two :])
        return
    alike = [[_likeness(left[a], right[b]) for b in theirs] for a in ours]
    best = _best(alike, len(theirs))
    i = j = 0
    while i < len(ours) or j < len(theirs):
        paired = i < len(ours) and j < len(theirs) and alike[i][j] > 0
        if paired and best[i][j] == alike[i][j] + best[i + 1][j + 1]:
            a, b = ours[i], theirs[j]
            yield Match(a, b, tuple(_differences(left[a], right[b])))
            i, j = i + 1, j + 1
        elif i < len(ours) and best[i + 1][j] == best[i][j]:
            yield Match(ours[i], None)
            i += 1
        else:
            yield Match(None, theirs[j])
            j += 1


def _best(alike: list[list[int]], columns: int) -> list[list[int]]:
    """[i][j]: how alike what is behind can be in all, from row i and column j on."""
    best = [[0] * (columns + 1) for _ in range(len(alike) + 1)]
    for i in reversed(range(len(alike))):
        for j in reversed(range(columns)):
            best[i][j] = max(alike[i][j] + best[i + 1][j + 1], best[i + 1][j], best[i][j + 1])
    return best


def _likeness(one: Told, two: Told) -> int:
    """0 unless sent by the same end, and half of what can differ is the same."""
    if one.origin != two.origin:
        return 0
    same = 4 - len(list(_differences(one, two))) - (bool(one.length) != bool(two.length))
    return same * 2 + (one.again == two.again) if same >= 2 else 0


def _differences(one: Told, two: Told) -> Iterator[str]:
    for name, a, b in zip(_FIELDS, one[1:], two[1:], strict=False):
        if a != b:
            yield name
