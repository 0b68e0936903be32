"""What stands beside a lifeline: where states were entered, what applications called, which waits ended.

Reads a connection and finds the nodes of a story that things belong to; places nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tcpviz.draw.metrics import printable
from tcpviz.draw.story import Arrow, Gap, Row, Shout, Timer
from tcpviz.draw.view import View
from tcpviz.draw.words import BLANK, Words
from tcpviz.exchange.exchange import Call, Connection, Party, Period, Side, Transmission
from tcpviz.exchange.numbers import time_text
from tcpviz.model.sequence import add, at_or_before, lies_in
from tcpviz.model.transitions import State

_LONG = ("time-wait", "FIN-WAIT-2")
"""Timers that end a state, long after everything else."""

_WRITING = ("connect", "send", "send-urgent")
"""Calls that may hand over text."""

_OCTETS = " octets"
"""How many a call of recv() took that asked for some."""

_HEARD_FIN = (State.CLOSE_WAIT, State.LAST_ACK, State.CLOSING, State.TIME_WAIT, State.CLOSED)
"""In which the other end will send no more."""

Nodes = Sequence[int]
Times = Mapping[int, int]
"""By node."""


def anchors(connection: Connection, side: Side) -> dict[int, list[tuple[int, State]]]:
    """By time: (segment, state that `side` then has), for the segments that it met when its state changed."""
    times = {change.time for change in connection.party(side).states}
    found: dict[int, list[tuple[int, State]]] = {}
    for index, sent in enumerate(connection.segments):
        time, state = (sent.sent, sent.sender) if sent.origin == side else (sent.arrived, sent.after)
        if time is not None and time in times:
            found.setdefault(time, []).append((index, state))
    return found


# Calls


def calls(
    connection: Connection, side: Side, rows: Sequence[Row], nodes: Nodes, times: Times, words: Words
) -> Iterator[Shout]:
    """Calls and what they returned, in order: an application does one thing after another."""
    first, last = _span(connection, rows)
    party, octets = connection.party(side), 0
    for call in party.calls:
        written = add(party.base, 1 + octets)
        octets += (call.octets or 0) if call.name in _WRITING else 0
        for text, time, cause in _said(call, words):
            if not first <= time <= last:
                continue
            at, known = _at(connection, side, rows, nodes, times, time, cause, written)
            if not known and any(_within(connection, row, time) for row in rows):
                continue
            if at is None:
                before = [n for n in nodes if times[n] <= time]
                after = [n for n in nodes if times[n] > time]
                yield Shout(text, ((before[-1] if before else None), (after[0] if after else None)), time)
            else:
                nodes = nodes[nodes.index(at) :]
                yield Shout(text, (at, at), time)


def _span(connection: Connection, rows: Sequence[Row]) -> tuple[float, float]:
    """From when to when a page tells: without end where the connection begins or ends on it."""
    segments = connection.segments
    if not rows:
        return float("-inf"), float("inf")
    first, last = _first(rows[0]), _last(rows[-1])
    return (
        segments[first].sent if first else float("-inf"),
        segments[last + 1].sent - 1 if last + 1 < len(segments) else float("inf"),
    )


def _first(row: Row) -> int:
    return row.first if isinstance(row, Gap) else row.index


def _last(row: Row) -> int:
    return row.last if isinstance(row, Gap) else row.index


def _within(connection: Connection, row: Row, time: int) -> bool:
    """A call from within an elided run is as elided as its segments."""
    segments = connection.segments
    return isinstance(row, Gap) and segments[row.first].sent <= time <= segments[row.last].sent


def _written(call: Call, words: Words) -> str:
    """As it stands in a program; nobody calls a crash."""
    octets = "" if call.octets is None else str(call.octets)
    if call.name == "crash":
        return words.crash
    return f"send({octets}, MSG_OOB)" if call.name == "send-urgent" else f"{printable(call.name)}({octets})"


def _said(call: Call, words: Words) -> Iterator[tuple[str, int, str]]:
    """(text, time, cause): the call itself unless it only waits, and its result where there is one to tell."""
    name, result = printable(call.name), printable(words.language.translated(call.result))
    waits = name in ("accept", "recv")
    if not waits:
        yield _written(call, words), call.time, name
    cause = "returned"
    if name == "recv" and not result and call.octets is not None and call.returned is not None:
        result, cause = str(call.octets), "received"
    if name == "recv" and call.result.endswith(_OCTETS):
        result, cause = call.result.removesuffix(_OCTETS), "received"
    if result:
        time = call.time if call.returned is None else call.returned
        # a no-break space: an arrow at the end of a line points nowhere
        yield (f"{name}() →\u00a0{result}" if waits else f"→\u00a0{result}"), time, cause


def _at(
    connection: Connection,
    side: Side,
    rows: Sequence[Row],
    nodes: Nodes,
    times: Times,
    time: int,
    cause: str,
    written: int,
) -> tuple[int | None, bool]:
    """The node at exactly `time`; of several, the one whose segment fits the cause, and whether one does."""
    exact = [n for n in nodes if times[n] == time]
    for candidate in exact:
        shown = rows[candidate // 2] if candidate < 2 * len(rows) else None
        sent = connection.segments[shown.index] if isinstance(shown, Arrow) else None
        if sent is not None and _caused(cause, sent, sent.origin == side, written):
            return candidate, True
    return (exact[0] if exact else None), False


def _caused(cause: str, sent: Transmission, sending: bool, written: int) -> bool:
    """Whether a call of this name, whose text begins with the octet `written`, would have sent this segment, or a
    return awaited it."""
    segment = sent.segment
    match cause:
        case "connect":
            return sending and segment.syn
        case "close" | "shutdown":
            return sending and (segment.fin or segment.rst)
        case "abort":
            return sending and segment.rst
        case "send" | "send-urgent":
            text = add(segment.seq, segment.syn)
            return sending and lies_in(written, (text, add(text, segment.length)))
        case "received":
            return not sending and segment.length > 0
        case "returned":
            # a FIN that overtook data ends nothing before they are there
            return not sending and (segment.rst or sent.after in _HEARD_FIN)
        case _:
            return sending


# Waits


def waits(
    connection: Connection, side: Side, rows: Sequence[Row], nodes: Nodes, times: Times, view: View, words: Words
) -> Iterator[Timer]:
    """A bracket for every timer that went off, for every segment sent again, from the time it was sent before, and for
    a TIME-WAIT that did not last."""
    party = connection.party(side)
    fired = [period for period in party.timers if period.fired]
    place = {n: i for i, n in enumerate(nodes)}
    tied = dict(_again(connection, side, rows, nodes))
    said = set()
    for start, end in tied.items():
        length = times[end] - times[start]
        timer = next((p for p in fired if (p.start, p.end) == (times[start], times[end])), None)
        text = f"{words.rto} {time_text(length)}" if timer else f"+{time_text(length)}"
        yield Timer(text, start, end, False, _beside(rows, place, side, start, end))
    for period in (*fired, *_cut_short(party)):
        if period.timer == "retransmission" and any(times[again] == period.end for again in tied.values()):
            continue
        starts = [n for n in nodes if times[n] == period.start]
        ended = _ended(connection, side, rows, nodes, times, period)
        if not starts or ended is None or place[ended] <= place[starts[-1]]:
            continue
        end = ended
        # a timer of a state would name it
        name = f"{BLANK} {{}}" if period.timer in _LONG and "states" in view.quiz else _name(period, words)
        text = name.format(time_text(period.end - period.start))
        broken, beside = period.timer in _LONG and period.fired, _beside(rows, place, side, starts[-1], end)
        # what goes off again and again is told once
        if period.timer != "keep-alive" or text not in said:
            said.add(text)
            yield Timer(text, starts[-1], end, broken, beside)


def _cut_short(party: Party) -> Iterator[Period]:
    """TIME-WAITs that something else than their timer ended; one that is begun anew goes on."""
    waited = [period for period in party.timers if period.timer == "time-wait"]
    again = {(period.start, period.timer) for period in waited}
    yield from (p for p in waited if not p.fired and (p.end, p.timer) not in again)


def _name(period: Period, words: Words) -> str:
    """What is said of a timer that ran for `{}`."""
    if period.timer == "time-wait":
        return "2MSL = {}" if period.fired else words.cut_short
    name = words.rto if period.timer == "retransmission" else printable(words.language.translated(period.timer))
    return f"{name} {{}}"


def _ended(
    connection: Connection, side: Side, rows: Sequence[Row], nodes: Nodes, times: Times, period: Period
) -> int | None:
    """The node where a timer went off: a state's end, or the segment that it sent; or where it was cut short."""
    for candidate in nodes:
        if times[candidate] != period.end:
            continue
        shown = rows[candidate // 2] if candidate < 2 * len(rows) else None
        if not period.fired:
            return candidate
        if shown is None:
            if period.timer in _LONG:
                return candidate
        elif isinstance(shown, Arrow) and shown.origin == side and period.timer not in _LONG:
            sent = connection.segments[shown.index]
            if period.timer != "delayed ACK" or sent.segment.has_ack:
                return candidate
    return None


def _again(connection: Connection, side: Side, rows: Sequence[Row], nodes: Nodes) -> Iterator[tuple[int, int]]:
    """(tail of what was sent before, tail of the same sent again), where both are shown."""
    tails = [n for n in nodes if _sends(rows, n, side)]
    for at, later in enumerate(tails):
        again = _sent(connection, rows, later)
        if again.kind != "retransmission":
            continue
        for earlier in reversed(tails[:at]):
            if _covers(_sent(connection, rows, earlier), again):
                yield earlier, later
                break


def _covers(earlier: Transmission, again: Transmission) -> bool:
    one, two = earlier.segment, again.segment
    return (
        one.span > 0
        and earlier.kind != "injected"
        and at_or_before(one.seq, two.seq)
        and at_or_before(two.seq, one.end)
        and one.end != two.seq
    )


def _sent(connection: Connection, rows: Sequence[Row], which: int) -> Transmission:
    shown = rows[which // 2]
    assert isinstance(shown, Arrow)
    return connection.segments[shown.index]


def _sends(rows: Sequence[Row], which: int, side: Side) -> bool:
    shown = rows[which // 2] if which < 2 * len(rows) else None
    return isinstance(shown, Arrow) and shown.origin == side


def _beside(rows: Sequence[Row], place: Mapping[int, int], side: Side, start: int, end: int) -> bool:
    """Nothing comes in there: an arrow that falls towards the end would cross it."""
    ends = end >= 2 * len(rows) or _sends(rows, end, side)
    return ends and _sends(rows, start, side) and place[end] == place[start] + 1
