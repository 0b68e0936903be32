"""What simulate writes to a file, match explains: the same outcome and states; only what was forged is blamed."""

from __future__ import annotations

import pytest

from tcpviz.exchange import library
from tcpviz.exchange.capture import Capture
from tcpviz.exchange.exchange import Connection, Side
from tcpviz.exchange.match import match
from tcpviz.exchange.policy import LINUX, RFC, Policy
from tcpviz.exchange.simulate import simulate
from tcpviz.frames.building import frames_of
from tcpviz.model.transitions import State

SIDES: tuple[Side, Side] = ("client", "server")
DIALECTS = {"rfc9293": RFC, "linux": LINUX}
TCP = [name for name in library.names() if not library.load(name).client.talks_udp]
NOT_ON_THE_WIRE = {
    "keep-alive-dead": "that an end gave up in silence",
    "orphan-in-fin-wait-2": "that an end gave up in silence",
    "rfc9293-figure-10": "whether there was a connection before the first segment",
    "rfc9293-figure-11": "whether there was a connection before the first segment",
    "rst-in-syn-received": "that a reset overtook an ACK",
    "syn-cookies": "whether a listener remembers a SYN",
    "time-wait-reuse": "that the second connection's server is the first one's TIME-WAIT",
    "time-wait-rst-ignored": "whether TIME-WAIT minds a reset",
}
"""What no capture tells, by scenario."""


def states(connection: Connection, side: Side) -> list[State]:
    """As far as segments tell: until the last of them has arrived."""
    last = max(segment.arrived or segment.sent for segment in connection.segments)
    return [change.state for change in connection.party(side).states if change.time <= last]


def story(connection: Connection) -> tuple[object, ...]:
    return connection.outcome, *(states(connection, side) for side in SIDES)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@pytest.mark.parametrize("name", TCP)
def test_every_exported_scenario_is_explained(name: str, dialect: Policy) -> None:
    played = simulate(library.load(name), dialect)
    frames = frames_of(played)
    matched = match(Capture(f"{name}.pcap", frames, len(frames)))
    assert blamed(matched.connections) <= forged(played.connections)
    assert len(matched.connections) == len(played.connections)
    pairs = zip(matched.connections, played.connections, strict=True)
    told = [story(found) == story(said) for found, said in pairs]
    assert all(told) == (name not in NOT_ON_THE_WIRE)


def blamed(connections: tuple[Connection, ...]) -> set[tuple[int, Side, int]]:
    return {(s.segment.flags, s.origin, s.sent) for c in connections for s in c.violations}


def forged(connections: tuple[Connection, ...]) -> set[tuple[int, Side, int]]:
    return {(s.segment.flags, s.origin, s.sent) for c in connections for s in c.segments if s.kind == "injected"}
