"""UDP in the simulation: an application that calls sendto() and recvfrom(), and the flows that come of it.

UDP has no states and answers nothing (RFC 768): a datagram arrives after the network's delay, or at nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from tcpviz.exchange.capture import Address
from tcpviz.exchange.exchange import Call, Datagram, Flow, Side
from tcpviz.exchange.scenario import Action
from tcpviz.value import Record, field, replace

_CLOSED = "EBADF"
"""What one thread is told of a socket that another has closed."""


class Clock(Protocol):
    """What this needs of the simulation."""

    now: int

    def at(self, time: int, action: Callable[[], None]) -> None: ...


class _Port(Record):
    """A UDP socket; threads of one application share it."""

    arrived: list[bytes] = field(default_factory=list)
    open: bool = True


class Datagrams:
    """All that is said in UDP, between the two machines of a scenario."""

    def __init__(self, clock: Clock, one_way: Callable[[Side], int]) -> None:
        self._clock, self._one_way = clock, one_way
        self._ports: dict[Address, _Port] = {}
        self._told: dict[frozenset[Address], list[tuple[Address, Datagram]]] = {}
        self._ends: dict[frozenset[Address], tuple[Address, Address]] = {}
        self._calls: dict[Address, list[Call]] = {}

    def open(self, address: Address) -> _Port:
        return self._ports.setdefault(address, _Port())

    def send(self, side: Side, source: Address, destination: Address, data: bytes) -> None:
        key = frozenset((source, destination))
        self._ends.setdefault(key, (source, destination))
        due = self._clock.now + self._one_way(side)
        origin: Literal[0, 1] = 0 if self._ends[key][0] == source else 1
        datagram = Datagram(origin, self._clock.now, len(data), payload=data, arrived=due)
        self._told.setdefault(key, []).append((source, datagram))
        self._clock.at(due, lambda: self._deliver(destination, data))

    def _deliver(self, destination: Address, data: bytes) -> None:
        port = self._ports.get(destination)
        if port and port.open:
            port.arrived.append(data)

    def note(self, address: Address, call: Call) -> None:
        self._calls.setdefault(address, []).append(call)

    def flows(self) -> tuple[Flow, ...]:
        """In the order of their first datagram."""
        return tuple(
            Flow(
                self._ends[key],
                tuple(datagram for _, datagram in told),
                (tuple(self._calls.get(self._ends[key][0], ())), tuple(self._calls.get(self._ends[key][1], ()))),
            )
            for key, told in self._told.items()
        )


class DatagramApplication:
    """Makes its calls one after another, each blocking as a socket's does."""

    listens_first = False

    def __init__(
        self, side: Side, calls: tuple[Action, ...], ends: tuple[Address, Address], world: Datagrams, clock: Clock
    ) -> None:
        self._side, self._left, self._world, self._clock = side, list(calls), world, clock
        self._local, self._remote = ends
        self._port = world.open(self._local)
        self._waiting: Call | None = None
        self._due: int | None = None

    def run(self) -> bool:
        """Make calls until one blocks or none is left. True when something happened."""
        progress = False
        while self._left:
            action = self._left[0]
            if self._waiting is None:
                progress = True
                self._waiting = self._start(action)
            result = self._finished(action)
            if result is None:
                return progress
            progress = True
            self._left.pop(0)
            if action.verb not in ("wait", "at"):
                self._world.note(self._local, replace(self._waiting, returned=self._clock.now, result=result))
            self._waiting = None
            if result == _CLOSED:
                self._left.clear()
        return progress

    def _start(self, action: Action) -> Call:
        now = self._clock.now
        match action.verb:
            case "sendto" if self._port.open:
                self._world.send(self._side, self._local, self._remote, action.data)
            case "close":
                self._port.open = False
            case "wait" | "at":
                self._due = max(now, action.time if action.verb == "at" else now + action.time)
                self._clock.at(self._due, lambda: None)
        return Call(action.verb, now, len(action.data) if action.verb == "sendto" else None)

    def _finished(self, action: Action) -> str | None:
        match action.verb:
            case "sendto":
                return "" if self._port.open else _CLOSED
            case "recvfrom":
                return f"{len(self._port.arrived.pop(0))} octets" if self._port.arrived else None
            case "wait" | "at":
                return "" if self._due is not None and self._clock.now >= self._due else None
        return ""
