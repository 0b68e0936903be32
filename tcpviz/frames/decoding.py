"""A Record becomes a Frame: scapy takes the headers apart, this module says what they mean.

Never raises: a record without a usable TCP or UDP header is a Skipped with its reason. Lengths come
from the IP header, never from how much was captured. Nothing here judges a segment.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from scapy.config import conf
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, IPv46, _IPv6ExtHdr
from scapy.packet import NoPayload, Packet, Raw

from tcpviz.exchange.capture import OFFSET, OPTIONS, Address, Checksum, Flaw, Frame
from tcpviz.frames.record import Record
from tcpviz.model.segment import NO_OPTIONS, SYN, URG, Options, Segment
from tcpviz.model.sentence import Sentence
from tcpviz.value import Value

NEITHER = Sentence("neither TCP nor UDP")
FRAGMENT = Sentence("IP fragment")
SHORT = Sentence("header cut off")
MALFORMED = Sentence("malformed header")
LINK = Sentence("unknown link type")

# BSD's loopback header: four octets, in the byte order of whoever captured, with a number for IPv6 that each
# system chose for itself. The IP version behind it says the same, and says it right
_BSD_LOOPBACK, _BSD_LOOPBACK_HEADER = frozenset({0, 108}), 4
_TCP, _UDP = 6, 17
_TCP_HEADER, _UDP_HEADER, _IPV6_HEADER = 20, 8, 40
_LEAST_FRAME = 64
"""Shorter ones Ethernet fills up, whether their last four octets, a checksum, are captured or not."""
_CHECKSUM = 16
"""Where it stands in a TCP header."""
_FLAGS, _MOST_OPTIONS = 0xFF, 40
_END, _NO_OPERATION, _MSS, _WINDOW_SCALE, _SACK_PERMITTED, _SACK, _TIMESTAMPS, _FAST_OPEN = 0, 1, 2, 3, 4, 5, 8, 34
_MULTIPATH = 30
_EXPERIMENT, _FAST_OPEN_ID = 254, b"\xf9\x89"
"""Fast Open as it was before it had a number of its own (RFC 7413 section 4.1.1)."""
_OPTION_SIZES = {
    _MSS: (4,),
    _WINDOW_SCALE: (3,),
    _SACK_PERMITTED: (2,),
    _SACK: (10, 18, 26, 34),
    _TIMESTAMPS: (10,),
    _EXPERIMENT: (4, *range(8, 21, 2)),
    _MULTIPATH: range(3, 41),
    _FAST_OPEN: (2, *range(6, 19, 2)),  # RFC 7413: no cookie, or 4 to 16 octets, an even number
}


class Skipped(Value):
    """Why a record is no Frame, and what it held instead: `ARP`, `ICMP`. `about`: the segment that an error quotes."""

    reason: Sentence
    protocol: str
    about: Frame | None = None


@contextmanager
def quiet() -> Iterator[None]:
    """scapy logs what it stumbles over; here that is a result, so nobody needs to hear it twice."""
    logger = logging.getLogger("scapy.runtime")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def decode(record: Record, number: int) -> Frame | Skipped:
    bsd = record.link in _BSD_LOOPBACK
    layer = IPv46 if bsd else conf.l2types.num2layer.get(record.link)
    if layer is None:
        return Skipped(LINK, f"link type {record.link}")
    data = record.data[_BSD_LOOPBACK_HEADER:] if bsd else record.data
    with quiet():
        try:
            if data:  # of no octets scapy would make a packet of defaults
                return _decode(layer(data), record, number)
        except Exception:  # scapy's dissectors raise what they like on octets that make no sense
            pass
    return Skipped(SHORT if record.cut else MALFORMED, "undecodable")


def before_ip(record: Record) -> int | None:
    """How many octets precede the outermost IP header, whatever scapy finds there; None where it finds no IP."""
    layer = conf.l2types.num2layer.get(record.link)
    with quiet():
        try:
            network = _network(layer(record.data)) if layer and record.data else None
        except Exception:
            return None
    return len(record.data) - len(network.original) if isinstance(network, (IP, IPv6)) else None


def _decode(packet: Packet, record: Record, number: int) -> Frame | Skipped:
    network = _network(packet)
    if not isinstance(network, (IP, IPv6)):
        return Skipped(NEITHER, _name(network))
    protocol, body, length = _body_of_ipv4(network) if isinstance(network, IP) else _body_of_ipv6(network)
    if protocol is None:
        return Skipped(FRAGMENT, FRAGMENT)
    if protocol not in (_TCP, _UDP):
        name = _name(body) if not isinstance(body, Raw) else f"IP protocol {protocol}"
        return Skipped(NEITHER, name, _undelivered(protocol, body.original, record, number))
    if not isinstance(body, (TCP, UDP)):
        return Skipped(SHORT if record.cut else MALFORMED, "TCP" if protocol == _TCP else "UDP")
    octets, offset, flaw, there = body.original, None, None, _held(network, length, record)
    if isinstance(body, TCP):
        header = 4 * body.dataofs
        if length < _TCP_HEADER:
            return Skipped(MALFORMED, "TCP")
        if length < header <= (there or 0):
            # it is the IP header that is wrong
            octets, length, offset = _behind(network), header, body.dataofs
        elif not _TCP_HEADER <= header <= length:
            header, offset = _TCP_HEADER, body.dataofs
        segment = _segment(body, octets[_TCP_HEADER:header], length - header)
        flaw = _flaw(body, octets[_TCP_HEADER:header], octets[header:length])
    else:
        header, segment = _UDP_HEADER, None
        length = min(body.len, length) if body.len else length
        if length < header:
            return Skipped(MALFORMED, "UDP")
    return Frame(
        number=number,
        time=record.time,
        source=Address(str(network.src), body.sport),
        destination=Address(str(network.dst), body.dport),
        segment=segment,
        payload=octets[header:length],
        length=length - header,
        data=record.data,
        link=record.link,
        cut=len(octets) < header,
        checksum=_checksum(network, octets, length) if segment else None,
        flaw=flaw,
        offset=offset,
        held=None if segment is None or there is None else there - header,
        identification=network.id if isinstance(network, IP) else 0,
    )


def _held(network: Packet, length: int, record: Record) -> int | None:
    """The octets behind the IP header, where IP speaks of another number though nothing was cut or filled up."""
    if isinstance(network, IPv6) and network.nh != _TCP:
        return None
    found = len(_behind(network))
    padded = found > length and len(record.data) <= _LEAST_FRAME
    return None if record.cut or padded or found == length else found


def _behind(network: Packet) -> bytes:
    """All that was captured behind the IP header, however much that speaks of."""
    octets: bytes = network.original
    return octets[4 * network.ihl if isinstance(network, IP) else _IPV6_HEADER :]


def _flaw(header: TCP, options: bytes, text: bytes) -> Flaw | None:
    """What decides nothing, and is not as it should be."""
    more = text[: _MOST_OPTIONS - len(options)]
    end = _real_end(options + more, len(options)) if more else None
    if end is None and more and int(header.flags) & SYN and _is_options(options, text):
        end = len(options + text)
    if end is not None:
        return Flaw(OFFSET, header.dataofs, str((_TCP_HEADER + end) // 4), "RFC 9293 3.1")
    if options and (odd := _odd_option(options)):
        return Flaw(*odd, "RFC 9293 3.2")
    if header.reserved:
        return Flaw(Sentence("reserved bits"), header.reserved, "0", "RFC 9293 3.1")
    if header.urgptr and not int(header.flags) & URG:
        return Flaw(Sentence("urgent pointer"), header.urgptr, "0", "RFC 9293 3.1")
    return None


def _checksum(network: Packet, octets: bytes, length: int) -> Checksum | None:
    """The checksum of a TCP segment, and the right one.

    None where octets lack or the address on its way is another (routing headers). On a loopback and behind offload it
    holds a part of the sum, or nothing: the rest is the network card's to fill in.
    """
    if isinstance(network, IP):
        plain, addresses = network.ihl == 5, network.original[12:20]
    else:
        plain, addresses = network.nh == _TCP, network.original[8:40]
    if not plain or len(octets) < length:
        return None
    told = int.from_bytes(octets[_CHECKSUM : _CHECKSUM + 2])
    pseudo = folded(addresses + bytes((0, _TCP)))
    rest = octets[:_CHECKSUM] + octets[_CHECKSUM + 2 : length]
    right = folded(pseudo.to_bytes(2) + length.to_bytes(4) + rest) ^ 0xFFFF
    # there are two ways to write zero
    if not (told - right) % 0xFFFF:
        return Checksum(told, told)
    # cards that cut up leave the length out
    left = told in (0, pseudo, folded(pseudo.to_bytes(2) + length.to_bytes(4)))
    return Checksum(told, None if left else right)


def folded(octets: bytes) -> int:
    """The sum of RFC 1071, not yet complemented."""
    total = int.from_bytes(octets + bytes(len(octets) % 2)) % 0xFFFF
    return total or (0xFFFF if any(octets) else 0)


_ICMP_ERRORS = {1: (3, 11, 12), 58: (1, 2, 3, 4)}
"""Protocol -> the types that say that something did not arrive (RFC 792; RFC 4443)."""
_QUOTED = 8
"""So many octets of a segment each error quotes."""


def _undelivered(protocol: int, error: bytes, record: Record, number: int) -> Frame | None:
    """What an ICMP error says of a TCP segment."""
    packet = error[8:]
    if error[:1] not in map(bytes, zip(_ICMP_ERRORS.get(protocol, ()), strict=True)) or not packet:
        return None
    if packet[0] >> 4 == 4:
        inner, family, where, size, header = packet[9:10], socket.AF_INET, 12, 4, 4 * (packet[0] & 15)
    else:
        inner, family, where, size, header = packet[6:7], socket.AF_INET6, 8, 16, 40
    quoted = packet[header : header + _QUOTED]
    if inner != bytes((_TCP,)) or len(quoted) < _QUOTED:
        return None
    hosts = (socket.inet_ntop(family, packet[at : at + size]) for at in (where, where + size))
    source, destination = map(Address, hosts, (int.from_bytes(quoted[:2]), int.from_bytes(quoted[2:4])))
    lost = int.from_bytes(quoted[4:8])
    return Frame(number, record.time, source, destination, None, b"", 0, record.data, record.link, undelivered=lost)


def _network(packet: Packet) -> Packet:
    """The outermost IP header, behind VLAN tags and the like; else the last layer that scapy knew."""
    while not isinstance(packet, (IP, IPv6)):
        inner = packet.payload
        if isinstance(inner, (NoPayload, Raw)):
            return packet
        packet = inner
    return packet


def _body_of_ipv4(packet: IP) -> tuple[int | None, Packet, int]:
    """(protocol, what follows the header, its octets on the wire); protocol None for a fragment."""
    header = 4 * packet.ihl
    if packet.version != 4 or header < 20 or (packet.len and packet.len < header):
        raise ValueError("IPv4 header")
    if packet.frag or packet.flags.MF:
        return None, packet, 0
    # a segment still to be cut up by the network card may carry length 0: then all of it is here
    length = packet.len - header if packet.len else len(packet.payload.original)
    return packet.proto, packet.payload, length


def _body_of_ipv6(packet: IPv6) -> tuple[int | None, Packet, int]:
    """As above, behind the extension headers."""
    inner, protocol, length = packet.payload, packet.nh, packet.plen
    while isinstance(inner, _IPv6ExtHdr):
        if isinstance(inner, IPv6ExtHdrFragment) and (inner.offset or inner.m):
            return None, inner, 0
        length -= len(inner.original) - len(inner.payload.original)
        protocol, inner = inner.nh, inner.payload
    return protocol, inner, length


def _segment(header: TCP, options: bytes, length: int) -> Segment:
    return Segment(
        seq=header.seq,
        ack=header.ack,
        flags=int(header.flags) & _FLAGS,
        length=length,
        window=header.window,
        options=_options(options) if options else NO_OPTIONS,
        urgent=header.urgptr if int(header.flags) & URG else 0,
    )


def _options(octets: bytes) -> Options:
    """As receivers read them: the last of its kind counts, one of a wrong length does not, and nothing behind one that
    overruns the header. scapy's own list no longer tells the lengths."""
    found: dict[int, bytes] = {}
    place = 0
    while place < len(octets) and octets[place] != _END:
        if octets[place] == _NO_OPERATION:
            place += 1
            continue
        size = octets[place + 1] if place + 1 < len(octets) else 0
        if size < 2 or place + size > len(octets):
            break
        if size in _OPTION_SIZES.get(octets[place], ()):
            found[octets[place]] = octets[place + 2 : place + size]
        place += size
    mss, scale, stamps = found.get(_MSS), found.get(_WINDOW_SCALE), found.get(_TIMESTAMPS)
    edges = [int.from_bytes(octets) for octets in _fours(found.get(_SACK, b""))]
    experiment = found.get(_EXPERIMENT, b"")
    cookie = experiment[2:] if experiment[:2] == _FAST_OPEN_ID else None
    return Options(
        mss=int.from_bytes(mss) if mss is not None else None,
        window_scale=scale[0] if scale is not None else None,
        sack_permitted=_SACK_PERMITTED in found,
        timestamps=(int.from_bytes(stamps[:4]), int.from_bytes(stamps[4:])) if stamps is not None else None,
        fast_open=found.get(_FAST_OPEN, cookie),
        sack=tuple(zip(edges[::2], edges[1::2], strict=True)),
        multipath=_MULTIPATH in found,
    )


def _odd_option(octets: bytes) -> tuple[Sentence, int, Sentence] | None:
    """The first option of a wrong length, with what it should say, or that is there twice."""
    place, known = 0, 0
    while place < len(octets) and octets[place] != _END:
        kind = octets[place]
        if kind == _NO_OPERATION:
            place += 1
            continue
        size, left = octets[place + 1] if place + 1 < len(octets) else 0, len(octets) - place
        sizes = _OPTION_SIZES.get(kind, range(2, left + 1))
        if size not in sizes or size > left:
            if len(sizes) == 1:
                return OPTIONS, size, Sentence("option {} of {} octets", kind, sizes[0])
            return OPTIONS, size, Sentence("option {} of at most {} octets", kind, left)
        if kind <= _TIMESTAMPS and known >> kind & 1:
            return Sentence("repeated option"), kind, Sentence("once")
        known |= 1 << kind
        place += size
    return None


def _real_end(octets: bytes, end: int) -> int | None:
    """Where the options end, if one of a right length begins before what should be their end and ends behind it."""
    place = 0
    while place < end and octets[place] != _END:
        size = 1 if octets[place] == _NO_OPERATION else octets[place + 1] if place + 1 < len(octets) else 0
        known = octets[place] == _NO_OPERATION or size in _OPTION_SIZES.get(octets[place], ())
        if not known or place + size > len(octets):
            return None
        place += size
    return -(-place // 4) * 4 if place > end else None


def _is_options(first: bytes, rest: bytes) -> bool:
    """What looks like text on a SYN is the rest of its options."""
    whole = len(rest) % 4 == 0 and len(first + rest) <= _MOST_OPTIONS and rest[0] != _END
    kinds = _options(first + rest)
    return whole and not _odd_option(first + rest) and kinds != _options(first) and kinds.fast_open is None


def _fours(octets: bytes) -> Iterator[bytes]:
    return (octets[start : start + 4] for start in range(0, len(octets), 4))


def _name(layer: Packet) -> str:
    name: str = layer.__class__.__name__
    inner = layer.payload
    kind = layer.fields.get("type", layer.fields.get("proto"))
    if isinstance(inner, Raw) and isinstance(kind, int) and name != "ARP" and not name.startswith("ICMP"):
        return f"EtherType {kind:#06x}"
    return "ICMPv6" if name.startswith("ICMPv6") else name
