"""simulate : Scenario -> Exchange. Plays a scenario in the model, in virtual time.

Holds the clock and the queue of what is to come; hosts and network do the rest.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import replace

from tcpviz.errors import InputError
from tcpviz.exchange.capture import Address
from tcpviz.exchange.exchange import Exchange, Side, Transmission, other
from tcpviz.exchange.host import Host
from tcpviz.exchange.network import Wire
from tcpviz.exchange.policy import RFC, Policy
from tcpviz.exchange.scenario import Scenario
from tcpviz.exchange.story import ConnectionStory, PartyStory
from tcpviz.model.commands import Emit
from tcpviz.model.segment import Segment
from tcpviz.model.transitions import State, cite

_MOST_EVENTS = 1_000_000


def simulate(scenario: Scenario, policy: Policy = RFC) -> Exchange:
    """Play `scenario` to its end. InputError when a segment that it loses by name is never sent."""
    play = _Play(scenario, policy)
    play.run()
    missing = ", ".join(sorted(str(name) for name in play.wire.never_sent))
    if missing:
        sent = len(play.story.segments)
        raise InputError(f"nothing to lose: {missing} was never sent; the exchange has {sent} segments")
    return Exchange(scenario.title, (play.story.done(),))


class _Play:
    """One run: the World of its hosts."""

    def __init__(self, scenario: Scenario, policy: Policy) -> None:
        self.now = 0
        self.wire = Wire(scenario.network)
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        listens = any(action.verb == "listen" for action in scenario.server.calls)
        self.story = ConnectionStory(
            PartyStory(Address(scenario.client.address, scenario.client.port), State.CLOSED),
            PartyStory(
                Address(scenario.server.address, scenario.server.port), State.LISTEN if listens else State.CLOSED
            ),
        )
        self.hosts: dict[Side, Host] = {
            side: Host(side, scenario.host(side), policy, self, self.story.party(side)) for side in ("server", "client")
        }

    def run(self) -> None:
        for host in self.hosts.values():
            host.run()
        events = 0
        while self._queue and events < _MOST_EVENTS:
            self.now, _, action = heapq.heappop(self._queue)
            action()
            events += 1
        if self._queue:
            raise InputError(f"the scenario did not end within {_MOST_EVENTS:,} events")

    def at(self, time: int, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._queue, (time, self._count, action))

    def transmit(self, origin: Side, emit: Emit, payload: bytes, sender: State) -> None:
        """Put a segment on the wire; its receiver's states are filled in when it arrives."""
        arrival = self.wire.carry(origin, emit.segment, self.now)
        before = self.hosts[other(origin)].endpoint.state
        index = len(self.story.segments)
        self.story.segments.append(
            Transmission(
                origin=origin,
                segment=emit.segment,
                sent=self.now,
                arrived=arrival,
                why=emit.why,
                section=cite(emit.section),
                sender=sender,
                before=before,
                after=before,
                kind=emit.kind,
                fate="lost" if arrival is None else "delivered",
                payload=payload,
            )
        )
        if arrival is not None:
            self.at(arrival, lambda: self._deliver(index, other(origin), emit.segment))

    def _deliver(self, index: int, side: Side, segment: Segment) -> None:
        host = self.hosts[side]
        before, after = host.arrive(segment)
        self.story.segments[index] = replace(self.story.segments[index], before=before, after=after)
        host.run()
