"""What holds in every exchange, whatever the network does (RFC 9293 sections 3.4 and 3.8)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpviz.errors import InputError
from tcpviz.exchange import library
from tcpviz.exchange import socket as sockets
from tcpviz.exchange.exchange import Connection
from tcpviz.exchange.policy import POLICIES, Policy
from tcpviz.exchange.scenario import SECOND, Network, Scenario, SegmentName
from tcpviz.exchange.scenario_file import parse
from tcpviz.exchange.simulate import simulate
from tcpviz.model.endpoint import Endpoint
from tcpviz.model.sequence import at_or_before
from tcpviz.model.transitions import State
from tcpviz.value import replace

ALL = list(POLICIES.values())
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
@settings(max_examples=100)
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


turns = st.lists(st.tuples(st.sampled_from(["client", "server"]), st.integers(1, 4000)), max_size=4)
tunings = st.fixed_dictionaries(
    {},
    optional={
        "mss": st.sampled_from([100, 536, 1460]),
        "window": st.sampled_from([700, 1000, 65535]),
        "window_scale": st.integers(0, 9),
        "sack": st.booleans(),
        "timestamps": st.booleans(),
        "ecn": st.booleans(),
        "delayed_ack": st.sampled_from([0, 200_000_000]),
        "isn": st.integers(0, 2**32 - 1),
    },
)


@given(networks, turns, st.sampled_from(["client", "server", "both"]), tunings, tunings, st.sampled_from(ALL))
@settings(max_examples=150)
def test_whoever_talks_and_closes_with_whatever_options(
    network: Network, turns: list[Any], closer: str, client: dict[str, Any], server: dict[str, Any], policy: Policy
) -> None:
    plan = library.conversation(PLAN, turns, closer)
    plan = replace(plan, client=replace(plan.client, **client), server=replace(plan.server, **server), network=network)
    try:
        (connection,) = simulate(plan, policy).connections
    except InputError:
        return
    ends = [party.states[-1].state for party in (connection.client, connection.server)]
    assert ends[0] is State.CLOSED
    assert ends[1] in (State.CLOSED, State.LISTEN)
    if closer != "both":  # where both close at a moment of their own, a late reader may meet a reset
        assert connection.outcome == "closed"
        assert all(call.result in ("", "b''") for call in (*connection.client.calls, *connection.server.calls))


CLIENTS = [
    ["connect"],
    ["connect", "close"],
    ["connect", "shutdown", "recv end", "close"],
    ["connect", "send 3000", "close"],
]
SERVERS = [
    ["listen", "accept", "recv end", "close"],
    ["listen", "accept", "shutdown", "recv end"],
    ["listen", "accept", "send 2500", "recv end", "close"],
    ["connect", "recv end", "close"],
]


@given(st.sampled_from(CLIENTS), st.sampled_from(SERVERS), networks, tunings)
@settings(max_examples=150)
def test_nobody_waits_for_ever_with_something_unsaid(
    client: list[str], server: list[str], network: Network, tuning: dict[str, Any]
) -> None:
    """When a story stops, all that was sent has been acknowledged, or somebody has given up."""
    plan = parse(f"[client]\ncalls = {client}\n[server]\ncalls = {server}\n", "tried", where="tried")
    plan = replace(plan, network=network, server=replace(plan.server, **tuning))
    final: dict[int, Endpoint] = {}
    original = sockets.Socket.step

    def watched(self: sockets.Socket, event: Any, **how: Any) -> Any:
        result = original(self, event, **how)
        final[id(self)] = self.endpoint
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sockets.Socket, "step", watched)
        played(plan)
    for endpoint in final.values():
        tcb = endpoint.tcb
        if endpoint.state in (*SYNCHRONIZED, State.SYN_SENT):
            assert tcb.snd_una == tcb.snd_nxt, endpoint
            assert not tcb.queued, endpoint


@given(networks)
@settings(max_examples=150)
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
@settings(max_examples=150)
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
