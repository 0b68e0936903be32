"""A Capture: what was on the wire, in the order and at the times it was recorded.

Knows nothing of connections; how frames are read or sniffed is `frames`' business.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from tcpviz.model.segment import Segment
from tcpviz.model.sentence import Sentence
from tcpviz.value import Value, field, replace

_MOST_ASTRAY, _SET_BACK = 16, 10**9
"""Frames, and nanoseconds, by which one may be recorded too late. With a time still further back, the clock was set."""


class Address(Value, order=True):
    """Where an endpoint lives: an IP address (or a name in a simulation) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Checksum(NamedTuple):
    """What a TCP checksum says, and what it should say; None where it looks as if it was left to the network card."""

    told: int
    right: int | None


class Flaw(NamedTuple):
    """What no sender writes, or should write, into a field that decides nothing."""

    field: Sentence
    told: int
    right: str
    section: str


OPTIONS, OFFSET = Sentence("options"), Sentence("data offset")
"""Flaws of which are that not all options can be read, and that some stand behind the header's end."""


class Frame(Value):
    """One record that held TCP or UDP, or the news that a segment did not arrive.

    `number` counts from 1 over all records of the file, as Wireshark does.
    """

    number: int
    time: int
    """Nanoseconds since the epoch."""
    source: Address
    destination: Address
    segment: Segment | None
    """None for a UDP datagram, and where the segment is `undelivered`."""
    payload: bytes
    """The captured octets of the text; shorter than the segment's length when the capture was cut."""
    length: int
    """Octets of text by the IP (or UDP) header."""
    data: bytes
    """The whole record, as captured."""
    link: int = 1
    """What `data` begins with, as pcap-linktype(7) numbers it; 1 is Ethernet."""
    cut: bool = False
    """Its TCP header was captured only in part: there may have been more options than `segment` has."""
    identification: int = 0
    """The IP header's; 0 where it has none."""

    checksum: Checksum | None = None
    """None where it cannot be told."""

    flaw: Flaw | None = None
    offset: int | None = None
    """Its data offset, where that is less than any header has, or beyond the end of the segment."""

    held: int | None = None
    """The octets of text that the record has, where the IP header speaks of another number though nothing was cut.

    With an `offset`, the IP header speaks of fewer octets than the TCP header has, and that is all there.
    """

    undelivered: int | None = None
    """An ICMP error tells that a segment from `source` to `destination` has not arrived: its sequence number."""

    def uses(self, port: int) -> bool:
        """It goes to this port or comes from it."""
        return port in (self.source.port, self.destination.port)


class Capture(Value):
    """Frames and what else the file held."""

    file: str
    frames: tuple[Frame, ...]
    records: int
    """All records, the skipped ones too."""
    skipped: Mapping[Sentence, int] = field(default_factory=dict)
    """Reason -> number of records, such as {"neither TCP nor UDP": 2}."""
    warnings: tuple[Sentence, ...] = ()

    def only(self, port: int) -> Capture:
        """The same without the frames of other ports, which count as skipped."""
        frames = tuple(frame for frame in self.frames if frame.uses(port))
        # an ICMP error counts as skipped already
        left_out = sum(frame.undelivered is None and not frame.uses(port) for frame in self.frames)
        skipped = {**self.skipped, Sentence("other ports"): left_out} if left_out else self.skipped
        return replace(self, frames=frames, skipped=skipped)


def in_time(frames: Iterable[Frame]) -> Iterator[tuple[Frame, int]]:
    """In the order of their times, where they were recorded in another: a card has several queues.

    Each comes with the time of the one behind it, before which nothing else will happen.
    """
    waiting: list[Frame] = []
    for frame in frames:
        if waiting and waiting[-1].time - frame.time > _SET_BACK:
            yield from _with_next(waiting)
            waiting.clear()
        insort(waiting, frame, key=lambda frame: frame.time)
        while len(waiting) > _MOST_ASTRAY or waiting[-1].time - waiting[0].time > _SET_BACK:
            first = waiting.pop(0)
            yield first, waiting[0].time
    yield from _with_next(waiting)


def _with_next(frames: list[Frame]) -> Iterator[tuple[Frame, int]]:
    return zip(frames, [*(frame.time for frame in frames[1:]), *(frame.time for frame in frames[-1:])], strict=True)
