"""A run from hypotheses to verdict, for people: who was alive before a segment, who sent it, who died on it and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce

from tcpviz.exchange.exchange import Connection, Side, Transmission, other
from tcpviz.exchange.matching.account import Account
from tcpviz.exchange.matching.difference import Difference, Miss
from tcpviz.exchange.matching.explain import explain, nearly, unwanted
from tcpviz.exchange.matching.observation import Observation
from tcpviz.exchange.matching.past import End
from tcpviz.exchange.matching.tracker import Tracker
from tcpviz.model.segment import words
from tcpviz.model.sentence import Sentence
from tcpviz.model.sequence import distance
from tcpviz.model.transitions import cite


def explained(tracker: Tracker, frame: int, epoch: int) -> Iterator[Sentence]:
    """Lines about the segment in that frame, which must be one of the tracker's; numbers are relative."""
    decided = tracker.reconsidered()
    index = next(seen.index for seen in decided.judged if seen.frame.number == frame)
    connection = decided.connection(epoch)
    seen = decided.judged[index]
    sent = next(s for s in connection.segments if s.frame == frame)
    flags, side = words(seen.segment.flags), Sentence(str(seen.side))
    yield Sentence("frame {}: {} from the {}, {}", frame, flags, side, _numbers(connection, sent))
    if seen.is_twin:
        yield Sentence("  {}", Sentence("the same frame, captured twice: nothing to explain"))
        return
    accounts = decided.accounts_before(index)
    alone = Sentence("before it, 1 account of the connection:")
    several = Sentence("before it, {} accounts of the connection:", len(accounts))
    yield Sentence("  {}", alone if len(accounts) == 1 else several)
    for number, account in enumerate(sorted(accounts, key=lambda account: account.total), 1):
        yield Sentence("  {}. {}", number, Sentence("{} (cost {})", _assumed(account, decided), account.total))
        for end in sorted(account.ends(seen.side), key=lambda end: end.cost):
            yield from _fate(connection, seen, end, decided)
    what = sent.expected.sentence if sent.expected else sent.why
    verdict = Sentence("verdict: {}; {} ({})", Sentence(str(sent.verdict)), what, sent.section)
    yield Sentence("  {}", verdict)


def _numbers(connection: Connection, sent: Transmission) -> str:
    seq, ack = connection.relative(sent)
    return f"seq={seq}" + ("" if ack is None else f" ack={ack}") + f" len={sent.segment.length}"


def _assumed(account: Account, tracker: Tracker) -> Sentence:
    found = [Sentence("frame {} breaks the rules", tracker.judged[index].frame.number) for index, _ in account.blames]
    for item in account.unseen:
        flags, side = words(item.emit.segment.flags), Sentence(str(item.origin))
        found.append(Sentence("{} from the {} was not captured", flags, side))
    return _apart(found) if found else Sentence("nothing is wrong and nothing is missing")


def _apart(sentences: Iterable[Sentence]) -> Sentence:
    return reduce(lambda first, last: Sentence("{}; {}", first, last), sentences)


def _fate(connection: Connection, seen: Observation, end: End, tracker: Tracker) -> Iterator[Sentence]:
    tcb = end.endpoint.tcb
    nxt = distance(connection.party(seen.side).base, tcb.snd_nxt)
    rcv = distance(connection.party(other(seen.side)).base, tcb.rcv_nxt)
    waiting = [str(tracker.judged[item.place].frame.number) for item in end.pending if item.place >= 0]
    told = Sentence("{} in {}, SND.NXT={} RCV.NXT={}", Sentence(str(seen.side)), end.state, nxt, rcv)
    if waiting:
        frames = ", ".join(waiting)
        one = len(waiting) == 1
        told = Sentence("{}, frame {} still under way" if one else "{}, frames {} still under way", told, frames)
    yield Sentence("     {}", told)
    ways = explain(end, seen.index, seen.segment)
    for way in ways:
        newest = way.newest()
        emit = newest.emit if newest else None
        if emit:
            calls = [name for name, _ in newest.calls] if newest else []
            why = Sentence("{}, after {}", emit.why, ", ".join(calls)) if calls else emit.why
            yield Sentence("       {}", Sentence("sends it: {} ({})", why, cite(emit.section)))
    if not ways:
        misses = [*nearly(end, seen.index, seen.segment), unwanted(end, seen.segment)]
        miss = min(misses, key=lambda miss: miss.severity)
        yield Sentence("       {}", Sentence("dies: {} ({})", _said(connection, seen.side, miss), miss.section))


def _said(connection: Connection, side: Side, miss: Miss) -> Sentence:
    return _apart(_difference(connection, side, difference) for difference in miss.differences)


def _difference(connection: Connection, side: Side, difference: Difference) -> Sentence:
    name, observed, allowed, reason = difference
    if reason:
        return reason
    if isinstance(observed, int) and isinstance(allowed, int) and name in ("seq", "ack"):
        base = connection.party(side if name == "seq" else other(side)).base
        observed, allowed = distance(base, observed), distance(base, allowed)
    return Sentence("would have sent {}={}, not {}", name, allowed, observed)
