"""An interface gives records while it carries them. Linux only.

scapy opens the packet socket; this module gives it room, keeps one copy of what loops back, and reads
the kernel's own nanoseconds, which scapy would round to a float. It decides nothing about what it sees, and does
nothing for a record but take it: whatever else is done for one goes by the hundred thousand.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from scapy.data import ARPHRD_TO_DLT

from tcpviz.errors import InputError, PermissionMissing
from tcpviz.frames import kernel_filter
from tcpviz.frames.decoding import quiet
from tcpviz.frames.permission import sudo_command
from tcpviz.frames.record import ETHERNET, LARGEST, LINUX_COOKED, RAW_IP, Record
from tcpviz.frames.source import MANY, Source

if TYPE_CHECKING:
    from scapy.arch.linux import L2ListenSocket

RECEIVE_BUFFER = 64 * 2**20
"""Held nothing back at 165,000 segments a second; the default loses the end of 100 kB."""

_SO_RCVBUFFORCE, _SCM_TIMESTAMPNS = 33, 35
_SOL_PACKET, _PACKET_STATISTICS, _PACKET_IGNORE_OUTGOING = 263, 6, 23
_PACKET_OUTGOING = 4
_ARPHRD_LOOPBACK, _ARPHRD_NONE = 772, 65534
_LINKTYPES = {12: RAW_IP, 14: RAW_IP, 101: RAW_IP, 1: ETHERNET, 113: LINUX_COOKED}
_ANCILLARY = socket.CMSG_SPACE(64) * 2
_STAMP = struct.Struct("@ll")
_BATCH = 1000
_PAUSE = 0.002
"""Seconds between batches on a busy interface: the kernel keeps what comes, and many at once cost less."""
_TICK = 0.5
"""Seconds without a record after which whoever waits for one is told so."""


class Listener(Source):
    """A context manager: what the interface carries after `__enter__` has returned is seen.

    with Listener("lo", port=8080) as listener:
        for frame in listener.frames():
            ...
        listener.dropped
    """

    def __init__(
        self,
        interface: str = "lo",
        *,
        port: int | None = None,
        host: str | None = None,
        filter: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """`port` and `host` need no other program; `filter`, in the words of pcap-filter(7), needs libpcap."""
        super().__init__(interface)
        self.interface = interface
        self.link = ETHERNET
        self._port, self._host, self._filter, self._timeout = port, host, filter, timeout
        self._dropped = 0
        self._buffer = bytearray(LARGEST)
        self._view = memoryview(self._buffer)
        self._stop_at: float | None = None
        self._end_at: float | None = None
        self._poll = select.poll()
        self._wake = -1

    def __enter__(self) -> Self:
        self._scapy = _open(self.interface)
        self._socket: socket.socket = self._scapy.ins
        try:
            self._set_up()
        except BaseException:
            self._scapy.close()
            raise
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._poll.register(self._socket, select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)
        return self

    def __exit__(self, *_: object) -> None:
        self.dropped  # noqa: B018 - the kernel's counter goes with the socket
        self._scapy.close()
        wake, self._wake = self._wake, -1
        os.close(wake)

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def dropped(self) -> int:
        """Records the kernel had no room for, since the beginning."""
        if self._socket.fileno() != -1:
            # reading the counter sets it to zero
            counters = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
            self._dropped += struct.unpack("II", counters)[1]
        return self._dropped

    def records(self) -> Iterator[Record]:
        for batch in self.batches():
            yield from batch

    def batches(self) -> Iterator[list[Record]]:
        if self._timeout is not None:
            self.stop(self._timeout)
        while (left := self._left()) is None or left > 0:
            self._poll.poll(1000 * (_TICK if left is None else min(left, _TICK)))
            batch = self.arrived()
            yield batch
            if len(batch) >= MANY:
                time.sleep(_PAUSE)
        last = time.time_ns()
        while batch := self.arrived():
            yield [record for record in batch if record.time <= last]
            if batch[-1].time > last:
                return

    def hurried(self) -> bool:
        return bool(self._poll.poll(0)) or (self._stop_at is not None and self._stop_at <= time.monotonic())

    def stop(self, after: float = 0.0) -> None:
        at = time.monotonic() + after
        self._stop_at = at if self._stop_at is None else min(at, self._stop_at)
        if self._wake != -1:
            os.eventfd_write(self._wake, 1)

    def end(self, after: float | None) -> None:
        self._end_at = None if after is None else self._end_at or time.monotonic() + after

    def arrived(self) -> list[Record]:
        """What is there now, without waiting; on a busy interface only so much of it."""
        found: list[Record] = []
        receive, buffers, view = self._socket.recvmsg_into, [self._buffer], self._view
        link, copies = self.link, self._loopback
        try:
            while len(found) < _BATCH:
                size, ancillary, _, address = receive(buffers, _ANCILLARY, socket.MSG_TRUNC)
                if not (copies and address[2] == _PACKET_OUTGOING):
                    found.append(Record(stamp(ancillary), bytes(view[: min(size, LARGEST)]), link, size))
        except BlockingIOError:
            pass
        except OSError as error:
            raise InputError(f"interface {self.interface} went away: {error.strerror}") from error
        return found

    def _left(self) -> float | None:
        with suppress(BlockingIOError):
            os.eventfd_read(self._wake)
        ends = [at for at in (self._stop_at, self._end_at) if at is not None]
        return min(ends) - time.monotonic() if ends else None

    def _set_up(self) -> None:
        sock = self._socket
        kind = sock.getsockname()[3]
        self._loopback = kind == _ARPHRD_LOOPBACK
        dlt = RAW_IP if kind == _ARPHRD_NONE else ARPHRD_TO_DLT.get(kind, -1)
        if dlt not in _LINKTYPES:
            raise InputError(f"interface {self.interface} is of a kind ({kind}) that tcpviz cannot decode")
        self.link = _LINKTYPES[dlt]
        sock.setblocking(False)
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)
        except PermissionError:  # root of a user namespace only: as much as net.core.rmem_max allows
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        if self._loopback:
            with suppress(OSError):  # before Linux 4.20 _receive leaves the copies out
                sock.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        kernel_filter.attach(sock, self.interface, self._port, self._host, self._filter)
        self._discard()

    def _discard(self) -> None:
        """What came between opening and the last option was let in by another rule."""
        until = time.monotonic() + 0.1
        while self.arrived() and time.monotonic() < until:
            pass


def stamp(ancillary: list[tuple[int, int, bytes]]) -> int:
    """The kernel's own nanoseconds, from what came along with a frame; else now."""
    for level, kind, data in ancillary:
        if kind == _SCM_TIMESTAMPNS and level == socket.SOL_SOCKET and len(data) == _STAMP.size:
            seconds, nanoseconds = _STAMP.unpack(data)
            return int(seconds) * 10**9 + int(nanoseconds)
    return time.time_ns()


def _open(interface: str) -> L2ListenSocket:
    if sys.platform != "linux":
        raise InputError("capturing live needs Linux; `tcpviz match FILE` reads captures made elsewhere")
    from scapy.arch.linux import L2ListenSocket

    names = [name for _, name in socket.if_nameindex()]
    if interface not in names:
        raise InputError(f"there is no interface {interface}: there are {', '.join(names)}")
    try:
        with quiet():
            return L2ListenSocket(iface=interface, promisc=False, nofilter=1)
    except PermissionError:
        raise PermissionMissing(
            f"listening on {interface} needs the capability CAP_NET_RAW, which this user does not have. "
            f"Run `{sudo_command()}`, or let tcpviz make a connection by itself, which needs no root: "
            "`tcpviz capture --scenario normal`"
        ) from None
    except OSError as error:
        raise InputError(f"cannot listen on {interface}: {error.strerror}") from error
