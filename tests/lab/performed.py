"""Scenarios written out, and captures told in one line per direction."""

from __future__ import annotations

from tcpviz.exchange.capture import Frame
from tcpviz.exchange.scenario import Action, Host, Network, Scenario
from tcpviz.model.segment import letters

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
        client=Host(tuple(client), isn=100, address="127.0.0.1", port=CLIENT),
        server=Host(tuple(server), isn=300, address="127.0.0.1", port=SERVER),
        network=network or Network(),
        unperformable=unperformable,
    )


def story(frames: list[Frame]) -> list[str]:
    """`> PA 1 1 5`: direction seen from the client, flags, relative seq and ack, octets."""
    isn = {f.source.port: f.segment.seq for f in reversed(frames) if f.segment and f.segment.syn}
    lines = []
    for frame in frames:
        segment = frame.segment
        assert segment is not None
        from_client = frame.source.port == CLIENT
        seq = segment.seq - isn[frame.source.port] if frame.source.port in isn else "-"
        ack = segment.ack - isn.get(frame.destination.port, 0) if segment.has_ack else "-"
        lines.append(f"{'>' if from_client else '<'} {letters(segment.flags)} {seq} {ack} {segment.length}")
    return lines
