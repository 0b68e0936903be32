"""Every number explains itself: why a segment was sent, what its numbers are made of, which rows it made fire.

Reads an Exchange and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

from tcpviz.exchange.exchange import Connection, Side, Transmission, other
from tcpviz.language import ENGLISH, Language
from tcpviz.model.segment import words
from tcpviz.model.sentence import Sentence
from tcpviz.model.sequence import distance
from tcpviz.model.transitions import cite


def reasons(connection: Connection, language: Language = ENGLISH) -> str:
    """All segments, one after another, ending in a newline."""
    return "".join(
        language.text(_reason(connection, sent, number)) for number, sent in enumerate(connection.segments, 1)
    )


def _reason(connection: Connection, sent: Transmission, number: int) -> Iterator[Sentence]:
    origin, target = Sentence(str(sent.origin)), Sentence(str(other(sent.origin)))
    flags = words(sent.segment.flags)
    yield Sentence("{:>3} {} from the {}: {} ({})", number, flags, origin, sent.why, sent.section)
    beneath = [Sentence("seq = {}", composition(connection, sent.origin, sent.segment.seq))]
    if sent.segment.has_ack:
        beneath.append(Sentence("ack = {}", composition(connection, other(sent.origin), sent.segment.ack)))
    if sent.arrived is None:
        beneath.append(Sentence("it is lost"))
    beneath += [Sentence("{}: {} ({})", target, row.sentence, cite(row.section)) for row in sent.rows]
    yield from (Sentence("      {}", sentence) for sentence in beneath)


def composition(connection: Connection, side: Side, number: int) -> Sentence:
    """What a sequence number of one side counts: `1006 = 1000 ISN + 1 SYN + 5 data`."""
    party = connection.party(side)
    if party.isn is None:
        return Sentence(str(number))
    offset = distance(party.isn, number)
    if offset <= 0:
        return Sentence("{} = {} ISN - {}" if offset else "{} = {} ISN", number, party.isn, -offset)
    fins = [distance(party.isn, s.segment.end) for s in connection.segments if s.origin == side and s.segment.fin]
    fin = int(any(offset >= end for end in fins))
    data = offset - 1 - fin
    parts = [Sentence("{} ISN", party.isn), Sentence("1 SYN")]
    parts += [Sentence("{} data", data)] if data else []
    parts += [Sentence("1 FIN")] if fin else []
    return Sentence("{} = {}", number, reduce(lambda sum, part: Sentence("{} + {}", sum, part), parts))
