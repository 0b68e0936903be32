"""A frame taken apart: its headers with every field's place, value and meaning, as values.

Owns the one table of header fields, in the RFCs' own names and order. Knows neither where octets come from nor how
they are taken apart (`frames`), nor how they are shown (`segment_text`, `draw`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

from tcpviz.value import Value, replace

Form = Literal["number", "hex", "mac", "address", "protocol", "type"]


class Spec(Value):
    """What a header's definition says of one field; `bits` is its width."""

    name: str
    bits: int
    form: Form = "number"


class Kind(Value):
    """A header's definition: its fixed part, field by field, and where that is written."""

    name: str
    section: str
    specs: tuple[Spec, ...]

    @property
    def octets(self) -> int:
        return sum(spec.bits for spec in self.specs) // 8


FLAGS = ("CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN")
_PORTS = (Spec("Source Port", 16), Spec("Destination Port", 16))
TCP = Kind(
    "TCP",
    "RFC 9293 3.1",
    (
        *_PORTS,
        Spec("Sequence Number", 32),
        Spec("Acknowledgment Number", 32),
        Spec("Data Offset", 4),
        Spec("Rsrvd", 4),
        *(Spec(flag, 1) for flag in FLAGS),
        Spec("Window", 16),
        Spec("Checksum", 16, "hex"),
        Spec("Urgent Pointer", 16),
    ),
)
UDP = Kind("UDP", "RFC 768", (*_PORTS, Spec("Length", 16), Spec("Checksum", 16, "hex")))
IPV4 = Kind(
    "IPv4",
    "RFC 791 3.1",
    (
        Spec("Version", 4),
        Spec("IHL", 4),
        Spec("DSCP", 6),  # this and ECN were Type of Service: RFC 2474 3, RFC 3168 5
        Spec("ECN", 2),
        Spec("Total Length", 16),
        Spec("Identification", 16, "hex"),
        Spec("0", 1),
        Spec("DF", 1),
        Spec("MF", 1),
        Spec("Fragment Offset", 13),
        Spec("Time to Live", 8),
        Spec("Protocol", 8, "protocol"),
        Spec("Header Checksum", 16, "hex"),
        Spec("Source Address", 32, "address"),
        Spec("Destination Address", 32, "address"),
    ),
)
IPV6 = Kind(
    "IPv6",
    "RFC 8200 3",
    (
        Spec("Version", 4),
        Spec("Traffic Class", 8),
        Spec("Flow Label", 20, "hex"),
        Spec("Payload Length", 16),
        Spec("Next Header", 8, "protocol"),
        Spec("Hop Limit", 8),
        Spec("Source Address", 128, "address"),
        Spec("Destination Address", 128, "address"),
    ),
)
_CHAIN = (Spec("Next Header", 8, "protocol"), Spec("Hdr Ext Len", 8))
FRAGMENT = Kind(
    "Fragment",
    "RFC 8200 4.5",
    (
        Spec("Next Header", 8, "protocol"),
        Spec("Reserved", 8),
        Spec("Fragment Offset", 13),
        Spec("Res", 2),
        Spec("M", 1),
        Spec("Identification", 32, "hex"),
    ),
)
EXTENSIONS = {
    0: Kind("Hop-by-Hop Options", "RFC 8200 4.3", _CHAIN),
    43: Kind("Routing", "RFC 8200 4.4", (*_CHAIN, Spec("Routing Type", 8), Spec("Segments Left", 8))),
    44: FRAGMENT,
    60: Kind("Destination Options", "RFC 8200 4.6", _CHAIN),
}
"""By the Next Header value that announces them."""
ETHERNET = Kind(
    "Ethernet", "IEEE 802.3", (Spec("Destination", 48, "mac"), Spec("Source", 48, "mac"), Spec("Type", 16, "type"))
)
VLAN = Kind("VLAN", "IEEE 802.1Q", (Spec("PCP", 3), Spec("DEI", 1), Spec("VID", 12), Spec("Type", 16, "type")))
COOKED = Kind(
    "Linux cooked capture",
    "LINUX_SLL",
    (
        Spec("Packet type", 16),
        Spec("ARPHRD type", 16),
        Spec("Address length", 16),
        Spec("Address", 64, "hex"),
        Spec("Protocol type", 16, "type"),
    ),
)
COOKED_2 = Kind(
    "Linux cooked capture v2",
    "LINUX_SLL2",
    (
        Spec("Protocol type", 16, "type"),
        Spec("Reserved", 16),
        Spec("Interface index", 32),
        Spec("ARPHRD type", 16),
        Spec("Packet type", 8),
        Spec("Address length", 8),
        Spec("Address", 64, "hex"),
    ),
)
LOOPBACK = Kind("BSD loopback", "NULL", (Spec("Family", 32),))
OTHER_LINK = Kind("Link header", "", ())

PROTOCOLS = {0: "Hop-by-Hop", 6: "TCP", 17: "UDP", 43: "Routing", 44: "Fragment", 60: "Destination Options"}
TYPES = {0x0800: "IPv4", 0x86DD: "IPv6", 0x8100: "VLAN", 0x88A8: "VLAN", 0x9100: "VLAN"}

OPTION_NAMES = {
    0: "End of Option List",
    1: "No-Operation",
    2: "Maximum Segment Size",
    3: "Window Scale",
    4: "SACK Permitted",
    5: "SACK",
    8: "Timestamps",
    19: "MD5 Signature",
    28: "User Timeout",
    29: "TCP-AO",
    30: "Multipath TCP",
    34: "Fast Open",
    253: "Experiment",
    254: "Experiment",
}
"""TCP's, as IANA registers them."""
IP_OPTION_NAMES = {
    0: "End of Option List",
    1: "No-Operation",
    7: "Record Route",
    68: "Internet Timestamp",
    130: "Security",
    131: "Loose Source Route",
    137: "Strict Source Route",
    148: "Router Alert",
}

CORRECT, WRONG, OFFLOADED = "correct", "wrong, expected", "not computed (offload)"
UNCHECKED, NONE = "not checked: octets are missing", "none computed"
IGNORED = "ignored without"
"""What is said of a field's value, each the key of a translation; `Field.detail` follows it."""
NO_LENGTH, BAD_LENGTH, OVERRUNS = "its length is missing", "its length is wrong", "runs past the header"
"""What can be wrong with an option."""
SHORT_HEADER, LONG_HEADER, CUT = "says its header is shorter than it can be", "longer than what carries it", "cut off"
"""What can be wrong with a header."""

_KINDS = (TCP, UDP, IPV4, IPV6, *EXTENSIONS.values(), ETHERNET, VLAN, COOKED, COOKED_2, LOOPBACK)
WORDS = tuple(
    dict.fromkeys(
        (
            *(spec.name for kind in _KINDS for spec in kind.specs if len(spec.name) > 3 and spec.name != "DSCP"),
            *(name for name in (*OPTION_NAMES.values(), *IP_OPTION_NAMES.values()) if not name.isupper()),
            CORRECT, WRONG, OFFLOADED, UNCHECKED, NONE, IGNORED,
            NO_LENGTH, BAD_LENGTH, OVERRUNS, SHORT_HEADER, LONG_HEADER, CUT,
        )
    )
)  # fmt: skip
"""What of all this is translated: no abbreviation, and no name of a header."""


class Field(Value):
    """One field as it was found. `start` counts bits from the beginning of its header."""

    name: str
    start: int
    bits: int
    raw: int | None
    """None when it was not captured."""
    text: str
    """The value in the form that people write it in; empty when there is none."""
    note: str = ""
    detail: str = ""

    @property
    def flag(self) -> bool:
        return self.bits == 1


class Option(Value):
    """One option of a header, or what looks like one."""

    kind: int
    length: int | None
    """As it says itself; None for the two that have no length, and where that is cut off."""
    name: str
    text: str
    octets: bytes
    fault: str = ""


class Header(Value):
    kind: Kind
    fields: tuple[Field, ...]
    octets: bytes
    """As captured."""
    length: int
    """As it says itself, or as its kind has it."""
    options: tuple[Option, ...] = ()
    fault: str = ""

    @property
    def name(self) -> str:
        return self.kind.name

    @property
    def room(self) -> int:
        """Octets for options."""
        return self.length - self.kind.octets

    def field(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)

    def octets_of(self, *fields: Field) -> str:
        """The bytes that fields take part in, in hexadecimal; `··` for one that was not captured."""
        first, last = fields[0].start // 8, (fields[-1].start + fields[-1].bits - 1) // 8
        return " ".join(f"{self.octets[at]:02x}" if at < len(self.octets) else "··" for at in range(first, last + 1))

    def value(self, name: str) -> int | None:
        return self.field(name).raw

    def noted(self, name: str, note: str, detail: str = "") -> Header:
        """With a word about one of its fields."""
        fields = (replace(f, note=note, detail=detail) if f.name == name else f for f in self.fields)
        return replace(self, fields=tuple(fields))


class Dissection(Value):
    """A frame from the outermost header to the text of its segment or datagram."""

    number: int
    file: str
    headers: tuple[Header, ...]
    """Link, then IP and its extension headers, then TCP or UDP."""
    data: bytes
    """As much of the text as was captured."""
    length: int
    """Octets of text by the IP or UDP header."""
    trailer: int = 0
    """Octets behind the IP datagram: padding of short frames."""
    more: bool = False
    """It is the first fragment of a datagram: there is more text in others."""

    @property
    def segment(self) -> Header:
        """TCP's or UDP's."""
        return self.headers[-1]

    @property
    def network(self) -> Header:
        return next(header for header in self.headers if header.kind in (IPV4, IPV6))

    @property
    def flags(self) -> tuple[str, ...]:
        """Those that are set, in the order of the RFC's ladders: SYN, ACK."""
        return tuple(field.name for field in reversed(self.segment.fields) if field.flag and field.raw)

    @property
    def what(self) -> str:
        """`SYN,ACK`; for a datagram `UDP`."""
        return ",".join(self.flags) or self.segment.name

    @property
    def ends(self) -> tuple[str, str]:
        """Addresses with ports, source first."""
        names = ("Source", "Destination")
        hosts = [self.network.field(f"{name} Address").text for name in names]
        ports = [self.segment.field(f"{name} Port").text or "?" for name in names]
        source, destination = (
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in zip(hosts, ports, strict=True)
        )
        return source, destination


def header(kind: Kind, octets: bytes, *, length: int | None = None) -> Header:
    """The fixed fields of a header at the beginning of `octets`; those beyond their end are not captured."""
    length = kind.octets if length is None else length
    fault = CUT if len(octets) < length else ""
    return Header(kind, tuple(_fields(kind, octets)), octets[:length], length, fault=fault)


def rows(fields: Iterable[Field]) -> Iterator[tuple[Field, ...]]:
    """As the RFCs' figures have them: 32 bits a row, or one field that fills several."""
    row: list[Field] = []
    for field in fields:
        row.append(field)
        if (field.start + field.bits) % 32 == 0:
            yield tuple(row)
            row = []
    if row:
        yield tuple(row)


def octet_groups(row: Iterable[Field]) -> Iterator[tuple[Field, ...]]:
    """The fields of a row that share octets: whose bytes are written together."""
    group: list[Field] = []
    for field in row:
        group.append(field)
        if (field.start + field.bits) % 8 == 0:
            yield tuple(group)
            group = []


def _fields(kind: Kind, octets: bytes) -> list[Field]:
    whole = int.from_bytes(octets[: kind.octets].ljust(kind.octets, b"\0"))
    fields, start = [], 0
    for spec in kind.specs:
        end = start + spec.bits
        raw = whole >> (8 * kind.octets - end) & ((1 << spec.bits) - 1) if end <= 8 * len(octets) else None
        fields.append(Field(spec.name, start, spec.bits, raw, "" if raw is None else written(spec, raw)))
        start = end
    return fields


def written(spec: Spec, raw: int) -> str:
    """A value in its field's form: `0x1c46`, `02:00:00:00:00:01`, `10.0.0.1`, `6 (TCP)`."""
    match spec.form:
        case "hex":
            return f"{raw:#0{2 + (spec.bits + 3) // 4}x}"
        case "mac":
            return raw.to_bytes(6).hex(":")
        case "address":
            return str(IPv4Address(raw) if spec.bits == 32 else IPv6Address(raw))
        case "protocol":
            return f"{raw} ({PROTOCOLS[raw]})" if raw in PROTOCOLS else str(raw)
        case "type":
            return f"{raw:#06x} ({TYPES[raw]})" if raw in TYPES else f"{raw:#06x}"
        case _:
            return str(raw)
