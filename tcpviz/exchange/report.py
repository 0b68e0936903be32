"""What `match` tells a person: ladders with verdicts for a few connections, a table for many."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tcpviz.exchange.capture import Capture
from tcpviz.exchange.dialect import Habits, habits
from tcpviz.exchange.exchange import SIDES, Connection, Exchange, Side, Transmission
from tcpviz.exchange.ladder import ladder
from tcpviz.exchange.numbers import Numbers
from tcpviz.exchange.policy import POLICIES
from tcpviz.language import ENGLISH, Language
from tcpviz.value import Value

_FEW = 3
"""As many are shown one by one."""


def report(
    capture: Capture,
    exchange: Exchange,
    *,
    shown: Collection[int] | None = None,
    side: Side | None = None,
    numbers: Numbers = "relative",
    ascii_only: bool = False,
    language: Language = ENGLISH,
) -> str:
    """The whole answer for one capture, ending in a line that says the verdict.

    `shown` are the numbers of the connections to show, from 1, without the flows; None shows all. More than a few
    become a table. `side` is the end that was judged alone.
    """
    count = len(exchange.connections)
    listed = [(n, c) for n, c in enumerate(exchange.connections, 1) if shown is None or n in shown]
    lines = []
    if len(listed) <= _FEW:
        for number, connection in listed:
            told = ladder(connection, numbers=numbers, ascii_only=ascii_only, verdicts=True, language=language)
            lines.append(told)
            lines += [f"{line}\n" for line in verdict_lines(connection, number, count, side)]
            lines.append("\n")
    else:
        table = Table(client=max(len(str(c.client.address)) for _, c in listed))
        lines += [f"{line}\n" for line in (table.head, *(row for n, c in listed for row in table.rows(n, c)))]
    for flow in exchange.flows if shown is None else ():
        first, second = flow.endpoints
        octets = sum(datagram.length for datagram in flow.datagrams)
        lines.append(f"UDP {first} and {second}: {len(flow.datagrams)} datagrams, {octets} octets\n")
    lines.append(f"{capture.file}: {summary(capture, exchange)}\n")
    return "".join(lines)


def verdict_lines(connection: Connection, number: int, of: int, side: Side | None = None) -> Iterator[str]:
    """`conforms: closed, 11 segments`, each fault with its frame, and what tells whose TCP it was."""
    name = f"connection {number}: " if of > 1 else ""
    name += f"the {side} alone " if side else ""
    verdict = "conforms" if connection.conforms else "VIOLATES"
    notes = "" if connection.saw_start else ", captured from the middle on"
    unseen = sum(sent.frame is None for sent in connection.segments)
    notes += f", {unseen} not captured" if unseen else ""
    yield f"{name}{verdict}: {connection.outcome}, {len(connection.segments)} segments{notes}"
    for sent in connection.segments:
        if sent.verdict != "ok":
            yield f"  {_fault(sent)}"
    for end in SIDES:
        yield from _habits(end, habits(connection, end))


def _habits(end: Side, shown: Habits) -> Iterator[str]:
    """`client: reset-with-ack, as linux or freebsd would`; nothing where nothing was put to the test."""
    if shown.seen:
        fits = f"as {' or '.join(shown.dialects)} would" if shown.dialects else "habits of no one dialect known here"
        yield f"  {end}: {', '.join(deviation.label for deviation in shown.seen)}, {fits}"
    elif shown.denied:
        others = " or ".join(name for name in POLICIES if name not in shown.dialects)
        yield f"  {end}: kept to RFC 9293 where {others} would not"


def _fault(sent: Transmission) -> str:
    warning = "warning: " if sent.verdict == "warning" else ""
    section = f" ({sent.section})" if sent.section else ""
    return f"frame {sent.frame}: {warning}{sent.expected or sent.why}{section}"


class Table(Value):
    """One line a connection, and beneath those that violate the first fault. Widths are in columns."""

    file: int = 0
    """Of the names of files; 0 leaves them out."""
    client: int = len("255.255.255.255:65535")

    @property
    def head(self) -> str:
        return (
            f"{self._file('file')}{'':>5}  {'client':<{self.client}}  segments  {'outcome':<9}  {'verdict':<8}  server"
        )

    def rows(self, number: int, connection: Connection, file: str = "") -> Iterator[str]:
        verdict = "conforms" if connection.conforms else "VIOLATES"
        yield (
            f"{self._file(file)}{number:>5}  {connection.client.address!s:<{self.client}}"
            f"  {len(connection.segments):>8}  {connection.outcome:<9}  {verdict}  {connection.server.address}"
        )
        faults = connection.violations
        if faults:
            more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
            yield f"{self._file('')}{'':>5}  {_fault(faults[0])}{more}"

    def _file(self, name: str) -> str:
        return f"{name:<{self.file}}" if self.file else ""


def summary(capture: Capture, exchange: Exchange) -> str:
    """`14 frames, 2 skipped (neither TCP nor UDP); 1 connection, conforms`."""
    skipped = f", {sum(capture.skipped.values())} skipped ({', '.join(capture.skipped)})" if capture.skipped else ""
    faulty = sum(not connection.conforms for connection in exchange.connections)
    return f"{capture.records} frames{skipped}; {tally_text(len(exchange.connections), faulty)}"


def tally_text(count: int, faulty: int) -> str:
    """`1 connection, conforms`; `4 connections, 1 violates`."""
    connections = f"{count} connection{'' if count == 1 else 's'}"
    verdict = f"{faulty} violate{'s' if faulty == 1 else ''}" if faulty else "all conform" if count > 1 else "conforms"
    return f"{connections}, {verdict}" if count else connections
