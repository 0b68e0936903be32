"""Files: every kind that should be read, and every way in which one can be wrong."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import os
import shutil
import struct
import subprocess
from collections.abc import Callable

import pytest
from packets import START, ether, handshake, pcap
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import ARP

from tcpviz.errors import InputError, TcpvizError
from tcpviz.exchange.capture import Capture
from tcpviz.frames import Record, read, record_of, stream, write

Save = Callable[..., str]


def pcapng() -> bytes:
    out = io.BytesIO()
    write(out, [Record(START + n * 1000, data) for n, data in enumerate(handshake())], format="pcapng")
    return out.getvalue()


@pytest.mark.parametrize("endian", ["<", ">"])
@pytest.mark.parametrize("nano", [True, False])
def test_all_four_pcaps(save: Save, endian: str, nano: bool) -> None:
    capture = read(save(pcap(handshake(), endian=endian, nano=nano)))
    assert [frame.number for frame in capture.frames] == [1, 3, 4, 5]
    assert [frame.time for frame in capture.frames] == [
        (START if nano else START // 1000 * 1000) + n * 1000 for n in (0, 2, 3, 4)
    ]
    assert (capture.records, dict(capture.skipped), capture.warnings) == (5, {"neither TCP nor UDP": 1}, ())


def test_gzip(save: Save) -> None:
    assert len(read(save(gzip.compress(pcap(handshake())), "x.pcap.gz")).frames) == 4


def test_a_gzip_that_ends_too_soon_gives_what_it_holds(save: Save) -> None:
    packed = gzip.compress(pcap(handshake() * 50))
    capture = read(save(packed[: len(packed) // 2], "x.pcap.gz"))
    assert 0 < capture.records < 250
    assert "is cut in frame" in capture.warnings[0]


def test_a_pipe_can_be_read_while_it_is_written() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as out, open(writing, "wb") as into:
        content = pcap(handshake())
        into.write(content[: 24 + 16 + len(handshake()[0])])
        into.flush()
        records = stream(out)
        assert next(records).time == START


def test_sections_joined_with_cat_number_their_interfaces_anew(save: Save) -> None:
    raw = io.BytesIO()
    write(raw, [Record(START, handshake()[0][14:], link=101)], format="pcapng")
    capture = read(save(pcapng() + raw.getvalue() + pcapng(), "x.pcapng"))
    assert len(capture.frames) == 9
    assert capture.frames[4].source == capture.frames[0].source


def test_a_pcapng_may_count_time_in_powers_of_two(save: Save) -> None:
    content = bytearray(pcapng())
    place = content.index(struct.pack("<HHB", 9, 1, 9)) + 4
    content[place] = 0x80 | 30
    assert read(save(bytes(content), "x.pcapng")).frames[0].time == START * 10**9 // 2**30


def test_a_cut_capture_keeps_the_lengths_of_the_wire(save: Save) -> None:
    capture = read(save(pcap([ether(IP(src="10.0.0.1", dst="10.0.0.2", proto=6), head(200))], snap=60)))
    assert (capture.frames[0].length, len(capture.frames[0].payload)) == (200, 6)
    assert record_of(capture.frames[0]).wire == 254


def head(length: int) -> bytes:
    return struct.pack("!HHIIBBHHH", 1, 2, 3, 4, 5 << 4, 16, 9, 0, 0) + bytes(length)


def test_a_frame_as_large_as_loopback_makes_them_is_read_whole(save: Save) -> None:
    data = ether(IP(src="10.0.0.1", dst="10.0.0.2", proto=6), head(65495))
    for content, name in ((pcap([data], snap=262144), "x.pcap"), (_ng(data), "x.pcapng")):
        assert len(read(save(content, name)).frames[0].payload) == 65495


def _ng(data: bytes) -> bytes:
    out = io.BytesIO()
    write(out, [Record(START, data)], format="pcapng")
    return out.getvalue()


# What can be wrong


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"x\.pcap is empty \(0 bytes\)"),
        (b"#!/bin/sh\necho no\n", r"x\.pcap is not a capture"),
        (b"\xd4\xc3", r"x\.pcap is not a capture"),
        (pcap([])[:20], r"x\.pcap is not a capture"),
        (b"\x1f\x8b\x08 not really", r"x\.pcap is not a capture"),
        (pcap([]), r"x\.pcap holds no records: it has a header and nothing behind it"),
        (pcap(handshake())[:50], r"x\.pcap holds no records: its first record is cut"),
        (pcap([ether(ARP())]), r"x\.pcap holds neither TCP nor UDP \(1 record: 1 ARP\)"),
        (
            pcap(handshake(), link=147),
            r"neither TCP nor UDP \(5 records: 5 link type 147\)\. tcpviz does not know how its frames begin",
        ),
        (pcap(handshake(), snap=40), r"no whole TCP or UDP header: 4 of 5 records were cut off .*larger snap length"),
        (
            pcap([ether(ARP())] * 10 + [ether(IP(src="10.0.0.1", dst="10.0.0.2"), ICMP())] * 2),
            r"x\.pcap holds neither TCP nor UDP \(12 records: 10 ARP, 2 ICMP\)",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_fault(save: Save, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(save(content))


def test_a_missing_file_and_a_directory(save: Save, tmp_path: os.PathLike[str]) -> None:
    with pytest.raises(InputError, match=r"there is no file nowhere\.pcap"):
        read("nowhere.pcap")
    with pytest.raises(InputError, match="is a directory"):
        read(str(tmp_path))


@pytest.mark.parametrize("content", [pcap(handshake()), pcapng()], ids=["pcap", "pcapng"])
def test_wherever_a_file_is_cut_what_precedes_is_used_and_the_cut_is_reported(save: Save, content: bytes) -> None:
    whole, warned, records = read(save(content, "whole")), 0, 0
    for size in range(1, len(content)):
        path = save(content[:size], "cut")
        try:
            capture = read(path)
        except InputError:
            continue
        assert capture.frames == whole.frames[: len(capture.frames)]
        if capture.warnings:
            assert f"{path} is cut in frame {capture.records + 1}: what" in capture.warnings[0]
            warned += 1
        else:
            records += 1
    assert warned > records == 4  # silent only where a record ends


def test_damage_in_the_middle_ends_the_reading(save: Save) -> None:
    content = bytearray(pcap(handshake()))
    second = 24 + 16 + len(handshake()[0])
    content[second + 8 : second + 12] = b"\xff\xff\xff\x7f"
    capture = read(save(bytes(content)))
    assert capture.records == 1
    assert capture.warnings[0].endswith("x.pcap is damaged in frame 2: what precedes it is used")


@pytest.mark.parametrize("content", [pcap(handshake()), pcapng()], ids=["pcap", "pcapng"])
@pytest.mark.parametrize("value", [0x00, 0xFF, 0x0A])
def test_no_spoiled_octet_raises_anything_else(save: Save, content: bytes, value: int) -> None:
    for place in range(0, len(content), 1 if len(content) < 300 else 3):
        spoiled = bytearray(content)
        spoiled[place] = value
        with contextlib.suppress(TcpvizError):
            read(save(bytes(spoiled)))


# A third opinion


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("format", ["pcap", "pcapng"])
def test_tshark_agrees_on_what_we_read_and_wrote(save: Save, tmp_path: os.PathLike[str], format: str) -> None:
    capture = read(save(pcap(handshake())))
    path = os.path.join(tmp_path, f"again.{format}")
    write(path, capture.frames, format=format)
    again = read(path)
    assert without_number(again) == without_number(capture)
    assert by_tshark(path) == [
        (
            str(frame.number),
            f"{frame.time // 10**9}.{frame.time % 10**9:09}",
            str(frame.segment.seq) if frame.segment else "",
            str(frame.segment.ack) if frame.segment else "",
            f"0x{frame.segment.flags:04x}" if frame.segment else "",
            str(frame.length) if frame.segment else "",
        )
        for frame in again.frames
    ]


def by_tshark(path: str) -> list[tuple[str, ...]]:
    fields = ("frame.number", "frame.time_epoch", "tcp.seq_raw", "tcp.ack_raw", "tcp.flags", "tcp.len")
    asked = [word for name in fields for word in ("-e", name)]
    told = subprocess.run(["tshark", "-r", path, "-T", "fields", *asked], capture_output=True, text=True, check=True)
    return [tuple(row) for row in csv.reader(io.StringIO(told.stdout), delimiter="\t")]


def without_number(capture: Capture) -> list[tuple[object, ...]]:
    return [(frame.time, frame.source, frame.segment, frame.payload, frame.data) for frame in capture.frames]
