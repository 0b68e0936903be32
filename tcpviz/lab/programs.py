"""Who talks in the sandbox: a scenario's two applications, or a command. Started, watched and buried here.

Runs inside, as process 1: every orphan of the sandbox becomes its child.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping

from tcpviz.errors import InputError, TcpvizError
from tcpviz.exchange.exchange import Call, Side
from tcpviz.lab import applications
from tcpviz.lab.plan import Command, Script


class Programs(ABC):
    keep_open: bool
    """Connections that are open when the programs are through belong to the story."""
    status: int | None = None

    @abstractmethod
    def through(self) -> bool:
        """They have done what they were started for."""

    def calls(self) -> Mapping[Side, tuple[Call, ...]]:
        return {}

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

    def __init__(self, script: Script) -> None:
        self._applications = applications.start(script.scenario)
        self._waiting = select.poll()
        self._open = len(self._applications)
        for application in self._applications:
            self._waiting.register(application.done, 0)

    def through(self) -> bool:
        for descriptor, _ in self._waiting.poll(0):
            self._waiting.unregister(descriptor)
            self._open -= 1
        return not self._open

    def calls(self) -> Mapping[Side, tuple[Call, ...]]:
        return {application.side: application.calls() for application in self._applications}

    def _died(self, pid: int, status: int) -> None:
        """An application lives until the sandbox ends, also when its calls fail: this is a fault of ours."""
        for application in self._applications:
            if application.pid == pid:
                raise TcpvizError(f"the {application.side}'s application ended by itself, with status {status}")


class Commanded(Programs):
    keep_open = False

    def __init__(self, command: Command, errors_fd: int) -> None:
        try:
            # SIGINT is ignored here, and would stay so in the command
            self._process = subprocess.Popen(command.argv, stderr=errors_fd, preexec_fn=_hear_interrupts)
        except OSError as error:
            raise InputError(f"cannot run {command.argv[0]}: {error.strerror}") from error
        self._running = True

    def through(self) -> bool:
        return not self._running

    def _died(self, pid: int, status: int) -> None:
        if pid == self._process.pid:
            self.status = self._process.returncode = status
            self._running = False


def _hear_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
