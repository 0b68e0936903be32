"""What goes into the sandbox and what comes back, as values. No sockets and no processes here."""

from __future__ import annotations

from collections.abc import Mapping

from tcpviz.errors import PermissionMissing
from tcpviz.exchange.exchange import Call, Side
from tcpviz.exchange.heard import Heard
from tcpviz.exchange.scenario import Scenario
from tcpviz.exchange.witness import KernelSocket
from tcpviz.value import Value, field


class Script(Value):
    """The applications make a scenario's calls."""

    scenario: Scenario
    timeout: float
    link: bool = False
    """On two machines with a line between them, not on one loopback."""


class Command(Value):
    """Any program, with its descendants."""

    argv: tuple[str, ...]
    timeout: float | None
    tells: bool = False
    """It notes its calls in the descriptor that TCPVIZ_CALLS names, as the tutorial's programs do."""


Plan = Script | Command

READY = "ready"
"""The first word from inside: the listener is open and the programs have been started. The last is a Report, or an
error; the only order from outside is a number: stop in so many seconds."""


class Report(Value):
    """How it went, apart from the frames."""

    dropped: int = 0
    """Records for which the kernel had no room."""
    calls: Mapping[Side, tuple[Call, ...]] = field(default_factory=dict)
    """What the applications called and when it returned, in nanoseconds since the epoch; a failed call has an
    errno's name as its result, one that never returned has no `returned`."""
    heard: tuple[Heard, ...] = ()
    """What programs that tell called."""
    status: int | None = None
    """The command's exit status, or minus the signal that ended it; None if there was none, or it was still running."""
    forged: tuple[int, ...] = ()
    """The numbers, from 1, of the records that neither end sent."""
    timed_out: bool = False
    stopped: bool = False
    """Ended by `stop`, before its own end."""
    seen: tuple[KernelSocket, ...] = ()
    """What sock_diag, asked inside at each segment, said of the sockets there."""
    ended: int = 0
    """When listening ended, in nanoseconds since the epoch. After it the sandbox goes, which closes sockets too."""


class NoLine(PermissionMissing):
    """The sandbox is there, but two machines in it are not to be had."""

    def __str__(self) -> str:
        return (
            f"two machines with a line between them could not be made: {super().__str__()}. Scenarios that need none, "
            "whose network does nothing, can still be performed: `tcpviz capture --scenario normal`"
        )
