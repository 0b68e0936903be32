"""What goes into the sandbox and what comes back, as values. No sockets and no processes here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tcpviz.exchange.exchange import Call, Side
from tcpviz.exchange.scenario import Scenario
from tcpviz.exchange.witness import KernelSocket


@dataclass(frozen=True, slots=True)
class Script:
    """Two applications make a scenario's calls."""

    scenario: Scenario
    timeout: float


@dataclass(frozen=True, slots=True)
class Command:
    """Any program, with its descendants."""

    argv: tuple[str, ...]
    timeout: float | None


Plan = Script | Command

READY = "ready"
"""The first word from inside: the listener is open and the programs have been started. The last is a Report, or an
error; the only order from outside is a number: stop in so many seconds."""


@dataclass(frozen=True, slots=True)
class Report:
    """How it went, apart from the frames."""

    dropped: int = 0
    """Records for which the kernel had no room."""
    calls: Mapping[Side, tuple[Call, ...]] = field(default_factory=dict)
    """What the applications called and when it returned, in nanoseconds since the epoch; a failed call has an
    errno's name as its result, one that never returned has no `returned`."""
    status: int | None = None
    """The command's exit status, or minus the signal that ended it; None if there was none, or it was still running."""
    timed_out: bool = False
    stopped: bool = False
    """Ended by `stop`, before its own end."""
    seen: tuple[KernelSocket, ...] = ()
    """What sock_diag, asked inside at each segment, said of the sockets there."""
    ended: int = 0
    """When listening ended, in nanoseconds since the epoch. After it the sandbox goes, which closes sockets too."""
