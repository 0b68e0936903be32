"""One transmission -> one Arrow: everything that is written about a segment, and in which role."""

from __future__ import annotations

from collections.abc import Iterator

from tcpviz.draw.drawing import Role
from tcpviz.draw.metrics import printable
from tcpviz.draw.story import Arrow, Note
from tcpviz.draw.view import View
from tcpviz.draw.words import BLANK, Words
from tcpviz.exchange.exchange import Connection, Expected, Side, Transmission
from tcpviz.exchange.numbers import Numbers, number_fields, sack_fields, time_text
from tcpviz.model.segment import words as flag_words
from tcpviz.model.sentence import Sentence

_VERDICTS = {"ok": ("✓", Role.MUTED), "warning": ("!", Role.WARNING), "violation": ("✗", Role.VIOLATION)}


def arrow(connection: Connection, index: int, view: View, words: Words) -> Arrow:
    sent = connection.segments[index]
    segment = sent.segment
    unflagged = "flags" in view.quiz
    # nobody judges what nobody saw, or was not asked to
    judged = sent.kind != "inferred" and sent.origin in connection.judged
    mark, mark_role = _VERDICTS[sent.verdict] if view.verdicts and judged else ("", Role.MUTED)
    return Arrow(
        index,
        sent.origin,
        Role.TEXT if unflagged else _role(sent),
        BLANK if unflagged else _flags(sent, words),
        " ".join(_numbers(connection, sent, view)),
        time_text(sent.sent) if "times" in view.show else "",
        dashed=not unflagged and (sent.kind == "inferred" or not (segment.span or segment.rst)),
        strong=not unflagged and (segment.syn or segment.fin or segment.rst),
        lost=sent.arrived is None,
        foreign=sent.kind in ("injected", "duplicate"),
        mark=mark,
        mark_role=mark_role,
        notes=tuple(_notes(connection, sent, view, words)),
    )


def _role(sent: Transmission) -> Role:
    segment = sent.segment
    if sent.kind == "inferred":
        return Role.MUTED
    if segment.rst:
        return Role.RESET
    if segment.syn:
        return Role.SYN
    if segment.fin:
        return Role.FIN
    return Role.DATA if segment.length else Role.ACK


def _flags(sent: Transmission, words: Words) -> str:
    flags = flag_words(sent.segment.flags)
    if sent.kind == "new":
        return flags
    return f"{flags} ({words.kind(sent.kind)})"


def _numbers(connection: Connection, sent: Transmission, view: View) -> Iterator[str]:
    seq, ack = number_fields(connection, sent, view.numbers)
    segment = sent.segment
    if "numbers" in view.quiz:
        seq, ack = BLANK, ack and BLANK
    yield f"seq={_before_the_isn(seq)}"
    if "flags" in view.quiz:
        # whether there is an acknowledgement at all is for the reader to know
        yield f"ack={BLANK}"
    elif ack is not None:
        yield f"ack={_before_the_isn(ack)}"
    if segment.length:
        yield f"len={segment.length}"
    # a closed window is news, whatever else is shown
    if "window" in view.show or (segment.window == 0 and segment.has_ack and not segment.rst and not segment.syn):
        scale = 0 if segment.syn else window_scale(connection, sent.origin)
        yield f"win={segment.window}" + (f"×{1 << scale}" if scale and segment.window else "")


def _before_the_isn(number: str) -> str:
    """No sequence number is negative; one from an earlier incarnation lies before this one's ISN."""
    return f"ISN−{number[1:]}" if number.startswith("-") else number.replace("-", "−")


def window_scale(connection: Connection, side: Side) -> int:
    """What `side` shifts its windows by: only if both SYNs offered to (RFC 7323 2.2)."""
    offers = {s.origin: s.segment.options.window_scale for s in connection.segments[:_OPENING] if s.segment.syn}
    return (offers[side] or 0) if len(offers) == 2 and None not in offers.values() else 0


_OPENING = 50
"""Where both SYNs are, if they are there at all."""


def _notes(connection: Connection, sent: Transmission, view: View, words: Words) -> Iterator[Note]:
    if view.quiz:
        # reasons are answers
        return
    if sent.verdict != "ok":
        role = Role.VIOLATION if sent.verdict == "violation" else Role.WARNING
        yield Note(fault(sent.expected, words) if sent.expected else printable(words.why(sent.why)), role, True)
    elif "why" in view.show:
        yield Note(printable(f"{words.why(sent.why)} ({sent.section})"))
    if "options" in view.show:
        written = " ".join(options(connection, sent, view.numbers, words))
        if written:
            yield Note(written)


def fault(expected: Expected, words: Words) -> str:
    """`expected ack=6, observed ack=7 (RFC 9293 3.10.7.4)`."""
    say, section = words.language.translated, printable(expected.section)
    if expected.reason:
        return f"{printable(say(expected.reason))} ({section})"
    field, allowed = printable(say(expected.field)), printable(say(expected.allowed))
    number = allowed.lstrip("-").isdigit()
    wanted = f"{field}={_before_the_isn(allowed)}" if number else f"{field}: {allowed}"
    seen = printable(say(expected.observed) if isinstance(expected.observed, str) else str(expected.observed))
    return f"{words.expected} {wanted}{words.comma}{words.observed} {_before_the_isn(seen)} ({section})"


def options(connection: Connection, sent: Transmission, numbers: Numbers, words: Words) -> Iterator[str]:
    """`mss=1460`, `sack=x+11–x+21`: what the header carries."""
    options = sent.segment.options
    if options.mss is not None:
        yield f"mss={options.mss}"
    if options.window_scale is not None:
        yield f"wscale={options.window_scale}"
    if options.sack_permitted:
        yield "sack-permitted"
    if options.timestamps is not None:
        # a no-break space: one option
        yield "tsval={}\u00a0tsecr={}".format(*options.timestamps)
    if options.fast_open is not None:
        yield f"fast-open={options.fast_open.hex() or words.language.translated(Sentence('request'))}"
    yield from (f"sack={_before_the_isn(block)}" for block in sack_fields(connection, sent, numbers))
