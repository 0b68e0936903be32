"""Makes the calls of a scenario's applications on real sockets.

Runs inside the sandbox, in the process of one side, an application a thread. Each call is noted before it is made and
when it has returned, so that whoever looks from outside knows which one it is in.
"""

from __future__ import annotations

import errno
import os
import pickle
import socket
import struct
import threading
import time

from tcpviz.exchange.exchange import Call, Side, other
from tcpviz.exchange.scenario import FIRST_ISN, Action, Host, Scenario
from tcpviz.lab import fast_open, settings
from tcpviz.lab.stage import Stage
from tcpviz.value import replace

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_CHUNK = 65536
_END = "b''"
"""What recv() returns at the FIN."""


class Machine:
    """What the applications of one side share."""

    def __init__(self, side: Side, stage: Stage, scenario: Scenario) -> None:
        self.side, self.stage = side, stage
        self.peer = scenario.host(other(side))
        self.listener: socket.socket | None = None
        self.listening = threading.Event()
        self.sockets: list[socket.socket] = []

    def bound(self, host: Host, *, reuse: bool = True, to_connect: bool = False) -> socket.socket:
        """The scenario's own port, so that captures are alike; on this machine nobody else has it.

        Who is going to connect leaves it to connect() to take it, as programs do.
        """
        address = self.stage.address(host)
        made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        settings.prepare(made, host)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(reuse))
        left_open = to_connect and settings.leave_port_open(made, host.port)
        made.bind((address, 0 if left_open else host.port))
        self.sockets.append(made)
        return made

    def datagrams(self, host: Host) -> socket.socket:
        """UDP; it has no port until it is bound."""
        family = socket.AF_INET6 if ":" in self.stage.address(host) else socket.AF_INET
        return socket.socket(family, socket.SOCK_DGRAM)

    @property
    def goal(self) -> tuple[str, int]:
        return self.stage.address(self.peer), self.peer.port

    def listen(self, host: Host) -> None:
        listener = self.bound(host, reuse=host.reuse_address)
        if host.fast_open is not None:
            fast_open.allow(listener)
        listener.listen(*(() if host.backlog is None else (host.backlog,)))
        self.listener = listener
        self.listening.set()

    def close_listener(self) -> None:
        _opened(self.listener).close()
        self.listener = None
        self.listening.clear()

    def accept(self) -> socket.socket:
        self.listening.wait()
        accepted, _ = _opened(self.listener).accept()
        self.sockets.append(accepted)
        return accepted

    def crash(self) -> None:
        """All that the machine held in memory is gone, and its peers are not told."""
        for each in self.sockets:
            if each is self.listener:
                each.close()
            elif each.fileno() >= 0:
                settings.forget(each)
        self.sockets, self.listener = [], None
        self.listening.clear()


class Player:
    """An application, or a thread of one, which has the same socket, and begins once there is one that is connected."""

    def __init__(self, host: Host, machine: Machine, log: int, thread_of: Player | None = None) -> None:
        self._host, self._machine, self._log, self._thread_of = host, machine, log, thread_of
        self._left = list(enumerate(host.calls))
        self._connection: socket.socket | None = None
        self._connected = threading.Event()
        self._isns = [host.isn, *host.later_isns] if host.isn != FIRST_ISN[machine.side] or host.later_isns else []
        self._begin = 0

    def prepare(self) -> None:
        """What is so before the story begins: a connection that is there, a server that listens."""
        if self._host.start:
            self._connection = self._machine.bound(self._host)
            goal, window = self._machine.goal, self._machine.peer.window
            settings.place(self._connection, self._host.start, self._host, goal, window)
        if self._host.talks_udp:
            self._connection = self._machine.datagrams(self._host)
            self._connected.set()
        if self._left and self._left[0][1].verb == "listen" and not self._call(*self._left.pop(0)):
            self._left = []

    def play(self, begin: int) -> None:
        """Stops at the first call that fails, as a program that lets the exception through."""
        self._begin = begin
        self._sleep_until(begin)
        if self._thread_of:
            self._thread_of._connected.wait()
            self._connection = self._thread_of._connection
        for place, action in self._left:
            if not self._call(place, action):
                return

    def _call(self, place: int, action: Action) -> bool:
        call = Call(action.verb, time.time_ns(), octets=_octets(action))
        self._note(place, call)
        try:
            result, worked = self._make(action), True
        except OSError as error:
            result, worked = errno.errorcode.get(error.errno or 0, str(error)), False
        self._note(place, replace(call, returned=time.time_ns(), result=result))
        if worked and action.verb in ("connect", "accept"):
            self._connected.set()
        return worked

    def _note(self, place: int, call: Call) -> None:
        os.write(self._log, pickle.dumps((place, call)))

    def _make(self, action: Action) -> str:
        match action.verb:
            case "listen":
                self._machine.listen(self._host)
            case "connect":
                self._connect(action.data)
            case "accept":
                self._connection = self._machine.accept()
                settings.hurry(self._connection, self._host)
            case "send":
                _opened(self._connection).sendall(action.data)
            case "send-urgent":
                _opened(self._connection).send(action.data, socket.MSG_OOB)
            case "recv":
                if action.some:
                    return self._receive_some(_opened(self._connection), action.octets or _CHUNK)
                return self._receive(_opened(self._connection), action.octets)
            case "bind":
                self._bind()
            case "sendto":
                self._bind()
                _opened(self._connection).sendto(action.data, self._machine.goal)
            case "recvfrom":
                return f"{len(_opened(self._connection).recv(_CHUNK))} octets"
            case "shutdown":
                _opened(self._connection).shutdown(socket.SHUT_WR)
            case "close":
                _opened(self._connection or self._machine.listener).close()
            case "close-listener":
                self._machine.close_listener()
            case "abort":
                connection = _opened(self._connection or self._machine.listener)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                connection.close()
            case "crash":
                self._machine.crash()
                self._connection = None
            case "wait":
                time.sleep(action.time / 10**9)  # the scenario's own pause
            case "at":
                self._sleep_until(self._begin + action.time)
        return ""

    def _bind(self) -> None:
        """To the scenario's port, at the latest when something is sent."""
        if _opened(self._connection).getsockname()[1] != self._host.port:
            _opened(self._connection).bind((self._machine.stage.address(self._host), self._host.port))

    def _connect(self, data: bytes) -> None:
        self._connection = self._machine.bound(self._host, to_connect=True)
        if self._isns:
            settings.number(self._connection, self._isns.pop(0))
        if data:
            self._connection.sendto(data, socket.MSG_FASTOPEN, self._machine.goal)
        else:
            self._connection.connect(self._machine.goal)
        settings.hurry(self._connection, self._host)

    def _receive(self, connection: socket.socket, octets: int | None) -> str:
        """Reads as long as the scenario says; the result tells when the stream ended before that."""
        left = octets
        while left is None or left:
            part = connection.recv(_CHUNK if left is None else min(left, _CHUNK))
            if not part:
                return _END
            if left is not None:
                left -= len(part)
            settings.hurry(connection, self._host)
        return ""

    def _receive_some(self, connection: socket.socket, octets: int) -> str:
        part = connection.recv(octets)
        settings.hurry(connection, self._host)
        return f"{len(part)} octets" if part else _END

    @staticmethod
    def _sleep_until(moment: int) -> None:
        time.sleep(max(0, moment - time.monotonic_ns()) / 10**9)  # the scenario says when


def _opened(sock: socket.socket | None) -> socket.socket:
    if sock is None:
        raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
    return sock


def _octets(action: Action) -> int | None:
    return len(action.data) if action.verb in ("send", "send-urgent") or action.data else action.octets
