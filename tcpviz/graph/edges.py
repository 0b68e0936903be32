"""The drawn edges of RFC 9293 Figure 5: rows of the table between the same two states, merged.

Plain values, made without any library; `questions` puts the same rows into networkx.
"""

from __future__ import annotations

from collections.abc import Iterable

from tcpviz.model.transitions import TABLE, Reply, Row, State, Stimulus
from tcpviz.value import Value

_RESETS = frozenset({Stimulus.RCV_RST, Stimulus.RCV_RST_ACTIVE})
_SIGNS = {Reply.NONE: "", Reply.DELETE_TCB: "", Reply.SND_ACK_NOW: "snd ACK"}
"""Figure 5 shows what is sent; every way to CLOSED deletes the TCB, so that needs no saying."""


class Edge(Value):
    """An arrow from `source` to `target`, and the rows that it stands for."""

    source: State
    target: State
    rows: tuple[Row, ...]

    @property
    def figure(self) -> str:
        """Where the RFC shows it: `Figure 5`, `Note 2`, or both."""
        return ", ".join(dict.fromkeys(row.figure for row in self.rows))

    @property
    def reset(self) -> bool:
        """One of Note 3's many ways to CLOSED, which the RFC's figure leaves out, too."""
        return self.target is State.CLOSED and all(row.stimulus in _RESETS for row in self.rows)

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        """For each row what happens and what is sent: ("rcv SYN", "snd SYN,ACK")."""
        return tuple((_stimulus(row), _SIGNS.get(row.reply, str(row.reply))) for row in self.rows)

    @property
    def lines(self) -> tuple[str, ...]:
        """The labels in one line each: `rcv SYN / snd SYN,ACK`."""
        return tuple(f"{stimulus} / {reply}" if reply else stimulus for stimulus, reply in self.labels)


def _stimulus(row: Row) -> str:
    return "rcv RST" if row.stimulus is Stimulus.RCV_RST_PASSIVE else str(row.stimulus)


def edges(table: Iterable[Row] = TABLE) -> tuple[Edge, ...]:
    """What Figure 5 and its notes show of the table, in the table's order."""
    merged: dict[tuple[State, State, bool], list[Row]] = {}
    for row in table:
        if row.figure:
            merged.setdefault((row.source, row.target, row.stimulus in _RESETS), []).append(row)
    return tuple(Edge(source, target, tuple(rows)) for (source, target, _), rows in merged.items())


def walk(rows: Iterable[Row | None], among: Iterable[Edge]) -> tuple[Edge | None, ...]:
    """The edge of each row, in order; None for a row that the figure does not show."""
    by_row = {row: edge for edge in among for row in edge.rows}
    return tuple(by_row.get(row) for row in rows if row is not None)
