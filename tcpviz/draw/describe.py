"""What a picture shows, in sentences: for who cannot see it, and for search. Knows no coordinates."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from tcpviz.draw.arrows import fault
from tcpviz.draw.metrics import printable
from tcpviz.draw.view import Blank
from tcpviz.draw.words import BLANK, Words
from tcpviz.exchange.exchange import SIDES, Connection, Flow, Side, Transmission, other
from tcpviz.exchange.numbers import Numbers, number_fields, time_text
from tcpviz.graph import Edge
from tcpviz.model.segment import words as flag_words
from tcpviz.model.transitions import Row

if TYPE_CHECKING:
    from tcpviz.exchange.headers import Dissection  # one figure's, and slow to load

_MOST = 30
"""Segments that anybody listens to."""
_LONGEST = 200


def connection(connection: Connection, numbers: Numbers, words: Words, quiz: Collection[Blank] = ()) -> str:
    """Who talks, and a line for each segment: `1. Client → Server, 0 s: SYN seq=0; SYN-SENT, SYN-RECEIVED`."""
    ends = f"{words.client} {connection.client.address}{words.comma}{words.server} {connection.server.address}"
    lines = [_inert(ends), *islice(_segments(connection, numbers, words, quiz), _MOST)]
    left = len(connection.segments) - _MOST
    if not connection.segments:
        lines.append(words.nothing)
    if left > 0:
        lines.append(f"… {(words.segment if left == 1 else words.segments).format(left)} …")
    return "\n".join(lines)


def _segments(connection: Connection, numbers: Numbers, words: Words, quiz: Collection[Blank]) -> Iterator[str]:
    for number, sent in enumerate(connection.segments, 1):
        yield f"{number}. {_segment(connection, sent, numbers, words, quiz)}"


def _segment(
    connection: Connection, sent: Transmission, numbers: Numbers, words: Words, quiz: Collection[Blank]
) -> str:
    way = (words.client, words.server) if sent.origin == "client" else (words.server, words.client)
    seq, ack = number_fields(connection, sent, numbers)
    unflagged = "flags" in quiz
    if "numbers" in quiz:
        seq, ack = BLANK, ack and BLANK
    said = [BLANK if unflagged else flag_words(sent.segment.flags), f"seq={seq}"]
    said += [f"ack={BLANK if unflagged else ack}"] if unflagged or ack is not None else []
    said += [f"len={sent.segment.length}"] if sent.segment.length else []
    said += [f"({words.kind(sent.kind)})"] if sent.kind != "new" and not unflagged else []
    said += [f"({words.lost})"] if sent.arrived is None else []
    if sent.expected and not quiz:
        said.append(_inert(f"({fault(sent.expected, words)})"))
    after = {sent.origin: sent.sender, other(sent.origin): sent.after}
    states = [str(after[side]) for side in SIDES if side in connection.judged and "states" not in quiz]
    told = f"{' → '.join(way)}{words.comma}{time_text(sent.sent)}{words.colon}{' '.join(said)}"
    return f"{told}; {', '.join(states)}" if states else told


def flow(told: Flow, words: Words) -> str:
    """Who sends how much to whom: `1. 10.0.0.1:8888 → 10.0.0.2:8080, 100 ms: 5 octets`."""
    ends = [_inert(str(end)) for end in told.endpoints]
    lines = [words.udp]
    for number, sent in enumerate(told.datagrams[:_MOST], 1):
        way = f"{ends[sent.origin]} → {ends[1 - sent.origin]}"
        lines.append(f"{number}. {way}, {time_text(sent.time)}: {words.octets.format(sent.length)}")
    left = len(told.datagrams) - _MOST
    return "\n".join([*lines, *([f"… {words.datagrams.format(left)} …"] if left > 0 else [])])


def _inert(text: str, longest: int = _LONGEST) -> str:
    """Nothing that steers a reader, and no longer than anybody listens."""
    return printable(text if len(text) <= longest else f"{text[:longest]}…")


def machine(edges: Sequence[Edge], walks: Mapping[Side, Sequence[Row | None]], words: Words) -> str:
    """Every arrow, and who went along it at which step."""
    names: dict[Side, str] = {"client": words.client, "server": words.server}
    lines = []
    for edge in edges:
        steps = [
            f"{names[side]} {number}"
            for side, rows in walks.items()
            for number, row in enumerate(rows, 1)
            if row in edge.rows
        ]
        label = "; ".join(map(words.notation, edge.lines))
        lines.append(f"{edge.source} → {edge.target}: {label}" + (f" ({', '.join(steps)})" if steps else ""))
    return "\n".join(lines)


def frame(frame: Dissection, words: Words) -> Iterator[str]:
    """A line for each header: `TCP: Source Port 50000, Destination Port 80, …`."""
    say = words.language.translated
    for header in frame.headers:
        said = []
        for field in header.fields:
            note = f" ({say(field.note)} {field.detail}".rstrip() + ")" if field.note else ""
            said.append(f"{say(field.name)} {field.text or '?'}{note}")
        said += [f"{say(option.name or 'unknown option')} {option.text}".rstrip() for option in header.options]
        yield _inert(f"{header.name}: {', '.join(said)}", 4 * _LONGEST)
    yield f"{say('Data')}: {frame.length} {say('octets')}"
