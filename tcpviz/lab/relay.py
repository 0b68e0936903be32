"""The network between two machines of the lab: what happens to a segment here is decided by the network of simulate.

One packet socket hears what each machine sends and hands it to the other, later, twice, after the next, or never,
as `tcpviz.exchange.network` says; segments that neither end sent come from here too. It records what was sent, also
what then got lost, as a tap beside each sender would, but not what was lost before the place of capture. It changes
no octet of what it carries.
"""

from __future__ import annotations

import heapq
import os
import random
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress

from tcpviz.exchange.capture import Address, Frame
from tcpviz.exchange.exchange import Side, other
from tcpviz.exchange.network import Passage, Wire
from tcpviz.exchange.scenario import SECOND, Injection, Scenario
from tcpviz.frames.building import octets
from tcpviz.frames.decoding import decode
from tcpviz.frames.live import stamp
from tcpviz.frames.record import ETHERNET, Record
from tcpviz.lab import fast_open
from tcpviz.model.segment import Segment

_SO_TIMESTAMPNS, _SOL_PACKET, _PACKET_STATISTICS = 35, 263, 6
_ETH_P_ALL, _PACKET_OUTGOING = 0x0003, 4
_LARGEST = 65536 + 14
_LATE = 1 * SECOND
"""What nothing overtakes is merely late."""


class Relay:
    """Listens on the machines' interfaces, which have the names of their sides."""

    link = ETHERNET

    def __init__(self, scenario: Scenario) -> None:
        self._ends: dict[Side, Address] = {
            "client": Address(scenario.client.address, scenario.client.port),
            "server": Address(scenario.server.address, scenario.server.port),
        }
        self._injections = list(scenario.injections)
        self._wire = Wire(scenario.network)
        self._queue: list[tuple[int, int, Side, bytes | Injection]] = []
        """(when, tie-breaker, for whom, a frame or what to make one of); the clock is time.monotonic_ns."""
        self._count = 0
        self._held: dict[Side, list[bytes]] = {"client": [], "server": []}
        """Frames that wait for their sender's next one to overtake them."""
        self._copies: dict[bytes, int] = {}
        """Frames that come twice, and how much later the second time, however late the first was."""
        self._syns: dict[Side, Segment] = {}
        self._begun = False
        self._since = 0
        """What to add to a frame's time to have it by time.monotonic_ns: always the same, to keep their order."""
        self._records = 0
        self.forged: list[int] = []
        """Which of the records neither end has sent."""
        self._dropped = 0
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def dropped(self) -> int:
        """Frames the kernel had no room for, since the beginning."""
        counters = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        self._dropped += struct.unpack("II", counters)[1]
        return self._dropped

    @property
    def due(self) -> int | None:
        """When the next frame is to be delivered or forged, by time.monotonic_ns; None: nothing is under way."""
        return self._queue[0][0] if self._queue else None

    def begin(self, moment: int) -> None:
        """The story starts: from here on segments are recorded, counted and treated."""
        self._begun = True
        self._since = time.monotonic_ns() - time.time_ns()
        with suppress(OSError):
            # the kernel keeps the order of what one processor sends, not of what two do
            os.sched_setaffinity(0, {random.choice(sorted(os.sched_getaffinity(0)))})
        for injection in [injection for injection in self._injections if injection.at is not None]:
            self._injections.remove(injection)
            self._put(moment + (injection.at or 0), other(injection.origin), injection)

    def arrived(self) -> Iterator[Record]:
        """What was sent since the last time, in the order in which it was; on the way, deliver what is due."""
        yield from self._deliver()
        for record, origin in sorted(self._heard(), key=lambda heard: heard[0].time):
            frame = decode(record, 1)
            if not isinstance(frame, Frame) or frame.segment is None:
                continue
            if not self._begun or fast_open.PORT in (frame.source.port, frame.destination.port):
                self._send(other(origin), record.data)  # what came before the story, to its last segment
                continue
            if self._carry(origin, frame, frame.segment).fate != "unseen":
                self._records += 1
                yield record
        yield from self._deliver()

    def _heard(self) -> Iterator[tuple[Record, Side]]:
        while True:
            try:
                data, ancillary, _, address = self._socket.recvmsg(_LARGEST, socket.CMSG_SPACE(16))
            except BlockingIOError:
                return
            if address[2] != _PACKET_OUTGOING and address[0] in self._ends:
                yield Record(stamp(ancillary), data, ETHERNET), address[0]

    def _carry(self, origin: Side, frame: Frame, segment: Segment) -> Passage:
        if segment.syn and (frame.source, frame.destination) == (self._ends[origin], self._ends[other(origin)]):
            self._syns.setdefault(origin, segment)
        sent = frame.time + self._since
        passage, names = self._wire.carry(origin, segment, sent)
        self._dispatch(passage, origin, frame.data)
        for injection in [injection for injection in self._injections if injection.after in names]:
            self._injections.remove(injection)
            self._put(sent if passage.arrival is None else passage.arrival, other(injection.origin), injection)
        return passage

    def _dispatch(self, passage: Passage, origin: Side, data: bytes) -> None:
        if passage.arrival is None:
            return
        if passage.overtaken:
            self._held[origin].append(data)
            self._put(passage.arrival + _LATE, other(origin), data)
            return
        self._put(passage.arrival, other(origin), data)
        if passage.copy is not None:
            self._copies[data] = passage.copy - passage.arrival
        for late in self._held[origin]:
            self._queue = [entry for entry in self._queue if entry[3] is not late]
            heapq.heapify(self._queue)
            self._put(passage.arrival, other(origin), late)
        self._held[origin].clear()

    def _put(self, when: int, side: Side, what: bytes | Injection) -> None:
        self._count += 1
        heapq.heappush(self._queue, (when, self._count, side, what))

    def _deliver(self) -> Iterator[Record]:
        while self._queue and self._queue[0][0] <= time.monotonic_ns():
            when, _, side, what = heapq.heappop(self._queue)
            if isinstance(what, Injection):
                data = self._forged(what)
                if data is None:  # it counts from a number that is not known yet
                    self._put(when + SECOND // 1000, side, what)
                    return
                self._records += 1
                self.forged.append(self._records)
                yield Record(time.time_ns(), data, ETHERNET)
                what = data
            self._send(side, what)
            if what in self._copies:
                self._put(time.monotonic_ns() + self._copies.pop(what), side, what)

    def _send(self, side: Side, data: bytes) -> None:
        self._socket.sendto(data, (side, 0))

    def _forged(self, injection: Injection) -> bytes | None:
        """The frame of a segment that neither end sent; None as long as the numbers that it counts from are unknown."""
        isns = {side: syn.seq for side, syn in self._syns.items()}
        # a kernel's clock starts anywhere: what a scenario counts from 0 counts from the SYN's timestamp here
        clocks = {side: syn.options.timestamps[0] for side, syn in self._syns.items() if syn.options.timestamps}
        try:
            segment = injection.segment(isns, clocks)
        except KeyError:
            return None
        source, destination = self._ends[injection.origin], self._ends[other(injection.origin)]
        return octets(injection.origin, source, destination, segment, bytes(injection.length))
