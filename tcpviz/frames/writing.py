"""Records and frames are written to pcap and pcapng, with nanoseconds.

pcap goes through scapy. Its pcapng writer keeps microseconds, so those blocks are laid out here
(draft-ietf-opsawg-pcapng, sections 4.1 to 4.3). Whole or not at all is the caller's affair.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import IO, Literal, Protocol, Self, cast

from scapy.utils import RawPcapWriter

from tcpviz.errors import OutputError
from tcpviz.exchange.capture import Frame
from tcpviz.frames.record import ETHERNET, LARGEST, Record, record_of

Format = Literal["pcap", "pcapng"]
_SECOND = 10**9


class Sink(Protocol):
    """As much of a binary stream as writing needs."""

    def write(self, octets: bytes, /) -> object: ...

    def flush(self) -> object: ...


class Writer:
    """Writes records to a path or a binary stream; a stream stays open, a path is closed.

    pcap holds one link type, given here; pcapng describes each when it first comes.
    """

    def __init__(self, target: str | Sink, format: Format = "pcap", link: int = ETHERNET) -> None:
        self._file: IO[bytes] | None = None
        self._stream: Sink
        if isinstance(target, str):
            self._stream = self._file = _created(target)
        else:
            self._stream = target
        self._kind = _Pcap(self._stream, link) if format == "pcap" else _Pcapng(self._stream)

    def write(self, record: Record) -> None:
        self._kind.write(record)

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        self.flush()
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def write(
    target: str | Sink, frames: Iterable[Frame | Record], *, format: Format = "pcap", link: int = ETHERNET
) -> None:
    """Write them all; `link` is the link type that a pcap file then holds."""
    with Writer(target, format, link) as writer:
        for frame in frames:
            writer.write(record_of(frame) if isinstance(frame, Frame) else frame)


def _created(path: str) -> IO[bytes]:
    try:
        return open(path, "wb")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error


class _Pcap:
    def __init__(self, stream: Sink, link: int) -> None:
        self._link = link
        self._writer = RawPcapWriter(cast(IO[bytes], stream), nano=True, snaplen=LARGEST)
        # not as an argument: scapy takes link type 0 (BSD loopback) for none given
        self._writer.linktype = link
        self._writer.write_header(None)

    def write(self, record: Record) -> None:
        if record.link != self._link:
            raise OutputError(
                f"a pcap file holds one link type, here {self._link}, and a record has {record.link}: write .pcapng"
            )
        sec, nanoseconds = divmod(record.time, _SECOND)
        self._writer.write_packet(record.data, sec=sec, usec=nanoseconds, wirelen=record.wire or None)


class _Pcapng:
    _SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
    _NANOSECONDS = struct.pack("<HHB3xHH", 9, 1, 9, 0, 0)
    """if_tsresol = 10^-9, end of options."""

    def __init__(self, stream: Sink) -> None:
        self._stream = stream
        self._interfaces: dict[int, int] = {}
        self._block(self._SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))

    def write(self, record: Record) -> None:
        if record.link not in self._interfaces:
            self._interfaces[record.link] = len(self._interfaces)
            self._block(self._INTERFACE, struct.pack("<HHI", record.link, 0, LARGEST) + self._NANOSECONDS)
        size = len(record.data)
        head = struct.pack(
            "<IIIII",
            self._interfaces[record.link],
            record.time >> 32,
            record.time & 0xFFFFFFFF,
            size,
            record.wire or size,
        )
        self._block(self._PACKET, head + record.data + bytes(-size % 4))

    def _block(self, kind: int, body: bytes) -> None:
        size = struct.pack("<I", 12 + len(body))
        self._stream.write(struct.pack("<I", kind) + size + body + size)
