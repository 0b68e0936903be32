"""Who talks in the sandbox: a scenario's two applications, or a command. Started, watched and buried here.

Runs inside, as process 1: every orphan of the sandbox becomes its child.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress

from tcpviz.errors import InputError, TcpvizError
from tcpviz.exchange.capture import Address
from tcpviz.exchange.exchange import Call, Side
from tcpviz.exchange.heard import Heard
from tcpviz.lab import applications
from tcpviz.lab.plan import Command, Script
from tcpviz.lab.stage import Stage

_HEADSTART = 5_000_000
"""Nanoseconds in which both sides hear that they begin."""


class Programs(ABC):
    keep_open: bool
    """Connections that are open when the programs are through belong to the story."""
    status: int | None = None

    @abstractmethod
    def through(self) -> bool:
        """They have done what they were started for."""

    def begin(self) -> None:  # noqa: B027 - a command has begun when it was started
        """Let them begin, if they wait for each other and are ready."""

    def stuck(self, seconds: float) -> bool:
        """Whoever is not through waits for the network, and has for so long: only a segment or a timer changes that."""
        return False

    def calls(self) -> Mapping[Side, tuple[Call, ...]]:
        return {}

    def heard(self) -> tuple[Heard, ...]:
        return ()

    def bury(self) -> None:
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                self._died(pid, os.waitstatus_to_exitcode(status))
        except ChildProcessError:
            return

    def _died(self, pid: int, status: int) -> None:  # noqa: B027 - most deaths interest nobody
        """One of the sandbox's processes has ended."""


class Scripted(Programs):
    keep_open = True

    def __init__(self, script: Script, stage: Stage) -> None:
        self._stage = stage
        self._cast = applications.start(script.scenario, stage)
        self._to_come = len(self._cast.go)
        self._playing = {application.done: application for application in self._cast.applications}
        self._waiting = select.poll()
        for done in self._playing:
            self._waiting.register(done, 0)
        os.set_blocking(self._cast.ready, False)

    def begin(self) -> None:
        if not self._to_come:
            return
        with suppress(BlockingIOError):
            self._to_come -= len(os.read(self._cast.ready, self._to_come))
        if not self._to_come:
            moment = time.monotonic_ns() + _HEADSTART
            self._stage.begin(moment)
            self._cast.begin(moment)

    def through(self) -> bool:
        for done, _ in self._waiting.poll(0):
            self._waiting.unregister(done)
            del self._playing[done]
        return not self._playing

    def stuck(self, seconds: float) -> bool:
        return not self._to_come and all(app.waits_for_the_network(seconds) for app in self._playing.values())

    def calls(self) -> Mapping[Side, tuple[Call, ...]]:
        found: dict[Side, tuple[Call, ...]] = {}
        for application in self._cast.applications:
            found[application.side] = found.get(application.side, ()) + application.calls()
        return {side: tuple(sorted(calls, key=lambda call: call.time)) for side, calls in found.items()}

    def _died(self, pid: int, status: int) -> None:
        """An application lives until the sandbox ends, also when its calls fail: this is a fault of ours."""
        for application in self._cast.applications:
            if application.pid == pid:
                raise TcpvizError(f"the {application.side}'s application ended by itself, with status {status}")


class Commanded(Programs):
    keep_open = False

    def __init__(self, command: Command, errors_fd: int) -> None:
        self._log = os.memfd_create("tcpviz-calls") if command.tells else None
        try:
            # SIGINT is ignored here, and would stay so in the command
            self._process = subprocess.Popen(
                command.argv,
                stderr=errors_fd,
                preexec_fn=_hear_interrupts,
                pass_fds=[] if self._log is None else [self._log],
                env=None if self._log is None else {**os.environ, "TCPVIZ_CALLS": str(self._log)},
            )
        except OSError as error:
            raise InputError(f"cannot run {command.argv[0]}: {error.strerror}") from error
        self._running = True

    def through(self) -> bool:
        return not self._running

    def heard(self) -> tuple[Heard, ...]:
        if self._log is None:
            return ()
        with open(os.dup(self._log), encoding="utf-8") as log:
            log.seek(0)
            return tuple(map(_heard, log))

    def _died(self, pid: int, status: int) -> None:
        if pid == self._process.pid:
            self.status = self._process.returncode = status
            self._running = False


def _heard(line: str) -> Heard:
    """A line that `tcpviz/tutorial/_recorded.py` wrote."""
    entry = json.loads(line)
    local, remote = (Address(*end) if end else None for end in (entry["local"], entry["remote"]))
    call = Call(entry["name"], entry["time"], entry["octets"], entry["returned"], entry["result"])
    return Heard(local or Address("", 0), remote, call)


def _hear_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
