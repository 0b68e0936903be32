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
from tcpviz.model.transitions import UNCONNECTED, State, cite


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
    if not decided.is_judged(seen.side):
        yield Sentence("  {}", Sentence("the {} is not judged: what it sent is what arrived", side))
        return
    accounts, later = _sorted(decided.accounts_before(index)), _sorted(decided.accounts_before(index + 1))
    yield Sentence("  {}", _counted(Sentence("before it"), accounts))
    for number, account in enumerate(accounts, 1):
        yield _told(number, account, connection, decided)
        # pasts that differ in what is not told here look alike
        fates = (_fate(connection, seen, end, decided) for end in sorted(account.ends(seen.side), key=_cost))
        for fate in dict.fromkeys(map(tuple, fates)):
            yield from fate
    yield Sentence("  {}", _counted(Sentence("after it"), later))
    yield from (_told(number, account, connection, decided) for number, account in enumerate(later, 1))
    final = _assumed(decided.best, connection, decided)
    if [final] != [_assumed(account, connection, decided) for account in later]:
        told = Sentence("in the end, by all that came since: {} (cost {})", final, decided.best.total)
        yield Sentence("  {}", told)
    what = sent.expected.sentence if sent.expected else sent.why
    section = sent.expected.section if sent.expected else sent.section
    verdict = Sentence("verdict: {}; {}", Sentence(str(sent.verdict)), what)
    yield Sentence("  {}", Sentence("{} ({})", verdict, section) if section else verdict)


def _sorted(accounts: Iterable[Account]) -> list[Account]:
    return sorted(accounts, key=lambda account: account.total)


def _cost(end: End) -> int:
    return end.cost


def _counted(when: Sentence, accounts: list[Account]) -> Sentence:
    one = len(accounts) == 1
    return Sentence(
        "{}, 1 account of the connection:" if one else "{}, {} accounts of the connection:", when, len(accounts)
    )


def _numbers(connection: Connection, sent: Transmission) -> str:
    seq, ack = connection.relative(sent)
    return f"seq={seq}" + ("" if ack is None else f" ack={ack}") + f" len={sent.segment.length}"


def _told(number: int, account: Account, connection: Connection, tracker: Tracker) -> Sentence:
    assumed = Sentence("{} (cost {})", _assumed(account, connection, tracker), account.total)
    return Sentence("  {}. {}", number, assumed)


def _assumed(account: Account, connection: Connection, tracker: Tracker) -> Sentence:
    found = []
    for index, miss in account.blames:
        seen = tracker.judged[index]
        wrong = Sentence("frame {} breaks the rules", seen.frame.number)
        found.append(Sentence("{}: {}", wrong, _said(connection, seen.side, miss)))
    for item in account.unseen:
        flags, side, length = words(item.emit.segment.flags), Sentence(str(item.origin)), item.emit.segment.length
        if item.found is not None:
            found.append(Sentence("frame {} was captured late", tracker.judged[item.found].frame.number))
        elif length:
            found.append(Sentence("{} with {} octets from the {} was not captured", flags, length, side))
        else:
            found.append(Sentence("{} from the {} was not captured", flags, side))
    return _apart(found) if found else Sentence("nothing is wrong and nothing is missing")


def _apart(sentences: Iterable[Sentence]) -> Sentence:
    return reduce(lambda first, last: Sentence("{}; {}", first, last), sentences)


def _fate(connection: Connection, seen: Observation, end: End, tracker: Tracker) -> Iterator[Sentence]:
    waiting = [str(tracker.judged[item.place].frame.number) for item in end.pending if item.place >= 0]
    told = _standing(connection, seen.side, end)
    if waiting:
        frames = ", ".join(waiting)
        one = len(waiting) == 1
        told = Sentence("{}, frame {} still under way" if one else "{}, frames {} still under way", told, frames)
    yield Sentence("     {}", told)
    ways = explain(end, seen.index, seen.segment)
    sending = []
    for way in ways:
        newest = way.newest()
        emit = newest.emit if newest else None
        if emit:
            calls = [name for name, _ in newest.calls] if newest else []
            why = Sentence("{}, after {}", emit.why, ", ".join(calls)) if calls else emit.why
            sending.append(Sentence("sends it: {} ({})", why, cite(emit.section)))
    yield from (Sentence("       {}", told) for told in dict.fromkeys(sending))
    if not ways:
        misses = [*nearly(end, seen.index, seen.segment), unwanted(end, seen.segment)]
        miss = min(misses, key=lambda miss: miss.severity)
        yield Sentence("       {}", Sentence("dies: {} ({})", _said(connection, seen.side, miss), miss.section))


def _standing(connection: Connection, side: Side, end: End) -> Sentence:
    """`client in ESTABLISHED, SND.NXT=4 RCV.NXT=1`; without the numbers that it does not have yet, or any more."""
    told = Sentence("{} in {}", Sentence(str(side)), end.state)
    if end.state in UNCONNECTED:
        return told
    tcb = end.endpoint.tcb
    told = Sentence("{}, {}", told, f"SND.NXT={distance(connection.party(side).base, tcb.snd_nxt)}")
    if end.state is State.SYN_SENT:
        return told
    return Sentence("{} {}", told, f"RCV.NXT={distance(connection.party(other(side)).base, tcb.rcv_nxt)}")


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
