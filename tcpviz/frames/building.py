"""A simulated exchange becomes frames, as a tap beside each sender would have recorded them.

scapy puts the headers together: good checksums, and the options that each segment carries. What the
network lost was sent all the same and is there, but not what it lost before the place of capture; a copy that the
network made is not a frame of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from tcpviz.exchange.capture import Address, Frame
from tcpviz.exchange.exchange import Connection, Datagram, Exchange, Flow, Side, Transmission, other
from tcpviz.model.segment import Options, Segment, letters
from tcpviz.value import replace

HARDWARE: Mapping[Side, str] = {"client": "02:00:00:00:00:01", "server": "02:00:00:00:00:02"}
"""Locally administered addresses: nobody's."""
_FAST_OPEN = 34


def frames_of(exchange: Exchange) -> tuple[Frame, ...]:
    """All segments and datagrams, in the order in which they were sent; time 0 is the start of the exchange."""
    told = [(s, n, c) for c in exchange.connections for n, s in enumerate(c.segments)]
    sent = [(s.sent, n, s, c) for s, n, c in told if s.kind != "duplicate" and s.fate != "unseen"]
    sent.sort(key=lambda row: row[:2])
    built = [_frame(connection, segment) for _, _, segment, connection in sent]
    built += [_datagram(flow, datagram) for flow in exchange.flows for datagram in flow.datagrams]
    built.sort(key=lambda frame: frame.time)
    return tuple(replace(frame, number=number) for number, frame in enumerate(built, 1))


def _datagram(flow: Flow, sent: Datagram) -> Frame:
    source, destination = flow.endpoints if sent.origin == 0 else flow.endpoints[::-1]
    here, there = (HARDWARE["client"], HARDWARE["server"])[:: 1 if sent.origin == 0 else -1]
    network = IPv6 if ":" in source.host else IP
    packet = Ether(src=here, dst=there) / network(src=source.host, dst=destination.host)
    data = bytes(packet / UDP(sport=source.port, dport=destination.port) / Raw(sent.payload))
    return Frame(0, sent.time, source, destination, None, sent.payload, sent.length, data)


def _frame(connection: Connection, sent: Transmission) -> Frame:
    source, destination = connection.party(sent.origin).address, connection.party(other(sent.origin)).address
    payload = sent.payload.ljust(sent.segment.length, b"\0")
    return Frame(
        number=0,
        time=sent.sent,
        source=source,
        destination=destination,
        segment=sent.segment,
        payload=payload,
        length=sent.segment.length,
        data=octets(sent.origin, source, destination, sent.segment, payload),
    )


def octets(origin: Side, source: Address, destination: Address, segment: Segment, payload: bytes) -> bytes:
    """A segment as an Ethernet frame, from `origin`'s machine to the other's."""
    network = IPv6 if ":" in source.host else IP
    packet = (
        Ether(src=HARDWARE[origin], dst=HARDWARE[other(origin)])
        / network(src=source.host, dst=destination.host)
        / TCP(
            sport=source.port,
            dport=destination.port,
            seq=segment.seq,
            ack=segment.ack if segment.has_ack else 0,
            flags=letters(segment.flags),
            window=segment.window,
            urgptr=segment.urgent,
            options=list(_options(segment.options)),
        )
    )
    return bytes(packet / Raw(payload) if payload else packet)


def _options(options: Options) -> Iterator[tuple[object, object]]:
    """In the order in which Linux writes them."""
    if options.mss is not None:
        yield "MSS", options.mss
    if options.sack_permitted:
        yield "SAckOK", b""
    if options.timestamps is not None:
        yield "Timestamp", options.timestamps
    if options.sack:
        yield from (("NOP", None), ("NOP", None), ("SAck", tuple(chain.from_iterable(options.sack))))
    if options.window_scale is not None:
        yield "NOP", None
        yield "WScale", options.window_scale
    if options.fast_open is not None:
        yield _FAST_OPEN, options.fast_open
