"""Records and frames are written to pcap and pcapng, with nanoseconds.

Both are laid out here: pcap by draft-ietf-opsawg-pcap, sections 4 and 5, pcapng by draft-ietf-opsawg-pcapng, sections
4.1 to 4.3. scapy's writers keep microseconds in pcapng, and neither keeps up with a busy interface. Whole or not
at all is the caller's affair.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import IO, Literal, Protocol, Self

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
        self._kind = _Pcap(link) if format == "pcap" else _Pcapng()
        self._stream.write(self._kind.start())
        self.flush()

    def write(self, *records: Record) -> None:
        """All of them at once: one call to the system for many records."""
        self._stream.write(b"".join(self._kind.octets(records)))

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
    _NANOSECONDS, _VERSION = 0xA1B23C4D, (2, 4)
    _HEAD = struct.Struct("<IIII")

    def __init__(self, link: int) -> None:
        self._link = link

    def start(self) -> bytes:
        return struct.pack("<IHHiIII", self._NANOSECONDS, *self._VERSION, 0, 0, LARGEST, self._link)

    def octets(self, records: Iterable[Record]) -> Iterator[bytes]:
        head = self._HEAD.pack
        for time, data, link, wire in records:
            if link != self._link:
                raise OutputError(
                    f"a pcap file holds one link type, here {self._link}, and a record has {link}: write .pcapng"
                )
            yield head(time // _SECOND, time % _SECOND, len(data), wire or len(data))
            yield data


class _Pcapng:
    _SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
    _NANOSECONDS = struct.pack("<HHB3xHH", 9, 1, 9, 0, 0)
    """if_tsresol = 10^-9, end of options."""
    _HEAD = struct.Struct("<IIIIIII")
    _SIZE = struct.Struct("<I")
    _FRAME = 32
    """Octets of an Enhanced Packet Block around its data."""

    def __init__(self) -> None:
        self._interfaces: dict[int, int] = {}

    def start(self) -> bytes:
        return self._block(self._SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))

    def octets(self, records: Iterable[Record]) -> Iterator[bytes]:
        for time, data, link, wire in records:
            if link not in self._interfaces:
                self._interfaces[link] = len(self._interfaces)
                yield self._block(self._INTERFACE, struct.pack("<HHI", link, 0, LARGEST) + self._NANOSECONDS)
            length = len(data)
            padding = -length % 4
            size = self._FRAME + length + padding
            interface = self._interfaces[link]
            yield self._HEAD.pack(self._PACKET, size, interface, time >> 32, time & 0xFFFFFFFF, length, wire or length)
            yield data
            yield bytes(padding) + self._SIZE.pack(size)

    def _block(self, kind: int, body: bytes) -> bytes:
        size = self._SIZE.pack(12 + len(body))
        return self._SIZE.pack(kind) + size + body + size
