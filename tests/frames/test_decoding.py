"""Every link and network header that should be understood, and whatever else may come."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packets import START, ether, handshake
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_Timestamp
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6PacketTooBig,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
)
from scapy.layers.l2 import ARP, CookedLinux, CookedLinuxV2, Dot1Q
from scapy.packet import Packet, Raw

from tcpviz.exchange.capture import OFFSET, Address, Flaw, Frame
from tcpviz.frames import Record, Skipped, decode
from tcpviz.model.segment import ACK, NO_OPTIONS, Options, Segment, letters

PLAIN = TCP(sport=4000, dport=80, seq=11, ack=22, flags="PA", window=77)
V4, V6 = IP(src="10.0.0.1", dst="10.0.0.2"), IPv6(src="fe80::1", dst="fe80::2")


def frame(data: bytes, link: int = 1, wire: int = 0) -> Frame:
    decoded = decode(Record(START, data, link, wire), 9)
    assert isinstance(decoded, Frame), decoded
    return decoded


def reason(data: bytes, link: int = 1, wire: int = 0) -> str:
    decoded = decode(Record(START, data, link, wire), 9)
    assert isinstance(decoded, Skipped), decoded
    return decoded.reason


def loopback(family: int, endian: str, packet: Packet) -> bytes:
    return struct.pack(endian + "I", family) + bytes(packet)


@pytest.mark.parametrize(
    ("link", "data"),
    [
        (1, ether(V4, PLAIN, b"hello")),
        (1, ether(V6, PLAIN, b"hello")),
        (1, ether(Dot1Q(vlan=7), V4, PLAIN, b"hello")),
        (1, ether(Dot1Q(vlan=7), Dot1Q(vlan=8), V6, PLAIN, b"hello")),
        (113, bytes(CookedLinux() / V4 / PLAIN / b"hello")),
        (113, bytes(CookedLinux() / V6 / PLAIN / b"hello")),
        (276, bytes(CookedLinuxV2() / V4 / PLAIN / b"hello")),
        (276, bytes(CookedLinuxV2() / V6 / PLAIN / b"hello")),
        (101, bytes(V4 / PLAIN / b"hello")),
        (101, bytes(V6 / PLAIN / b"hello")),
        (228, bytes(V4 / PLAIN / b"hello")),
        (229, bytes(V6 / PLAIN / b"hello")),
        *((0, loopback(2, endian, V4 / PLAIN / b"hello")) for endian in "<>"),
        *((0, loopback(family, endian, V6 / PLAIN / b"hello")) for family in (10, 24, 28, 30) for endian in "<>"),
        (108, loopback(2, ">", V4 / PLAIN / b"hello")),
        (108, loopback(24, ">", V6 / PLAIN / b"hello")),
        (1, ether(IP(src="10.0.0.1", dst="10.0.0.2", options=[IPOption_Timestamp()]), PLAIN, b"hello")),
        (1, ether(V6, IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt(), PLAIN, b"hello")),
        (1, ether(V6, IPv6ExtHdrFragment(offset=0, m=0), PLAIN, b"hello")),
        (1, ether(V4, PLAIN, b"hello") + bytes(8)),
    ],
)
def test_every_link_and_network_header_gives_the_same_segment(link: int, data: bytes) -> None:
    got = frame(data, link)
    assert got.segment is not None
    assert (got.number, got.time, got.data) == (9, START, data)
    assert {got.source.port, got.destination.port} == {4000, 80}
    assert got.source.host in ("10.0.0.1", "fe80::1")
    assert (got.segment.seq, got.segment.ack, letters(got.segment.flags), got.segment.window) == (11, 22, "PA", 77)
    assert (got.segment.length, got.length, got.payload) == (5, 5, b"hello")


def test_a_udp_datagram_has_no_segment() -> None:
    got = frame(ether(V4, UDP(sport=5, dport=53), b"question"))
    assert (got.segment, got.length, got.payload) == (None, 8, b"question")
    assert got.destination == Address("10.0.0.2", 53)


def test_options_are_read() -> None:
    segment = frame(handshake()[0]).segment
    assert segment is not None
    assert segment.options == Options(mss=1460, window_scale=7, sack_permitted=True, timestamps=(7, 0))


def test_a_fast_open_cookie_is_read_and_the_urgent_pointer_only_with_urg() -> None:
    asked = frame(ether(V4, TCP(flags="S", options=[(34, b"")], urgptr=9))).segment
    given = frame(ether(V4, TCP(flags="PAU", options=[(34, b"cookie!!")], urgptr=9))).segment
    assert asked is not None
    assert given is not None
    assert (asked.options.fast_open, asked.urgent) == (b"", 0)
    assert (given.options.fast_open, given.urgent) == (b"cookie!!", 9)


@pytest.mark.parametrize("raw", [b"\x02\x03\x05\x00", b"\x02\x00\x00\x00", b"\x02\xff\x05\xb4", b"\x03\x04\x01\x01"])
def test_an_option_of_a_wrong_length_is_not_understood_and_harms_nobody(raw: bytes) -> None:
    header = struct.pack("!HHIIBBHHH", 4000, 80, 1, 2, 6 << 4, 2, 77, 0, 0) + raw
    segment = frame(ether(IP(src="10.0.0.1", dst="10.0.0.2", proto=6), Raw(header))).segment
    assert segment is not None
    assert (segment.options.mss, segment.options.window_scale, segment.length) == (None, None, 0)


@pytest.mark.parametrize("raw", [b"\x02\x04\x05\xb4" * 2, b"\x03\x03\x07\x01" * 2, b"\x04\x02" * 2])
def test_an_option_that_is_there_twice_is_odd(raw: bytes) -> None:
    header = struct.pack("!HHIIBBHHH", 4000, 80, 1, 2, 5 + len(raw) // 4 << 4, 2, 77, 0, 0) + raw
    found = frame(ether(IP(src="10.0.0.1", dst="10.0.0.2", proto=6), Raw(header)))
    assert found.flaw == Flaw("repeated option", raw[0], "once", "RFC 9293 3.2")


def test_the_length_comes_from_the_ip_header_when_the_capture_was_cut() -> None:
    data = ether(V4, PLAIN, b"x" * 1000)
    got = frame(data[:60], wire=len(data))
    assert (got.length, got.payload) == (1000, b"x" * 6)
    header_only = frame(data[:54], wire=len(data))
    assert (header_only.length, header_only.payload) == (1000, b"")


def test_padding_is_no_text() -> None:
    assert frame(ether(V4, TCP(flags="A")) + b"\xaa" * 6).length == 0


def test_an_ip_length_of_zero_means_that_all_is_here() -> None:
    data = bytearray(ether(V4, PLAIN, b"hello"))
    data[16:18] = b"\0\0"
    assert frame(bytes(data)).length == 5


@pytest.mark.parametrize(
    ("data", "link", "why"),
    [
        (ether(ARP()), 1, "neither TCP nor UDP"),
        (ether(V4, ICMP()), 1, "neither TCP nor UDP"),
        (ether(V4, ICMP(type=3), V4, PLAIN), 1, "neither TCP nor UDP"),
        (ether(IP(src="10.0.0.1", dst="10.0.0.2", flags="MF"), PLAIN), 1, "IP fragment"),
        (ether(IP(src="10.0.0.1", dst="10.0.0.2", frag=9, proto=6), b"x" * 40), 1, "IP fragment"),
        (ether(V6, IPv6ExtHdrFragment(offset=0, m=1, nh=6), PLAIN), 1, "IP fragment"),
        (ether(IP(proto=6, src="10.0.0.1", dst="10.0.0.2"), b"short"), 1, "malformed header"),
        (ether(V4, UDP(len=3)), 1, "malformed header"),
        (b"", 1, "malformed header"),
        (b"\x01\x02", 1, "malformed header"),
        (b"anything", 147, "unknown link type"),
    ],
)
def test_what_is_left_out_has_a_reason(data: bytes, link: int, why: str) -> None:
    assert reason(data, link) == why


def test_a_header_that_the_capture_cut_off_is_not_called_malformed() -> None:
    data = ether(V4, PLAIN)
    assert reason(data[:40], wire=len(data)) == "header cut off"


@pytest.mark.parametrize(("octets", "cut"), [(34 + 20, True), (34 + 39, True), (34 + 40, False)])
def test_options_that_the_capture_cut_off_may_have_been_there(octets: int, cut: bool) -> None:
    data = handshake()[0]
    got = frame(data[:octets], wire=len(data))
    assert (got.cut, got.length) == (cut, 0)


@given(
    st.sampled_from([*handshake(), ether(V6, IPv6ExtHdrHopByHop(), PLAIN), ether(Dot1Q(), V4, PLAIN)]),
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 255)), max_size=6),
    st.integers(0, 100),
    st.sampled_from([0, 1, 101, 113, 276, 228, 229]),
)
def test_no_octets_raise(data: bytes, changes: list[tuple[int, int]], cut: int, link: int) -> None:
    spoiled = bytearray(data)
    for place, value in changes:
        spoiled[place % len(spoiled)] = value
    decoded = decode(Record(START, bytes(spoiled[:cut]), link, len(data)), 1)
    if isinstance(decoded, Frame):
        assert 0 <= decoded.length <= 65535
        assert len(decoded.payload) <= decoded.length


def test_a_segment_without_options_shares_one_value() -> None:
    segment = frame(ether(V4, PLAIN)).segment
    assert segment is not None
    assert segment.options is NO_OPTIONS


# Checksums


@pytest.mark.parametrize("network", [V4, V6], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("text", [b"", b"odd", b"even"])
def test_a_wrong_checksum_is_told_beside_the_right_one(network: Packet, text: bytes) -> None:
    data = ether(network, PLAIN, text)
    place = len(data) - len(text) - 4
    right = int.from_bytes(data[place : place + 2])
    assert frame(data).checksum == (right, right)
    wrong = data[:place] + (right ^ 0x0100).to_bytes(2) + data[place + 2 :]
    assert frame(wrong).checksum == (right ^ 0x0100, right)


@pytest.mark.parametrize(
    "left",
    [0, 0x1420, 0x1409],
    ids=["nothing", "the sum of addresses, protocol and length", "the same without the length"],
)
def test_a_checksum_that_is_left_to_the_network_card_is_not_wrong(left: int) -> None:
    assert frame(ether(V4, TCP(**{**PLAIN.fields, "chksum": left}), b"abc")).checksum == (left, None)


def test_a_right_checksum_is_right_also_where_it_looks_like_one_that_was_left() -> None:
    left = 0x141F
    sum_ = int.from_bytes(ether(V4, PLAIN, bytes(2))[-6:-4])
    text = ((sum_ - left) % 0xFFFF).to_bytes(2)
    assert frame(ether(V4, PLAIN, text)).checksum == (left, left)


def test_a_checksum_over_what_was_not_captured_is_not_judged() -> None:
    data = ether(V4, TCP(sport=1, dport=2, chksum=1), b"x" * 100)
    assert frame(data).checksum
    assert frame(data[:80], wire=len(data)).checksum is None


@pytest.mark.parametrize(
    ("raw", "found"), [(b"\x1e\x0c" + bytes(10), True), (b"\x1e\x02", False), (b"\x1e\x30", False)]
)
def test_an_option_of_multipath_tcp_is_seen_and_not_looked_into(raw: bytes, found: bool) -> None:
    padded = raw + bytes(-len(raw) % 4)
    header = bytes(TCP(sport=1, dport=2, dataofs=5 + len(padded) // 4))[:20]
    segment = frame(ether(IP(src="10.0.0.1", dst="10.0.0.2", proto=6), header + padded)).segment
    assert segment
    assert segment.options.multipath is found


# ICMP errors


@pytest.mark.parametrize(
    ("error", "quoted", "told"),
    [
        (V4 / ICMP(type=3, code=3), V4 / PLAIN, True),
        (V4 / ICMP(type=11), V4 / PLAIN, True),
        (V4 / ICMP(type=3, code=4), V4 / PLAIN, True),
        (V4 / ICMP(type=5), V4 / PLAIN, False),
        (V4 / ICMP(type=3, code=3), V4 / UDP(), False),
        (V6 / ICMPv6DestUnreach(), V6 / PLAIN, True),
        (V6 / ICMPv6PacketTooBig(), V6 / PLAIN, True),
    ],
)
@pytest.mark.parametrize("octets", [28, 48, 80])
def test_an_icmp_error_tells_which_segment_did_not_arrive_and_counts_as_skipped(
    error: Packet, quoted: Packet, told: bool, octets: int
) -> None:
    data = ether(error, bytes(quoted)[:octets])
    found = decode(Record(START, data), 9)
    assert isinstance(found, Skipped)
    assert found.reason == "neither TCP nor UDP"
    whole = octets >= len(quoted) - 12
    assert (found.about is not None) == (told and whole)
    if found.about:
        assert (found.about.source, found.about.destination) == (
            Address(quoted.src, 4000),
            Address(quoted.dst, 80),
        )
        assert (found.about.undelivered, found.about.segment) == (11, None)


# What no sender writes


@pytest.mark.parametrize("offset", [0, 4, 15])
def test_a_header_that_ends_nowhere_is_read_up_to_its_options(offset: int) -> None:
    found = frame(ether(V4, TCP(sport=1, dport=2, flags="A", seq=7, dataofs=offset), b"abc"))
    assert (found.offset, found.segment) == (offset, Segment(7, 0, ACK, 3, 8192))
    assert frame(ether(V4, TCP(sport=1, dport=2, flags="A", seq=7, dataofs=5), b"abc")).offset is None


@pytest.mark.parametrize(
    ("header", "flaw"),
    [
        (TCP(reserved=2), ("reserved bits", 2, "0")),
        (TCP(urgptr=5), ("urgent pointer", 5, "0")),
        (TCP(urgptr=5, flags="UA"), None),
        (TCP(options=[("MSS", 1460)]), None),
        (TCP(dataofs=6) / b"\x02\x03\x05\x00", ("options", 3, "option 2 of 4 octets")),
        (TCP(dataofs=6) / b"\x4d\x07\x05\x00", ("options", 7, "option 77 of at most 4 octets")),
        (TCP(dataofs=6) / b"\x4d\x01\x05\x00", ("options", 1, "option 77 of at most 4 octets")),
        (TCP(dataofs=6) / b"\x4d\x04\x05\x00", None),
        (TCP(dataofs=6) / b"\x01\x00\x05\x09", None),
    ],
)
def test_a_field_that_decides_nothing_may_have_a_flaw(header: Packet, flaw: tuple[str, int, str] | None) -> None:
    found = frame(ether(V4, header)).flaw
    assert (found and found[:3]) == flaw


@pytest.mark.parametrize("network", [V4, V6], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("more", [-40, 5])
def test_an_ip_header_that_speaks_of_another_length_than_the_record_has(network: Packet, more: int) -> None:
    text = b"x" * 100
    data = bytearray(ether(network, PLAIN, text))
    assert frame(bytes(data)).held is None
    place = 16 if network is V4 else 18
    data[place : place + 2] = (int.from_bytes(data[place : place + 2]) + more).to_bytes(2)
    assert (frame(bytes(data)).length, frame(bytes(data)).held) == (100 + more, 100)
    # what a capture cut says nothing
    assert frame(bytes(data)[:90], wire=len(data)).held is None


@pytest.mark.parametrize("less", [1, 4, 12])
def test_an_ip_header_that_speaks_of_less_than_the_tcp_header(less: int) -> None:
    """The TCP header is all there, and is read."""
    stamped = TCP(sport=1, dport=2, flags="FA", seq=7, ack=9, options=[("Timestamp", (5, 6))])
    data = bytearray(ether(V4, stamped))
    whole = frame(bytes(data))
    data[16:18] = (int.from_bytes(data[16:18]) - less).to_bytes(2)
    short = frame(bytes(data))
    assert (short.offset, short.held, short.length, short.segment) == (8, 0, 0, whole.segment)
    assert whole.offset is None


def test_a_header_that_ends_within_an_option_was_longer() -> None:
    """The option has its right length if it goes on in what would be text."""
    stamped = TCP(sport=1, dport=2, flags="A", options=[("NOP", None), ("NOP", None), ("Timestamp", (5, 6))])
    data = bytearray(ether(V4, stamped, b"abc"))
    assert frame(bytes(data)).flaw is None
    for words in (6, 7):
        data[46] = words << 4
        found = frame(bytes(data))
        assert found.flaw == Flaw(OFFSET, words, "8", "RFC 9293 3.1")
        assert found.length == 3 + 4 * (8 - words)


def test_options_of_a_syn_behind_the_end_of_its_header() -> None:
    asking = TCP(sport=1, dport=2, flags="S", options=[("MSS", 1460), ("NOP", None), ("WScale", 7)])
    data = bytearray(ether(V4, asking))
    assert frame(bytes(data)).flaw is None
    data[46] = 6 << 4
    assert frame(bytes(data)).flaw == Flaw(OFFSET, 6, "7", "RFC 9293 3.1")
    for text in (b"GET ", b"abcde", bytes(4)):
        assert frame(ether(V4, asking, text)).flaw is None


def test_a_short_frame_is_filled_up() -> None:
    assert frame(ether(V4, PLAIN, b"") + bytes(6)).held is None
