"""A machine in the simulation: its listener, its sockets, and the applications that share them.

Finds the endpoint of an arriving segment: its four-tuple's own; else the listener, which makes a new
one and stays; else CLOSED answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from tcpviz.exchange.capture import Address
from tcpviz.exchange.exchange import Side, other
from tcpviz.exchange.policy import Policy
from tcpviz.exchange.scenario import Host
from tcpviz.exchange.socket import Arrived, Socket, World, closed
from tcpviz.exchange.story import ConnectionStory, PartyStory
from tcpviz.model import events
from tcpviz.model.arrival import name
from tcpviz.model.endpoint import Endpoint, step
from tcpviz.model.segment import SYN, Segment
from tcpviz.model.transitions import State, Stimulus
from tcpviz.value import replace

_ISN_STEP = 64_000
_FREE = (State.CLOSED, State.LISTEN)
_ACCEPTED = (Stimulus.RCV_ACK_OF_SYN, Stimulus.RCV_ACK_OF_COOKIE)
"""What makes a connection ready for accept(), whatever else the same segment brings."""


class Stories(World, Protocol):
    """The world, and the story a segment between two addresses belongs to."""

    def story(self, client: Address, server: Address) -> ConnectionStory: ...


class Machine:
    """One host: `address` is where it listens, `plan` what the sockets of its listener bring along."""

    def __init__(self, side: Side, address: Address, plan: Host, policy: Policy, world: Stories) -> None:
        self.side, self.address, self.plan, self.policy, self.world = side, address, plan, policy, world
        self.listening = False
        self.sockets: dict[tuple[Address, Address], Socket] = {}
        self.arrived: list[Socket] = []
        """Connections that accept() has not taken yet, in the order in which they were established."""
        self.backlog: int | None = None
        self.cookie: bytes | None = None
        """The Fast Open cookie that a server has given."""
        self._isns = self.isns(plan)
        self._next_isn = next(self._isns)

    @staticmethod
    def isns(plan: Host) -> Iterator[int]:
        """The ISNs of one incarnation after another."""
        yield plan.isn
        last = plan.isn
        for last in plan.later_isns:
            yield last
        while True:
            last = (last + _ISN_STEP) % 2**32
            yield last

    def state_toward(self, local: Address, remote: Address) -> State:
        socket = self.sockets.get((local, remote))
        if socket and socket.state not in (State.CLOSED, State.LISTEN):
            return socket.state
        return State.LISTEN if self.listening else State.CLOSED

    def open(self, story: ConnectionStory, plan: Host, isns: Iterator[int]) -> Socket:
        """A socket of an application that connects."""
        ours, theirs = story.party(self.side), story.party(other(self.side))
        if plan.fast_open is not None and self.cookie is not None:
            plan = replace(plan, fast_open=self.cookie)
        endpoint = step(closed(plan, self.policy), events.Choose(iss=next(isns), window=plan.window)).endpoint
        socket = Socket(self.world, ours, plan, self.policy, endpoint)
        self.sockets[ours.address, theirs.address] = socket
        return socket

    def place(self, story: ConnectionStory, plan: Host, endpoint: Endpoint) -> Socket:
        """A socket that was there before the story begins."""
        ours, theirs = story.party(self.side), story.party(other(self.side))
        socket = Socket(self.world, ours, plan, self.policy, endpoint)
        self.sockets[ours.address, theirs.address] = socket
        ours.start = endpoint.state
        self.listening |= endpoint.state is State.LISTEN
        socket.resume()
        return socket

    def arrive(self, segment: Segment, story: ConnectionStory) -> Arrived:
        """Hand a segment to its endpoint."""
        ours, theirs = story.party(self.side), story.party(other(self.side))
        key = ours.address, theirs.address
        socket = self.sockets.get(key)
        if (socket is None or socket.state in (State.CLOSED, State.LISTEN)) and self._full and segment.flags == SYN:
            state = self.state_toward(*key)
            return Arrived(state, state, ())
        if socket is None or socket.state in (State.CLOSED, State.LISTEN):
            socket = self._answering(story)
        elif socket.state is State.TIME_WAIT and segment.syn:
            socket = self._reopening(socket, segment, ours)
        result = socket.arrive(segment)
        after = result.after
        if after not in (State.CLOSED, State.LISTEN) and self.sockets.get(key) is not socket:
            self.sockets[key] = socket
            self._next_isn = next(self._isns)
        if segment.syn and segment.has_ack and segment.options.fast_open:
            self.cookie = segment.options.fast_open
        accepted = any(row.stimulus in _ACCEPTED for row in result.rows) or socket.endpoint.tcb.opened_fast
        if self.listening and accepted and socket.endpoint.tcb.passive and not socket.offered:
            socket.offered = True
            self.arrived.append(socket)
        return result

    @property
    def _full(self) -> bool:
        """Too many connections wait for accept(): Linux answers no further SYN (listen(2))."""
        return self.listening and self.backlog is not None and len(self.arrived) > self.backlog

    def listen(self, plan: Host) -> str:
        """Empty, or the sockets API's complaint: RFC 9293 itself lets a user listen at any time."""
        held = any(local.port == plan.port and s.state not in _FREE for (local, _), s in self.sockets.items())
        if self.listening or (held and not plan.reuse_address):
            return "EADDRINUSE"
        self.listening, self.backlog = True, plan.backlog
        return ""

    def crash(self) -> None:
        """All that the machine held in memory is gone; what runs on it starts anew."""
        for socket in self.sockets.values():
            socket.crash()
        self.sockets.clear()
        self.arrived.clear()
        self.listening = False

    def _reopening(self, old: Socket, segment: Segment, ours: PartyStory) -> Socket:
        """For a SYN in TIME-WAIT: if it opens a new incarnation, that one has nothing of the old but its numbers."""
        endpoint = step(old.endpoint, events.Choose(iss=self._next_isn)).endpoint
        if Stimulus.RCV_NEW_SYN not in name(endpoint.state, endpoint.tcb, segment).stimuli:
            return old
        old.end_timers()
        return Socket(self.world, ours, self.plan, self.policy, endpoint)

    def _answering(self, story: ConnectionStory) -> Socket:
        """The listener's new endpoint, or CLOSED, which only resets."""
        endpoint = closed(self.plan, self.policy)
        party = story.party(self.side)
        if self.listening:
            choice = events.Choose(iss=self._next_isn, window=self.plan.window)
            endpoint = step(step(endpoint, choice).endpoint, events.PassiveOpen()).endpoint
            if not party.changes and party.start is State.CLOSED:
                party.start = State.LISTEN
        return Socket(self.world, party, self.plan, self.policy, endpoint)
