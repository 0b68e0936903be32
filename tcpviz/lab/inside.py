"""The first process of the sandbox: it listens, starts the programs, passes on what it hears, and reports.

Being process 1 of its namespace, it buries whoever dies in there, and takes everyone with it when it ends,
which it does at once when the process that wanted all this is gone. Frames go out through one descriptor,
as a pcap stream; plan, orders and report through another.
"""

from __future__ import annotations

import ctypes
import math
import os
import select
import signal
import time
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection

from tcpviz.errors import TcpvizError
from tcpviz.frames.live import Listener
from tcpviz.frames.writing import Writer
from tcpviz.lab.link import Link
from tcpviz.lab.loopback import Loopback, raise_loopback
from tcpviz.lab.outbox import Outbox
from tcpviz.lab.plan import READY, Plan, Report, Script
from tcpviz.lab.programs import Commanded, Programs, Scripted
from tcpviz.lab.stage import Stage

_TICK = 10
"""Milliseconds between looks at what sends no message."""
_QUIET, _QUIET_UNSURE = 0.02, 0.25
"""Seconds without a segment that end a capture; the longer when the kernel does not say how its sockets are."""
_SETTLE = 2.0
"""Seconds that a command's connections may take to close after its end."""
_STUCK = 1.0
"""Seconds without a segment after which a call that waits for one waits in vain, if no timer runs either."""
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
        raise_loopback()
        _mount_proc()
        with ExitStack() as stack:
            stage: Stage
            if isinstance(plan, Script) and plan.link:
                stage = Link(plan.scenario)
            else:
                stage = Loopback(stack.enter_context(Listener("lo")), scripted=isinstance(plan, Script))
            programs = Scripted(plan, stage) if isinstance(plan, Script) else Commanded(plan, errors_fd)
            control.send(READY)
            control.send(_Watch(stage, control, Outbox(records_fd), programs, plan.timeout).run())
    except TcpvizError as error:
        control.send(error)


class _Watch:
    """Listens until the programs are through and the wire is quiet, or time is up, or it is told to stop."""

    def __init__(
        self, stage: Stage, control: Connection, outbox: Outbox, programs: Programs, timeout: float | None
    ) -> None:
        self._stage, self._control, self._outbox, self._programs = stage, control, outbox, programs
        self._writer = Writer(outbox, link=stage.tap.link)
        self._observer = stage.observer
        self._deadline = math.inf if timeout is None else time.monotonic() + timeout
        self._stop_at = math.inf
        self._last = time.monotonic()
        self._through: float | None = None

    def run(self) -> Report:
        poll = select.poll()
        poll.register(self._stage.tap, select.POLLIN)
        poll.register(self._control, select.POLLIN)
        timed_out = stopped = False
        while not (timed_out or stopped or self._settled()):
            poll.poll(self._patience())
            self._pass_on()
            self._programs.bury()
            self._programs.begin()
            while self._control.poll():  # recv raises EOFError when nobody is interested any more
                self._stop_at = min(self._stop_at, time.monotonic() + self._control.recv())
            timed_out, stopped = (time.monotonic() >= end for end in (self._deadline, self._stop_at))
        self._pass_on()
        self._observer.look_again()
        self._outbox.finish()
        return Report(
            dropped=self._stage.tap.dropped,
            calls=self._programs.calls(),
            heard=self._programs.heard(),
            forged=self._stage.forged,
            status=self._programs.status,
            timed_out=timed_out,
            stopped=stopped,
            seen=self._observer.sockets(),
            ended=time.time_ns(),
        )

    def _patience(self) -> float:
        """Milliseconds until there is something to look at."""
        due = self._stage.due()
        return _TICK if due is None else min(_TICK, max(0, due - time.monotonic_ns()) / 10**6)

    def _pass_on(self) -> None:
        heard = False
        for record in self._stage.tap.arrived():
            self._writer.write(record)
            heard = True
            self._observer.look_at_frame(record.data)
        if heard:
            self._last = time.monotonic()
        self._writer.flush()

    def _settled(self) -> bool:
        now = time.monotonic()
        if not self._programs.through():
            if self._stage.due() is not None or now - self._last < _STUCK:
                return False
            state = self._stage.sockets()
            return state is not None and state.silent and self._programs.stuck(_STUCK)
        if self._through is None:
            self._through = now
        if self._stage.due() is not None:
            return False
        quiet = now - max(self._last, self._through)
        state = self._stage.sockets()
        if state is None:
            return quiet > _QUIET_UNSURE
        if self._programs.keep_open:
            return state.at_rest and quiet > _QUIET
        return (state.closed and quiet > _QUIET) or now - self._through > _SETTLE


def _mount_proc() -> None:
    """So that a command sees its own process numbers; where it is forbidden, the outer /proc does."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mount(b"proc", b"/proc", b"proc", ctypes.c_ulong(_MS_NOSUID | _MS_NODEV | _MS_NOEXEC), None)
