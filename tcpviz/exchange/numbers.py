"""How sequence numbers and times are written: symbolic as textbooks do, relative, or absolute."""

from __future__ import annotations

from typing import Literal

from tcpviz.exchange.exchange import Connection, Transmission
from tcpviz.value import replace

Numbers = Literal["symbolic", "relative", "absolute"]


def number_fields(connection: Connection, sent: Transmission, numbers: Numbers) -> tuple[str, str | None]:
    """SEG.SEQ and SEG.ACK as text: `x+1`, `1` or `3194751823`; None without the ACK flag."""
    segment = sent.segment
    if numbers == "absolute":
        return str(segment.seq), str(segment.ack) if segment.has_ack else None
    seq, ack = connection.relative(sent)
    if numbers == "symbolic" and segment.rst and connection.party(sent.origin).isn is None:
        # an end that never chose an ISN has no letter: the reset that refuses a SYN is 0, not y+1
        return str(segment.seq), None if ack is None else _symbol("x" if sent.origin == "server" else "y", ack)
    if numbers == "relative":
        return str(seq), None if ack is None else str(ack)
    ours, theirs = ("x", "y") if sent.origin == "client" else ("y", "x")
    if connection.client.address == connection.server.address:
        theirs = ours  # who connects to itself has one ISN
    return _symbol(ours, seq), None if ack is None else _symbol(theirs, ack)


def sack_fields(connection: Connection, sent: Transmission, numbers: Numbers) -> tuple[str, ...]:
    """The blocks of a SACK option, each as `x+11–x+21`."""

    def text(number: int) -> str:
        told = replace(sent, segment=replace(sent.segment, ack=number))
        return number_fields(connection, told, numbers)[1] or str(number)

    return tuple(f"{text(left)}–{text(right)}" for left, right in sent.segment.options.sack)


def _symbol(letter: str, offset: int) -> str:
    return f"{letter}{offset:+d}" if offset else letter


def time_text(nanoseconds: int) -> str:
    """Four figures with the unit that fits: `0 s`, `12 µs`, `1.25 ms`, `60 s`."""
    for unit, size in (("s", 10**9), ("ms", 10**6), ("µs", 10**3)):
        if abs(nanoseconds) >= size:
            return f"{_figures(nanoseconds / size)} {unit}"
    return f"{nanoseconds} ns" if nanoseconds else "0 s"


def _figures(value: float) -> str:
    decimals = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
