"""Where a scenario is played: what a loopback and a link have in common for the applications and for who listens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from tcpviz.exchange.exchange import Side
from tcpviz.exchange.scenario import Host
from tcpviz.frames.record import Record
from tcpviz.lab.kernel_sockets import Sockets
from tcpviz.lab.sock_diag import Observer


class Tap(Protocol):
    """Hears what is sent."""

    link: int

    def fileno(self) -> int: ...

    def arrived(self) -> Iterable[Record]: ...

    @property
    def dropped(self) -> int: ...


class Stage(Protocol):
    @property
    def tap(self) -> Tap: ...

    def enter(self, side: Side) -> None:
        """From now on this process is on that side's machine."""

    def address(self, host: Host) -> str:
        """Which address a scenario's host has here."""

    def begin(self, moment: int) -> None:
        """The first calls are made at this moment, by time.monotonic_ns."""

    def due(self) -> int | None:
        """When something happens here by itself, by time.monotonic_ns; None: nothing is under way."""

    def sockets(self) -> Sockets | None: ...

    @property
    def observer(self) -> Observer:
        """Who asks in which states the sockets here are."""

    @property
    def forged(self) -> tuple[int, ...]:
        """Which of the records, counted from 1, neither end has sent."""
