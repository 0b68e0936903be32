"""A network of its own, made with `unshare`: as an ordinary user through a user namespace, as root without.

It is tried, not asked for: sysctls do not tell whether a namespace has powers. The sandbox dies with this
process, however that ends: its first process watches the pipe that leads here.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Self

from tcpviz.errors import PermissionMissing, TcpvizError
from tcpviz.frames import Record, Source, stream
from tcpviz.frames.permission import sudo_command
from tcpviz.lab.plan import READY, Command, NoLine, Plan, Report

_NAMESPACES = ("--net", "--pid", "--mount", "--fork", "--kill-child")
_USER = ("--user", "--map-root-user")
_START, _FAREWELL = 60.0, 3.0
"""Seconds that the first word may take on a machine with much else to do, and the last one."""
# the same modules as here, whatever the directory and the environment say
_PROGRAM = "import sys; sys.path[:] = {path!r}; from tcpviz.lab.inside import main; main(*map(int, sys.argv[1:]))"


class Run(Source):
    """A plan being carried out. A context manager: entering starts it, leaving ends whatever is left of it.

    `records` and `frames` give what is on the wire while it is. When they have ended, or the `with` block has,
    `report` is there.
    """

    def __init__(self, plan: Plan, name: str) -> None:
        super().__init__(name)
        self._plan = plan
        self._report: Report | None = None

    def __enter__(self) -> Self:
        complaint = ""
        for user in ((), _USER) if os.geteuid() == 0 else (_USER,):
            self._start(user)
            try:
                complaint = self._first_word()
            except BaseException:
                self._end()
                raise
            if not complaint:
                return self
            self._end()
        raise PermissionMissing(
            f"a network of its own for the connection could not be made: {complaint}. {_advice()}. What needs none "
            "still works: `tcpviz simulate`, and `tcpviz match` with any capture file"
        )

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and self._report is None:
                self.stop()
                for _record in self._flow:
                    pass
        finally:
            self._end()

    def records(self) -> Iterator[Record]:
        """One and the same iterator however often it is asked for: what was not taken yet is still to come."""
        return self._flow

    def _flowing(self) -> Iterator[Record]:
        if self._records.peek(1):
            yield from stream(self._records)
        self._report = self._last_word()

    def stop(self, after: float = 0.0) -> None:
        with suppress(OSError):
            self._control.send(after)

    @property
    def report(self) -> Report:
        if self._report is None:
            raise RuntimeError("the run has not come to its end")
        return self._report

    @property
    def dropped(self) -> int:
        return self._report.dropped if self._report else 0

    def _start(self, user: tuple[str, ...]) -> None:
        ours, theirs = socket.socketpair()
        reading, writing = os.pipe()
        # the command's messages go where ours go, those of unshare and of our own process into a file
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115 - closed by _end
        descriptors = (theirs.fileno(), writing, os.dup(2))
        standard = None if isinstance(self._plan, Command) else subprocess.DEVNULL
        try:
            self._process = subprocess.Popen(
                ["unshare", *user, *_NAMESPACES, "--", sys.executable, "-P", "-c", _PROGRAM.format(path=sys.path)]
                + [str(descriptor) for descriptor in descriptors],
                stdin=standard,
                stdout=standard,
                stderr=self._messages,
                pass_fds=descriptors,
            )
        except FileNotFoundError:
            raise PermissionMissing(
                "performing needs the program `unshare`, which is not installed (Debian: util-linux)"
            ) from None
        finally:
            theirs.close()
            os.close(writing)
            os.close(descriptors[2])
        self._control = Connection(ours.detach())
        self._records = open(reading, "rb")  # noqa: SIM115 - closed by _end
        self._flow = self._flowing()

    def _first_word(self) -> str:
        """Empty when all is well; else why there is no sandbox."""
        try:
            self._control.send(self._plan)
            word = self._control.recv() if self._control.poll(_START) else TcpvizError("the sandbox does not start")
        except (EOFError, OSError):
            said = self._said()
            if said.startswith("unshare:"):
                return said
            raise TcpvizError(f"the sandbox did not start: {said}") from None
        if isinstance(word, PermissionMissing) and not isinstance(word, NoLine):
            return str(word)
        if word != READY:
            raise word
        return ""

    def _last_word(self) -> Report:
        try:
            word = self._control.recv() if self._control.poll(_FAREWELL) else None
        except (EOFError, OSError):
            word = None
        if isinstance(word, TcpvizError):
            raise TcpvizError(f"{word}. {self._said()}")
        if not isinstance(word, Report):
            raise TcpvizError(f"the sandbox was ended before it could report. {self._said()}".rstrip())
        return word

    def _said(self) -> str:
        self._messages.seek(0)
        return self._messages.read().decode(errors="replace").strip()

    def _end(self) -> None:
        """Closing its pipe makes the first process leave, and with it go all the others."""
        self._control.close()
        self._records.close()
        try:
            self._process.wait(_FAREWELL)
        except subprocess.TimeoutExpired:
            self._process.kill()  # and --kill-child kills the one below
            self._process.wait()
        self._messages.close()


def _advice() -> str:
    """The sysctls are asked only now, to say which of them it may have been."""
    root = os.geteuid() == 0
    remedies = [("user/max_net_namespaces", "0", "user.max_net_namespaces=15000")]
    if not root:
        remedies += [
            ("kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
            ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
            ("user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
        ]
    for name, forbidden, remedy in remedies:
        with suppress(OSError), open(f"/proc/sys/{name}", encoding="ascii") as file:
            if file.read().strip() == forbidden:
                allow = f"Allow namespaces with `{'' if root else 'sudo '}sysctl -w {remedy}`"
                return allow if root else f"{allow}, or run `{sudo_command()}`"
    if root:
        return "root has no powers here; a container needs the capability CAP_SYS_ADMIN, as with `--privileged`"
    return f"User namespaces are missing or have no powers here. Run `{sudo_command()}`"
