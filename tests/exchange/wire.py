"""Captures: what a tap would have recorded of a simulated exchange, or told segment by segment."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from tcpviz.exchange import library
from tcpviz.exchange.capture import Address, Capture, Frame
from tcpviz.exchange.exchange import Connection, Side, other
from tcpviz.exchange.match import match
from tcpviz.exchange.scenario import Scenario
from tcpviz.exchange.scenario_file import parse
from tcpviz.exchange.simulate import simulate
from tcpviz.model.segment import NO_OPTIONS, Options, Segment
from tcpviz.model.sequence import add
from tcpviz.value import replace

Change = Callable[[Segment], Segment]


def scenario(client: list[str], server: list[str], lose: list[str] | None = None) -> Scenario:
    """A scenario from the calls of both ends, as a file would give them."""
    text = f"[client]\ncalls = {client}\n[server]\ncalls = {server}\n[network]\nlose = {lose or []}\n"
    return parse(text, "test", where="test")


def played(client: list[str], server: list[str], lose: list[str] | None = None) -> Connection:
    return simulate(scenario(client, server, lose)).connections[0]


def normal() -> Connection:
    return simulate(library.load("normal")).connections[0]


def tapped(*connections: Connection, change: dict[int, Change] | None = None) -> Capture:
    """Frames of segments that arrived, numbered from 1 in the order sent; `change` falsifies some of them."""
    rows = [(sent.sent, n, sent, c) for c in connections for n, sent in enumerate(c.segments)]
    rows.sort(key=lambda row: row[:2])
    frames = []
    for _, _, sent, connection in rows:
        if sent.arrived is None:
            continue
        number = len(frames) + 1
        segment = (change or {}).get(number, lambda s: s)(sent.segment)
        ends = connection.party(sent.origin).address, connection.party(other(sent.origin)).address
        frames.append(Frame(number, sent.sent, *ends, segment, sent.payload, segment.length, b"%d" % number))
    return Capture("test.pcap", tuple(frames), len(frames))


def renumbered(connection: Connection, port: int) -> Connection:
    """The same connection from another client port."""
    client = replace(connection.client, address=replace(connection.client.address, port=port))
    return replace(connection, client=client)


def text(ladder: str) -> str:
    """A ladder written in a test, without the eight columns that indent it there."""
    return "".join(f"{line[8:]}\n" for line in ladder.strip("\n").split("\n") if line.strip())


# Told segment by segment: numbers are relative; the window is 65535 where a test says nothing else

PEER, STACK = Address("10.0.0.1", 50000), Address("10.0.0.2", 80)
ISS = {PEER: 4_294_967_290, STACK: 7000}
"""The peer's numbers wrap around."""


class Said(NamedTuple):
    """One segment: `ack` is None where there is no ACK flag."""

    by: Address
    flags: int
    seq: int
    ack: int | None = None
    length: int = 0
    window: int = 65535
    options: Options = NO_OPTIONS
    to: Address | None = None
    """None: the other end."""


peer, stack = partial(Said, PEER), partial(Said, STACK)


def captured(*story: Said, pause: int = 100) -> Capture:
    """`pause`: milliseconds from one segment to the next."""
    frames = []
    for number, said in enumerate(story, 1):
        to = (STACK if said.by == PEER else PEER) if said.to is None else said.to
        seq = add(ISS[said.by], said.seq)
        ack = 0 if said.ack is None else add(ISS[to], said.ack)
        segment = Segment(seq, ack, said.flags, said.length, said.window, said.options)
        data = f"{number}".encode()
        frames.append(Frame(number, number * pause * 10**6, said.by, to, segment, b"", said.length, data))
    return Capture("unexpected.pcap", tuple(frames), len(frames))


def blamed(*story: Said, side: Side | None = None, pause: int = 100) -> list[int | None]:
    return [sent.frame for c in match(captured(*story, pause=pause), side).connections for sent in c.violations]


def only(*story: Said) -> Connection:
    (connection,) = match(captured(*story)).connections
    return connection
