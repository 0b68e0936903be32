"""The two applications of a scenario: the calls, made on real sockets, in real processes.

Runs inside the sandbox. Knows sockets and nothing of capturing. An application keeps its sockets after its
last call, because what it never closed must stay open; the end of the sandbox is its end.
"""

from __future__ import annotations

import errno
import os
import pickle
import signal
import socket
import struct
import time
import traceback
from dataclasses import dataclass, replace

from tcpviz.exchange.exchange import Call, Side, other
from tcpviz.exchange.scenario import Action, Host, Scenario

LOOPBACK = "127.0.0.1"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_CHUNK = 65536


@dataclass(frozen=True, slots=True)
class Application:
    """A running one, seen from its parent."""

    side: Side
    pid: int
    done: int
    """Readable once it has made its calls, or died."""
    log: int

    def calls(self) -> tuple[Call, ...]:
        """What it has called so far; the entry of a call that returned replaces the one that was written before it."""
        calls: dict[int, Call] = {}
        with open(os.dup(self.log), "rb") as log:
            log.seek(0)
            try:
                while True:
                    place, call = pickle.load(log)
                    calls[place] = call
            except (EOFError, pickle.UnpicklingError):
                return tuple(calls.values())


def start(scenario: Scenario) -> tuple[Application, Application]:
    """Both at once; the client connects as soon as the server listens, if it ever does."""
    begin = time.monotonic_ns()
    listening, listens = os.pipe()
    server = _fork(scenario, "server", begin, close=listening, listens=listens)
    os.close(listens)
    client = _fork(scenario, "client", begin, close=-1, listening=listening)
    os.close(listening)
    return client, server


def _fork(
    scenario: Scenario, side: Side, begin: int, *, close: int, listens: int = -1, listening: int = -1
) -> Application:
    done, finish = os.pipe()
    log = os.memfd_create(f"tcpviz-{side}")
    pid = os.fork()
    if pid:
        os.close(finish)
        return Application(side, pid, done, log)
    try:
        if close >= 0:
            os.close(close)
        player = _Player(scenario.host(side), scenario.host(other(side)), begin, log, listens, listening)
        player.play()
        os.close(finish)
        signal.pause()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


class _Player:
    def __init__(self, host: Host, peer: Host, begin: int, log: int, listens: int, listening: int) -> None:
        self._host, self._peer, self._begin, self._log = host, peer, begin, log
        self._listens, self._listening = listens, listening
        self._listener: socket.socket | None = None
        self._connection: socket.socket | None = None

    def play(self) -> None:
        """Stops at the first call that fails, as a program that lets the exception through."""
        for place, action in enumerate(self._host.calls):
            if action.verb == "connect" and self._listening >= 0:
                os.read(self._listening, 1)  # a byte when the server listens, the end of the pipe when it never will
            call = Call(action.verb, time.time_ns(), octets=_octets(action))
            self._note(place, call)
            try:
                result = self._make(action)
            except OSError as error:
                result = errno.errorcode.get(error.errno or 0, str(error))
                self._note(place, replace(call, returned=time.time_ns(), result=result))
                break
            self._note(place, replace(call, returned=time.time_ns(), result=result))
        if self._listens >= 0:
            os.close(self._listens)

    def _note(self, place: int, call: Call) -> None:
        os.write(self._log, pickle.dumps((place, call)))

    def _make(self, action: Action) -> str:
        match action.verb:
            case "listen":
                self._listener = self._bound()
                self._listener.listen()
                if self._listens >= 0:
                    os.write(self._listens, b"!")
            case "connect":
                self._connection = self._bound()
                self._connection.connect((LOOPBACK, self._peer.port))
            case "accept":
                self._connection, _ = _opened(self._listener).accept()
            case "send":
                _opened(self._connection).sendall(action.data)
            case "recv":
                return _receive(_opened(self._connection), action.octets)
            case "shutdown":
                _opened(self._connection).shutdown(socket.SHUT_WR)
            case "close":
                _opened(self._connection or self._listener).close()
            case "abort":
                connection = _opened(self._connection or self._listener)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                connection.close()
            case "wait":
                time.sleep(action.time / 10**9)
            case "at":
                time.sleep(max(0, self._begin + action.time - time.monotonic_ns()) / 10**9)
        return ""

    def _bound(self) -> socket.socket:
        """The scenario's own port, so that captures are alike; in this namespace nobody else has it."""
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.bind((LOOPBACK, self._host.port))
        return made


def _opened(sock: socket.socket | None) -> socket.socket:
    if sock is None:
        raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
    return sock


def _receive(connection: socket.socket, octets: int | None) -> str:
    """Reads as long as the scenario says; the result tells when the stream ended before that."""
    left = octets
    while left is None or left:
        part = connection.recv(_CHUNK if left is None else min(left, _CHUNK))
        if not part:
            return "" if left is None else f"end of stream, {left} octets early"
        if left is not None:
            left -= len(part)
    return ""


def _octets(action: Action) -> int | None:
    return len(action.data) if action.verb == "send" else action.octets
