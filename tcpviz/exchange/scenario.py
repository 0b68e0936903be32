"""A Scenario: what applications call and what the network does, as data.

Knows no file format (`scenario_file` reads TOML) and runs nothing: simulate plays it in the model,
the lab with real sockets. Times are nanoseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from tcpviz.exchange.exchange import Side, other
from tcpviz.exchange.numbers import Numbers
from tcpviz.model.segment import ACK, Options, Segment
from tcpviz.model.sentence import Sentence
from tcpviz.model.sequence import add
from tcpviz.model.transitions import State
from tcpviz.value import Value

Verb = Literal[
    "listen", "connect", "accept", "send", "send-urgent", "recv", "shutdown", "close", "abort",
    "status", "timeout", "crash", "wait", "at", "close-listener", "bind", "sendto", "recvfrom",
]  # fmt: skip
"""The last three are UDP's.
`status` is the RFC's STATUS; with `timeout` the user timeout expires; `crash` forgets everything in silence."""
Detail = Literal["states", "calls", "times", "why", "window", "options"]
"""What a picture can show beside the segments."""
DETAILS: tuple[Detail, ...] = get_args(Detail)
Dialect = Literal["rfc9293", "rfc793", "linux", "freebsd"]
"""Whose habits an end in the model has."""
UDP = ("bind", "sendto", "recvfrom")
NOT_SENT = Sentence("neither end sent this")
MILLISECOND = 10**6
SECOND = 10**9
FIRST_ISN: Mapping[Side, int] = {"client": 1000, "server": 5000}
"""Where nothing is said; a kernel then chooses its own."""


class Action(Value):
    """One call of an application. Calls follow one another; each blocks as the socket call of that name does."""

    verb: Verb
    data: bytes = b""
    """send, and connect with Fast Open: what to send."""
    octets: int | None = None
    """recv: return once so many have come; None: return at the end of the stream."""
    some: bool = False
    """recv: return what is there as soon as something is."""
    time: int = 0
    """wait: for so long. at: until so long after the start."""

    def __str__(self) -> str:
        """As scenario files write it: `send 5`, `recv end`, `wait 100 ms`."""
        if self.verb in ("send", "send-urgent", "sendto") or self.data:
            return f"{self.verb} {len(self.data)}"
        if self.verb == "recv":
            return "recv some" if self.some else "recv end" if self.octets is None else f"recv {self.octets}"
        if self.verb in ("wait", "at"):
            return f"{self.verb} {self.time / MILLISECOND:g} ms"
        return self.verb


class Start(Value):
    """A connection that is there, in any state, before the story begins (RFC 9293 section 3.5.1)."""

    state: State
    snd_nxt: int
    rcv_nxt: int


class Host(Value):
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
    syn_retries: int | None = None
    """connect() gives up after so many repetitions of its SYN (Linux's linear time-outs come on top)."""
    tw_reuse: bool = False
    """connect() may cut a TIME-WAIT of its own short that is in its way, where timestamps were used."""
    start: Start | None = None
    threads: tuple[tuple[Action, ...], ...] = ()
    """Calls of further threads with the same socket; they begin once it is connected."""
    reuse_address: bool = False
    """SO_REUSEADDR: listen where a connection of an earlier server is still in TIME-WAIT."""
    backlog: int | None = None
    """So many connections, and one more, wait for accept(); further SYNs are dropped. None: as many as there are."""

    @property
    def talks_udp(self) -> bool:
        return any(call.verb in UDP for call in self.calls)


class SegmentName(Value):
    """`client SYN 1`: the first SYN that the client sends; `every client SYN`; `segment 7`: the seventh on the wire."""

    origin: Side | None
    what: Literal["SYN", "FIN", "RST", "data", "ACK", "segment"]
    count: int
    """From 1; 0: every one."""

    def __str__(self) -> str:
        if not self.count:
            return f"every {self.origin} {self.what}"
        return f"{self.origin} {self.what} {self.count}" if self.origin else f"segment {self.count}"


class Network(Value):
    """What happens between the ends. Times are one way; `delay` may be overruled per sender."""

    delay: int = 10 * MILLISECOND
    client_delay: int | None = None
    server_delay: int | None = None
    lose: tuple[SegmentName, ...] = ()
    lose_unseen: tuple[SegmentName, ...] = ()
    """Lost before the place of capture: no capture has them."""
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


class Injection(Value):
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
    why: Sentence = NOT_SENT

    def segment(self, isns: Mapping[Side, int], clocks: Mapping[Side, int]) -> Segment:
        """In the numbers of a connection with these ISNs; KeyError when one is needed and lacks.

        `clocks` is where each end's timestamps begin; without, at 0.
        """
        stamps = self.timestamps
        if stamps:
            ours, theirs = clocks.get(self.origin, 0), clocks.get(other(self.origin), 0)
            stamps = add(ours, stamps[0]), add(theirs, stamps[1])
        return Segment(
            seq=_number(self.seq, isns),
            ack=0 if self.ack is None else _number(self.ack, isns),
            flags=self.flags | (0 if self.ack is None else ACK),
            length=self.length,
            window=self.window,
            options=Options(timestamps=stamps),
        )


def _number(text: str, isns: Mapping[Side, int]) -> int:
    sides: dict[str, Side] = {"x": "client", "y": "server"}
    side = sides.get(text[0])
    return add(isns[side], int(text[1:] or 0)) if side else int(text)


class Scenario(Value):
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
    numbers: Numbers = "relative"
    """How its sequence numbers are best written, unless its reader chooses."""
    show: tuple[Detail, ...] = ()
    """What a picture of it needs beyond the usual."""
    dialect: Dialect = "rfc9293"
    """Whose habits the model plays it with, unless who plays it chooses."""
    program: str = ""
    """The tutorial's programs that make these calls: what `python -m tcpviz.tutorial` calls them."""
    unperformable: str = ""
    """Why no kernel can play it; empty when the lab can."""
    seen_in: str = ""
    """The capture it was inferred from. A kernel plays its calls, with numbers, options and windows of its own."""

    def hosts(self, side: Side) -> tuple[Host, ...]:
        return (self.client, *self.more_clients) if side == "client" else (self.server, *self.more_servers)

    def host(self, side: Side) -> Host:
        """The first application of a side."""
        return self.hosts(side)[0]
