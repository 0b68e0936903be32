"""A Scenario: what applications call and what the network does, as data.

Knows no file format (`scenario_file` reads TOML) and runs nothing: simulate plays it in the model,
the lab with real sockets. Times are nanoseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tcpviz.exchange.exchange import Side
from tcpviz.model.transitions import State

Verb = Literal[
    "listen", "connect", "accept", "send", "send-urgent", "recv", "shutdown", "close", "abort",
    "status", "timeout", "crash", "wait", "at",
]  # fmt: skip
"""`status` is the RFC's STATUS; with `timeout` the user timeout expires; `crash` forgets everything in silence."""
MILLISECOND = 10**6
SECOND = 10**9


@dataclass(frozen=True, slots=True)
class Action:
    """One call of an application. Calls follow one another; each blocks as the socket call of that name does."""

    verb: Verb
    data: bytes = b""
    """send, and connect with Fast Open: what to send."""
    octets: int | None = None
    """recv: return once so many have come; None: return at the end of the stream."""
    time: int = 0
    """wait: for so long. at: until so long after the start."""

    def __str__(self) -> str:
        """As scenario files write it: `send 5`, `recv end`, `wait 100 ms`."""
        if self.verb in ("send", "send-urgent") or self.data:
            return f"{self.verb} {len(self.data)}"
        if self.verb == "recv":
            return "recv end" if self.octets is None else f"recv {self.octets}"
        if self.verb in ("wait", "at"):
            return f"{self.verb} {self.time / MILLISECOND:g} ms"
        return self.verb


@dataclass(frozen=True, slots=True)
class Start:
    """A connection that is there, in any state, before the story begins (RFC 9293 section 3.5.1)."""

    state: State
    snd_nxt: int
    rcv_nxt: int


@dataclass(frozen=True, slots=True)
class Host:
    """One application and the TCP below it. Several on one side share its machine: its listener, its address."""

    calls: tuple[Action, ...]
    isn: int
    address: str
    port: int
    mss: int = 1460
    window: int = 65535
    """Receive buffer in octets."""
    later_isns: tuple[int, ...] = ()
    """The ISNs of the incarnations after the first; from there on, each is 64,000 higher."""
    window_scale: int | None = None
    sack: bool = False
    timestamps: bool = False
    ecn: bool = False
    fast_open: bytes | None = None
    """client: ask for a cookie (empty) or know one. server: the cookie it gives out."""
    syn_cookies: bool = False
    keep_alive: int | None = None
    """Ask after so long a silence."""
    delayed_ack: int = 0
    """How long an ACK of text waits for something to ride on; `delayed_fin_ack` the ACK of a FIN."""
    delayed_fin_ack: int = 0
    user_timeout: int | None = None
    fin_wait_2_timeout: int | None = None
    rfc1337: bool = False
    start: Start | None = None


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
    """What happens between the ends. Times are one way; `delay` may be overruled per sender."""

    delay: int = 10 * MILLISECOND
    client_delay: int | None = None
    server_delay: int | None = None
    lose: tuple[SegmentName, ...] = ()
    duplicate: tuple[SegmentName, ...] = ()
    reorder: tuple[SegmentName, ...] = ()
    """Delivered only after the next segment of the same sender."""
    hold: tuple[tuple[SegmentName, int], ...] = ()
    """Delayed by so much more."""
    loss: float = 0.0
    """The chance of losing any segment, drawn with `seed`."""
    seed: int = 0

    def one_way(self, origin: Side) -> int:
        own = self.client_delay if origin == "client" else self.server_delay
        return self.delay if own is None else own


@dataclass(frozen=True, slots=True)
class Injection:
    """A segment that neither end sent: an old duplicate's, or a third party's, in the name of one of them."""

    origin: Side
    flags: int
    seq: str
    """A number, or `x+5`, `y+1` from the client's or the server's ISN."""
    ack: str | None = None
    length: int = 0
    window: int = 65535
    timestamps: tuple[int, int] | None = None
    """TSval and TSecr."""
    at: int | None = None
    """When it arrives; or, without, `after` which segment has."""
    after: SegmentName | None = None
    why: str = "neither end sent this"


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    title: str
    summary: str
    client: Host
    server: Host
    theme: str = "open and close"
    network: Network = Network()
    more_clients: tuple[Host, ...] = ()
    more_servers: tuple[Host, ...] = ()
    """Further threads of the server's application."""
    injections: tuple[Injection, ...] = ()
    unperformable: str = ""
    """Why no kernel can play it; empty when the lab can."""
    seen_in: str = ""
    """The capture it was inferred from. A kernel plays its calls, with numbers, options and windows of its own."""

    def hosts(self, side: Side) -> tuple[Host, ...]:
        return (self.client, *self.more_clients) if side == "client" else (self.server, *self.more_servers)

    def host(self, side: Side) -> Host:
        """The first application of a side."""
        return self.hosts(side)[0]
