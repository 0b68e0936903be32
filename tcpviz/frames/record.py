"""A Record: one entry of a capture file or one arrival on an interface, before anyone looked inside.

Knows no header beyond the number that says which link the octets came from. Needs no scapy.
"""

from __future__ import annotations

from typing import NamedTuple

from tcpviz.exchange.capture import Frame

ETHERNET = 1
RAW_IP = 101
LINUX_COOKED = 113
"""Link types as capture files number them (LINKTYPE_ in pcap-linktype(7))."""

LARGEST = 262_144
"""Octets of the largest record that capture files hold; more is damage. Loopback makes up to 65,549."""


class Record(NamedTuple):
    """A tuple, because a busy interface makes a hundred thousand of them in a second."""

    time: int
    """Nanoseconds since the epoch."""
    data: bytes
    """What was captured, from the link's header on."""
    link: int = ETHERNET
    wire: int = 0
    """Octets there were on the wire; 0: as many as were captured."""

    @property
    def cut(self) -> bool:
        return self.wire > len(self.data)


def record_of(frame: Frame) -> Record:
    """The record a frame came from. What is missing of the text is what the capture had cut off."""
    missing = max(0, frame.length - len(frame.payload))
    return Record(frame.time, frame.data, frame.link, len(frame.data) + missing)
