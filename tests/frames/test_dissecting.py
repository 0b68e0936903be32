"""Every field of every header has the value that tshark gives it; and whatever is wrong is said where it is wrong."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd_frames import FRAMES, V4, V6, tcp, with_options
from packets import START, ether, pcap
from scapy.layers.inet import ICMP, UDP, fragment
from scapy.layers.inet6 import IPv6ExtHdrFragment
from scapy.layers.l2 import ARP
from scapy.packet import Raw

from tcpviz.errors import InputError
from tcpviz.exchange import headers
from tcpviz.exchange.headers import Dissection
from tcpviz.frames import Reading, Record, dissect, pick, write

CAPTURES = sorted((Path(__file__).parents[2] / "captures").glob("*.pcapng"))
TSHARK = {
    "TCP": {
        "Source Port": "tcp.srcport", "Destination Port": "tcp.dstport", "Sequence Number": "tcp.seq",
        "Acknowledgment Number": "tcp.ack", "CWR": "tcp.flags.cwr", "ECE": "tcp.flags.ece", "URG": "tcp.flags.urg",
        "ACK": "tcp.flags.ack", "PSH": "tcp.flags.push", "RST": "tcp.flags.reset", "SYN": "tcp.flags.syn",
        "FIN": "tcp.flags.fin", "Window": "tcp.window_size_value", "Checksum": "tcp.checksum",
        "Urgent Pointer": "tcp.urgent_pointer",
    },
    "UDP": {
        "Source Port": "udp.srcport", "Destination Port": "udp.dstport", "Length": "udp.length",
        "Checksum": "udp.checksum",
    },
    "IPv4": {
        "Version": "ip.version", "DSCP": "ip.dsfield.dscp", "ECN": "ip.dsfield.ecn", "Total Length": "ip.len",
        "Identification": "ip.id", "0": "ip.flags.rb", "DF": "ip.flags.df", "MF": "ip.flags.mf",
        "Fragment Offset": "ip.frag_offset", "Time to Live": "ip.ttl", "Protocol": "ip.proto",
        "Header Checksum": "ip.checksum", "Source Address": "ip.src", "Destination Address": "ip.dst",
    },
    "IPv6": {
        "Version": "ipv6.version", "Traffic Class": "ipv6.tclass", "Flow Label": "ipv6.flow",
        "Payload Length": "ipv6.plen", "Next Header": "ipv6.nxt", "Hop Limit": "ipv6.hlim",
        "Source Address": "ipv6.src", "Destination Address": "ipv6.dst",
    },
    "Ethernet": {"Destination": "eth.dst", "Source": "eth.src"},
}  # fmt: skip
EXTRA = ("tcp.hdr_len", "tcp.len", "tcp.checksum.status", "ip.checksum.status", "udp.checksum.status")
OPTIONS = {2: "tcp.options.mss_val", 5: "tcp.options.sack_le", 8: "tcp.options.timestamp.tsval"}
ASKED = [*(name for fields in TSHARK.values() for name in fields.values()), *EXTRA, *OPTIONS.values()]
SETTINGS = (
    "tcp.relative_sequence_numbers:FALSE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE",
    "ip.check_checksum:TRUE", "ip.defragment:FALSE", "ipv6.defragment:FALSE",
)  # fmt: skip
GOOD, BAD = "1", "0"
TOLD_LESS = ("cut in the fixed header", "header too short", "header too long", "first fragment")
"""Of these tshark tells less than we do."""


def tshark(path: Path) -> list[dict[str, str]]:
    if not shutil.which("tshark"):
        pytest.skip("tshark is not installed")
    settings = [word for setting in SETTINGS for word in ("-o", setting)]
    fields = [word for name in ASKED for word in ("-e", name)]
    command = [
        "tshark",
        "-r",
        str(path),
        *settings,
        "-T",
        "fields",
        "-E",
        "separator=/t",
        "-E",
        "occurrence=f",
        *fields,
    ]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [dict(zip(ASKED, line.split("\t"), strict=True)) for line in told.splitlines()]


def agree(frame: Dissection, theirs: dict[str, str]) -> None:
    for header in frame.headers:
        names = TSHARK.get(header.name, {})
        assert set(names) >= {f.name for f in header.fields} - {"Data Offset", "Rsrvd", "IHL", "Type"} or not names
        for field in header.fields:
            if field.name in names and field.raw is not None:
                told = theirs[names[field.name]]
                if "Address" in field.name or header.name == "Ethernet":
                    assert field.text == told
                else:
                    value = {"True": 1, "False": 0}.get(told)
                    assert field.raw == (int(told, 0) if value is None else value), (header.name, field)
    segment = frame.segment
    if segment.kind is headers.TCP and not segment.fault:
        assert (segment.length, frame.length) == (int(theirs["tcp.hdr_len"]), int(theirs["tcp.len"]))
        for option in segment.options:
            if option.kind in OPTIONS and option.text:
                assert theirs[OPTIONS[option.kind]] in option.text, option
    status = theirs["tcp.checksum.status" if segment.kind is headers.TCP else "udp.checksum.status"]
    note = segment.field("Checksum").note
    assert (note == headers.CORRECT) == (status == GOOD), note
    assert note != headers.WRONG or status == BAD
    if frame.network.kind is headers.IPV4:
        right = frame.network.field("Header Checksum").note == headers.CORRECT
        assert right == (theirs["ip.checksum.status"] == GOOD)


def test_kernels_frames_are_told_as_tshark_tells_them(tmp_path: Path) -> None:
    """All that is in captures/, in one file, so that tshark starts once."""
    records = [record for path in CAPTURES for record in Reading(str(path)).records()]
    write(str(tmp_path / "all.pcapng"), records, format="pcapng")
    rows = tshark(tmp_path / "all.pcapng")
    assert len(rows) == len(records) > 500
    for number, (record, theirs) in enumerate(zip(records, rows, strict=True), 1):
        if theirs["tcp.srcport"] or theirs["udp.srcport"]:
            agree(dissect(record, number, "all.pcapng"), theirs)


@pytest.mark.parametrize("name", FRAMES)
def test_odd_frames_are_told_as_tshark_tells_them(name: str, save: Callable[[bytes, str], str]) -> None:
    record = FRAMES[name]
    snap = len(record.data)
    whole = record.data.ljust(record.wire, b"\0")
    [theirs] = tshark(Path(save(pcap([whole], link=record.link, snap=snap), "x.pcap")))
    frame = dissect(record, 1, "x.pcap")
    if name not in TOLD_LESS:
        agree(frame, theirs)


# What is said


def told(name: str, field: str) -> tuple[str, str, str]:
    found = dissect(FRAMES[name], 1, "x.pcap").segment.field(field)
    return found.text, found.note, found.detail


def test_checksums() -> None:
    right = struct.unpack("!H", ether(V4, tcp(flags="PA"), b"hellO")[50:52])[0]
    assert told("wrong checksum", "Checksum")[1:] == (headers.WRONG, f"{right:#06x}")
    assert told("SYN over IPv6", "Checksum")[1] == headers.CORRECT
    assert told("UDP", "Checksum")[1] == headers.CORRECT
    assert told("UDP without a checksum", "Checksum") == ("0x0000", headers.NONE, "")
    assert told("cut in the text", "Checksum")[1] == headers.UNCHECKED
    assert told("first fragment", "Checksum")[1] == headers.UNCHECKED
    kernels = dissect(pick(str(CAPTURES[0].with_name("normal.pcapng")), 1), 1, "x").segment.field("Checksum")
    assert kernels.note == headers.OFFLOADED, "a loopback leaves it to a card that is not there"


def test_what_no_flag_makes_valid_is_said_to_be_ignored() -> None:
    assert told("SYN", "Acknowledgment Number")[1:] == (headers.IGNORED, "ACK")
    assert told("SYN", "Urgent Pointer")[1:] == (headers.IGNORED, "URG")
    assert told("everything", "Urgent Pointer") == ("5", "", "")


def test_options_one_by_one() -> None:
    syn = dissect(FRAMES["SYN"], 1, "x").segment.options
    assert [(o.kind, o.length, o.name, o.text) for o in syn] == [
        (2, 4, "Maximum Segment Size", "1460"),
        (4, 2, "SACK Permitted", ""),
        (8, 10, "Timestamps", "TSval 3319475182 TSecr 0"),
        (1, None, "No-Operation", ""),
        (3, 3, "Window Scale", "14 (×16384)"),
    ]
    sack = dissect(FRAMES["everything"], 1, "x").segment.options[-1]
    assert (sack.kind, sack.text) == (5, "1000000000–1000001460, 3000000000–3000002920")


@pytest.mark.parametrize(
    ("raw", "faults"),
    [
        (b"\x02\x03\x05\x01", [headers.BAD_LENGTH, ""]),
        (b"\x01\x01\x01\x02", ["", "", "", headers.NO_LENGTH]),
        (b"\x01\x08\x00\x02", ["", headers.BAD_LENGTH]),
        (b"\x4d\xff\x01\x01", [headers.OVERRUNS]),
        (b"\x4d\x04\x01\x01", [""]),
        (b"\x00\x02\x04\x05", [""]),
    ],
)
def test_options_that_are_wrong(raw: bytes, faults: list[str]) -> None:
    options = dissect(Record(START, with_options(raw)), 1, "x").segment.options
    assert [option.fault for option in options] == faults
    assert b"".join(option.octets for option in options) == raw, "every octet belongs to one"


def test_what_is_cut_off_has_no_value() -> None:
    segment = dissect(FRAMES["cut in the fixed header"], 1, "x").segment
    assert next(field.name for field in segment.fields if field.raw is None) == "Window"
    assert segment.fault == headers.CUT
    assert segment.octets_of(segment.field("Window")) == "·· ··"
    assert [option.fault for option in dissect(FRAMES["cut in the options"], 1, "x").segment.options][-1] == headers.CUT
    text = dissect(FRAMES["cut in the text"], 1, "x")
    assert (text.length, len(text.data)) == (1480, 114)


@pytest.mark.parametrize(
    ("name", "fault"),
    [("header too short", headers.SHORT_HEADER), ("header too long", headers.LONG_HEADER), ("SYN", "")],
)
def test_headers_that_contradict_themselves(name: str, fault: str) -> None:
    assert dissect(FRAMES[name], 1, "x").segment.fault == fault


def test_what_surrounds_it() -> None:
    tagged = dissect(FRAMES["two tags and extension headers"], 1, "x")
    assert [h.name for h in tagged.headers] == [
        "Ethernet", "VLAN", "VLAN", "IPv6", "Hop-by-Hop Options", "Destination Options", "TCP",
    ]  # fmt: skip
    assert [h.value("VID") for h in tagged.headers[1:3]] == [7, 8]
    assert dissect(FRAMES["padding"], 1, "x").trailer == 6
    assert dissect(FRAMES["cooked v2"], 1, "x").headers[0].name == "Linux cooked capture v2"
    assert dissect(FRAMES["BSD loopback"], 1, "x").headers[0].field("Family").text == "2"
    assert dissect(FRAMES["raw"], 1, "x").headers[0].kind is headers.IPV6


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (ether(ARP()), r"frame 3 of x.pcap holds neither TCP nor UDP \(ARP\): .*match FILE --json"),
        (ether(V4, ICMP()), r"holds neither TCP nor UDP \(ICMP\)"),
        (ether(V4)[:20], r"cut off within its IPv4 header: capture with a larger snap length"),
        (ether(V4, tcp())[:34], r"cut off before its TCP header"),
        (ether(fragment(V4 / UDP() / Raw(b"x" * 3000))[1]), r"later fragment \(offset 1480\).*Identification 0x0001"),
        (ether(V6, IPv6ExtHdrFragment(offset=1, id=77), b"x" * 8), r"later fragment \(offset 8\).*0x0000004d"),
        (b"", r"holds neither TCP nor UDP"),
        (bytes(14), r"holds neither TCP nor UDP"),
    ],
)
def test_what_has_no_segment_says_what_it_is(data: bytes, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        dissect(Record(START, data, wire=max(60, len(data))), 3, "x.pcap")


def test_a_frame_number_out_of_range(save: Callable[[bytes, str], str]) -> None:
    path = save(pcap([FRAMES["SYN"].data]), "x.pcap")
    assert pick(path, 1).data == FRAMES["SYN"].data
    with pytest.raises(InputError, match=r"there is no frame 2: .*x\.pcap has 1 frame$"):
        pick(path, 2)
    cut = save(pcap([FRAMES["SYN"].data] * 2)[:-1], "y.pcap")
    with pytest.raises(InputError, match=r"there is no frame 2: .*y\.pcap has 1 frame, and is cut behind them"):
        pick(cut, 2)


@given(st.binary(max_size=120), st.sampled_from([0, 1, 101, 113, 228, 276, 105, 147]))
def test_whatever_comes_is_taken_apart_or_refused(data: bytes, link: int) -> None:
    try:
        frame = dissect(Record(START, data, link), 1, "x")
    except InputError:
        return
    assert sum(field.bits for field in frame.segment.fields) == 8 * frame.segment.kind.octets


@given(st.data())
def test_any_octet_may_be_wrong(data: st.DataObject) -> None:
    record = data.draw(st.sampled_from(list(FRAMES.values())))
    octets = bytearray(record.data)
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, min(len(octets), 110) - 1))] = data.draw(st.integers(0, 255))
    try:
        frame = dissect(record._replace(data=bytes(octets)), 1, "x")
    except InputError:
        return
    assert len(frame.data) <= len(octets)
