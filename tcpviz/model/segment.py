"""A TCP segment's header as a value (RFC 9293 section 3.1).

Any segment can be written down here, nonsense too: what arrived is a fact, and judging it is the
business of others. The text itself is only counted.
"""

from __future__ import annotations

from tcpviz.model.sequence import add
from tcpviz.value import Value

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))

LARGEST_SCALE = 14
"""A larger window scale counts as this (RFC 7323 section 2.3)."""

_LETTERS = "FSRPAUEC"
_WORDS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")


def letters(flags: int) -> str:
    """Flags as scapy writes them: `SA`, `PA`, `FA`; an empty string when none is set."""
    return "".join(letter for bit, letter in enumerate(_LETTERS) if flags >> bit & 1)


def words(flags: int) -> str:
    """Flags as the RFC's ladders write them: `SYN,ACK`; `none` when none is set."""
    return ",".join(word for bit, word in enumerate(_WORDS) if flags >> bit & 1) or "none"


class Options(Value):
    """The TCP options that decide anything here (RFC 9293 3.2, RFC 7323, RFC 2018, RFC 7413)."""

    mss: int | None = None
    window_scale: int | None = None
    sack_permitted: bool = False
    timestamps: tuple[int, int] | None = None
    """TSval and TSecr."""
    fast_open: bytes | None = None
    """A Fast Open cookie (RFC 7413); empty when one is asked for."""
    sack: tuple[tuple[int, int], ...] = ()
    """Blocks of text that arrived after a gap, the newest first (RFC 2018)."""
    multipath: bool = False
    """One of Multipath TCP's options is there; what it says is another layer's affair (RFC 8684)."""

    @property
    def shift(self) -> int:
        """By how many bits windows are scaled, where both ends offer that."""
        return min(self.window_scale or 0, LARGEST_SCALE)


NO_OPTIONS = Options()


class Segment(Value):
    """SEG.SEQ, SEG.ACK and the rest; `ack` means something only with the ACK flag."""

    seq: int
    ack: int
    flags: int
    length: int = 0
    """Octets of text, without SYN and FIN."""
    window: int = 0
    """As in the header, before any scaling."""
    options: Options = NO_OPTIONS
    urgent: int = 0
    """SEG.UP, with the URG flag: octets from SEG.SEQ to the last urgent one."""

    @property
    def fin(self) -> bool:
        return bool(self.flags & FIN)

    @property
    def syn(self) -> bool:
        return bool(self.flags & SYN)

    @property
    def rst(self) -> bool:
        return bool(self.flags & RST)

    @property
    def push(self) -> bool:
        return bool(self.flags & PSH)

    @property
    def has_ack(self) -> bool:
        return bool(self.flags & ACK)

    @property
    def span(self) -> int:
        """SEG.LEN: octets of sequence space, SYN and FIN counting one each."""
        return self.length + bool(self.flags & SYN) + bool(self.flags & FIN)

    @property
    def text(self) -> int:
        """The sequence number of the first octet of text (a SYN comes before it)."""
        return add(self.seq, 1) if self.flags & SYN else self.seq

    @property
    def end(self) -> int:
        """The sequence number after the segment: SEG.SEQ + SEG.LEN."""
        return add(self.seq, self.span)
