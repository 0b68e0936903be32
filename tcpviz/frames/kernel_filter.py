"""What the kernel keeps for a listener: one port, one host, or an expression in the words of pcap-filter(7).

Port and host need neither libpcap nor tcpdump: a classic BPF program by hand. It loads relative to the network header
and asks the kernel for the protocol, so it fits every link. When in doubt it keeps: IPv6 with extension headers passes
whatever its ports are. Expressions are compiled by libpcap, through scapy.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator, Sequence
from ctypes import addressof, create_string_buffer
from ipaddress import IPv4Address, IPv6Address, ip_address

from scapy.error import Scapy_Exception

from tcpviz.errors import InputError

SO_ATTACH_FILTER = 26

# linux/filter.h: offsets that count from the network header, and the one that means "the protocol"
_NETWORK, _PROTOCOL = 0xFFF00000, 0xFFFFF000
# linux/bpf_common.h
_WORD, _BYTE, _HALF, _HALF_AT_X, _X_IS_IPV4_HEADER = 0x20, 0x30, 0x28, 0x48, 0xB1
_ALWAYS, _EQUAL, _ANY_BIT, _RETURN = 0x05, 0x15, 0x45, 0x06
_ALL = 0xFFFFFFFF
_IPV4_ADDRESSES, _IPV6_ADDRESSES = (12, 16), (8, 24)
"""Where source and destination stand in the header."""
_MOST_ADDRESSES = 8
"""A jump of the program reaches 255 lines."""

_IP = IPv4Address | IPv6Address
_Line = tuple[str, int, int, str, str]
"""(label, code, operand, label to go to when true, when false); an empty label is the next line."""


def attach(sock: socket.socket, interface: str, port: int | None, host: str | None, expression: str | None) -> None:
    """Let in only what matches all that is given."""
    addresses = addresses_of(host) if host else ()
    if expression:
        _attach_compiled(sock, interface, _and(expression, port, addresses), expression)
    elif port is not None or addresses:
        _attach_lines(sock, _lines(port, addresses))


def addresses_of(host: str) -> tuple[_IP, ...]:
    """A name may have several: `localhost` has one of each version."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no host name"
        raise InputError(f"--host {host}: no address: {reason}") from None
    addresses = tuple(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))
    return addresses[:_MOST_ADDRESSES]


def _lines(port: int | None, hosts: Sequence[_IP]) -> tuple[_Line, ...]:
    host4, host6 = ([host for host in hosts if host.version == version] for version in (4, 6))
    return (
        ("", _HALF, _PROTOCOL, "", ""),
        ("", _EQUAL, 0x86DD, "ipv6", ""),
        ("", _EQUAL, 0x0800, "", "drop"),
        *(_host_lines("4", host4, _IPV4_ADDRESSES) if hosts else ()),
        *(_port_lines_of_ipv4(port) if port is not None else (("port4", _RETURN, _ALL, "", ""),)),
        *(_host_lines("6", host6, _IPV6_ADDRESSES, start="ipv6") if hosts else (("ipv6", _ALWAYS, 0, "", ""),)),
        *(_port_lines_of_ipv6(port) if port is not None else (("port6", _RETURN, _ALL, "", ""),)),
        ("keep", _RETURN, _ALL, "", ""),
        ("drop", _RETURN, 0, "", ""),
    )


def _host_lines(version: str, hosts: Sequence[_IP], offsets: tuple[int, int], start: str = "") -> Iterator[_Line]:
    """Go to `port4` or `port6` if one of the two addresses is one of these, else drop."""
    number, label = 0, start
    for host in hosts:
        words = struct.unpack(f"!{len(host.packed) // 4}I", host.packed)
        for offset in offsets:
            number += 1
            following = f"host{version}.{number}"
            for place, word in enumerate(words):
                yield (label, _WORD, _NETWORK + offset + 4 * place, "", "")
                yield ("", _EQUAL, word, f"port{version}" if place == len(words) - 1 else "", following)
                label = ""
            label = following
    yield (label, _RETURN, 0, "", "")


def _port_lines_of_ipv4(port: int) -> tuple[_Line, ...]:
    return (
        ("port4", _BYTE, _NETWORK + 9, "", ""),
        ("", _EQUAL, socket.IPPROTO_TCP, "ports", ""),
        ("", _EQUAL, socket.IPPROTO_UDP, "", "drop"),
        ("ports", _HALF, _NETWORK + 6, "", ""),
        ("", _ANY_BIT, 0x1FFF, "drop", ""),  # a later fragment has no ports
        ("", _X_IS_IPV4_HEADER, _NETWORK, "", ""),
        ("", _HALF_AT_X, _NETWORK, "", ""),
        ("", _EQUAL, port, "keep", ""),
        ("", _HALF_AT_X, _NETWORK + 2, "", ""),
        ("", _EQUAL, port, "keep", "drop"),
    )


def _port_lines_of_ipv6(port: int) -> tuple[_Line, ...]:
    return (
        ("port6", _BYTE, _NETWORK + 6, "", ""),
        *(("", _EQUAL, extension, "keep", "") for extension in (0, 43, 44, 60)),
        ("", _EQUAL, socket.IPPROTO_TCP, "ports6", ""),
        ("", _EQUAL, socket.IPPROTO_UDP, "", "drop"),
        ("ports6", _HALF, _NETWORK + 40, "", ""),
        ("", _EQUAL, port, "keep", ""),
        ("", _HALF, _NETWORK + 42, "", ""),
        ("", _EQUAL, port, "keep", "drop"),
    )


def _attach_lines(sock: socket.socket, lines: Sequence[_Line]) -> None:
    place = {label: number for number, (label, *_) in enumerate(lines) if label}
    code = b"".join(
        struct.pack("=HBBI", code, *(place[to] - here - 1 if to else 0 for to in (true, false)), operand)
        for here, (_, code, operand, true, false) in enumerate(lines)
    )
    program = create_string_buffer(code, len(code))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(lines), addressof(program)))


def _and(expression: str, port: int | None, hosts: Sequence[_IP]) -> str:
    terms = [f"({expression})", *([f"port {port}"] if port is not None else [])]
    return " and ".join([*terms, *([f"({' or '.join(f'host {host}' for host in hosts)})"] if hosts else [])])


def _attach_compiled(sock: socket.socket, interface: str, whole: str, expression: str) -> None:
    from scapy.arch.linux import attach_filter

    try:
        attach_filter(sock, whole, interface)
    except ImportError:
        raise InputError(
            "a filter expression needs libpcap, which is not installed (Debian: libpcap0.8); "
            "--port and --host work without"
        ) from None
    except (Scapy_Exception, OSError) as error:
        # scapy 2.6 does not pass libpcap's reason on
        reason = re.search(r"\((?!-1)(.+)\)$", str(error))
        said = f": {reason[1]}" if reason else ""
        raise InputError(
            f"filter {expression!r} is not understood{said}; see pcap-filter(7). To run a command, write -- before it"
        ) from None
