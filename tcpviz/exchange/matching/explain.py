"""Explains a segment by its sender's past: is there a run of the model that puts exactly this on the wire?

The capture tells neither when applications call nor when an arrived segment is processed. So a past is
extended by deliveries, calls and free choices, all through `step`, until the segment comes out. What is
allowed is what `step` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tcpviz.exchange.matching import deliveries
from tcpviz.exchange.matching.cookies import cookies
from tcpviz.exchange.matching.deliveries import disordered, fits, in_order, one_by_one, opening_with, turns
from tcpviz.exchange.matching.difference import FLAGS, Difference, Miss, differences, kind_of, toggled
from tcpviz.exchange.matching.liberties import otherwise
from tcpviz.exchange.matching.past import Call, End, Entry, deliver_all, deliver_late
from tcpviz.exchange.matching.plans import Plan, plans
from tcpviz.exchange.matching.silence import listening, questions, silently
from tcpviz.model import events
from tcpviz.model.commands import Emit, Refuse
from tcpviz.model.deviations import Deviation
from tcpviz.model.endpoint import Endpoint, step
from tcpviz.model.segment import ACK, FIN, RST, SYN, Segment
from tcpviz.model.sentence import Sentence
from tcpviz.model.sequence import before, distance
from tcpviz.model.transitions import SYNCHRONIZED, Row, State, cite
from tcpviz.value import replace

_KINDS = (SYN, SYN | ACK, ACK, FIN | ACK)
"""What a segment may be but for resets, which fit in anywhere."""
_UNSEEN_REPLY, _UNSEEN_SYN_ACK = 3, 60
"""The cost of a reply that TCP compels and nobody saw; challenges may be throttled (RFC 5961 section 7)."""
_NEAREST = 2
"""How many pasts are compared with a segment that acknowledges what none of them would."""
_BURST = 4
"""What arrives in a burst may be answered as one (offload, compressed ACKs): no more replies than these cost."""
_RARE, _CROSSING = 45, 85
"""The cost of a connect() with the number of an earlier one, and of an abort() after close(); of a connect() while a
SYN is on its way to the same end."""
_UNACCEPTED = 5
"""The cost of a close() before the handshake is complete: accept() gives no such connection away."""


def explain(end: End, index: int, observed: Segment, *, plainly: bool = False, lagging: bool = False) -> list[End]:
    """The ways `end` can go on to send `observed`, which was captured as segment `index`; likeliest first.

    Of the runs that explain it few are kept: those that have processed most of what was captured before, which on
    one wire is the likeliest, one for each state, and the one that has processed least, which can still catch up.
    `plainly`: in order, and with nothing that happened in silence. `lagging`: another past, which has processed more
    and is otherwise the same, explains it already.
    """
    start = _prepared(end, observed)
    if _is_beyond(start, observed):
        return []
    runs = one_by_one(start, observed)
    if lagging:
        return _soonest(runs, index, observed)
    fitting = [run for run in runs if fits(run, observed)]
    ways = [way for run in turns(fitting) for way in _ways(run, index, observed)]
    if plainly:
        return ways
    ways = ways or _unidentified(fitting, index, observed)
    if not ways or (observed.rst and all(way.cost >= start.cost + _UNSEEN_REPLY for way in ways)):
        ways = sorted([*ways, *_less_likely(start, index, observed)], key=lambda way: way.cost)
    return ways


def _is_beyond(end: End, observed: Segment) -> bool:
    """It begins beyond all that the end has sent, which nothing that arrives can change."""
    if end.state not in SYNCHRONIZED or observed.flags & (SYN | RST):
        return False
    return before(end.endpoint.tcb.snd_nxt, observed.seq)


def _soonest(runs: Iterable[End], index: int, observed: Segment) -> list[End]:
    """The ways of the past that has processed least."""
    found = (_ways(run, index, observed) for run in runs if fits(run, observed))
    return next((ways for ways in found if ways), [])


def _ways(run: End, index: int, observed: Segment) -> list[End]:
    return [way for way in _tries(run, index, observed) if isinstance(way, End)]


def nearly(end: End, index: int, observed: Segment, meant: tuple[Segment, ...] = ()) -> list[Miss]:
    """The runs that nearly send `observed`: other numbers in the same segment, or one flag more or less.

    `meant`: what it may have been before somebody changed it, as what follows shows.
    """
    runs, fitting = in_order(_prepared(end, observed), observed)
    # what it acknowledges may be wrong
    beyond = [deliver_all(run) for run in runs[-1:] if run.pending and not fitting]
    runs = [*turns(fitting), *_nearest(runs, observed), *turns([*runs, *beyond])]
    runs += [deliver_late(run) for run in runs[:1] if run.late]
    tried = [result for run in runs for result in _tries(run, index, observed)]
    misses = [result for result in tried if isinstance(result, Miss)]
    # a reset may do without ACK: that would excuse whatever it acknowledges
    single = [observed.flags ^ flag for flag in (SYN, FIN, RST, *(() if observed.rst else (ACK,)))]
    others = [flags for flags in _KINDS if toggled(flags, observed.flags) > 1]
    empty = [replace(observed, length=0)] if observed.length and not observed.flags & (SYN | RST) else []
    flagged = [replace(observed, flags=flags) for flags in (*single, *others)]
    opens = observed.syn or any(item.segment.syn for item in end.pending)
    for segment in (*_answering(end, observed), *flagged, *empty, *meant):
        # for a SYN that waits, a listener may have begun anew in silence
        for way in explain(end, index, segment, plainly=not (opens and segment.syn and segment.has_ack)):
            newest = way.newest()
            section = cite(newest.emit.section) if newest and newest.emit else ""
            shown = segment if segment in meant else None
            wrong = differences(segment, observed, shown is not None)
            misses.append(Miss(way, wrong, section, shown, toggled(segment.flags, observed.flags)))
    return misses


def _nearest(runs: list[End], observed: Segment) -> list[End]:
    """The pasts that would acknowledge nearly what the segment does."""
    known = [run for run in runs if observed.has_ack and run.state in SYNCHRONIZED]
    return sorted(known, key=lambda run: abs(distance(run.endpoint.tcb.rcv_nxt, observed.ack)))[:_NEAREST]


def _answering(end: End, observed: Segment) -> list[Segment]:
    """A SYN,ACK acknowledges a SYN that came; whether the text on it too, what follows tells."""
    if not (observed.syn and observed.has_ack):
        return []
    asked = [item.segment for item in end.pending if item.segment.syn]
    numbers = dict.fromkeys(number for syn in asked for number in (syn.text, syn.end))
    return [replace(observed, ack=number) for number in numbers if number != observed.ack]


def _less_likely(start: End, index: int, observed: Segment) -> list[End]:
    """What was taken out of order, or what happened to this end in silence."""
    ways = []
    for run in (*silently(start, observed), *listening(start, observed)):
        _, fitting = in_order(run, observed)
        ways += [way for r in turns(fitting) for way in _ways(r, index, observed)]
    for run in (*disordered(start, observed), *otherwise(start, observed)):
        ways += _ways(run, index, observed)
    # whose state differs from what all the others are in
    kept = [way for run in cookies(start, observed) for way in _ways(run, index, observed)][:1]
    return [*sorted(ways, key=lambda way: way.cost)[:3], *kept]


def _unidentified(fitting: list[End], index: int, observed: Segment) -> list[End]:
    """An ACK that answers a segment which brought nothing in order, where nobody knows which, or what came twice."""
    start = next((run for run in reversed(fitting) if run.state in (State.SYN_RECEIVED, *SYNCHRONIZED)), None)
    if start is None or start.owed:
        return []
    if observed.span or observed.rst or not observed.has_ack:
        return []
    waiting = deliveries.copied(start, observed) if start.endpoint.tcb.sack_on else deliveries.unidentified(start)
    return [way for way in _owed_reply(waiting, index, observed) if isinstance(way, End)] if waiting else []


def _tries(run: End, index: int, observed: Segment) -> Iterator[End | Miss]:
    yield from _owed_reply(run, index, observed)
    for plan in plans(run.endpoint, observed):
        yield _free_choice(run, index, observed, plan)


def _prepared(end: End, observed: Segment) -> End:
    """What only the wire can tell is taken from it: the ISS and options of a SYN, and the stack's habits."""
    if observed.syn:
        end = opening_with(end, observed)
    habits = _habits(observed)
    if end.endpoint.tcb.deviations == habits:
        return end
    return end._replace(endpoint=replace(end.endpoint, tcb=replace(end.endpoint.tcb, deviations=habits)))


_FIN_SENT = (State.FIN_WAIT_1, State.FIN_WAIT_2, State.CLOSING, State.LAST_ACK)
_PLAIN = frozenset({Deviation.FIN_WAIT_2_TIMEOUT, Deviation.RESET_AT_FIN, Deviation.WINDOW_BY_ACK})
_ANSWERED = _PLAIN | {Deviation.FIN_BEHIND_TEXT}
_REFUSED = _ANSWERED | {Deviation.FOREIGN_ECHO}
_RESETTING = _ANSWERED | {Deviation.RESET_WITH_ACK}
_ANSWERING = _PLAIN | {Deviation.EMPTY_WINDOW_PROBE, Deviation.CROSSING_ANSWERED, Deviation.TIME_WAIT_ANSWERS}
_OPENING = _PLAIN | {Deviation.SYN_ACK_AGAIN}


def _habits(observed: Segment) -> frozenset[Deviation]:
    """What stacks do differently is granted where a segment shows it: a reset with ACK, an empty probe, an ACK more."""
    if observed.rst:
        return _RESETTING if observed.has_ack else _REFUSED
    if observed.syn:
        return _OPENING
    return _PLAIN if observed.span else _ANSWERING


# What could have made the endpoint send


def _owed_reply(run: End, index: int, observed: Segment) -> Iterator[End | Miss]:
    """A segment that processing compelled. Replies before it that nobody saw have a cost."""
    if not run.owed:
        return
    offering = _offer(run.endpoint, observed)
    for skipped, emit in enumerate(run.owed):
        if 0 < skipped < len(run.owed) - 1 and run.owed[skipped - 1] == emit == run.owed[skipped + 1]:
            continue  # of many alike either the first was seen, or one for all
        calls: tuple[Call, ...] = ()
        endpoint = offering
        if emit.segment.syn and observed.syn and observed.length and not emit.segment.length:
            endpoint, emit, calls = _with_text(endpoint, emit, observed.length)
        entry = Entry(index, True, run.state, run.state, calls=calls, emit=emit)
        after = run.noted(entry, endpoint)
        # that both answer with SYN,ACK proves that both had sent a SYN
        proved = _CROSSING if emit.segment.syn and not run.endpoint.tcb.passive else 0
        cost = max(0, run.cost - proved) + _unseen(run.owed[:skipped])
        after = after._replace(owed=run.owed[skipped + 1 :], cost=cost)
        wrong, flags = differences(emit.segment, observed), toggled(emit.segment.flags, observed.flags)
        yield Miss(after, wrong, cite(emit.section), flags=flags) if wrong else after


def _with_text(endpoint: Endpoint, emit: Emit, octets: int) -> tuple[Endpoint, Emit, tuple[Call, ...]]:
    """The SYN,ACK with text behind it, where text may go out so early (RFC 7413 4.2.2)."""
    queued = step(endpoint, events.Send(octets)).endpoint
    sent = step(queued, events.Transmit(octets))
    if any(isinstance(command, Refuse) for command in sent.commands):
        return endpoint, emit, ()
    return sent.endpoint, replace(emit, segment=replace(emit.segment, length=octets)), (("send", octets),)


def _free_choice(run: End, index: int, observed: Segment, plan: Plan) -> End | Miss:
    """Calls, a retransmission or an acknowledgement that the application or TCP was free to make."""
    endpoint = _offer(run.endpoint, observed)
    rows: tuple[Row, ...] = ()
    calls: list[Call] = []
    emits: list[Emit] = []
    for event, call in plan:
        result = step(endpoint, event)
        endpoint, rows = result.endpoint, rows + result.rows
        emits += [command for command in result.commands if isinstance(command, Emit)]
        calls += [call] if call else []
        refused = next((command for command in result.commands if isinstance(command, Refuse)), None)
        if refused:
            return _nothing_fits(run, observed, refused.reason, refused.section)
    if not emits:
        return unwanted(run, observed)
    emit = emits[0] if len(emits) == 1 else _joined(emits)
    if emit.kind == "window-probe" and not emit.segment.length:
        # how much waits for the window, only the text tells
        endpoint = replace(endpoint, tcb=replace(endpoint.tcb, queued=run.endpoint.tcb.queued))
    entry = Entry(index, True, run.state, endpoint.state, rows, tuple(calls), emit)
    after = run.noted(entry, endpoint)
    # what a timer makes the endpoint ask does not wait for the answers it owes
    asks = any(isinstance(event, events.KeepAlive | events.ProbeWindow) for event, _ in plan)
    if run.owed and not asks:
        after = after._replace(owed=(), cost=run.cost + _unseen(run.owed))
    crossing = run.pending and isinstance(plan[0][0], events.ActiveOpen)
    asked = [e.emit.segment.seq for e in run.entries() if e.sent and e.emit] if observed.syn and run.past else []
    closed = run.state in _FIN_SENT and observed.rst
    if crossing or closed or (isinstance(plan[0][0], events.ActiveOpen) and observed.seq in asked):
        after = after._replace(cost=after.cost + (_CROSSING if crossing else _RARE))
    if observed.rst and run.state is State.ESTABLISHED and run.endpoint.tcb.rcv_acked == run.endpoint.tcb.irs:
        # it had to acknowledge the SYN first
        after = after._replace(cost=after.cost + _UNSEEN_REPLY)
    if run.state is State.SYN_RECEIVED and run.endpoint.tcb.passive and calls:
        after = after._replace(cost=after.cost + _UNACCEPTED)
    wrong = differences(emit.segment, observed)
    if emit.kind == "keep-alive" and observed.length == 1:
        # MAY-6: one octet of garbage, for stacks that answer nothing else
        wrong = tuple(difference for difference in wrong if difference.field != "length")
    if wrong:
        return Miss(after, wrong, cite(emit.section), flags=toggled(emit.segment.flags, observed.flags))
    if observed.rst and not observed.has_ack and _is_owing(run, observed):
        # who is gone says just that, and abort() has an ACK as a rule
        after = after._replace(cost=after.cost + _UNSEEN_REPLY)
    return after


def _is_owing(run: End, observed: Segment) -> bool:
    return bool(run.owed or run.endpoint.tcb.owes_ack or questions(run, observed))


def _unseen(emits: tuple[Emit, ...]) -> int:
    opening = sum(emit.segment.syn for emit in emits)
    due = sum(emit.kind != "challenge" for emit in emits) - opening
    return _UNSEEN_SYN_ACK * opening + _UNSEEN_REPLY * min(due, _BURST)


def _joined(emits: list[Emit]) -> Emit:
    """Text sent again with new text behind it, in one segment."""
    first, last = emits[0], emits[-1]
    length = sum(emit.segment.length for emit in emits)
    return replace(first, segment=replace(last.segment, seq=first.segment.seq, length=length))


def unwanted(end: End, observed: Segment) -> Miss:
    """Nothing that this end could have sent is like the segment."""
    return _nothing_fits(end, observed, Sentence("{} sends no such segment", end.state), "3.10")


def nobodys(end: End, observed: Segment) -> Miss:
    """This end could have sent it, but did not."""
    return _nothing_fits(end, observed, Sentence("both ends go on as if it had not been"), "3.10")


def _nothing_fits(run: End, observed: Segment, reason: Sentence, section: str) -> Miss:
    return Miss(run, (Difference(FLAGS, kind_of(observed), None, reason),), cite(section))


def _offer(endpoint: Endpoint, observed: Segment) -> Endpoint:
    """With the window that the segment shows, and a SYN's clock: which echo answers it, hangs on that."""
    tcb = endpoint.tcb
    if observed.rst:
        return endpoint  # it offers nothing, though its sender may go on
    scale = 0 if observed.syn else tcb.rcv_scale
    clock = observed.options.timestamps[0] if observed.syn and observed.options.timestamps else tcb.timestamp
    choice = events.Choose(window=observed.window << scale, timestamp=clock)
    if (choice.window, choice.timestamp) == (tcb.window, tcb.timestamp):
        return endpoint
    return step(endpoint, choice).endpoint
