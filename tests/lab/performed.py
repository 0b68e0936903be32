"""Scenarios written out, and captures told in one line per direction."""

from __future__ import annotations

from typing import Any

from tcpviz.exchange.capture import Frame
from tcpviz.exchange.scenario import FIRST_ISN, Action, Host, Network, Scenario, Start
from tcpviz.model.segment import letters
from tcpviz.model.transitions import State
from tcpviz.value import replace

CLIENT, SERVER = 50306, 8080
MS = 10**6

listen, connect, accept = Action("listen"), Action("connect"), Action("accept")
shutdown, close, abort = Action("shutdown"), Action("close"), Action("abort")
recv_end = Action("recv")


def send(text: bytes) -> Action:
    return Action("send", data=text)


def recv(octets: int) -> Action:
    return Action("recv", octets=octets)


def wait(ms: int) -> Action:
    return Action("wait", time=ms * MS)


def at(ms: int) -> Action:
    return Action("at", time=ms * MS)


def scenario(
    client: list[Action], server: list[Action], *, network: Network | None = None, unperformable: str = ""
) -> Scenario:
    return Scenario(
        name="tried",
        title="Tried",
        summary="",
        client=Host(tuple(client), isn=FIRST_ISN["client"], address="127.0.0.1", port=CLIENT),
        server=Host(tuple(server), isn=FIRST_ISN["server"], address="127.0.0.1", port=SERVER),
        network=network or Network(),
        unperformable=unperformable,
    )


def apart(what: Scenario, address: str = "10.0.0.1", **client: Any) -> Scenario:
    """The same on two machines, with addresses of their own."""
    return replace(
        what,
        client=replace(what.client, address=address, **client),
        server=replace(what.server, address="10.0.0.2"),
    )


def starting(state: State) -> Scenario:
    """The client has a connection already."""
    return apart(scenario([close], []), start=Start(state, 100, 300))


def story(frames: list[Frame], client: int = CLIENT) -> list[str]:
    """`> PA 1 1 5`: direction seen from the client, flags, relative seq and ack, octets."""
    isn = {f.source.port: f.segment.seq for f in reversed(frames) if f.segment and f.segment.syn}
    lines = []
    for frame in frames:
        segment = frame.segment
        assert segment is not None
        from_client = frame.source.port == client
        seq = segment.seq - isn[frame.source.port] if frame.source.port in isn else "-"
        ack = segment.ack - isn.get(frame.destination.port, 0) if segment.has_ack else "-"
        lines.append(f"{'>' if from_client else '<'} {letters(segment.flags)} {seq} {ack} {segment.length}")
    return lines
