"""A UDP flow as text: arrows between the ends, and no states, for UDP has none. And a whole exchange: every connection
and every flow."""

from __future__ import annotations

from tcpviz.exchange.exchange import Exchange, Flow
from tcpviz.exchange.ladder import ladder
from tcpviz.exchange.numbers import Numbers, time_text
from tcpviz.language import ENGLISH, Language, columns
from tcpviz.model.sentence import Sentence

_HEADER = 8
"""Octets of UDP's header (RFC 768); TCP's has 20 to 60."""


def flow_ladder(flow: Flow, *, ascii_only: bool = False, width: int = 80, language: Language = ENGLISH) -> str:
    """The whole flow, ending in a newline."""
    language = ENGLISH if ascii_only else language
    line, right, left = ("-", ">", "<") if ascii_only else ("─", "▶", "◀")
    first, second = (f"UDP {endpoint}" for endpoint in flow.endpoints)
    lines = [f"    {first}{second.rjust(max(width - 4 - len(first), len(second) + 1))}"]
    room = width - 4
    for number, datagram in enumerate(flow.datagrams, 1):
        when = time_text(datagram.time).replace("µ", "u" if ascii_only else "µ")
        label = f" {language.translated(Sentence('{} octets + {} of header', datagram.length, _HEADER))} "
        rest = line * max(1, room - 6 - columns(label) - len(when))
        if datagram.origin == 0:
            arrow = f"{line}{line}{label}{rest} {when} {line}{right}"
        else:
            arrow = f"{left}{line}{label}{rest} {when} {line}{line}"
        lines.append(f"{number:>3} {arrow}")
    return "".join(f"{text}\n" for text in lines)


def ladders(
    exchange: Exchange,
    numbers: Numbers = "relative",
    ascii_only: bool = False,
    verdicts: bool = False,
    language: Language = ENGLISH,
) -> str:
    """Every connection and every flow, one below the other."""
    shown = [
        ladder(connection, numbers=numbers, ascii_only=ascii_only, verdicts=verdicts, language=language)
        for connection in exchange.connections
    ]
    flows = (flow_ladder(flow, ascii_only=ascii_only, language=language) for flow in exchange.flows)
    return "\n".join([*shown, *flows])
