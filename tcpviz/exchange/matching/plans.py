"""The calls and choices that would make an endpoint send something like what was seen."""

from __future__ import annotations

from tcpviz.exchange.matching.past import Call
from tcpviz.model import events
from tcpviz.model.endpoint import Endpoint
from tcpviz.model.segment import Segment
from tcpviz.model.sequence import add, distance
from tcpviz.model.transitions import SYNCHRONIZED, State

Plan = list[tuple[events.Event, Call | None]]
"""Events in order, each with the call that an application must have made for it."""


def plans(endpoint: Endpoint, observed: Segment) -> list[Plan]:
    """The calls and choices that would make this endpoint send something like `observed`."""
    tcb, state = endpoint.tcb, endpoint.state
    if observed.rst and state in (State.CLOSING, State.LAST_ACK):
        # ABORT says nothing there, but who reads nothing more leaves text unread (3.6.1)
        return [[(events.Close(full=True), ("close", None))]]
    if observed.rst:
        return [[(events.Abort(), ("abort", None))]]
    if observed.syn:
        if state is State.CLOSED and not observed.has_ack:
            return [[(events.ActiveOpen(observed.length), ("connect", observed.length or None))]]
        first: Plan = [(events.Retransmit(tcb.iss, observed.length), None)]
        # who has closed in SYN-RECEIVED still waits for the ACK of its SYN
        waits = state in (State.SYN_SENT, State.SYN_RECEIVED) or (state is State.FIN_WAIT_1 and tcb.snd_una == tcb.iss)
        return [first] if waits else [[]]
    behind = distance(observed.seq, tcb.snd_una) == 1
    if not observed.span:
        plain: Plan = [(events.Acknowledge(observed.options.multipath), None)]
        if behind:
            # before everything that waits for its ACK: a question, asked by the keep-alive or the persist timer
            alive: Plan = [(events.KeepAlive(), None)]
            probe: Plan = [(events.Send(1), None), (events.ProbeWindow(), None)]
            return [plain, alive, probe] if tcb.snd_wnd else [plain, probe, alive]
        return [plain]
    sent = distance(observed.seq, tcb.snd_nxt)
    oldest: Plan = [(events.Retransmit(tcb.snd_una, observed.length, observed.push, observed.fin), None)]
    if sent <= 0 and tcb.fin_sent is not None:
        # none is possible: nothing follows the FIN
        newest = add(tcb.snd_nxt, -observed.span)
        last: Plan = [(events.Retransmit(newest, observed.length, observed.push, observed.fin), None)]
        return [oldest, last, _fresh(endpoint, observed.length, observed)]
    if sent <= 0:
        fresh = _fresh(endpoint, observed.length, observed)
        if observed.length == 1 and not observed.fin and not tcb.snd_wnd:
            return [fresh, [(events.Send(1), ("send", 1)), (events.ProbeWindow(), None)]]
        return [fresh]
    again: list[Plan] = [[(events.Retransmit(observed.seq, observed.length, observed.push, observed.fin), None)]]
    if behind and observed.length == 1:
        again.append([(events.KeepAlive(), None)])
    if state in SYNCHRONIZED and tcb.fin_sent is None and distance(tcb.snd_nxt, observed.end) > 0:
        # sent again with new text or the FIN behind it (3.8.1)
        front: Plan = [(events.Retransmit(observed.seq, sent), None)]
        again.append(front + _fresh(endpoint, observed.length - sent, observed))
    # never these, but perhaps what was meant
    return [*again, oldest, _fresh(endpoint, observed.length, observed)]


def _fresh(endpoint: Endpoint, octets: int, observed: Segment) -> Plan:
    """Calls, where they are needed, and then new text and the FIN."""
    tcb = endpoint.tcb
    plan: Plan = []
    missing = octets - tcb.queued
    if missing > 0:
        plan.append((events.Send(missing), ("send", missing)))
    if observed.fin and not tcb.fin_queued:
        plan.append((events.Close(), ("close", None)))
    plan.append((events.Transmit(octets, observed.push, observed.fin), None))
    return plan
