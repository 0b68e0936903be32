"""What `match` tells a person: ladders with verdicts for a few connections, a table for many."""

from __future__ import annotations

from collections.abc import Iterator

from tcpviz.exchange.capture import Capture
from tcpviz.exchange.exchange import Connection, Exchange
from tcpviz.exchange.ladder import ladder
from tcpviz.exchange.numbers import Numbers
from tcpviz.language import ENGLISH, Language

_FEW = 3


def report(
    capture: Capture,
    exchange: Exchange,
    *,
    numbers: Numbers = "relative",
    ascii_only: bool = False,
    language: Language = ENGLISH,
) -> str:
    """The whole answer for one capture, ending in a line that says the verdict."""
    lines = []
    if len(exchange.connections) <= _FEW:
        for index, connection in enumerate(exchange.connections, 1):
            told = ladder(connection, numbers=numbers, ascii_only=ascii_only, verdicts=True, language=language)
            lines.append(told)
            lines += [f"{line}\n" for line in verdict_lines(connection, index, len(exchange.connections))]
            lines.append("\n")
    else:
        lines += [f"{line}\n" for line in _table(exchange)]
    for flow in exchange.flows:
        first, second = flow.endpoints
        octets = sum(datagram.length for datagram in flow.datagrams)
        lines.append(f"UDP {first} and {second}: {len(flow.datagrams)} datagrams, {octets} octets\n")
    lines.append(f"{capture.file}: {summary(capture, exchange)}\n")
    return "".join(lines)


def verdict_lines(connection: Connection, number: int, of: int) -> Iterator[str]:
    """`conforms: closed, 11 segments`, and each violation with its frame."""
    name = f"connection {number}: " if of > 1 else ""
    verdict = "conforms" if connection.conforms else "VIOLATES"
    notes = "" if connection.saw_start else ", captured from the middle on"
    yield f"{name}{verdict}: {connection.outcome}, {len(connection.segments)} segments{notes}"
    for sent in connection.violations:
        yield f"  frame {sent.frame}: {sent.expected or sent.why} ({sent.section})"


def _table(exchange: Exchange) -> Iterator[str]:
    width = max(len(str(c.client.address)) for c in exchange.connections)
    peers = max(len(str(c.server.address)) for c in exchange.connections)
    for index, c in enumerate(exchange.connections, 1):
        verdict = "conforms" if c.conforms else f"VIOLATES at frame {c.violations[0].frame}"
        ends = f"{c.client.address!s:<{width}} -> {c.server.address!s:<{peers}}"
        yield f"{index:>5}  {ends}  {len(c.segments):>6} segments  {c.outcome:<9}  {verdict}"


def summary(capture: Capture, exchange: Exchange) -> str:
    """`14 frames, 2 skipped (neither TCP nor UDP); 1 connection, all conform`."""
    skipped = f", {sum(capture.skipped.values())} skipped ({', '.join(capture.skipped)})" if capture.skipped else ""
    count = len(exchange.connections)
    faulty = sum(not connection.conforms for connection in exchange.connections)
    connections = f"{count} connection{'' if count == 1 else 's'}"
    verdict = f"{faulty} violate{'s' if faulty == 1 else ''}" if faulty else "all conform" if count > 1 else "conforms"
    return f"{capture.records} frames{skipped}; {connections}" + (f", {verdict}" if count else "")
