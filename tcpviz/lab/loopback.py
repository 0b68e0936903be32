"""One machine that talks to itself: the loopback of the sandbox, with the kernel's own habits."""

from __future__ import annotations

import fcntl
import socket
import struct
from contextlib import suppress

from tcpviz.errors import PermissionMissing
from tcpviz.exchange.exchange import Side
from tcpviz.exchange.scenario import Host
from tcpviz.frames.live import Listener
from tcpviz.lab import settings
from tcpviz.lab.kernel_sockets import Sockets, sockets, tables
from tcpviz.lab.sock_diag import Observer

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


class Loopback:
    """A stage of one machine; `listener` is a context manager that has been entered."""

    def __init__(self, listener: Listener, scripted: bool) -> None:
        if scripted:
            with suppress(OSError):  # then it is as the kernel has it
                settings.apply(settings.FOR_A_SCRIPT)
        self.tap = listener
        self.observer = Observer()
        self._tables = tables()

    def enter(self, side: Side) -> None:
        """Both sides are here."""

    @staticmethod
    def address(host: Host) -> str:
        return "::1" if ":" in host.address else "127.0.0.1"

    def sockets(self) -> Sockets | None:
        return sockets(self._tables)

    def begin(self, moment: int) -> None:
        """Nothing here waits for it."""

    forged: tuple[int, ...] = ()

    def due(self) -> int | None:
        return None


def raise_loopback() -> None:
    """Up it goes, without the `ip` program. Where user namespaces are powerless, this is what fails."""
    name = b"lo".ljust(16, b"\0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        try:
            flags = struct.unpack_from("h", fcntl.ioctl(handle, _SIOCGIFFLAGS, name + bytes(24)), 16)[0]
            fcntl.ioctl(handle, _SIOCSIFFLAGS, struct.pack("16sh22x", name, flags | _IFF_UP))
        except PermissionError as error:
            raise PermissionMissing("it has no powers, its loopback cannot be raised") from error
