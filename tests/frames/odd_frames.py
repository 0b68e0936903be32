"""Frames that a header's figure must survive: by hand, so that each is wrong, rare or cut in a known way."""

from __future__ import annotations

import struct

from packets import START, ether
from scapy.layers.inet import IP, TCP, UDP, IPOption_Timestamp
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop
from scapy.layers.l2 import CookedLinux, CookedLinuxV2, Dot1Q
from scapy.packet import Packet, Raw

from tcpviz.frames import Record

V4 = IP(src="10.0.0.1", dst="10.0.0.2")
V6 = IPv6(src="2001:db8:1234:5678:9abc:def0:1234:5678", dst="2001:db8:1234:5678:9abc:def0:1234:5679", fl=0x12345)
SYN_OPTIONS = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (3319475182, 0)), ("NOP", None), ("WScale", 14)]
SACK = [("NOP", None), ("NOP", None), ("Timestamp", (3319475182, 77)), ("NOP", None), ("NOP", None),
        ("SAck", (1000000000, 1000001460, 3000000000, 3000002920))]  # fmt: skip
REQUEST = b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n" * 40
HOSTILE = b"\x1b[31m\x1b]0;owned\x07\xe2\x80\xae</title><script>alert(1)</script>"


def tcp(**fields: object) -> Packet:
    return TCP(**{"sport": 50000, "dport": 443, "seq": 2**32 - 1, "ack": 7, **fields})


def with_options(raw: bytes) -> bytes:
    """A header whose options are these octets, in a frame; its checksum is 0."""
    header = struct.pack("!HHIIBBHHH", 4000, 80, 1, 2, (20 + len(raw)) // 4 << 4, 0x12, 77, 0, 0)
    return ether(IP(src="10.0.0.1", dst="10.0.0.2", proto=6), Raw(header + raw))


FULL = ether(V4, tcp(flags="PAUEC", urgptr=5, options=SACK), REQUEST)
WRONG = ether(V4, tcp(flags="PA"), b"hello")[:-1] + b"O"

FRAMES: dict[str, Record] = {
    name: Record(START, data, link, wire)
    for name, (data, link, wire) in {
        "SYN": (ether(V4, tcp(flags="S", options=SYN_OPTIONS)), 1, 0),
        "SYN over IPv6": (ether(V6, tcp(flags="S", options=SYN_OPTIONS)), 1, 0),
        "everything": (FULL, 1, 0),
        "cut in the options": (FULL[:60], 1, len(FULL)),
        "cut in the fixed header": (FULL[:48], 1, len(FULL)),
        "cut in the text": (FULL[:200], 1, len(FULL)),
        "two tags and extension headers": (
            ether(Dot1Q(vlan=7, prio=5), Dot1Q(vlan=8), V6, IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt(),
                  tcp(flags="SA", options=SYN_OPTIONS)), 1, 0,
        ),
        "IP options": (ether(IP(src="10.0.0.1", dst="10.0.0.2", options=[IPOption_Timestamp()]), tcp(flags="R")), 1, 0),
        "options of wrong lengths": (with_options(b"\x02\x03\x05\x4d\x04\x01\x02\x05\x20\0\0\0"), 1, 0),
        "an option without a length": (with_options(b"\x01\x01\x01\x02"), 1, 0),
        "an option of length 0": (with_options(b"\x01\x08\x00\x02"), 1, 0),
        "forty octets of options": (with_options(bytes([1, 3, 3, 7] * 10)), 1, 0),
        "wrong checksum": (WRONG, 1, 0),
        "header too short": (ether(V4, tcp(flags="A", dataofs=3)), 1, 0),
        "header too long": (ether(V4, tcp(flags="A", dataofs=15)), 1, 0),
        "padding": (ether(V4, tcp(flags="RA")) + bytes(6), 1, 0),
        "first fragment": (ether(V6, IPv6ExtHdrFragment(offset=0, m=1, id=77), tcp(flags="A"), b"x" * 8), 1, 0),
        "UDP": (ether(V4, UDP(sport=4000, dport=53), HOSTILE), 1, 0),
        "UDP without a checksum": (ether(V4, UDP(sport=4000, dport=53, chksum=0)), 1, 0),
        "cooked": (bytes(CookedLinux() / V4 / tcp(flags="S")), 113, 0),
        "cooked v2": (bytes(CookedLinuxV2() / V6 / tcp(flags="F")), 276, 0),
        "raw": (bytes(V6 / tcp(flags="S")), 101, 0),
        "BSD loopback": (struct.pack("<I", 2) + bytes(V4 / tcp(flags="A")), 0, 0),
    }.items()
}  # fmt: skip
