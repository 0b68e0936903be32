"""The kernel's witness: which states its sockets went through while something was captured.

    with Witness(8080) as witness:    # never fails; `missing` says why there are no tracepoints
        ...
        witness.observer.look(client, server)   # in the network of the sockets, at each segment
        record = witness.record()

Where tracefs can be read, every change of state, by a tracepoint; elsewhere the states that sock_diag showed
each time one looked. `tracing` records, this module says in the RFC's words what was recorded.
"""

from __future__ import annotations

import ipaddress
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import dropwhile, takewhile
from typing import IO, Any, Self

from tcpviz.exchange.capture import Address
from tcpviz.exchange.exchange import Change, Deed, DeedName
from tcpviz.exchange.witness import KernelRecord, KernelSocket
from tcpviz.lab import tracing
from tcpviz.lab.sock_diag import STATES, Observer
from tcpviz.model.sentence import Sentence
from tcpviz.model.transitions import State
from tcpviz.value import Record, field, replace

_START, _ANSWER = 20.0, 20.0
"""Seconds, on a machine with much else to do. Waiting ends as soon as it can."""
_TCP, _INET6 = 6, 10
_TO_MINI_SOCKET = (State.FIN_WAIT_2, State.CLOSING)
_DEEDS: dict[str, DeedName] = {
    "tcp_retransmit_skb": "retransmitted",
    "tcp_retransmit_synack": "retransmitted",
    "tcp_send_reset": "reset sent",
    "tcp_receive_reset": "reset received",
}


class Witness:
    """A context manager around a capture. Leaving it leaves nothing in tracefs, however it is left."""

    def __init__(self, *ports: int) -> None:
        """Without ports, every TCP socket of the machine is listened to."""
        self._ports = ports
        self._process: subprocess.Popen[bytes] | None = None
        self.missing: Sentence | None = None
        self.observer = Observer()

    def __enter__(self) -> Self:
        # a process of its own: it can clean up when this one is killed, and stays root when this one does not
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", tracing.__file__, *map(str, self._ports)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            self.missing = Sentence("its recorder cannot be started: {}", error.strerror)
            return self
        try:
            word = self._line(self._process, _START)
        except BaseException:
            self._end()
            raise
        if word != "ready":
            died = Sentence("the kernel's tracepoints could not be recorded")
            self.missing = sentence(json.loads(word)) if word else died
            self._end()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self.observer.close()

    def record(self, seen: Iterable[KernelSocket] = (), until: int | None = None) -> KernelRecord:
        """All there is by now, or was at `until`; and what an observer in the network of a sandbox has `seen`."""
        self.observer.look_again()
        glimpses = (*self.observer.sockets(), *seen)
        answer = ""
        if self._process:
            with suppress(BrokenPipeError):
                os.write(_pipe(self._process.stdin).fileno(), b"\n")
            answer = self._line(self._process, _ANSWER)
            self.missing = None if answer else Sentence("its recorder ended too early")
            self._end()
        if not answer:
            return KernelRecord("sock_diag", glimpses)
        document = json.loads(answer)
        events = (event for event in document["events"] if until is None or event["time"] <= until)
        told = list(_laid_to_rest(sockets_of(events), glimpses))
        known = {(socket.local, socket.remote) for socket in told if socket.changes}
        # request sockets, and mini-sockets that are older than the record, are known to sock_diag alone
        more = (socket for socket in glimpses if (socket.local, socket.remote) not in known)
        return KernelRecord("tracepoint", (*told, *more), document["lost"])

    @staticmethod
    def _line(process: subprocess.Popen[bytes], seconds: float) -> str:
        """Empty when it has nothing more to say."""
        said = _pipe(process.stdout)
        ready, _, _ = select.select([said], [], [], seconds)
        return said.readline().decode().strip() if ready else ""

    def _end(self) -> None:
        """Closing its input is what makes the recorder clean up and leave."""
        if self._process:
            for stream in (self._process.stdin, self._process.stdout):
                _pipe(stream).close()
            self._process.wait()
            self._process = None


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


class _Life(Record):
    """One socket, while its events are being read. The kernel names it by its place in memory, which is used again."""

    remote: Address
    local: Address | None = None
    changes: list[Change] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)
    reset: bool = False

    def done(self) -> Iterator[KernelSocket]:
        if self.local:
            yield KernelSocket(self.local, self.remote, tuple(self.changes), tuple(self.deeds))


def sockets_of(events: Iterable[dict[str, Any]]) -> list[KernelSocket]:
    """Events as `tracing` records them, in order, as lives of sockets. Listeners are left out."""
    alive: dict[str, _Life] = {}
    lives: list[_Life] = []
    for event in events:
        local, remote = _ends(event)
        key = event["skaddr"]
        if event["event"] in _DEEDS:
            life = alive.get(key)
            if life is None or (life.local, life.remote) != (local, remote):
                # nobody's, such as a reset from where no socket is, or a listener's, which answers for its children
                life = _Life(remote, local)
                lives.append(life)
            life.reset |= event["event"] == "tcp_receive_reset"
            life.deeds.append(Deed(event["time"], _DEEDS[event["event"]], event.get("reason", "")))
            continue
        if event["protocol"] != _TCP or not remote.port:
            continue
        before, state = STATES[event["oldstate"]], STATES[event["newstate"]]
        if key not in alive:
            alive[key] = life = _Life(remote)
            lives.append(life)
            if before not in (State.CLOSED, State.LISTEN):  # it was there before anyone listened
                life.changes.append(Change(event["time"], before))
        life = alive[key]
        if local.port:  # connect() enters SYN-SENT first and chooses a port then
            life.local = local
        if state is State.CLOSED:
            del alive[key]
            if before in _TO_MINI_SOCKET and not life.reset:
                continue
        life.changes.append(Change(event["time"], state))
    return [socket for life in lives for socket in life.done()]


def _laid_to_rest(sockets: Iterable[KernelSocket], glimpses: tuple[KernelSocket, ...]) -> Iterator[KernelSocket]:
    """A mini-socket takes over in FIN-WAIT-2 and CLOSING, and tracepoints know nothing of it; sock_diag does."""
    for socket in sockets:
        last = socket.changes[-1] if socket.changes else None
        if last and last.state in _TO_MINI_SOCKET:
            ends = socket.local, socket.remote
            seen = [c for g in glimpses if (g.local, g.remote) == ends for c in g.changes if c.time >= last.time]
            later = dropwhile(lambda c: c.state in _TO_MINI_SOCKET, sorted(seen, key=lambda c: c.time))
            rest = takewhile(lambda c: c.state in (State.TIME_WAIT, State.CLOSED), later)
            socket = replace(socket, changes=(*socket.changes, *rest))
        yield socket


def sentence(told: list[Any]) -> Sentence:
    """As the recorder says it: the pattern and its parts, of which each may be such a sentence."""
    pattern, *parts = told
    return Sentence(str(pattern), *(sentence(part) if isinstance(part, list) else part for part in parts))


def _ends(event: dict[str, Any]) -> tuple[Address, Address]:
    """Local and remote. Older kernels tell ports and addresses of a sent reset, newer ones two sockaddr."""
    if "sport" not in event:
        return _sockaddr(event["saddr"]), _sockaddr(event["daddr"])
    return _address(event, "s"), _address(event, "d")


def _address(event: dict[str, Any], end: str) -> Address:
    return Address(_host(bytes.fromhex(event[f"{end}addr_v6"])), event[f"{end}port"])


def _sockaddr(digits: str) -> Address:
    data = bytes.fromhex(digits)
    six = int.from_bytes(data[:2], sys.byteorder) == _INET6
    return Address(_host(data[8:24] if six else data[4:8]), int.from_bytes(data[2:4], "big"))


def _host(octets: bytes) -> str:
    """As a frame's address is written: an IPv4 address that an IPv6 socket uses is an IPv4 address."""
    address = ipaddress.ip_address(octets)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
