"""Captures made of simulated exchanges: what a tap between the two hosts would have recorded."""

from __future__ import annotations

from collections.abc import Callable

from tcpviz.exchange import library
from tcpviz.exchange.capture import Capture, Frame
from tcpviz.exchange.exchange import Connection, other
from tcpviz.exchange.scenario import Scenario
from tcpviz.exchange.scenario_file import parse
from tcpviz.exchange.simulate import simulate
from tcpviz.model.segment import Segment
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
