"""An exchange as text, in the manner of RFC 9293's figures: states at the sides, segments between.

Each line shows both ends' states once its segment has been sent and has arrived. It is for reading, by
people and by tests; nothing parses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from tcpviz.exchange.exchange import SIDES, Connection, Side, Transmission
from tcpviz.exchange.numbers import Numbers, number_fields, time_text
from tcpviz.exchange.witness import beside
from tcpviz.language import ENGLISH, Language, columns
from tcpviz.model.segment import words
from tcpviz.model.sentence import Sentence, listed
from tcpviz.model.transitions import State

_STATE = len("SYN-RECEIVED")


class Glyphs(NamedTuple):
    line: str
    right: str
    left: str
    lost: str
    ok: str
    warning: str
    violation: str
    bar: str


UNICODE = Glyphs("─", "▶", "◀", "✗", "✓", "!", "✗", "│")
ASCII = Glyphs("-", ">", "<", "X", " ", "!", "X", "|")


_REMARKS = {
    "retransmission": Sentence("again"),
    "duplicate": Sentence("copy"),
    "injected": Sentence("injected"),
    "keep-alive": Sentence("keep-alive"),
    "window-probe": Sentence("probe"),
    "duplicate-frame": Sentence("same frame"),
    "inferred": Sentence("not captured"),
    "out-of-order": Sentence("captured late"),
}


def ladder(
    connection: Connection,
    *,
    numbers: Numbers = "relative",
    ascii_only: bool = False,
    width: int = 80,
    verdicts: bool = False,
    language: Language = ENGLISH,
) -> str:
    """The whole connection, ending in a newline; with `verdicts`, marks and faults too. ASCII speaks English.

    Where the kernel bore witness, what it said stands in a column of its own, right of `width`.
    """
    glyphs = ASCII if ascii_only else UNICODE
    language = ENGLISH if ascii_only else language
    names, *beginning = header(connection, width, language=language)
    kernel = beside(connection)
    heading = language.say(Sentence("kernel")) if kernel else ""
    lines = [*with_kernel([names], heading, width, glyphs), *beginning]
    for index, sent in enumerate(connection.segments):
        step = rung(connection, sent, index + 1, numbers, glyphs, width, verdicts, language)
        lines += with_kernel([*step], language.translated(kernel.get(index, "")), width, glyphs)
    lines += _afterwards(connection, width, ascii_only, language)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def with_kernel(lines: list[str], said: str, width: int, glyphs: Glyphs) -> list[str]:
    """What the kernel said stands in a column of its own, on the first line."""
    if not said:
        return lines
    first, *others = lines
    return [f"{first}{' ' * max(0, width - columns(first))} {glyphs.bar} {said}", *others]


def header(connection: Connection, width: int, starts: bool = True, language: Language = ENGLISH) -> Iterator[str]:
    """Who they are and, where the story starts, the states it starts in."""
    left = f"{language.say(Sentence('client'))} {connection.client.address}"
    right = f"{language.say(Sentence('server'))} {connection.server.address}"
    yield f"    {left}{' ' * max(width - 4 - columns(left) - columns(right), 1)}{right}"
    if starts:
        left, right = (_known(connection, end, connection.party(end).states[0].state) for end in SIDES)
        yield _row("", left, "", right, width)


def _known(connection: Connection, end: Side, state: State) -> str:
    return str(state) if end in connection.judged else ""


def rung(
    connection: Connection,
    sent: Transmission,
    number: int,
    numbers: Numbers,
    glyphs: Glyphs = UNICODE,
    width: int = 80,
    verdicts: bool = False,
    language: Language = ENGLISH,
) -> Iterator[str]:
    """One segment: a line, a second one when the numbers leave no room for the time, and one for each fault."""
    rightwards = sent.origin == "client"
    left, right = (sent.sender, sent.after) if rightwards else (sent.after, sent.sender)
    seq, ack = number_fields(connection, sent, numbers)
    fields = [f"{words(sent.segment.flags):<7}", f"seq={seq}"]
    fields += [f"ack={ack}"] if ack is not None else []
    fields += [f"len={sent.segment.length}"] if sent.segment.length else []
    fields += [language.say(_REMARKS[sent.kind])] if sent.kind in _REMARKS else []
    time = _ascii(time_text(sent.sent)) if glyphs is ASCII else time_text(sent.sent)
    room = width - len(_row("", "", "", "", 0))
    beneath = []
    ends = _ENDS + (_MISSING if sent.arrived is None else 0)
    if _too_long([*fields, time], room, ends + 2):
        beneath, time = [time], ""
    while _too_long(fields, room, ends):
        beneath.insert(0, fields.pop())
    # nobody saw what was inferred, so nobody judges it
    judged = verdicts and sent.kind != "inferred" and sent.origin in connection.judged
    mark = getattr(glyphs, sent.verdict) if judged else " "
    arrow = _arrow(" ".join(fields), time, room, rightwards, sent.arrived is None, glyphs)
    states = _known(connection, "client", left), _known(connection, "server", right)
    yield _row(f"{number:>3}{mark}", states[0], arrow, states[1], width)
    if beneath:
        yield _row("", "", " ".join(beneath).rjust(room - 3), "", width)
    if verdicts and sent.expected:
        told = Sentence("{} ({})", sent.expected.sentence, sent.expected.section)
        yield from (f"    {getattr(glyphs, sent.verdict)} {line}" for line in language.lines(told))


_ENDS, _MISSING = 5, 4
"""Columns that an arrow's line and head take, and, when it is lost, its missing end."""


def _too_long(fields: list[str], room: int, ends: int) -> bool:
    return columns(" ".join(fields)) + ends > room


def _arrow(label: str, time: str, room: int, rightwards: bool, lost: bool, glyphs: Glyphs) -> str:
    """`── SYN seq=0 ───── 0 s ─▶`; a lost segment breaks off before it reaches the other side."""
    line = glyphs.line
    head = (glyphs.right if rightwards else glyphs.left) if not lost else glyphs.lost
    tail = f" {time} {line}" if time else line
    length = room - 4 if lost else room
    if rightwards:
        body = f"{line}{line} {label} "
        whole = f"{body}{line * (length - columns(body) - len(tail) - 1)}{tail}{head}"
        return f"{whole}{' ' * (room - columns(whole))}"
    body = f"{head}{line} {label} "
    whole = f"{body}{line * (length - columns(body) - len(tail))}{tail}"
    return f"{' ' * (room - columns(whole))}{whole}"


def _row(number: str, left: str, middle: str, right: str, width: int) -> str:
    room = max(0, width - 6 - 2 * _STATE)
    return f"{number:<4}{left:<{_STATE}} {middle}{' ' * (room - columns(middle))} {right:<{_STATE}}"


def _afterwards(connection: Connection, width: int, ascii_only: bool, language: Language) -> Iterator[str]:
    """What only a timer did, once the last segment had arrived."""
    end = max((s.sent if s.arrived is None else s.arrived for s in connection.segments), default=0)
    states = {"client": connection.client.states, "server": connection.server.states}
    later = sorted(
        ((c.time, side, c) for side, changes in states.items() for c in changes if c.row and c.time > end),
        key=lambda item: item[0],
    )
    shown = {
        side: [changes[0], *(c for c in changes[1:] if c.time <= end)][-1].state for side, changes in states.items()
    }
    room = max(0, width - 6 - 2 * _STATE)
    for time, group in groupby(later, key=lambda item: item[0]):
        causes: dict[Sentence, None] = {}
        for _, side, change in group:
            shown[side] = change.state
            assert change.row
            causes[Sentence(str(change.row.stimulus))] = None
        when = _ascii(time_text(time)) if ascii_only else time_text(time)
        left, right = str(shown["client"]), str(shown["server"])
        for text in language.lines(Sentence("{} at {}", listed(causes), when)):
            # as str.center does, but a Chinese character takes two columns
            centred = text.center(room - columns(text) + len(text))
            yield _row("", left, centred, right, width)
            left = right = ""


def _ascii(text: str) -> str:
    return text.replace("µ", "u")
