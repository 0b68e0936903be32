"""Packets for the tests, built by scapy, so that what we read is not what we wrote."""

from __future__ import annotations

import struct

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether

START = 1_700_000_000_123_456_789


def ether(*layers: object) -> bytes:
    packet = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    for layer in layers:
        packet = packet / layer
    return bytes(packet)


def handshake() -> list[bytes]:
    there = IP(src="10.0.0.1", dst="10.0.0.2")
    back = IP(src="10.0.0.2", dst="10.0.0.1")
    options = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (7, 0)), ("NOP", None), ("WScale", 7)]
    return [
        ether(there, TCP(sport=4000, dport=80, seq=2**32 - 1, flags="S", window=64240, options=options)),
        ether(ARP()),
        ether(back, TCP(sport=80, dport=4000, seq=500, ack=0, flags="SA")),
        ether(there, TCP(sport=4000, dport=80, seq=0, ack=501, flags="PA"), b"hello"),
        ether(there, UDP(sport=4000, dport=53), b"question"),
    ]


def pcap(records: list[bytes], *, endian: str = "<", nano: bool = True, link: int = 1, snap: int = 65535) -> bytes:
    """By hand and by the book, since the test is about what scapy and we make of it."""
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    out = struct.pack(endian + "IHHiIII", magic, 2, 4, 0, 0, snap, link)
    for number, data in enumerate(records):
        sec, nanoseconds = divmod(START + number * 1000, 10**9)
        kept = data[:snap]
        fraction = nanoseconds if nano else nanoseconds // 1000
        out += struct.pack(endian + "IIII", sec, fraction, len(kept), len(data)) + kept
    return out
