"""A Record is taken apart into headers, field by field (`exchange.headers`), for who wants to see its octets.

By hand: what is cut off or wrong must be shown where it stands, and scapy gives such a header up as a whole. Only
links that are not known here are walked by scapy. Says of a field what a receiver would: that a checksum is right,
that an option's length is wrong. Judges no segment.
"""

from __future__ import annotations

from collections.abc import Iterator

from tcpviz.errors import InputError
from tcpviz.exchange import headers as h
from tcpviz.exchange.headers import Dissection, Header, Option, header
from tcpviz.frames.decoding import Skipped, before_ip, decode, folded
from tcpviz.frames.record import ETHERNET, LINUX_COOKED, Record
from tcpviz.value import replace

_RAW, _LOOPBACK = (101, 228, 229), (0, 108)
_COOKED = {LINUX_COOKED: h.COOKED, 276: h.COOKED_2}
_TAGS, _IP = (0x8100, 0x88A8, 0x9100), (0x0800, 0x86DD)
_TCP, _UDP = 6, 17
_ROUTING, _IS_FRAGMENT = 43, 44
_NO_OPERATION, _END = 1, 0
_LENGTHS = {2: (4,), 3: (3,), 4: (2,), 5: (10, 18, 26, 34), 8: (10,), 34: (2, *range(6, 19, 2))}
"""Of the TCP options that have only these."""


def dissect(record: Record, number: int, file: str) -> Dissection:
    """The frame's headers; InputError, saying what it is instead, when TCP's or UDP's is not among them."""
    place = f"frame {number} of {file}"
    links = tuple(_links(record))
    at = sum(link.length for link in links)
    datagram = record.data[at:]
    if not datagram:
        raise InputError(f"{place} {_without(record, number)}")
    networks, protocol, length = _networks(datagram, f"{place} {_without(record, number)}")
    last = networks[-1]
    if last.fault == h.CUT:
        raise InputError(f"{place} is cut off within its {last.name} header: capture with a larger snap length")
    skip = sum(network.length for network in networks)
    offset, more = _fragment(networks)
    if offset:
        identification = next(n for n in networks if n.kind in (h.IPV4, h.FRAGMENT)).field("Identification").text
        raise InputError(
            f"{place} is a later fragment (offset {offset}) without a TCP or UDP header: "
            f"that is in the fragment of Identification {identification} with offset 0"
        )
    if protocol not in (_TCP, _UDP):
        raise InputError(f"{place} {_without(record, number)}")
    end = skip + length
    body = datagram[skip:end]
    whole = not more and len(body) == length
    segment = (_tcp if protocol == _TCP else _udp)(body, length)
    if not body:
        raise InputError(f"{place} is cut off before its {segment.name} header: capture with a larger snap length")
    segment = _checked(segment, networks, protocol, body, whole)
    networks = tuple(_header_checked(network) for network in networks)
    text = max(0, length - segment.length)
    if protocol == _UDP and segment.value("Length"):
        text = max(0, min(length, segment.value("Length") or 0) - segment.length)
    data = body[segment.length : segment.length + text]
    return Dissection(
        number, file, (*links, *networks, segment), data, text, max(0, len(datagram) - end), more
    )  # fmt: skip


def _without(record: Record, number: int) -> str:
    """What the frame holds, when not what was asked for."""
    found = decode(record, number)
    held = found.protocol if isinstance(found, Skipped) else "no IP header that can be read"
    return f"holds neither TCP nor UDP ({held}): `tcpviz match FILE --json` has the numbers of those that do"


# Links


def _links(record: Record) -> Iterator[Header]:
    """The headers before IP's."""
    data = record.data
    match record.link:
        case _ if record.link in _RAW:
            return
        case _ if record.link in _LOOPBACK:
            link = header(h.LOOPBACK, data)
            family = link.fields[0].raw
            if family is not None and family > 0xFFFF:  # written by a machine of the other byte order
                swapped = int.from_bytes(family.to_bytes(4), "little")
                link = replace(link, fields=(replace(link.fields[0], text=str(swapped)),))
            yield link
        case _ if record.link in _COOKED:
            yield header(_COOKED[record.link], data)
        case _ if record.link == ETHERNET and (tagged := tuple(_ethernet(data))) and tagged[-1].value("Type") in _IP:
            yield from tagged
        case _:
            length = before_ip(record)
            if length is None:
                yield from _ethernet(data) if record.link == ETHERNET else ()
            elif length:
                yield header(h.OTHER_LINK, data, length=length)


def _ethernet(data: bytes) -> Iterator[Header]:
    found = header(h.ETHERNET, data)
    at = found.length
    yield found
    while found.value("Type") in _TAGS:
        found = header(h.VLAN, data[at:])
        at += found.length
        yield found


# IP


def _networks(datagram: bytes, otherwise: str) -> tuple[tuple[Header, ...], int | None, int]:
    """IP's header and its extensions, the protocol behind them, and its octets on the wire."""
    version = datagram[0] >> 4
    if version == 4:
        ipv4 = _ipv4(datagram)
        total = ipv4.value("Total Length")
        # a segment still to be cut up by the network card may carry length 0: then all of it is here
        length = total - ipv4.length if total else len(datagram) - ipv4.length
        return (ipv4,), ipv4.value("Protocol"), max(0, length)
    if version != 6:
        raise InputError(otherwise)
    found = [header(h.IPV6, datagram)]
    at, following, length = found[0].length, found[0].value("Next Header"), found[0].value("Payload Length") or 0
    while following in h.EXTENSIONS and not found[-1].fault:
        kind, rest = h.EXTENSIONS[following], datagram[at:]
        size = 8 if following == _IS_FRAGMENT else 8 * (rest[1] + 1) if len(rest) > 1 else 8
        found.append(header(kind, rest, length=size))
        at, length, following = at + size, length - size, found[-1].value("Next Header")
        if following is not None and found[-1].kind is h.FRAGMENT and found[-1].value("Fragment Offset"):
            break
    return tuple(found), following, max(0, length)


def _ipv4(datagram: bytes) -> Header:
    size = 4 * (datagram[0] & 15)
    found = header(h.IPV4, datagram, length=max(size, h.IPV4.octets))
    if size < h.IPV4.octets:
        return replace(found, fault=h.SHORT_HEADER)
    options = tuple(_options(found.octets[h.IPV4.octets :], size - h.IPV4.octets, h.IP_OPTION_NAMES))
    return replace(found, options=options)


def _fragment(networks: tuple[Header, ...]) -> tuple[int, bool]:
    """Where in its datagram a fragment begins, in octets, and whether more of it follow."""
    for network in networks:
        if network.kind in (h.IPV4, h.FRAGMENT):
            more = network.value("MF" if network.kind is h.IPV4 else "M")
            return 8 * (network.value("Fragment Offset") or 0), bool(more)
    return 0, False


def _header_checked(network: Header) -> Header:
    if network.kind is not h.IPV4 or network.fault:
        return network
    told = network.value("Header Checksum")
    right = folded(network.octets[:10] + bytes(2) + network.octets[12:]) ^ 0xFFFF
    if told == right:
        return network.noted("Header Checksum", h.CORRECT)
    return network.noted("Header Checksum", *((h.OFFLOADED, "") if told == 0 else (h.WRONG, f"{right:#06x}")))


# TCP and UDP


def _tcp(body: bytes, length: int) -> Header:
    size = 4 * (body[12] >> 4) if len(body) > 12 else h.TCP.octets
    found = header(h.TCP, body, length=max(size, h.TCP.octets))
    if size < h.TCP.octets:
        return replace(found, fault=h.SHORT_HEADER)
    if size > length:
        return replace(found, fault=h.LONG_HEADER)
    if found.value("ACK") == 0:
        found = found.noted("Acknowledgment Number", h.IGNORED, "ACK")
    if found.value("URG") == 0:
        found = found.noted("Urgent Pointer", h.IGNORED, "URG")
    options = tuple(_options(found.octets[h.TCP.octets :], size - h.TCP.octets, h.OPTION_NAMES))
    return replace(found, options=options)


def _udp(body: bytes, length: int) -> Header:
    found = header(h.UDP, body)
    told = found.value("Length")
    if told is None or not told:  # a jumbogram has none
        return found
    if told < h.UDP.octets:
        return replace(found, fault=h.SHORT_HEADER)
    return replace(found, fault=h.LONG_HEADER) if told > length else found


def _options(octets: bytes, room: int, names: dict[int, str]) -> Iterator[Option]:
    """One after the other in the `room` that the header has, of which a cut frame holds less.

    Behind one that breaks off, all that is left belongs to it.
    """
    at = 0
    while at < len(octets):
        kind, name = octets[at], names.get(octets[at], "")
        if kind == _END:
            yield Option(kind, None, name, "", octets[at:])
            return
        if kind == _NO_OPERATION:
            yield Option(kind, None, name, "", octets[at : at + 1])
            at += 1
            continue
        if at + 1 == len(octets):
            yield Option(kind, None, name, "", octets[at:], h.NO_LENGTH if at + 1 == room else h.CUT)
            return
        size = octets[at + 1]
        if size < 2 or at + size > room:
            yield Option(kind, size, name, "", octets[at:], h.BAD_LENGTH if size < 2 else h.OVERRUNS)
            return
        if at + size > len(octets):
            yield Option(kind, size, name, "", octets[at:], h.CUT)
            return
        tcp = names is h.OPTION_NAMES
        wrong = tcp and size not in _LENGTHS.get(kind, (size,))
        text = _meaning(kind, octets[at + 2 : at + size]) if tcp and not wrong else ""
        yield Option(kind, size, name, text, octets[at : at + size], h.BAD_LENGTH if wrong else "")
        at += size


def _meaning(kind: int, value: bytes) -> str:
    """What a TCP option says, where it says it in the RFC's terms."""
    numbers = [int.from_bytes(value[place : place + 4]) for place in range(0, len(value), 4)]
    match kind:
        case 2:
            return str(numbers[0])
        case 3:
            return f"{value[0]} (×{1 << min(value[0], 14)})"  # RFC 7323 2.3: more than 14 counts as 14
        case 5:
            return ", ".join(f"{left}–{right}" for left, right in zip(numbers[::2], numbers[1::2], strict=True))
        case 8:
            return f"TSval {numbers[0]} TSecr {numbers[1]}"
        case 34:
            return f"cookie {value.hex()}" if value else "cookie?"
        case _:
            return ""


# Checksums


def _checked(segment: Header, networks: tuple[Header, ...], protocol: int, body: bytes, whole: bool) -> Header:
    """RFC 9293 3.1: over a pseudo-header, the header with a checksum of zero, and the text."""
    told = segment.value("Checksum")
    if told is None:
        return segment
    if protocol == _UDP and not told:
        return segment.noted("Checksum", h.NONE)
    routed = any(n.kind is h.EXTENSIONS[_ROUTING] and n.value("Segments Left") for n in networks)
    network = networks[0]
    addresses = network.octets[12:20] if network.kind is h.IPV4 else network.octets[8:40]
    pseudo = addresses + len(body).to_bytes(4) + protocol.to_bytes(4)
    place = 16 if protocol == _TCP else 6
    if whole and told == folded(pseudo):
        return segment.noted("Checksum", h.OFFLOADED)
    if not whole or routed:
        return segment.noted("Checksum", h.UNCHECKED)
    right = folded(pseudo + body[:place] + bytes(2) + body[place + 2 :]) ^ 0xFFFF
    right = 0xFFFF if protocol == _UDP and not right else right
    return segment.noted("Checksum", *((h.CORRECT, "") if told == right else (h.WRONG, f"{right:#06x}")))
