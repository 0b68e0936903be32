"""A segment or a datagram -> what the page says of it: its header, why each number is what it is, and where that is
written. Plain values that become JSON; nothing in them steers whoever reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tcpviz.draw.arrows import fault, options, window_scale
from tcpviz.draw.metrics import printable
from tcpviz.draw.udp_flow import UDP, decoded
from tcpviz.draw.view import View
from tcpviz.draw.web.phrases import Phrases, ends_in
from tcpviz.draw.words import Words
from tcpviz.exchange.exchange import Connection, Datagram, Expected, Flow, Transmission, other
from tcpviz.exchange.numbers import Numbers, number_fields, time_text
from tcpviz.exchange.reasons import composition
from tcpviz.model.segment import words as flag_words
from tcpviz.model.transitions import Row, cite

_RFC = re.compile(r"RFC (\d+)(?: (?:section )?([\d.]*\d))?")
_MOST = 60
"""Characters of data that are shown."""
Field = tuple[str, str, str, bool]
"""Its name, its value, why it has that, and whether it differs from what was expected."""


def named(connection: Connection, sent: Transmission, numbers: Numbers, words: Words) -> str:
    """`SYN,ACK seq=0 ack=1`."""
    seq, ack = number_fields(connection, sent, numbers)
    said = [flag_words(sent.segment.flags), f"seq={seq}"]
    said += [f"ack={ack}"] if ack is not None else []
    said += [f"len={sent.segment.length}"] if sent.segment.length else []
    said += [f"({words.kind(sent.kind)})"] if sent.kind != "new" else []
    return " ".join(said)


def segment(connection: Connection, index: int, view: View, words: Words, phrases: Phrases) -> dict[str, Any]:
    """All that the page shows of the segment `index`; of one that is predicted no verdict."""
    sent, numbers = connection.segments[index], view.numbers
    differing = _KEYS.get(sent.expected.field, "options") if sent.expected else ""
    ends = ends_in(words.language)
    sender, receiver = ends[sent.origin], ends[other(sent.origin)]
    judged = sent.expected.section if sent.expected else ""
    ruled = sent.rows if other(sent.origin) in connection.judged else ()
    told = view.verdicts and sent.origin in connection.judged
    notes = [
        *([_note(phrases.verdict, verdict(sent, words, phrases), judged)] if told else []),
        _note(phrases.why, words.why(sent.why), sent.section),
        *(_note(phrases.rules, f"{receiver}{words.colon}{_rule(row, words)}", cite(row.section)) for row in ruled),
    ]
    return {
        "title": f"{phrases.numbered.format(number=index + 1)}{words.colon}{named(connection, sent, numbers, words)}",
        "way": phrases.between.format(sender=sender, receiver=receiver),
        "verdict": sent.verdict,
        "fields": [
            (name, value, _beside(why, sent.expected, key, words), bool(key) and key == differing)
            for key, name, value, why in _fields(connection, sent, numbers, words, phrases)
        ],
        "notes": notes,
    }


_KEYS = {"seq": "sequence", "ack": "acknowledgment", "flags": "flags", "window": "window", "length": "text"}
"""What the matcher calls a field, and which line of the table it is; all others are options."""


def _beside(why: str, expected: Expected | None, key: str, words: Words) -> str:
    """What was expected, beside what was observed."""
    if expected is None or key != _KEYS.get(expected.field, "options") or expected.reason:
        return why
    say = words.language.translated
    wanted = f"{words.expected} {say(expected.field)}={printable(say(expected.allowed))}"
    return words.comma.join(filter(None, (wanted, why)))


def _fields(
    connection: Connection, sent: Transmission, numbers: Numbers, words: Words, phrases: Phrases
) -> Iterator[tuple[str, str, str, str]]:
    """(key, name, value, why) for each."""
    one, two, head = connection.party(sent.origin), connection.party(other(sent.origin)), sent.segment
    seq, ack = number_fields(connection, sent, numbers)
    yield "", phrases.source_port, str(one.address.port), ""
    yield "", phrases.destination_port, str(two.address.port), ""
    yield "sequence", phrases.sequence, seq, composition(connection, sent.origin, head.seq)
    if ack is not None:
        counted = composition(connection, other(sent.origin), head.ack)
        yield "acknowledgment", phrases.acknowledgment, ack, phrases.next_octet.format(sum=counted)
    yield "flags", phrases.flags, flag_words(head.flags), ""
    shift = 0 if head.syn else window_scale(connection, sent.origin)
    scaled = phrases.scaled.format(window=head.window, factor=1 << shift, octets=head.window << shift)
    yield "window", phrases.window, str(head.window), scaled if shift and head.window else ""
    if head.urgent:
        yield "", phrases.urgent, str(head.urgent), ""
    if written := " ".join(options(connection, sent, numbers, words)).replace("\u00a0", " "):
        yield "options", phrases.options, written, ""
    if head.length:
        yield "text", phrases.text, phrases.octets.format(count=head.length), _quoted(sent.payload)
    if sent.frame is not None:
        yield "", phrases.frame, str(sent.frame), ""
    if sent.arrived == sent.sent:
        yield "", phrases.seen, time_text(sent.sent), ""
    else:
        yield "", phrases.sent, time_text(sent.sent), ""
        yield "", phrases.arrived, phrases.lost if sent.arrived is None else time_text(sent.arrived), ""


def _quoted(payload: bytes) -> str:
    """The beginning of what was said, with a point for whatever is no plain character."""
    if not payload:
        return ""
    said = decoded(payload) or payload.decode("ascii", "replace")
    text = "".join(char if char.isprintable() and char != "\ufffd" else "·" for char in said[:_MOST])
    return f"“{text}{'…' if len(said) > _MOST else ''}”"


def verdict(sent: Transmission, words: Words, phrases: Phrases) -> str:
    """`not allowed: expected ack=6, observed 7`."""
    name = {"ok": phrases.ok, "warning": phrases.warning, "violation": phrases.violation}[sent.verdict]
    if sent.expected is None:
        return name
    if sent.expected.reason:
        return f"{name}{words.colon}{printable(words.language.translated(sent.expected.reason))}"
    # its section stands beside it
    return f"{name}{words.colon}{fault(sent.expected, words).removesuffix(f' ({printable(sent.expected.section)})')}"


def _rule(row: Row, words: Words) -> str:
    """`LISTEN → SYN-RECEIVED: rcv SYN / snd SYN,ACK`."""
    happens = " / ".join(filter(None, (str(row.stimulus), str(row.reply))))
    states = str(row.source) if row.source is row.target else f"{row.source} → {row.target}"
    return f"{states}{words.colon}{words.notation(happens)}"


def _note(label: str, text: str, section: str) -> dict[str, str]:
    return {"label": label, "text": printable(text), "section": printable(section), "link": link(section)}


def link(section: str) -> str:
    """Where the RFC Editor has the section that a text names; empty when it names none."""
    found = _RFC.search(section)
    if not found:
        return ""
    anchor = f"#section-{found[2]}" if found[2] else ""
    return f"https://www.rfc-editor.org/rfc/rfc{found[1]}{anchor}"


def datagram(told: Flow, index: int, words: Words, phrases: Phrases) -> dict[str, Any]:
    """The same for UDP, whose header says little more than its ports."""
    sent: Datagram = told.datagrams[index]
    one, two = told.endpoints[sent.origin], told.endpoints[1 - sent.origin]
    fields: list[Field] = [
        (phrases.source_port, str(one.port), "", False),
        (phrases.destination_port, str(two.port), "", False),
        (phrases.length, str(UDP + sent.length), words.udp_counted.format(sent.length, UDP), False),
        (phrases.text, phrases.octets.format(count=sent.length), _quoted(sent.payload), False),
    ]
    if sent.frame is not None:
        fields.append((phrases.frame, str(sent.frame), "", False))
    if sent.arrived is None:
        fields.append((phrases.seen, time_text(sent.time), "", False))
    else:
        fields.append((phrases.sent, time_text(sent.time), "", False))
        fields.append((phrases.arrived, time_text(sent.arrived), "", False))
    return {
        "title": phrases.datagram.format(number=index + 1),
        "way": phrases.between.format(sender=printable(str(one)), receiver=printable(str(two))),
        "verdict": "ok",
        "fields": fields,
        "notes": [_note(phrases.details, "", "RFC 768")],
    }
