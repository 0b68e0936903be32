"""What holds in every exchange, whatever the network does (RFC 9293 sections 3.4 and 3.8)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpviz.errors import InputError
from tcpviz.exchange import library
from tcpviz.exchange import socket as sockets
from tcpviz.exchange.exchange import Connection
from tcpviz.exchange.scenario import SECOND, Network, Scenario, SegmentName
from tcpviz.exchange.simulate import simulate
from tcpviz.model.endpoint import Endpoint
from tcpviz.model.sequence import at_or_before
from tcpviz.model.transitions import State

PLAN = library.conversation(library.load("normal"), [("client", 4000), ("server", 2500), ("client", 7)], "client")
SYNCHRONIZED = (State.ESTABLISHED, State.FIN_WAIT_1, State.FIN_WAIT_2, State.CLOSE_WAIT, State.CLOSING, State.LAST_ACK)


def segments(count: int) -> st.SearchStrategy[tuple[SegmentName, ...]]:
    numbers = st.sets(st.integers(1, 18), max_size=count)
    return numbers.map(lambda found: tuple(SegmentName(None, "segment", n) for n in sorted(found)))


holds = st.dictionaries(st.integers(1, 18), st.integers(1, 3 * SECOND), max_size=4).map(
    lambda found: tuple((SegmentName(None, "segment", n), time) for n, time in sorted(found.items()))
)
networks = st.builds(
    Network, lose=segments(5), duplicate=segments(4), reorder=segments(3), hold=holds, client_delay=st.just(30_000_000)
)


def played(plan: Scenario) -> Connection | None:
    """The connection; None when the network was to treat a segment that was never sent."""
    try:
        return simulate(plan).connections[0]
    except InputError:
        return None


@given(networks)
@settings(max_examples=200)
def test_loss_duplication_and_reordering_are_repaired(network: Network) -> None:
    connection = played(replace(PLAN, network=network))
    if connection is None:
        return
    assert connection.client.states[-1].state is State.CLOSED
    # a SYN that comes very late wakes the listener once more, and a reset sends it back
    assert connection.server.states[-1].state in (State.CLOSED, State.LISTEN)
    assert connection.outcome == "closed"
    results = [(str(call), call.result) for call in connection.server.calls if call.name == "recv"]
    assert results == [("recv 4000", ""), ("recv 7", ""), ("recv", "b''")]
    for side, text in (("client", 4007), ("server", 2500)):
        arrived = {
            octet
            for sent in connection.segments
            if sent.origin == side and sent.arrived is not None and sent.segment.length
            for octet in range(connection.relative(sent)[0], connection.relative(sent)[0] + sent.segment.length)
        }
        assert arrived == set(range(1, text + 1))


@given(networks)
@settings(max_examples=60)
def test_snd_una_and_rcv_nxt_never_go_back(network: Network) -> None:
    seen: dict[int, list[Endpoint]] = {}
    original = sockets.Socket.step

    def watched(self: sockets.Socket, event: Any, **how: Any) -> Any:
        result = original(self, event, **how)
        if self.state in SYNCHRONIZED:
            seen.setdefault(id(self), []).append(self.endpoint)
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sockets.Socket, "step", watched)
        played(replace(PLAN, network=network))
    assert seen
    for endpoints in seen.values():
        for earlier, now in pairwise(endpoints):
            assert at_or_before(earlier.tcb.snd_una, now.tcb.snd_una)
            assert at_or_before(earlier.tcb.rcv_nxt, now.tcb.rcv_nxt)


@given(st.floats(0.0, 0.4), st.integers(0, 2**16))
@settings(max_examples=60)
def test_random_loss_with_a_seed_is_the_same_every_time(loss: float, seed: int) -> None:
    plan = replace(PLAN, network=Network(loss=loss, seed=seed))
    assert simulate(plan) == simulate(plan)


def test_beyond_the_limit_an_end_gives_up_and_its_peer_holds_a_prefix() -> None:
    lost = tuple(SegmentName("client", "data", n) for n in range(3, 8))
    plan = replace(PLAN, network=Network(lose=lost), client=replace(PLAN.client, user_timeout=20 * SECOND))
    connection = simulate(plan).connections[0]
    last = connection.client.states[-1].row
    assert last
    assert last.signal == "connection aborted due to user timeout"
    assert connection.outcome == "timeout"
    assert connection.client.calls[-1].result == "connection aborted due to user timeout"
    assert sum(s.segment.length for s in connection.segments if s.arrived and s.origin == "client") == 2 * 1460
