"""The kernel keeps TCP and UDP of one port, without libpcap or tcpdump: a classic BPF program by hand.

It loads relative to the network header and asks the kernel for the protocol, so it fits every link.
When in doubt it keeps: IPv6 with extension headers passes whatever its ports are.
"""

from __future__ import annotations

import socket
import struct
from ctypes import addressof, create_string_buffer

SO_ATTACH_FILTER = 26

# linux/filter.h: offsets that count from the network header, and the one that means "the protocol"
_NETWORK, _PROTOCOL = 0xFFF00000, 0xFFFFF000
# linux/bpf_common.h
_BYTE, _HALF, _HALF_AT_X, _X_IS_IPV4_HEADER = 0x30, 0x28, 0x48, 0xB1
_EQUAL, _ANY_BIT, _RETURN = 0x15, 0x45, 0x06
_ALL = 0xFFFFFFFF

_Line = tuple[str, int, int, str, str]
"""(label, code, operand, label to go to when true, when false); an empty label is the next line."""


def _lines(port: int) -> tuple[_Line, ...]:
    return (
        ("", _HALF, _PROTOCOL, "", ""),
        ("", _EQUAL, 0x86DD, "ipv6", ""),
        ("", _EQUAL, 0x0800, "", "drop"),
        ("", _BYTE, _NETWORK + 9, "", ""),
        ("", _EQUAL, 6, "ports", ""),
        ("", _EQUAL, 17, "", "drop"),
        ("ports", _HALF, _NETWORK + 6, "", ""),
        ("", _ANY_BIT, 0x1FFF, "drop", ""),  # a later fragment has no ports
        ("", _X_IS_IPV4_HEADER, _NETWORK, "", ""),
        ("", _HALF_AT_X, _NETWORK, "", ""),
        ("", _EQUAL, port, "keep", ""),
        ("", _HALF_AT_X, _NETWORK + 2, "", ""),
        ("", _EQUAL, port, "keep", "drop"),
        ("ipv6", _BYTE, _NETWORK + 6, "", ""),
        *(("", _EQUAL, extension, "keep", "") for extension in (0, 43, 44, 60)),
        ("", _EQUAL, 6, "ports6", ""),
        ("", _EQUAL, 17, "", "drop"),
        ("ports6", _HALF, _NETWORK + 40, "", ""),
        ("", _EQUAL, port, "keep", ""),
        ("", _HALF, _NETWORK + 42, "", ""),
        ("", _EQUAL, port, "keep", "drop"),
        ("keep", _RETURN, _ALL, "", ""),
        ("drop", _RETURN, 0, "", ""),
    )


def attach(sock: socket.socket, port: int) -> None:
    lines = _lines(port)
    place = {label: number for number, (label, *_) in enumerate(lines) if label}
    code = b"".join(
        struct.pack("=HBBI", code, *(place[to] - here - 1 if to else 0 for to in (true, false)), operand)
        for here, (_, code, operand, true, false) in enumerate(lines)
    )
    program = create_string_buffer(code, len(code))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(lines), addressof(program)))
