"""Do two connections tell the same story? A simulated one and a captured one, or two captures.

What is compared is what DESIGN calls the story: in each direction the same segments in the same order with
the same relative numbers, and the same states up to the last segment. How two processors interleave,
and what only a timer does afterwards, is not part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

from tcpviz.exchange.exchange import Connection, Side, Transmission
from tcpviz.model.segment import ACK, FIN, RST, SYN, words

_TOLD = SYN | ACK | FIN | RST


def differences(one: Connection, two: Connection, names: tuple[str, str] = ("one", "two")) -> tuple[str, ...]:
    """Where the stories part, one sentence each; empty when they are the same."""
    sides: tuple[Side, Side] = ("client", "server")
    return tuple(
        line for side in sides for line in (*_segments(one, two, side, names), *_states(one, two, side, names))
    )


def _segments(one: Connection, two: Connection, side: Side, names: tuple[str, str]) -> Iterator[str]:
    told = [[_told(c, s) for s in c.segments if s.origin == side and s.kind != "duplicate-frame"] for c in (one, two)]
    for number, (first, second) in enumerate(zip_longest(*told), 1):
        if first != second:
            texts = first or "nothing", second or "nothing"
            yield f"{side} segment {number}: {names[0]} has {texts[0]}, {names[1]} has {texts[1]}"
            return


def _told(connection: Connection, sent: Transmission) -> str:
    seq, ack = connection.relative(sent)
    fields = [words(sent.segment.flags & _TOLD), f"seq={seq}"]
    fields += [] if ack is None else [f"ack={ack}"]
    return " ".join([*fields, f"len={sent.segment.length}"] if sent.segment.length else fields)


def _states(one: Connection, two: Connection, side: Side, names: tuple[str, str]) -> Iterator[str]:
    lists = [until_the_last_segment(c, side) for c in (one, two)]
    if lists[0] != lists[1]:
        yield f"{side} states: {names[0]} has {', '.join(lists[0])}; {names[1]} has {', '.join(lists[1])}"


def until_the_last_segment(connection: Connection, side: Side) -> list[str]:
    """The states of one end, without what only a timer did afterwards."""
    end = max((s.sent if s.arrived is None else s.arrived for s in connection.segments), default=0)
    return [str(change.state) for change in connection.party(side).states if change.time <= end]


def abreast(columns: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Lists of states as rows, the same state beside itself; empty where a column leaves one out."""
    rows: list[tuple[str, ...]] = []
    for number, column in enumerate(columns):
        base = [next(filter(None, row)) for row in rows]
        merged: list[tuple[str, ...]] = []
        for _, i1, i2, j1, j2 in SequenceMatcher(None, base, column, autojunk=False).get_opcodes():
            if base[i1:i2] == list(column[j1:j2]):
                merged += [(*row, row_state) for row, row_state in zip(rows[i1:i2], column[j1:j2], strict=True)]
            else:
                merged += [(*row, "") for row in rows[i1:i2]]
                merged += [(*[""] * number, state) for state in column[j1:j2]]
        rows = merged
    return rows
