"""One end judged alone: what the other one sent is taken as it came."""

from __future__ import annotations

from dataclasses import replace

from tcpviz.exchange.exchange import Connection, Side


def one_side(connection: Connection, side: Side | None) -> Connection:
    """`connection` with verdicts on what `side` sent; on all when it is None."""
    if side is None:
        return connection
    segments = (s if s.origin == side else replace(s, verdict="ok", expected=None) for s in connection.segments)
    return replace(connection, segments=tuple(segments))
