"""Capture files and streams are read: pcap and pcapng as scapy understands them, gzip too.

Knows what a file can be wrong about, not what is in its frames. Times stay integers.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from io import BufferedReader
from typing import IO, Any, cast

from scapy.error import Scapy_Exception
from scapy.utils import RawPcapNgReader, RawPcapReader

from tcpviz.errors import InputError
from tcpviz.exchange.capture import Capture, Frame
from tcpviz.frames.decoding import LINK, SHORT, quiet
from tcpviz.frames.record import LARGEST, Record
from tcpviz.frames.source import Collector
from tcpviz.model.sentence import Sentence

_SECOND = 10**9
# the upper bits of a link type may say how long the frame check sequence is
_LINK = 0xFFFF
_DLT_RAW, _LINKTYPE_RAW = (12, 14), 101
_EXPECTED = "tcpviz reads pcap and pcapng files, as tcpdump, Wireshark and `tcpviz capture -o` write them"


_GZIP = b"\x1f\x8b"
_CUT, _DAMAGED = Sentence("cut"), Sentence("damaged")
_ENDS = (EOFError, OSError, OverflowError, Scapy_Exception, zlib.error)


STDIN = "-"
"""What standard input is called among files."""


class Reading:
    """A capture file, or standard input, frame by frame: what it held and what was wrong is known at the end."""

    def __init__(self, path: str, keep: bool = False) -> None:
        self._collector = Collector(path, keep)
        self.damage = ""
        """Known at the end: `cut` or `damaged`."""
        self.interrupted = False
        """Ctrl-C has ended standard input: what had come by then is all there is."""

    def frames(self) -> Iterator[Frame]:
        """Each frame as it is read, or InputError saying what is wrong with the file."""
        for record in self.records():
            frame = self._collector.add(record)
            if frame is not None:
                yield frame

    def records(self) -> Iterator[Record]:
        """The same before anyone looks inside."""
        path = _called(self._collector.file)
        try:
            with _opened(self._collector.file) as file, quiet():
                if not file.peek(1):
                    raise InputError(f"{path} is empty (0 bytes): {_EXPECTED}")
                # scapy 2.6 looks through gzip only in files that it opens itself
                packed = file.peek(2)[:2] == _GZIP
                reader = _reader(cast(IO[bytes], gzip.GzipFile(fileobj=file)) if packed else file, path)
                yield from _records(reader)
                self.damage = reader.damage
        except KeyboardInterrupt:
            if self._collector.file != STDIN or not self._collector.records:
                raise
            self.interrupted = True
        except IsADirectoryError:
            raise InputError(f"{path} is a directory: name a capture file in it") from None
        except FileNotFoundError:
            raise InputError(f"there is no file {path}") from None
        except PermissionError:
            raise InputError(f"{path} may not be read by this user: check its permissions") from None
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror or error}") from error

    def whole(self) -> Capture:
        """All of it; of use with `keep`."""
        for _ in self.frames():
            pass
        return self.capture()

    def capture(self) -> Capture:
        """All that `frames` has given, or, when they were not kept, what the file held besides them."""
        return _checked(self._collector, self.damage)


def _called(path: str) -> str:
    return "standard input" if path == STDIN else path


def _opened(path: str) -> BufferedReader:
    if path != STDIN:
        if os.path.isdir(path):
            os.scandir(path).close()  # whether it may be looked into comes first
        return open(path, "rb")
    if os.isatty(0):
        raise InputError(
            "standard input is a terminal: pipe a capture into it, such as `tcpdump -U -w - | tcpviz match -`"
        )
    return open(0, "rb", closefd=False)


def read(path: str) -> Capture:
    """The whole file, or InputError saying what is wrong with it."""
    return Reading(path, keep=True).whole()


def pick(path: str, number: int) -> Record:
    """One record, counted from 1; reads no further than it must. InputError when the file does not have it."""
    reading, last = Reading(path), 0
    for last, record in enumerate(reading.records(), 1):
        if last == number:
            return record
    held = f"{_called(path)} has {'1 frame' if last == 1 else f'{last} frames'}"
    damage = f", and is {reading.damage} behind them" if reading.damage else ""
    raise InputError(f"there is no frame {number}: {held}{damage}")


def stream(source: IO[bytes]) -> Iterator[Record]:
    """The records of a pcap or pcapng stream, such as a pipe, each as soon as it is complete."""
    with quiet():
        reader = _reader(source, "stream")
        yield from _records(reader)


def _checked(collector: Collector, damage: str) -> Capture:
    path, count = _called(collector.file), collector.records
    if not count:
        what = f"its first record is {damage}" if damage else "it has a header and nothing behind it"
        raise InputError(f"capture {path} holds no records: {what}. Capture again, while the programs talk.")
    warned = Sentence("{} is {} in frame {}: what precedes it is used", path, damage, count + 1)
    warnings = [warned] if damage else []
    capture = collector.capture(*warnings)
    if not collector.held and capture.skipped.get(SHORT):
        raise InputError(
            f"capture {path} holds no whole TCP or UDP header: {capture.skipped[SHORT]} of {_counted(count)} were "
            "cut off before its end. Capture again with a larger snap length, such as `tcpdump -s 128`."
        )
    if not collector.held:
        held = ", ".join(f"{number} {name}" for name, number in collector.protocols.most_common())
        advice = "Capture again on the interface, and with the port, that the programs use."
        if capture.skipped.get(LINK) == count:
            advice = "tcpviz does not know how its frames begin: capture with tcpdump as Ethernet, raw IP or on 'any'."
        raise InputError(f"capture {path} holds neither TCP nor UDP ({_counted(count)}: {held}). {advice}")
    return capture


def _counted(records: int) -> str:
    return "1 record" if records == 1 else f"{records} records"


def _reader(file: IO[bytes], path: str) -> Any:
    """A _Plain, or a _Blocks: scapy answers with the class that fits the file."""
    try:
        return _Plain(file)  # type: ignore[arg-type]
    except (Scapy_Exception, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path} is not a capture: {_EXPECTED}") from error


def _records(reader: Any) -> Iterator[Record]:
    link = getattr(reader, "linktype", 0) & _LINK
    unit = 1 if getattr(reader, "nano", False) else 1000
    time = 0
    for data, meta in reader:
        if isinstance(reader, _Blocks):
            link = meta.linktype
            if meta.tshigh is not None:  # a Simple Packet Block has no time: it keeps its predecessor's
                time = (meta.tshigh << 32 | meta.tslow) * _SECOND // meta.tsresol
        else:
            time = meta.sec * _SECOND + meta.usec * unit
        yield Record(time, data, _LINKTYPE_RAW if link in _DLT_RAW else link, meta.wirelen)


class _Plain(RawPcapReader):
    """scapy's reader takes a cut record for the end of the file; this one remembers."""

    damage = ""

    def _read_packet(self, size: int = LARGEST) -> Any:
        start = _position(self.f)
        try:
            data, meta = super()._read_packet(LARGEST)  # scapy's own limit would cut what loopback carries
        except _ENDS as error:
            self.damage = _damage(self.f, start, error)
            raise EOFError from error
        if meta.caplen > len(data):
            self.damage = _DAMAGED if meta.caplen > LARGEST else _CUT
            raise EOFError
        return data, meta


class _Blocks(RawPcapNgReader):
    """The same for pcapng, whose sections, as in files joined by `cat`, number their interfaces anew."""

    alternative = _Plain
    damage = ""

    def _read_block(self, size: int = LARGEST) -> Any:
        start = _position(self.f)
        try:
            return super()._read_block(LARGEST)
        except _ENDS as error:
            self.damage = _damage(self.f, start, error)
            raise EOFError from error

    def _read_block_shb(self) -> None:
        self.interfaces = []
        super()._read_block_shb()


def _damage(file: Any, start: int, error: Exception) -> str:
    """None if nothing more was read when the end came; scapy and gzip have something to say only of other ends."""
    return _CUT if error.args or _position(file) != start else ""


def _position(file: Any) -> int:
    """0 for a pipe, which has none."""
    return file.tell() if file.seekable() else 0
