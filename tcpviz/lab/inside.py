"""The first process of the sandbox: it listens, starts the programs, passes on what it hears, and reports.

Being process 1 of its namespace, it buries whoever dies in there, and takes everyone with it when it ends,
which it does at once when the process that wanted all this is gone. Frames go out through one descriptor,
as a pcap stream; plan, orders and report through another.
"""

from __future__ import annotations

import ctypes
import fcntl
import math
import os
import select
import signal
import socket
import struct
import time
from contextlib import suppress
from multiprocessing.connection import Connection

from tcpviz.errors import PermissionMissing, TcpvizError
from tcpviz.frames.live import Listener
from tcpviz.frames.writing import Writer
from tcpviz.lab.kernel_sockets import sockets
from tcpviz.lab.outbox import Outbox
from tcpviz.lab.plan import READY, Plan, Report, Script
from tcpviz.lab.programs import Commanded, Programs, Scripted
from tcpviz.lab.sock_diag import Observer

_TICK = 10
"""Milliseconds between looks at what sends no message."""
_QUIET, _QUIET_UNSURE = 0.02, 0.25
"""Seconds without a segment that end a capture; the longer when the kernel does not say how its sockets are."""
_SETTLE = 2.0
"""Seconds after the last call for connections to come to rest; where nothing is lost, a delayed ACK's time does."""
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 2, 4, 8


def main(control_fd: int, records_fd: int, errors_fd: int) -> None:
    # a terminal sends Ctrl-C to everyone: the command decides for itself, and the capture outlives it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for descriptor in (control_fd, records_fd, errors_fd):
        os.set_inheritable(descriptor, False)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # whoever wanted this is gone
        _serve(Connection(control_fd), records_fd, errors_fd)


def _serve(control: Connection, records_fd: int, errors_fd: int) -> None:
    try:
        plan: Plan = control.recv()
        _raise_loopback()
        _mount_proc()
        with Listener("lo") as listener:
            programs = Scripted(plan) if isinstance(plan, Script) else Commanded(plan, errors_fd)
            control.send(READY)
            control.send(_Watch(listener, control, Outbox(records_fd), programs, plan.timeout).run())
    except TcpvizError as error:
        control.send(error)


class _Watch:
    """Listens until the programs are through and the wire is quiet, or time is up, or it is told to stop."""

    def __init__(
        self, listener: Listener, control: Connection, outbox: Outbox, programs: Programs, timeout: float | None
    ) -> None:
        self._listener, self._control, self._outbox, self._programs = listener, control, outbox, programs
        self._writer = Writer(outbox, link=listener.link)
        self._observer = Observer()
        self._deadline = math.inf if timeout is None else time.monotonic() + timeout
        self._stop_at = math.inf
        self._last = time.monotonic()
        self._through: float | None = None

    def run(self) -> Report:
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(self._control, select.POLLIN)
        timed_out = stopped = False
        while not (timed_out or stopped or self._settled()):
            poll.poll(_TICK)
            self._pass_on()
            self._programs.bury()
            while self._control.poll():  # recv raises EOFError when nobody is interested any more
                self._stop_at = min(self._stop_at, time.monotonic() + self._control.recv())
            timed_out, stopped = (time.monotonic() >= end for end in (self._deadline, self._stop_at))
        self._pass_on()
        self._outbox.finish()
        return Report(
            dropped=self._listener.dropped,
            calls=self._programs.calls(),
            status=self._programs.status,
            timed_out=timed_out,
            stopped=stopped,
            seen=self._observer.sockets(),
            ended=time.time_ns(),
        )

    def _pass_on(self) -> None:
        heard = False
        for record in self._listener.arrived():
            self._writer.write(record)
            heard = True
            self._observer.look_at_frame(record.data)
        if heard:
            self._last = time.monotonic()
        self._writer.flush()

    def _settled(self) -> bool:
        if not self._programs.through():
            return False
        now = time.monotonic()
        if self._through is None:
            self._through = now
        if now - self._through > _SETTLE:
            return True
        state = sockets()
        if state is None:
            return now - max(self._last, self._through) > _QUIET_UNSURE
        rest = state.at_rest if self._programs.keep_open else state.closed
        return rest and now - max(self._last, self._through) > _QUIET


def _raise_loopback() -> None:
    """Up it goes, without the `ip` program. Where user namespaces are powerless, this is what fails."""
    name = b"lo".ljust(16, b"\0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        try:
            flags = struct.unpack_from("h", fcntl.ioctl(handle, _SIOCGIFFLAGS, name + bytes(24)), 16)[0]
            fcntl.ioctl(handle, _SIOCSIFFLAGS, struct.pack("16sh22x", name, flags | _IFF_UP))
        except PermissionError as error:
            raise PermissionMissing("it has no powers, its loopback cannot be raised") from error


def _mount_proc() -> None:
    """So that a command sees its own process numbers; where it is forbidden, the outer /proc does."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mount(b"proc", b"/proc", b"proc", ctypes.c_ulong(_MS_NOSUID | _MS_NODEV | _MS_NOEXEC), None)
