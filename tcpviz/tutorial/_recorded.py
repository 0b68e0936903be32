"""Runs a program and notes what it calls on its sockets, when, and what came of it: one JSON line for each call.

    TCPVIZ_CALLS=<descriptor> python _recorded.py PROGRAM.py ARGUMENTS...

The program is as it is; its socket.socket is one that tells.
"""

from __future__ import annotations

import errno
import json
import os
import runpy
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

_INTERNET = (socket.AF_INET, socket.AF_INET6)
"""asyncio has sockets of its own besides, to wake itself."""
_LOG = int(os.environ["TCPVIZ_CALLS"])


def _note(name: str, ends: Any, began: int, octets: int | None, result: str) -> None:
    local, remote = ends
    entry = {"name": name, "local": local, "remote": remote, "time": began, "returned": time.time_ns()}
    os.write(_LOG, (json.dumps({**entry, "octets": octets, "result": result}) + "\n").encode())


class _Told(socket.socket):
    """A socket that notes its calls. One that has nothing for now (asyncio asks so) is not called yet."""

    _ends: Any = (None, None)

    def _told(self, name: str, call: Callable[[], Any], octets: int | None = None, remote: Any = None) -> Any:
        if self.family not in _INTERNET:
            return call()
        began = time.time_ns()
        try:
            made = call()
        except (BlockingIOError, InterruptedError):
            raise
        except OSError as error:
            _note(name, self._where(remote), began, octets, errno.errorcode.get(error.errno or 0, str(error)))
            raise
        result = ""
        if name == "recv":
            got = made if isinstance(made, int) else len(made)
            result = f"{got} octets" if got else "b''"
        elif name == "recvfrom":
            result, remote = f"{len(made[0])} octets", made[1]
        _note(name, self._where(remote), began, octets, result)
        return made

    def _where(self, remote: Any) -> Any:
        """(local, remote), as far as they are known; what was known last, once it is closed."""
        try:
            local = self.getsockname()[:2]
        except OSError:
            return self._ends
        if not local[1]:
            return self._ends
        try:
            remote = remote or self.getpeername()
        except OSError:
            remote = remote or self._ends[1]
        self._ends = (local, remote[:2] if remote else None)
        return self._ends

    def bind(self, address: Any, /) -> None:
        self._ends = (address[:2], None)  # also when it is not to be had
        self._told("bind", lambda: super(_Told, self).bind(address))

    def listen(self, *backlog: int) -> None:
        self._told("listen", lambda: super(_Told, self).listen(*backlog))

    def connect(self, address: Any, /) -> None:
        self._told("connect", lambda: super(_Told, self).connect(address), remote=address)

    def accept(self) -> Any:
        began = time.time_ns()
        connection, address = super().accept()
        assert isinstance(connection, _Told)
        _note("accept", connection._where(None), began, None, "")
        return connection, address

    def send(self, data: Any, *flags: int) -> int:
        return int(self._told("send", lambda: super(_Told, self).send(data, *flags), len(data)))

    def sendall(self, data: Any, *flags: int) -> None:
        self._told("send", lambda: super(_Told, self).sendall(data, *flags), len(data))

    def sendto(self, data: Any, *rest: Any) -> int:
        return int(self._told("sendto", lambda: super(_Told, self).sendto(data, *rest), len(data), rest[-1]))

    def recv(self, size: int, *flags: int) -> bytes:
        return bytes(self._told("recv", lambda: super(_Told, self).recv(size, *flags), size))

    def recv_into(self, *arguments: Any) -> int:
        return int(self._told("recv", lambda: super(_Told, self).recv_into(*arguments)))

    def recvfrom(self, size: int, *flags: int) -> Any:
        return self._told("recvfrom", lambda: super(_Told, self).recvfrom(size, *flags))

    def shutdown(self, how: int, /) -> None:
        self._told("shutdown", lambda: super(_Told, self).shutdown(how))

    def _real_close(self, *arguments: Any) -> None:
        if self.fileno() >= 0:
            stream = self.family in _INTERNET and self.type is socket.SOCK_STREAM
            listens = stream and self._where(None)[1] is None
            self._told("close-listener" if listens else "close", lambda: super(_Told, self)._real_close(*arguments))  # type: ignore[misc]


if __name__ == "__main__":
    socket.socket = _Told  # type: ignore[misc]
    sys.argv = sys.argv[1:]
    sys.path[:0] = [os.path.dirname(sys.argv[0])]
    runpy.run_path(sys.argv[0], run_name="__main__")
