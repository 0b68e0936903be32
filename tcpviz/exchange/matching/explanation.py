"""A run from hypotheses to verdict, for people: who was alive before a segment, who sent it, who died on it and why."""

from __future__ import annotations

from collections.abc import Iterator

from tcpviz.exchange.exchange import Connection, Side, Transmission, other
from tcpviz.exchange.matching.account import Account
from tcpviz.exchange.matching.explain import Difference, Miss, explain, nearly, unwanted
from tcpviz.exchange.matching.observation import Observation
from tcpviz.exchange.matching.past import End
from tcpviz.exchange.matching.tracker import Tracker
from tcpviz.model.segment import words
from tcpviz.model.sequence import distance
from tcpviz.model.transitions import cite


def explained(tracker: Tracker, frame: int, epoch: int) -> Iterator[str]:
    """Lines about the segment in that frame, which must be one of the tracker's; numbers are relative."""
    decided = tracker.reconsidered()
    index = next(seen.index for seen in decided.judged if seen.frame.number == frame)
    connection = decided.connection(epoch)
    seen = decided.judged[index]
    sent = next(s for s in connection.segments if s.frame == frame)
    yield f"frame {frame}: {words(seen.segment.flags)} from the {seen.side}, {_numbers(connection, sent)}"
    if seen.is_twin:
        yield "  the same frame, captured twice: nothing to explain"
        return
    accounts = decided.accounts_before(index)
    yield f"  before it, {_count(len(accounts), 'account')} of the connection:"
    for number, account in enumerate(sorted(accounts, key=lambda account: account.total), 1):
        yield f"  {number}. {_assumed(account, decided)} (cost {account.total})"
        for end in sorted(account.ends(seen.side), key=lambda end: end.cost):
            yield from _fate(connection, seen, end, decided)
    yield f"  verdict: {sent.verdict}; {sent.expected or sent.why} ({sent.section})"


def _numbers(connection: Connection, sent: Transmission) -> str:
    seq, ack = connection.relative(sent)
    return f"seq={seq}" + ("" if ack is None else f" ack={ack}") + f" len={sent.segment.length}"


def _assumed(account: Account, tracker: Tracker) -> str:
    blamed = [f"frame {tracker.judged[index].frame.number} breaks the rules" for index, _ in account.blames]
    unseen = [f"{words(item.emit.segment.flags)} from the {item.origin} was not captured" for item in account.unseen]
    return "; ".join(blamed + unseen) or "nothing is wrong and nothing is missing"


def _fate(connection: Connection, seen: Observation, end: End, tracker: Tracker) -> Iterator[str]:
    tcb = end.endpoint.tcb
    nxt = distance(connection.party(seen.side).base, tcb.snd_nxt)
    rcv = distance(connection.party(other(seen.side)).base, tcb.rcv_nxt)
    waiting = [str(tracker.judged[item.place].frame.number) for item in end.pending if item.place >= 0]
    lag = f", frame{'s' if len(waiting) > 1 else ''} {', '.join(waiting)} still under way" if waiting else ""
    yield f"     {seen.side} in {end.state}, SND.NXT={nxt} RCV.NXT={rcv}{lag}"
    ways = explain(end, seen.index, seen.segment)
    for way in ways:
        newest = way.newest()
        emit = newest.emit if newest else None
        if emit:
            calls = [name for name, _ in newest.calls] if newest else []
            called = f", after {' and '.join(calls)}" if calls else ""
            yield f"       sends it: {emit.why}{called} ({cite(emit.section)})"
    if not ways:
        misses = [*nearly(end, seen.index, seen.segment), unwanted(end, seen.segment)]
        miss = min(misses, key=lambda miss: miss.severity)
        yield f"       dies: {_said(connection, seen.side, miss)} ({miss.section})"


def _said(connection: Connection, side: Side, miss: Miss) -> str:
    return "; ".join(_difference(connection, side, difference) for difference in miss.differences)


def _difference(connection: Connection, side: Side, difference: Difference) -> str:
    name, observed, allowed = difference
    if isinstance(observed, int) and isinstance(allowed, int) and name in ("seq", "ack"):
        base = connection.party(side if name == "seq" else other(side)).base
        observed, allowed = distance(base, observed), distance(base, allowed)
    text = str(allowed)
    return (
        text.removeprefix("none: ") if text.startswith("none: ") else f"would have sent {name}={text}, not {observed}"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
