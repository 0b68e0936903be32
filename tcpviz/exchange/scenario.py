"""A Scenario: what applications call and what the network does, as data.

Knows no file format (`scenario_file` reads TOML) and runs nothing: simulate plays it in the model,
the lab with real sockets. Times are nanoseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from tcpviz.exchange.exchange import Side

Verb = Literal["listen", "connect", "accept", "send", "recv", "shutdown", "close", "abort", "wait", "at"]


@dataclass(frozen=True, slots=True)
class Action:
    """One call of an application. Calls follow one another; each blocks as the socket call of that name does."""

    verb: Verb
    data: bytes = b""
    """send: what to send."""
    octets: int | None = None
    """recv: return once so many have come; None: return at the end of the stream."""
    time: int = 0
    """wait: for so long. at: until so long after the start."""

    def __str__(self) -> str:
        """As scenario files write it: `send 5`, `recv end`, `wait 100 ms`."""
        if self.verb == "send":
            return f"send {len(self.data)}"
        if self.verb == "recv":
            return "recv end" if self.octets is None else f"recv {self.octets}"
        if self.verb in ("wait", "at"):
            return f"{self.verb} {self.time // 10**6} ms"
        return self.verb


@dataclass(frozen=True, slots=True)
class Host:
    """One end: what its application calls, and what its TCP brings along."""

    calls: tuple[Action, ...]
    isn: int
    address: str
    port: int
    mss: int = 1460
    window: int = 65535
    """Receive buffer in octets."""


@dataclass(frozen=True, slots=True)
class SegmentName:
    """`client SYN 1`: the first SYN that the client sends; `segment 7`: the seventh on the wire."""

    origin: Side | None
    what: Literal["SYN", "FIN", "RST", "data", "ACK", "segment"]
    count: int

    def __str__(self) -> str:
        return f"{self.origin} {self.what} {self.count}" if self.origin else f"segment {self.count}"


@dataclass(frozen=True, slots=True)
class Network:
    """What happens between the ends."""

    delay: int = 10 * 10**6
    """One way."""
    lose: tuple[SegmentName, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    title: str
    summary: str
    client: Host
    server: Host
    theme: str = "open and close"
    network: Network = Network()
    unperformable: str = ""
    """Why no kernel can play it; empty when the lab can."""

    def host(self, side: Side) -> Host:
        return self.client if side == "client" else self.server

    def with_host(self, side: Side, host: Host) -> Scenario:
        return replace(self, client=host) if side == "client" else replace(self, server=host)
