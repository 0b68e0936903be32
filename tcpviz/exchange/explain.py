"""Explains one endpoint's segments: is there a run of the model that puts exactly this on the wire?

The capture tells neither when applications call nor when an arrived segment is processed. A hypothesis
is one possible past of one endpoint: its value now, and the peer's segments that it has not yet taken
from the wire. Explaining a segment extends each hypothesis by deliveries, calls and free choices, all
through the model's own `step`; hypotheses that cannot produce the segment die. There is no second TCP
here: what is allowed is what `step` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from tcpviz.model import events
from tcpviz.model.commands import Emit, Refuse
from tcpviz.model.deviations import RFC9293, Deviation
from tcpviz.model.endpoint import Endpoint, step
from tcpviz.model.segment import ACK, FIN, PSH, RST, SYN, Segment, words
from tcpviz.model.sequence import add, before, distance
from tcpviz.model.transitions import Row, State, cite

_COMPARED_FLAGS = SYN | ACK | FIN | RST
"""PSH, URG and the ECN bits are the sender's own affair at the handshake and the close."""

Call = tuple[str, int | None]
"""What an application must have called, and for how many octets."""
Plan = list[tuple[events.Event, Call | None]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to the endpoint: segment `index` was sent by it, or processed by it."""

    index: int
    sent: bool
    before: State
    after: State
    rows: tuple[Row, ...] = ()
    calls: tuple[Call, ...] = ()
    emit: Emit | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """A linked list of entries, newest first, so that hypotheses share what they have in common."""

    entry: Entry
    earlier: Past | None


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One possible past of an endpoint. `cost` counts what had to be assumed: replies that nobody saw."""

    endpoint: Endpoint
    pending: tuple[tuple[int, Segment], ...] = ()
    owed: tuple[Emit, ...] = ()
    """Segments the endpoint must have sent that have not been seen yet, in order."""
    past: Past | None = None
    cost: int = 0

    def with_entry(self, entry: Entry, endpoint: Endpoint) -> Hypothesis:
        return replace(self, endpoint=endpoint, past=Past(entry, self.past))

    def newest(self) -> Entry | None:
        return self.past.entry if self.past else None

    def entries(self) -> list[Entry]:
        """Oldest first."""
        found, past = [], self.past
        while past:
            found.append(past.entry)
            past = past.earlier
        return found[::-1]


class Difference(NamedTuple):
    """A field in which the observed segment is not what this run of the model would send."""

    field: str
    observed: int | str | None
    allowed: int | str | None


@dataclass(frozen=True, slots=True)
class Miss:
    """A run that nearly explains a segment: what it would have sent instead, or why it would send nothing."""

    hypothesis: Hypothesis
    differences: tuple[Difference, ...]
    section: str


def deliver(hypothesis: Hypothesis) -> Hypothesis:
    """Process the oldest pending segment."""
    (index, segment), *rest = hypothesis.pending
    result = step(hypothesis.endpoint, events.SegmentArrives(segment))
    emitted = tuple(command for command in result.commands if isinstance(command, Emit))
    entry = Entry(index, False, hypothesis.endpoint.state, result.endpoint.state, result.rows)
    after = hypothesis.with_entry(entry, result.endpoint)
    return replace(after, pending=tuple(rest), owed=(*hypothesis.owed, *emitted))


def deliver_all(hypothesis: Hypothesis) -> Hypothesis:
    """Process whatever is pending, as at the end of a capture."""
    while hypothesis.pending:
        hypothesis = deliver(hypothesis)
    return hypothesis


def explain(hypothesis: Hypothesis, index: int, observed: Segment) -> list[Hypothesis | Miss]:
    """The ways this past can go on to send `observed`, likeliest first; without any, the ways that nearly do.

    Of the runs that explain it only two are kept: the one that has processed most of what was captured before,
    which on one wire is the likeliest, and the one that has processed least, which can still catch up.
    """
    runs, fitting = _runs(_prepared(hypothesis, observed), observed)
    found = [result for run in _last_and_first(fitting) for result in _tries(run, index, observed)]
    explained: list[Hypothesis | Miss] = [result for result in found if isinstance(result, Hypothesis)]
    return explained or [result for run in _last_and_first(runs) for result in _tries(run, index, observed)]


def _tries(run: Hypothesis, index: int, observed: Segment) -> Iterator[Hypothesis | Miss]:
    yield from _owed_reply(run, index, observed)
    for plan in _plans(run.endpoint, observed):
        yield _free_choice(run, index, observed, plan)


def _runs(hypothesis: Hypothesis, observed: Segment) -> tuple[list[Hypothesis], list[Hypothesis]]:
    """The past after each further delivery, and those of them whose RCV.NXT is what the segment acknowledges."""
    runs, fitting = [hypothesis], []
    while True:
        run = runs[-1]
        known = run.endpoint.state not in (State.CLOSED, State.LISTEN, State.SYN_SENT)
        if not observed.has_ack or not known or run.endpoint.tcb.rcv_nxt == observed.ack:
            fitting.append(run)
        beyond = observed.has_ack and known and before(observed.ack, run.endpoint.tcb.rcv_nxt)
        if beyond or not run.pending:
            return runs, fitting
        runs.append(deliver(run))


def _last_and_first(runs: list[Hypothesis]) -> list[Hypothesis]:
    return [runs[-1], runs[0]] if len(runs) > 1 else runs


def _prepared(hypothesis: Hypothesis, observed: Segment) -> Hypothesis:
    """What only the wire can tell is taken from it: the ISS and options of a SYN, the window offered."""
    endpoint = hypothesis.endpoint
    if observed.syn and endpoint.state in (State.CLOSED, State.LISTEN):
        options = observed.options
        asked = hypothesis.pending[0][1] if hypothesis.pending else None
        if asked and asked.length and observed.has_ack and observed.ack == asked.end:
            # the text on the SYN is acknowledged, so its Fast Open cookie must have been good
            options = replace(options, fast_open=asked.options.fast_open)
        choice = events.Choose(iss=observed.seq, options=options, window=observed.window)
        endpoint = step(endpoint, choice).endpoint
    return replace(hypothesis, endpoint=endpoint)


def _owed_reply(run: Hypothesis, index: int, observed: Segment) -> Iterator[Hypothesis | Miss]:
    """A segment that processing compelled. Replies before it that nobody saw have a cost."""
    for skipped, emit in enumerate(run.owed):
        entry = Entry(index, True, run.endpoint.state, run.endpoint.state, emit=emit)
        after = run.with_entry(entry, _offer(run.endpoint, observed))
        after = replace(after, owed=run.owed[skipped + 1 :], cost=run.cost + skipped)
        differences = _differences(emit.segment, observed)
        yield Miss(after, differences, cite(emit.section)) if differences else after


def _free_choice(run: Hypothesis, index: int, observed: Segment, plan: Plan) -> Hypothesis | Miss:
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
        return _nothing_fits(run, observed, f"{run.endpoint.state} sends no such segment", "3.10")
    emit = emits[-1]
    entry = Entry(index, True, run.endpoint.state, endpoint.state, rows, tuple(calls), emit)
    after = run.with_entry(entry, endpoint)
    # what a timer makes the endpoint ask does not wait for the answers it owes
    asks = any(isinstance(event, events.KeepAlive | events.ProbeWindow) for event, _ in plan)
    owed, missed = (run.owed, 0) if asks else ((), len(run.owed))
    after = replace(after, owed=owed, cost=run.cost + missed)
    differences = _differences(emit.segment, observed)
    return Miss(after, differences, cite(emit.section)) if differences else after


def _nothing_fits(run: Hypothesis, observed: Segment, reason: str, section: str) -> Miss:
    return Miss(run, (Difference("flags", _kind(observed), f"none: {reason}"),), cite(section))


def _offer(endpoint: Endpoint, observed: Segment) -> Endpoint:
    scale = 0 if observed.syn else endpoint.tcb.rcv_scale
    return step(endpoint, events.Choose(window=observed.window << scale)).endpoint


def _plans(endpoint: Endpoint, observed: Segment) -> list[Plan]:
    """The calls and choices that would make this endpoint send something like `observed`."""
    tcb, state = endpoint.tcb, endpoint.state
    if observed.rst:
        return [[(events.Abort(), ("abort", None))]]
    if observed.syn:
        if state is State.CLOSED and not observed.has_ack:
            return [[(events.ActiveOpen(observed.length), ("connect", observed.length or None))]]
        return [[(events.Retransmit(start=tcb.iss), None)]] if state in (State.SYN_SENT, State.SYN_RECEIVED) else [[]]
    if not observed.span:
        plain: Plan = [(events.Acknowledge(), None)]
        if distance(observed.seq, tcb.snd_una) == 1:
            # before everything that waits for its ACK: a question, asked by the keep-alive or the persist timer
            return [plain, [(events.KeepAlive(), None)], [(events.Send(1), None), (events.ProbeWindow(), None)]]
        return [plain]
    fresh: Plan = []
    missing = observed.length - tcb.queued
    if missing > 0:
        fresh.append((events.Send(missing), ("send", missing)))
    if observed.fin and not tcb.fin_queued:
        fresh.append((events.Close(), ("close", None)))
    fresh.append((events.Transmit(observed.length, observed.push, observed.fin), None))
    if distance(observed.seq, tcb.snd_nxt) > 0:
        return [[(events.Retransmit(observed.seq, observed.length, observed.push), None)], fresh]
    if observed.length == 1 and not observed.fin and not tcb.snd_wnd:
        return [fresh, [(events.Send(1), ("send", 1)), (events.ProbeWindow(), None)]]
    return [fresh]


def _differences(expected: Segment, observed: Segment) -> tuple[Difference, ...]:
    """Flags first: with other flags the numbers mean other things."""
    found = []
    if (expected.flags ^ observed.flags) & _COMPARED_FLAGS:
        found.append(Difference("flags", _kind(observed), _kind(expected)))
    if expected.seq != observed.seq:
        found.append(Difference("seq", observed.seq, expected.seq))
    if expected.has_ack and observed.has_ack and expected.ack != observed.ack:
        found.append(Difference("ack", observed.ack, expected.ack))
    if expected.length != observed.length:
        found.append(Difference("length", observed.length, expected.length))
    return tuple(found)


def _kind(segment: Segment) -> str:
    return words(segment.flags & ~PSH or segment.flags)


def opening(observed: Segment) -> tuple[list[Endpoint], list[Endpoint]]:
    """Where the sender and the receiver of a connection's first captured segment may have stood before it."""
    if observed.syn and not observed.has_ack:
        listener = step(Endpoint(), events.PassiveOpen()).endpoint
        return [Endpoint()], [listener, Endpoint()]
    if observed.syn:
        return _before_syn_ack(observed)
    return [_midway(observed.seq, observed.ack)], [_midway(observed.ack, observed.seq)]


def _before_syn_ack(observed: Segment) -> tuple[list[Endpoint], list[Endpoint]]:
    """The SYN was not captured: it is inferred from what acknowledges it."""
    stamps = observed.options.timestamps
    guess = events.Choose(iss=add(observed.ack, -1), options=observed.options, timestamp=stamps[1] if stamps else None)
    client = step(Endpoint(), guess).endpoint
    opened = step(client, events.ActiveOpen())
    syn = next(command.segment for command in opened.commands if isinstance(command, Emit))
    server = step(Endpoint(), events.PassiveOpen()).endpoint
    choice = events.Choose(iss=observed.seq, options=observed.options, window=observed.window)
    server = step(step(server, choice).endpoint, events.SegmentArrives(syn)).endpoint
    return [server], [opened.endpoint]


_ANY_WINDOW = 2**30
"""Offered before the capture began; nobody knows how much."""


def _midway(seq: int, ack: int) -> Endpoint:
    """ESTABLISHED, with all that was sent acknowledged: the least one can assume of a capture that starts later."""
    # the scale is not known: the largest, so that nobody is blamed for a window that nobody saw
    blank = Endpoint().tcb._replace(window=_ANY_WINDOW, scaled=True, snd_scale=14, rcv_scale=14)
    tcb = blank.agreed(sent=seq, heard=ack, peer_window=_ANY_WINDOW)
    # nor is it known what was told already: an ACK may be the first to tell of it (but of no SYN)
    tcb = tcb._replace(rcv_acked=add(ack, -2), rcv_wnd=min(tcb.rcv_wnd, _ANY_WINDOW))
    return Endpoint(State.ESTABLISHED, tcb)


def shifted(hypothesis: Hypothesis, *, send: int = 0, receive: int = 0) -> Hypothesis:
    """The same past, had this end counted its own octets, or its peer's, from another number.

    After a fault nobody knows which of two numbers was the wrong one; what follows tells.
    """
    tcb = hypothesis.endpoint.tcb
    tcb = tcb._replace(
        iss=add(tcb.iss, send),
        snd_una=add(tcb.snd_una, send),
        snd_nxt=add(tcb.snd_nxt, send),
        snd_wl2=add(tcb.snd_wl2, send),
        fin_sent=None if tcb.fin_sent is None else add(tcb.fin_sent, send),
        irs=add(tcb.irs, receive),
        rcv_nxt=add(tcb.rcv_nxt, receive),
        rcv_acked=add(tcb.rcv_acked, receive),
        snd_wl1=add(tcb.snd_wl1, receive),
        fin_at=None if tcb.fin_at is None else add(tcb.fin_at, receive),
        held=tuple((add(low, receive), add(high, receive)) for low, high in tcb.held),
    )
    return replace(hypothesis, endpoint=replace(hypothesis.endpoint, tcb=tcb), cost=hypothesis.cost + 1)


def with_habits(endpoint: Endpoint, observed: Segment) -> Endpoint:
    """What stacks do differently is granted where a segment shows it: a reset with ACK, an empty window probe."""
    shows = (observed.rst and observed.has_ack) or not (observed.span or observed.rst)
    deviations = frozenset({Deviation.RESET_WITH_ACK, Deviation.EMPTY_WINDOW_PROBE}) if shows else RFC9293
    return replace(endpoint, tcb=endpoint.tcb._replace(deviations=deviations))
