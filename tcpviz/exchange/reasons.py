"""Every number explains itself: why a segment was sent, what its numbers are made of, which rows it made fire.

Reads an Exchange and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

from tcpviz.exchange.exchange import Connection, Side, Transmission, other
from tcpviz.model.segment import words
from tcpviz.model.sequence import distance
from tcpviz.model.transitions import cite


def reasons(connection: Connection) -> str:
    """All segments, one after another, ending in a newline."""
    lines = [line for number, sent in enumerate(connection.segments, 1) for line in _reason(connection, sent, number)]
    return "".join(f"{line}\n" for line in lines)


def _reason(connection: Connection, sent: Transmission, number: int) -> Iterator[str]:
    yield f"{number:>3} {words(sent.segment.flags)} from the {sent.origin}: {sent.why} ({sent.section})"
    yield f"      seq = {composition(connection, sent.origin, sent.segment.seq)}"
    if sent.segment.has_ack:
        yield f"      ack = {composition(connection, other(sent.origin), sent.segment.ack)}"
    if sent.arrived is None:
        yield "      it is lost"
    for row in sent.rows:
        yield f"      {other(sent.origin)}: {row} ({cite(row.section)})"


def composition(connection: Connection, side: Side, number: int) -> str:
    """What a sequence number of one side counts: `1006 = 1000 ISN + 1 SYN + 5 data`."""
    party = connection.party(side)
    if party.isn is None:
        return str(number)
    offset = distance(party.isn, number)
    if offset <= 0:
        return f"{number} = {party.isn} ISN" + (f" - {-offset}" if offset else "")
    fins = [distance(party.isn, s.segment.end) for s in connection.segments if s.origin == side and s.segment.fin]
    fin = int(any(offset >= end for end in fins))
    data = offset - 1 - fin
    parts = [f"{party.isn} ISN", "1 SYN", *([f"{data} data"] if data else []), *(["1 FIN"] if fin else [])]
    return f"{number} = {' + '.join(parts)}"
