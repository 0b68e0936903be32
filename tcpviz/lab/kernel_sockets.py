"""What the kernel of a network namespace says of its TCP sockets, from /proc/net.

Only asks whether connections have come to rest; the kernel as a witness of states is another matter.
"""

from __future__ import annotations

from contextlib import suppress
from typing import IO, NamedTuple

from tcpviz.value import Value

# net/tcp_states.h
_ESTABLISHED, _FIN_WAIT_2, _TIME_WAIT, _CLOSE, _CLOSE_WAIT, _LISTEN = 0x01, 0x05, 0x06, 0x07, 0x08, 0x0A
_GONE = frozenset({_TIME_WAIT, _CLOSE, _LISTEN})
_STABLE = _GONE | {_ESTABLISHED, _FIN_WAIT_2, _CLOSE_WAIT}
_OPEN = frozenset({_ESTABLISHED, _CLOSE_WAIT})


class Row(NamedTuple):
    """One socket, as /proc/net/tcp lists it."""

    state: int
    unacknowledged: int
    """Octets."""
    timer: int
    """Which timer runs; 0: none."""


class Sockets(Value):
    """Every TCP socket."""

    found: tuple[Row, ...]

    @property
    def at_rest(self) -> bool:
        """No handshake, close or octet is under way; connections may be open."""
        return all(row.state in _STABLE and (row.state in _GONE or not row.unacknowledged) for row in self.found)

    @property
    def silent(self) -> bool:
        """At rest, and no open connection has a timer that will break the silence: nobody asks whether it lives."""
        return self.at_rest and not any(row.timer for row in self.found if row.state in _OPEN)

    @property
    def closed(self) -> bool:
        """No connection is left that could still say something."""
        return all(row.state in _GONE for row in self.found)


def tables() -> list[IO[str]]:
    """The tables of the namespace in which this process is now; they go on telling of it when it is elsewhere."""
    found: list[IO[str]] = []
    for name in ("tcp", "tcp6"):
        with suppress(OSError):  # no /proc, or no IPv6 in this kernel
            found.append(open(f"/proc/self/net/{name}", encoding="ascii"))  # noqa: SIM115 - open as long as the sandbox
    return found


def sockets(tables: list[IO[str]]) -> Sockets | None:
    """None when /proc does not tell."""
    rows: list[Row] = []
    for table in tables:
        try:
            table.seek(0)
            rows += [_row(line.split()) for line in table.readlines()[1:]]
        except OSError:
            return None
    return Sockets(tuple(rows)) if tables else None


def _row(fields: list[str]) -> Row:
    return Row(int(fields[3], 16), int(fields[4].split(":")[0], 16), int(fields[5].split(":")[0], 16))
