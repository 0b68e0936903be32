"""Connections to draw: played by the model where it can, written out by hand where it cannot."""

from __future__ import annotations

from typing import get_args

from tcpviz.exchange import library
from tcpviz.exchange.capture import Address
from tcpviz.exchange.exchange import Change, Connection, Expected, Party, Side, Transmission
from tcpviz.exchange.simulate import simulate
from tcpviz.model.commands import Kind
from tcpviz.model.segment import ACK, PSH, SYN, Segment
from tcpviz.model.transitions import State
from tcpviz.value import replace

MS = 10**6


def played(client: str, server: str, network: str = "") -> Connection:
    """A scenario of our own, its calls separated by commas: played("connect, close", "listen, accept, close")."""
    ends = f"[client]\ncalls = {_calls(client)}\n[server]\ncalls = {_calls(server)}"
    text = f'title = "drawn"\n{ends}\n[network]\n{network}'
    return simulate(library.parse(text, "drawn", "drawn")).connections[0]


def _calls(text: str) -> list[str]:
    return [call.strip() for call in text.split(",")]


WITH_STATES = [name for name in library.names() if not library.load(name).client.talks_udp]
"""The library's connections; UDP has a picture of its own."""


def of_library(name: str) -> Connection:
    return simulate(library.load(name)).connections[0]


def sent(
    origin: Side, flags: int, seq: int, ack: int, length: int = 0, at: int = 0, state: State = State.ESTABLISHED
) -> Transmission:
    """A segment by hand, in milliseconds, between ends that both stay in `state`."""
    segment = Segment(seq, ack, flags, length, window=65535)
    return Transmission(origin, segment, at * MS, (at + 10) * MS, "by hand", "none", state, state, state)


def party(host: str, port: int, *states: tuple[int, State]) -> Party:
    return Party(Address(host, port), 0, 0, tuple(Change(time * MS, state) for time, state in states))


def by_hand(*segments: Transmission, client: Party | None = None, server: Party | None = None) -> Connection:
    return Connection(
        client or party("10.0.0.1", 50000, (0, State.ESTABLISHED)),
        server or party("10.0.0.2", 80, (0, State.ESTABLISHED)),
        segments,
        "open",
    )


def one_clock(connection: Connection) -> Connection:
    """As a capture would show it: every segment seen once, microseconds apart."""
    segments, times = [], {}
    for number, segment in enumerate(connection.segments):
        time = number * 7_013 + number // 5 * 3_000_000
        times[segment.sent] = times.get(segment.sent, time)
        segments.append(replace(segment, sent=time, arrived=time, frame=number + 1))
    parties = [replace(p, states=p.states[:1], calls=(), timers=()) for p in (connection.client, connection.server)]
    return replace(connection, client=parties[0], server=parties[1], segments=tuple(segments))


def violated(connection: Connection, index: int) -> Connection:
    segments = list(connection.segments)
    expected = Expected("ack", 7, "6", "RFC 9293 3.10.7.4")
    segments[index] = replace(segments[index], verdict="violation", expected=expected)
    return replace(connection, segments=tuple(segments))


def long(count: int, again: tuple[int, ...] = ()) -> Connection:
    """A normal connection with `count` data segments between its handshake and its close, each acknowledged."""
    normal = of_library("normal")
    opening, closing = normal.segments[:3], normal.segments[7:]
    base_client, base_server = normal.client.base, normal.server.base
    middle, time = [], 30
    for number in range(count):
        data = sent("client", ACK | PSH, base_client + 1 + 1448 * number, base_server + 1, 1448, time)
        if number in again:
            middle.append(replace(data, arrived=None, fate="lost"))
            data = replace(data, sent=data.sent + 200 * MS, arrived=data.sent + 210 * MS, kind="retransmission")
        middle += [data, sent("server", ACK, base_server + 1, base_client + 1449 + 1448 * number, 0, time + 10)]
        time += 20
    shift = time * MS
    later = tuple(replace(s, sent=s.sent + shift, arrived=s.arrived + shift) for s in closing if s.arrived is not None)
    parties = [
        replace(
            p,
            states=tuple(replace(c, time=c.time + shift) if c.time >= 40 * MS else c for c in p.states),
            calls=tuple(replace(c, time=c.time + shift, returned=None) if c.time >= 40 * MS else c for c in p.calls),
            timers=tuple(replace(t, start=t.start + shift, end=t.end + shift) for t in p.timers),
        )
        for p in (normal.client, normal.server)
    ]
    return replace(normal, client=parties[0], server=parties[1], segments=(*opening, *middle, *later))


def crossing_bursts() -> Connection:
    """Both ends send three segments at once."""
    segments = [
        sent(side, ACK | PSH, 100 * number, 1, 100, 5 * (side == "server") + number)
        for number in range(3)
        for side in ("client", "server")
    ]
    return by_hand(*sorted(segments, key=lambda s: s.sent))


def of_every_kind() -> Connection:
    """One segment of each, as a capture shows them."""
    kinds: tuple[Kind, ...] = get_args(Kind)
    segments = [replace(sent("client", ACK | PSH, 1 + 5 * n, 1, 5, 20 * n), kind=k) for n, k in enumerate(kinds)]
    return by_hand(*segments)


CONNECTIONS: dict[str, Connection] = {
    **{f"library {name}": of_library(name) for name in WITH_STATES},
    "nothing": by_hand(),
    "one segment": by_hand(sent("client", SYN, 0, 0), client=party("10.0.0.1", 50000)),
    "lost data": played(
        "connect, send 5, recv 3, close", "listen, accept, recv 5, send 3, recv end, close", 'lose = ["client data 1"]'
    ),
    "lost SYN": played("connect, close", "listen, accept, recv end, close", 'lose = ["client SYN 1", "client SYN 2"]'),
    "lost FIN": played("connect, close", "listen, accept, recv end, close", 'lose = ["server FIN 1"]'),
    "lost SYN,ACK": played("connect, close", "listen, accept, recv end, close", 'lose = ["server SYN 1"]'),
    "simultaneous close": played("connect, at 200 ms, close", "listen, accept, at 200 ms, close"),
    "simultaneous data": played(
        "connect, at 200 ms, send 5, recv 7, close", "listen, accept, at 200 ms, send 7, recv end, close"
    ),
    "burst": played("connect, send 5000, close", "listen, accept, recv end, close"),
    "crossing bursts": crossing_bursts(),
    "every kind": of_every_kind(),
    "bulk": played("connect, send 300000, close", "listen, accept, recv end, close"),
    "violation": violated(of_library("normal"), 4),
    "violated reply": violated(of_library("normal"), 3),
    "violation on loopback": violated(one_clock(of_library("normal")), 8),
    "one clock": one_clock(of_library("normal")),
    "long": long(1000),
    "long with losses": long(1000, (300, 302, 700)),
    "many losses": long(500, tuple(range(0, 500, 3))),
    "twenty": long(5),
    "IPv6": replace(
        of_library("normal"),
        client=replace(of_library("normal").client, address=Address("2001:db8:1234:5678:9abc:def0:1234:5678", 50000)),
        server=replace(of_library("normal").server, address=Address("::1", 443)),
    ),
}
