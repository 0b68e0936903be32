"""What `match` tells a person: ladders with verdicts for a few connections, a table for many."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import reduce
from typing import get_args

from tcpviz.exchange.capture import Capture
from tcpviz.exchange.dialect import Habits, habits
from tcpviz.exchange.exchange import Connection, Exchange, Outcome, Transmission
from tcpviz.exchange.ladder import ladder
from tcpviz.exchange.numbers import Numbers
from tcpviz.exchange.policy import POLICIES
from tcpviz.language import ENGLISH, Language, columns, padded
from tcpviz.model.sentence import Sentence, listed
from tcpviz.value import Value

_FEW = 3
"""As many are shown one by one."""


def report(
    capture: Capture,
    exchange: Exchange,
    *,
    shown: Collection[int] | None = None,
    numbers: Numbers = "relative",
    ascii_only: bool = False,
    language: Language = ENGLISH,
) -> str:
    """The whole answer for one capture, ending in a line that says the verdict.

    `shown` are the numbers of the connections to show, from 1, without the flows; None shows all. More than a few
    become a table. ASCII speaks English.
    """
    language = ENGLISH if ascii_only else language
    count = len(exchange.connections)
    chosen = [(n, c) for n, c in enumerate(exchange.connections, 1) if shown is None or n in shown]
    parts = []
    if len(chosen) <= _FEW:
        for number, connection in chosen:
            told = ladder(connection, numbers=numbers, ascii_only=ascii_only, verdicts=True, language=language)
            parts += [told, language.text(verdict_lines(connection, number, count)), "\n"]
    else:
        table = Table(client=max(len(str(c.client.address)) for _, c in chosen), language=language)
        lines = (table.head, *(row for n, c in chosen for row in table.rows(n, c)))
        parts += [f"{line}\n" for line in lines]
    for flow in exchange.flows if shown is None else ():
        octets = sum(datagram.length for datagram in flow.datagrams)
        told = Sentence("UDP {} and {}: {} datagrams, {} octets", *flow.endpoints, len(flow.datagrams), octets)
        parts.append(language.text([told]))
    parts.append(language.text([Sentence("{}: {}", capture.file, summary(capture, exchange))]))
    return "".join(parts)


def verdict_lines(connection: Connection, number: int, of: int) -> Iterator[Sentence]:
    """`conforms: closed, 11 segments`, each fault with its frame, and what tells whose TCP it was."""
    unseen = sum(sent.frame is None for sent in connection.segments)
    count = len(connection.segments)
    facts = [Sentence(str(connection.outcome)), Sentence("{} segment" if count == 1 else "{} segments", count)]
    facts += [] if connection.saw_start else [Sentence("captured from the middle on")]
    facts += [Sentence("{} not captured", unseen)] if unseen else []
    told = Sentence("conforms: {}" if connection.conforms else "VIOLATES: {}", listed(facts))
    if len(connection.judged) == 1:
        told = Sentence("the {} alone {}", Sentence(str(connection.judged[0])), told)
    yield Sentence("connection {}: {}", number, told) if of > 1 else told
    for sent in connection.segments:
        if sent.verdict != "ok":
            yield Sentence("  {}", _fault(sent))
    for end in connection.judged:
        if told_of := _habits(habits(connection, end)):
            yield Sentence("  {}", Sentence("{}: {}", Sentence(str(end)), told_of))


def _habits(shown: Habits) -> Sentence | None:
    """`reset-with-ack, as linux or freebsd would`; nothing where nothing was put to the test."""
    if shown.seen:
        labels = ", ".join(deviation.label for deviation in shown.seen)
        if not shown.dialects:
            return Sentence("{}, habits of no one dialect known here", labels)
        return Sentence("{}, as {} would", labels, _either(shown.dialects))
    if shown.denied:
        others = [name for name in POLICIES if name not in shown.dialects]
        return Sentence("kept to RFC 9293 where {} would not", _either(others))
    return None


def _either(names: Iterable[object]) -> object:
    """`linux or freebsd`."""
    return reduce(lambda first, last: Sentence("{} or {}", first, last), names)


def _fault(sent: Transmission) -> Sentence:
    """`frame 5: expected ack=6, not 7 (RFC 9293 3.10.7.4)`."""
    what = sent.expected.sentence if sent.expected else sent.why
    section = sent.expected.section if sent.expected else sent.section
    what = Sentence("{} ({})", what, section) if section else what
    return Sentence("frame {}: warning: {}" if sent.verdict == "warning" else "frame {}: {}", sent.frame, what)


_NUMBER = 5
"""Columns."""
_SEGMENTS, _OUTCOME, _VERDICT = Sentence("segments"), Sentence("outcome"), Sentence("verdict")
_CONFORMS, _VIOLATES = Sentence("conforms"), Sentence("VIOLATES")


class Table(Value):
    """One line a connection, and beneath those that violate the first fault. Widths are in columns."""

    file: int = 0
    """Of the names of files; 0 leaves them out."""
    client: int = len("255.255.255.255:65535")
    language: Language = ENGLISH

    @property
    def head(self) -> str:
        say = self.language.say
        file, client, server = say(Sentence("file")), say(Sentence("client")), say(Sentence("server"))
        return self._line(file, "", client, say(_SEGMENTS), say(_OUTCOME), say(_VERDICT), server)

    def rows(self, number: int, connection: Connection, file: str = "") -> Iterator[str]:
        outcome = self.language.say(Sentence(str(connection.outcome)))
        verdict = self.language.say(_CONFORMS if connection.conforms else _VIOLATES)
        ends = str(connection.client.address), str(connection.server.address)
        yield self._line(file, str(number), ends[0], str(len(connection.segments)), outcome, verdict, ends[1])
        faults = connection.violations
        if faults:
            told = _fault(faults[0])
            told = Sentence("{}, and {} more", told, len(faults) - 1) if len(faults) > 1 else told
            indent = " " * (self.file + _NUMBER + 2)
            yield from (f"{indent}{line}" for line in self.language.lines(told))

    def _line(self, file: str, number: str, client: str, segments: str, outcome: str, verdict: str, server: str) -> str:
        cells = (
            f"{padded(file, self.file) if self.file else ''}{number:>{_NUMBER}}",
            padded(client, self.client),
            f"{' ' * (self._width(_SEGMENTS) - columns(segments))}{segments}",
            padded(outcome, self._width(_OUTCOME, *map(Sentence, get_args(Outcome)))),
            padded(verdict, self._width(_VERDICT, _CONFORMS, _VIOLATES)),
            server,
        )
        return "  ".join(cells)

    def _width(self, *words: Sentence) -> int:
        return max(columns(self.language.say(word)) for word in words)


def summary(capture: Capture, exchange: Exchange) -> Sentence:
    """`14 frames, 2 skipped (neither TCP nor UDP); 1 connection, conforms`."""
    faulty = sum(not connection.conforms for connection in exchange.connections)
    tally = tally_text(len(exchange.connections), faulty)
    frames = Sentence("{} frame" if capture.records == 1 else "{} frames", capture.records)
    if not capture.skipped:
        return Sentence("{}; {}", frames, tally)
    reasons = listed(capture.skipped)
    return Sentence("{}, {} skipped ({}); {}", frames, sum(capture.skipped.values()), reasons, tally)


def tally_text(count: int, faulty: int) -> Sentence:
    """`1 connection, conforms`; `4 connections, 1 violates`."""
    connections = Sentence("{} connection" if count == 1 else "{} connections", count)
    if not count:
        return connections
    verdict = Sentence("all conform") if count > 1 else _CONFORMS
    if faulty:
        verdict = Sentence("{} violates" if faulty == 1 else "{} violate", faulty)
    return listed((connections, verdict))
