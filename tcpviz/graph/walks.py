"""Which rows of the table a connection went through: as the way of each end, and as counts over many connections.

Plain values, made without any library.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from tcpviz.exchange.exchange import SIDES, Change, Connection, Side
from tcpviz.model.transitions import Row, State, Stimulus, find

Walk = tuple[Row | None, ...]
"""Rows in order; None where an end left the table, by a crash."""
Walks = dict[Side, Walk]


def walks(connection: Connection) -> Walks:
    """The way that each end took; one that starts in LISTEN got there by a passive OPEN."""
    return {side: (*_opened(connection, side), *_rows(connection.party(side).states)) for side in SIDES}


def steps(connection: Connection) -> tuple[Walks, ...]:
    """The ways so far, after each step of either end, in the order of time."""
    moments = sorted(
        (change.time, number, side)
        for side in SIDES
        for number, change in enumerate(connection.party(side).states[1:], 1)
    )
    found = [{side: _opened(connection, side) for side in SIDES}]
    for _, _, side in moments:
        whole, before = walks(connection)[side], found[-1]
        found.append({**before, side: whole[: len(before[side]) + 1]})
    return tuple(found if any(found[0].values()) else found[1:])


def coverage(connections: Iterable[Connection]) -> Counter[Row]:
    """How often each row fired."""
    return Counter(row for connection in connections for row in _fired(connection))


def _fired(connection: Connection) -> Iterator[Row]:
    for sent in connection.segments:
        yield from sent.rows
    for side in SIDES[:1] if connection.to_itself else SIDES:
        yield from (row for row in _opened(connection, side) if row)
        # what an arriving segment made fire is counted with the segment
        changes = connection.party(side).states
        yield from (c.row for c in changes if c.row and not c.row.stimulus.name.startswith("RCV_"))


def _opened(connection: Connection, side: Side) -> Walk:
    starts = connection.party(side).states[0].state
    return (find(State.CLOSED, Stimulus.PASSIVE_OPEN),) if starts is State.LISTEN else ()


def _rows(changes: Iterable[Change]) -> Iterator[Row | None]:
    """Every change but the first, which only says where the story starts."""
    return (change.row for number, change in enumerate(changes) if number)
