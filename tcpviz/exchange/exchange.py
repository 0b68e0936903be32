"""An Exchange: what happened, with both ends' states and the reason of every segment.

Values only. Made by simulate and match; read by ladder, document and draw, which need nothing else.
Times are nanoseconds since the first event of the exchange, or, in a capture, since its first frame.
"""

from __future__ import annotations

from typing import Literal

from tcpviz.exchange.capture import Address
from tcpviz.exchange.errnos import errno_name
from tcpviz.model.commands import Kind
from tcpviz.model.segment import Segment, words
from tcpviz.model.sentence import Sentence
from tcpviz.model.sequence import distance
from tcpviz.model.transitions import Row, State
from tcpviz.value import Value

Side = Literal["client", "server"]
SIDES: tuple[Side, Side] = ("client", "server")
Verdict = Literal["ok", "warning", "violation"]
Fate = Literal["delivered", "lost", "unseen", "duplicated", "reordered"]
"""`unseen` was lost too, and before any capture could show it."""
Outcome = Literal["closed", "reset", "refused", "timeout", "half-open", "open"]
WitnessSource = Literal["tracepoint", "sock_diag"]
DeedName = Literal["retransmitted", "reset sent", "reset received"]


def other(side: Side) -> Side:
    return "server" if side == "client" else "client"


class Expected(Value):
    """The field in which a segment differs from what TCP allows. Numbers are relative."""

    field: str
    observed: int | str | None
    allowed: str
    section: str
    reason: Sentence | None = None
    """Why nothing of the kind was allowed at all."""

    @property
    def sentence(self) -> Sentence:
        """`expected ack=6, not 7`; `no SYN,ACK expected: CLOSED sends no such segment`."""
        if self.reason and self.observed == words(0):
            return Sentence("no segment without flags expected: {}", self.reason)
        if self.reason:
            return Sentence("no {} expected: {}", self.observed, self.reason)
        return Sentence("expected {}={}, not {}", self.field, self.allowed, self.observed)


class Transmission(Value):
    """One segment on its way from one end to the other."""

    origin: Side
    segment: Segment
    sent: int
    arrived: int | None
    """None when it was lost; equal to `sent` where there is only one clock, a capture's."""
    why: Sentence
    section: str
    sender: State
    """The sender's state after sending."""
    before: State
    """The receiver's state before arrival."""
    after: State
    """The receiver's state after arrival; as before when it never arrived."""
    kind: Kind = "new"
    fate: Fate = "delivered"
    verdict: Verdict = "ok"
    expected: Expected | None = None
    frame: int | None = None
    payload: bytes = b""
    rows: tuple[Row, ...] = ()
    """The rows of the table that it made fire where it arrived, in order."""


class Change(Value):
    """An endpoint enters a state. The first of a party has no row: it is where the story starts."""

    time: int
    state: State
    row: Row | None = None


class Call(Value):
    """What an application asked, and how it ended. `result` is empty while a call succeeds in silence."""

    name: str
    time: int
    octets: int | None = None
    returned: int | None = None
    result: str = ""

    @property
    def error(self) -> str:
        """What a socket of the system says instead, by its name in errno.h; empty while all is well."""
        return errno_name(self.name, self.result)

    def __str__(self) -> str:
        return self.name if self.octets is None else f"{self.name} {self.octets}"


class Period(Value):
    """A timer that ran: from when, until when, and whether it went off."""

    timer: str
    start: int
    end: int
    fired: bool


class Party(Value):
    """One end of a connection and all that happened there, in order."""

    address: Address
    isn: int | None
    """None when the capture did not show this end's SYN."""
    base: int
    """What relative numbers are counted from: the ISN, else the first number seen less one."""
    states: tuple[Change, ...]
    calls: tuple[Call, ...] = ()
    timers: tuple[Period, ...] = ()


class Deed(Value):
    """What the kernel says it did, apart from changing states."""

    time: int
    what: DeedName
    reason: str = ""
    """The kernel's own word for why it sent a reset, such as NO_SOCKET."""

    def __str__(self) -> str:
        return self.sentence

    @property
    def sentence(self) -> Sentence:
        what = Sentence(str(self.what))
        return Sentence("{} ({})", what, self.reason) if self.reason else what


class Testimony(Value):
    """What the kernel said of one end; empty when it never held a socket for it."""

    states: tuple[Change, ...] = ()
    deeds: tuple[Deed, ...] = ()


class Witness(Value):
    """The kernel's own word on a connection. A tracepoint tells each change when it is made; sock_diag only the
    states that were there when it was asked."""

    source: WitnessSource
    client: Testimony
    server: Testimony

    def of(self, side: Side) -> Testimony:
        return self.client if side == "client" else self.server


class Connection(Value):
    """One incarnation of a connection. `client` is who sent the first SYN."""

    client: Party
    server: Party
    segments: tuple[Transmission, ...]
    outcome: Outcome
    saw_start: bool = True
    saw_end: bool = True
    witness: Witness | None = None
    judged: tuple[Side, ...] = SIDES
    """The ends that are held to the rules. Of the other nobody knows the states."""

    def party(self, side: Side) -> Party:
        return self.client if side == "client" else self.server

    @property
    def to_itself(self) -> bool:
        """A socket has connected to itself: both parties are the same end."""
        return self.client.address == self.server.address

    @property
    def conforms(self) -> bool:
        return not self.violations

    @property
    def violations(self) -> tuple[Transmission, ...]:
        return tuple(s for s in self.segments if s.verdict == "violation")

    @property
    def lost(self) -> int:
        """How many segments must have been on the wire and are not in the capture."""
        return sum(sent.kind == "inferred" for sent in self.segments)

    def relative(self, sent: Transmission) -> tuple[int, int | None]:
        """SEG.SEQ and SEG.ACK counted from each side's ISN; None without the ACK flag."""
        seq = distance(self.party(sent.origin).base, sent.segment.seq)
        if not sent.segment.has_ack:
            return seq, None
        return seq, distance(self.party(other(sent.origin)).base, sent.segment.ack)


class Datagram(Value):
    """A UDP datagram; `origin` is an index into the flow's endpoints."""

    origin: Literal[0, 1]
    time: int
    length: int
    frame: int | None = None
    payload: bytes = b""
    arrived: int | None = None
    """None where there is only one clock, a capture's."""


class Flow(Value):
    """UDP between two endpoints: no states, no verdict."""

    endpoints: tuple[Address, Address]
    datagrams: tuple[Datagram, ...]
    calls: tuple[tuple[Call, ...], tuple[Call, ...]] = ((), ())
    """What the application at each endpoint called."""


class Exchange(Value):
    """Connections in the order of their first segment, and flows."""

    title: str
    connections: tuple[Connection, ...]
    flows: tuple[Flow, ...] = ()
    clocks: Literal[1, 2] = 2
    """2: sent and arrived are known apart (a simulation). 1: a capture, which saw each segment once."""
    epoch: int = 0
    """Nanoseconds since 1970 at time 0, for a capture."""

    @property
    def conforms(self) -> bool:
        return all(connection.conforms for connection in self.connections)
