"""What the kernel of this network namespace says of its TCP sockets, from /proc/net.

Only asks whether connections have come to rest; the kernel as a witness of states is another matter.
"""

from __future__ import annotations

from dataclasses import dataclass

# net/tcp_states.h
_ESTABLISHED, _FIN_WAIT_2, _TIME_WAIT, _CLOSE, _CLOSE_WAIT, _LISTEN = 0x01, 0x05, 0x06, 0x07, 0x08, 0x0A
_GONE = frozenset({_TIME_WAIT, _CLOSE, _LISTEN})
_STABLE = _GONE | {_ESTABLISHED, _FIN_WAIT_2, _CLOSE_WAIT}


@dataclass(frozen=True, slots=True)
class Sockets:
    """(state, octets not yet acknowledged) of every TCP socket."""

    found: tuple[tuple[int, int], ...]

    @property
    def at_rest(self) -> bool:
        """No handshake, close or octet is under way; connections may be open."""
        return all(state in _STABLE and (state in _GONE or not queued) for state, queued in self.found)

    @property
    def closed(self) -> bool:
        """No connection is left that could still say something."""
        return all(state in _GONE for state, _ in self.found)


def sockets() -> Sockets | None:
    """None when /proc does not tell."""
    try:
        return Sockets(_table("/proc/net/tcp") + _table("/proc/net/tcp6"))
    except OSError:
        return None


def _table(path: str) -> tuple[tuple[int, int], ...]:
    try:
        with open(path, encoding="ascii") as file:
            rows = [line.split() for line in file.readlines()[1:]]
    except FileNotFoundError:  # no IPv6 in this kernel
        if path.endswith("6"):
            return ()
        raise
    return tuple((int(row[3], 16), int(row[4].split(":")[0], 16)) for row in rows)
