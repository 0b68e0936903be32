"""What may have happened to an end without a word on the wire: calls, timeouts, a crash, a listener that began anew.

Tried only where nothing that was seen explains a segment.
"""

from __future__ import annotations

from collections.abc import Iterator

from tcpviz.exchange.matching.deliveries import in_order, opening_with
from tcpviz.exchange.matching.liberties import SILENT_CALL
from tcpviz.exchange.matching.past import Call, End, Entry, deliver
from tcpviz.model import events
from tcpviz.model.endpoint import Endpoint, step
from tcpviz.model.segment import RST, SYN, Segment
from tcpviz.model.transitions import UNCONNECTED, Row, State
from tcpviz.value import replace

_REOPENED = 15
"""The cost of another connect() once a timer has run out: a forged SYN looks the same."""
_FORGETFUL = 20
"""The cost of a half-open connection that was forgotten: a wrong number in its SYN,ACK looks the same."""


def listening(start: End, observed: Segment) -> Iterator[End]:
    """Where a connection is over a listener is left: its SYN,ACK opens another, also for a SYN that came late.

    So it does for a SYN that comes again to who kept nothing but a cookie, or has dropped what it kept (RFC 4987).
    """
    if not observed.syn or not observed.has_ack:
        return
    for run in in_order(start, observed)[0]:
        asking = (p for p, item in enumerate(run.pending) if item.segment.syn and item.segment.end == observed.ack)
        over = run.state in UNCONNECTED and run.past
        forgotten = (
            run.state is State.SYN_RECEIVED and run.endpoint.tcb.passive and observed.seq != run.endpoint.tcb.iss
        )
        if (over or forgotten) and (asked := next(asking, None)) is not None:
            listener = step(Endpoint(), events.PassiveOpen()).endpoint
            cost = SILENT_CALL if over else _FORGETFUL
            yield deliver(opening_with(run._replace(endpoint=listener, cost=run.cost + cost), observed), asked)


def silently(end: End, observed: Segment) -> Iterator[End]:
    """Calls and timeouts that put nothing on the wire, where only they make the segment possible."""
    opens = observed.syn and not observed.has_ack
    if not observed.rst and not opens:
        return
    if opens and (last := in_order(end, observed)[0][-1]).state is not end.state:
        # the timeout came after all that was on its way
        yield from silently(last, observed)
    quiet: list[tuple[events.Event, str]]
    if end.state is State.SYN_SENT or end.state is State.LISTEN:
        quiet = [(events.Close(full=True), "close")]
    elif end.state is State.ESTABLISHED and observed.rst:
        # its FIN waits behind text that is not acknowledged, and text that comes is answered with a reset
        quiet = [(events.Close(full=True), "close")]
        if questions(end, observed) and not _may_wait(end):
            yield _forgotten(end, observed)
    elif end.state is State.TIME_WAIT:
        yield _timed_out(end, [(events.TimeWaitTimeout(), "")], observed)
        return
    elif end.state in (State.FIN_WAIT_1, State.FIN_WAIT_2):
        # shutdown() and close() look alike until text comes that only a half-closed end could still take
        quiet = [(events.Close(full=True), "")]
        if end.state is State.FIN_WAIT_2:
            yield _timed_out(end, [*quiet, (events.FinWait2Timeout(), "")], observed)
    elif questions(end, observed):
        yield _forgotten(end, observed)
        return
    else:
        return
    yield _after(end, quiet)


def _timed_out(end: End, quiet: list[tuple[events.Event, str]], observed: Segment) -> End:
    """The same, without its connection; any ISS will do for the next."""
    gone = _after(end, quiet)
    return opening_with(gone._replace(cost=gone.cost + _REOPENED), observed) if observed.syn else gone


def questions(end: End, observed: Segment) -> int:
    """How much text, FINs and keep-alives are on their way that a reset without ACK may answer: likely who is gone."""
    if observed.has_ack or not observed.rst:
        return 0
    waiting = (item.segment for item in end.pending[end.late :] if not item.segment.flags & (SYN | RST))
    asking = (segment for segment in waiting if segment.has_ack and segment.ack == observed.seq)
    return sum(segment.span > 0 or segment.seq != end.endpoint.tcb.rcv_nxt for segment in asking)


def _may_wait(end: End) -> bool:
    """Text or a FIN, though nothing was on its way that would take it along: what was sent is not acknowledged."""
    run = end
    while run.late < len(run.pending) and not run.pending[run.late].segment.span:
        run = deliver(run, run.late)
    tcb = run.endpoint.tcb
    return tcb.snd_una != tcb.snd_nxt or not tcb.usable_window


def _forgotten(end: End, observed: Segment) -> End:
    opened = end.state is State.SYN_RECEIVED and end.pending and questions(end, observed) == 1
    # who has the third ACK answers all that follows, as long as it can
    return forgotten(deliver(end, end.late) if opened else end)._replace(cost=end.cost + SILENT_CALL)


def forgotten(end: End) -> End:
    """The same, without its connection: it gave up, or crashed."""
    last = next((e.emit for e in end.recent() if e.sent and e.emit), None)
    newest = end.newest()
    at = newest.place if newest else 0
    if last and last.kind in ("retransmission", "keep-alive", "window-probe"):
        result = step(end.endpoint, events.UserTimeout())
        after, rows = result.endpoint, result.rows
    else:
        after, rows = Endpoint(State.CLOSED, end.endpoint.tcb.forgotten(passive=False)), ()
    return end.noted(Entry(at, False, end.state, after.state, rows), after)._replace(owed=())


def _after(end: End, quiet: list[tuple[events.Event, str]]) -> End:
    # whoever leaves text unread resets, and that is heard
    endpoint = replace(end.endpoint, tcb=replace(end.endpoint.tcb, unread=0))
    rows: tuple[Row, ...] = ()
    calls: list[Call] = []
    for event, call in quiet:
        result = step(endpoint, event)
        endpoint, rows = result.endpoint, rows + result.rows
        calls += [(call, None)] if call else []
    newest = end.newest()
    entry = Entry(newest.place if newest else 0, False, end.state, endpoint.state, rows, tuple(calls))
    return end.noted(entry, endpoint)._replace(cost=end.cost + SILENT_CALL)
