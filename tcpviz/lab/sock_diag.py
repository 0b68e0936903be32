"""Asks the kernel in which state one socket is, through sock_diag(7); any user may, for the network it is in.

A question for one pair of addresses costs microseconds; a list of all sockets, which is what libraries offer, or
/proc/net/tcp, walks the kernel's whole table. What changes between two questions is not seen. TCP_INFO would tell no
more: it is the same structure, asked of a socket that must be one's own, and the wire itself shows what was sent again.
"""

from __future__ import annotations

import socket
import struct
import time
from contextlib import suppress

from tcpviz.exchange.capture import Address
from tcpviz.exchange.exchange import Change
from tcpviz.exchange.witness import KernelSocket
from tcpviz.model.transitions import State

STATES = {
    1: State.ESTABLISHED,
    2: State.SYN_SENT,
    3: State.SYN_RECEIVED,
    4: State.FIN_WAIT_1,
    5: State.FIN_WAIT_2,
    6: State.TIME_WAIT,
    7: State.CLOSED,
    8: State.CLOSE_WAIT,
    9: State.LAST_ACK,
    10: State.LISTEN,
    11: State.CLOSING,
    12: State.SYN_RECEIVED,
}
"""net/tcp_states.h -> RFC 9293; 12 is a request socket, for which Linux has a state of its own."""

# linux/sock_diag.h, linux/inet_diag.h, linux/netlink.h
_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, _NLMSG_ERROR = 4, 20, 1, 2
_HEADER = struct.Struct("=IHHII")
_ANY = 0xFFFFFFFF
_ETHERNET, _IPV4, _IPV6, _TCP = 14, 4, 6, 6


class Observer:
    """Looks at both ends of a connection whenever it is told to, and remembers what changed. Never fails:
    where the kernel does not answer, there is nothing to remember."""

    def __init__(self) -> None:
        """In the network in which this process is now; `also_here` adds others."""
        self._lives: dict[tuple[Address, Address], list[list[Change]]] = {}
        self._netlinks: list[socket.socket] = []
        self.also_here()

    def also_here(self) -> None:
        """Ask in the network in which this process is now as well, wherever it goes."""
        with suppress(OSError, AttributeError):
            netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_SOCK_DIAG)
            netlink.setblocking(False)  # the answer is there when the question has been asked
            self._netlinks.append(netlink)

    def look(self, one: Address, two: Address) -> dict[Address, State]:
        """At both ends; those whose state is another than last time are told."""
        told = {}
        for local, remote in ((one, two), (two, one)):
            lives = self._lives.setdefault((local, remote), [])
            if self._note(lives, self._ask(local, remote)):
                told[local] = lives[-1][-1].state
        return told

    def look_again(self) -> None:
        """At all that was ever looked at: what has happened since the last segment."""
        for local, remote in tuple(self._lives):
            self._note(self._lives[local, remote], self._ask(local, remote))

    def look_at_frame(self, data: bytes) -> None:
        """The two ends of a TCP segment that has an Ethernet header before it, as loopback's have."""
        ends = _ends(data)
        if ends:
            self.look(*ends)

    def sockets(self) -> tuple[KernelSocket, ...]:
        return tuple(
            KernelSocket(local, remote, tuple(changes))
            for (local, remote), lives in self._lives.items()
            for changes in lives
        )

    def close(self) -> None:
        for netlink in self._netlinks:
            netlink.close()

    @staticmethod
    def _note(lives: list[list[Change]], state: State | None) -> bool:
        last = lives[-1][-1].state if lives else None
        if state in (None, State.LISTEN):
            # it is gone, or not there yet: a listener that answers in its place is another socket
            state = None if last is None else State.CLOSED
        if state is None or state is last:
            return False
        if last in (None, State.CLOSED) or (last is State.TIME_WAIT and state is not State.CLOSED):
            lives.append([])  # TIME-WAIT ends when its addresses are used again
        lives[-1].append(Change(time.time_ns(), state))
        return True

    def _ask(self, local: Address, remote: Address) -> State | None:
        family = socket.AF_INET6 if ":" in local.host else socket.AF_INET
        source, destination = (socket.inet_pton(family, end.host).ljust(16, b"\0") for end in (local, remote))
        body = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 0, 0, _ANY)
        body += struct.pack("!HH", local.port, remote.port) + source + destination
        body += struct.pack("=III", 0, _ANY, _ANY)
        header = _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 0, 0)
        answers = (_answer(netlink, header + body) for netlink in self._netlinks)
        return next((state for state in answers if state), None)


def _answer(netlink: socket.socket, question: bytes) -> State | None:
    try:
        netlink.send(question)
        answer = netlink.recv(4096)
    except OSError:
        return None
    kind = _HEADER.unpack_from(answer)[1]
    return None if kind == _NLMSG_ERROR else STATES.get(answer[_HEADER.size + 1])


def _ends(data: bytes) -> tuple[Address, Address] | None:
    version = data[_ETHERNET] >> 4 if len(data) > _ETHERNET + 40 else 0
    if version == _IPV4 and data[_ETHERNET + 9] == _TCP:
        family, size, at, ports = socket.AF_INET, 4, _ETHERNET + 12, _ETHERNET + (data[_ETHERNET] & 15) * 4
    elif version == _IPV6 and data[_ETHERNET + 6] == _TCP:
        family, size, at, ports = socket.AF_INET6, 16, _ETHERNET + 8, _ETHERNET + 40
    else:
        return None
    if len(data) < ports + 4:
        return None
    hosts = (socket.inet_ntop(family, data[start : start + size]) for start in (at, at + size))
    source, destination = map(Address, hosts, struct.unpack_from("!HH", data, ports))
    return source, destination
