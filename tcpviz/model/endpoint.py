"""One end of a connection: `step(endpoint, event) -> endpoint, commands, fired rows`.

The table says which state follows and which reply is due; `run` carries replies out. What happens here
decides nothing that the RFC leaves free: those decisions arrive as events, and `choices` takes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tcpviz.model import choices, events
from tcpviz.model.arrival import name
from tcpviz.model.commands import Arm, Command, Deliver, Disarm, Refuse, Signal, Timer
from tcpviz.model.control import ControlBlock
from tcpviz.model.deviations import Deviation
from tcpviz.model.run import Run
from tcpviz.model.sentence import Sentence
from tcpviz.model.sequence import add
from tcpviz.model.transitions import Reply, Row, State, Stimulus, find
from tcpviz.value import Value, replace

_NEW = ControlBlock()


class Endpoint(Value):
    """A state and its control block."""

    state: State = State.CLOSED
    tcb: ControlBlock = _NEW


class Step(NamedTuple):
    """What `step` gives back: the endpoint after, what it asks for, and the rows that fired, in order."""

    endpoint: Endpoint
    commands: tuple[Command, ...]
    rows: tuple[Row, ...]


def step(endpoint: Endpoint, event: events.Event) -> Step:
    """One event, carried out. Total: what makes no sense is refused by a command, never an exception."""
    run = Run(endpoint.state, endpoint.tcb)
    _HANDLERS[type(event)](run, event)
    return Step(Endpoint(run.state, run.tcb), tuple(run.commands), tuple(run.rows))


# User calls


def _passive_open(run: Run, event: events.PassiveOpen) -> None:
    row = run.fire(Stimulus.PASSIVE_OPEN)
    if row and row.source is State.CLOSED:
        run.tcb = replace(run.tcb, passive=True)


def _active_open(run: Run, event: events.ActiveOpen) -> None:
    run.front = event.octets
    run.fire(Stimulus.ACTIVE_OPEN)


def _send(run: Run, event: events.Send) -> None:
    late = run.state is State.SYN_RECEIVED and run.tcb.fin_queued
    row = run.fire(Stimulus.SEND_AFTER_CLOSE if late else Stimulus.SEND)
    if row and not row.signal:
        tcb = run.tcb
        last = add(tcb.snd_nxt, tcb.queued + event.octets - 1)
        up = last if event.urgent and event.octets else tcb.snd_up
        run.tcb = replace(tcb, queued=tcb.queued + event.octets, snd_up=up)


def _receive(run: Run, event: events.Receive) -> None:
    ended = run.state is State.CLOSE_WAIT and not run.tcb.unread
    row = run.fire(Stimulus.RECEIVE_AT_END if ended else Stimulus.RECEIVE)
    # what has arrived is delivered, even where the RFC's answer is "error: connection closing"
    if row and (row.reply is Reply.DELIVER or run.state is not State.CLOSED):
        run.tcb = replace(run.tcb, unread=max(0, run.tcb.unread - event.octets))


def _close(run: Run, event: events.Close) -> None:
    tcb = run.tcb
    if event.full and tcb.unread and find(run.state, Stimulus.CLOSE_UNREAD):
        run.fire(Stimulus.CLOSE_UNREAD)
        return
    waiting = run.state is State.SYN_RECEIVED and tcb.queued
    run.fire(Stimulus.CLOSE_DATA_QUEUED if waiting else Stimulus.CLOSE)
    if run.state is not State.CLOSED:
        run.tcb = replace(run.tcb, closed=run.tcb.closed or event.full, fin_queued=run.tcb.fin_queued or bool(waiting))


def _abort(run: Run, event: events.Abort) -> None:
    run.fire(Stimulus.ABORT)


def _status(run: Run, event: events.Status) -> None:
    if run.fire(Stimulus.STATUS) and run.state is not State.CLOSED:
        run.commands.append(Signal(f"state = {run.state}"))


# Segments


def _segment_arrives(run: Run, event: events.SegmentArrives) -> None:
    segment = run.segment = event.segment
    arrival = name(run.state, run.tcb, segment)
    una = run.tcb.snd_una
    run.tcb = arrival.tcb
    acked = run.tcb.snd_una != una
    for stimulus in arrival.stimuli:
        if stimulus is Stimulus.RCV_TEXT:
            run.commands.append(Deliver(arrival.delivered))
        run.fire(stimulus)
    if acked and run.state not in (State.CLOSED, State.LISTEN, State.TIME_WAIT):
        done = run.tcb.snd_una == run.tcb.snd_nxt
        run.commands.append(Disarm(Timer.RETRANSMISSION) if done else Arm(Timer.RETRANSMISSION))
    if run.state is State.ESTABLISHED and run.tcb.fin_queued:
        run.fire(Stimulus.CLOSE)  # the CLOSE that waited in SYN-RECEIVED (3.10.4)


# Timeouts


def _user_timeout(run: Run, event: events.UserTimeout) -> None:
    run.fire(Stimulus.USER_TIMEOUT)


def _retransmission_timeout(run: Run, event: events.RetransmissionTimeout) -> None:
    if run.tcb.snd_una == run.tcb.snd_nxt:
        run.commands.append(Refuse(Sentence("nothing is waiting for an acknowledgement"), "3.8.1"))
    else:
        run.front = event.octets
        run.fire(Stimulus.RETRANSMISSION_TIMEOUT)


def _time_wait_timeout(run: Run, event: events.TimeWaitTimeout) -> None:
    run.fire(Stimulus.TIME_WAIT_TIMEOUT)


def _fin_wait_2_timeout(run: Run, event: events.FinWait2Timeout) -> None:
    if Deviation.FIN_WAIT_2_TIMEOUT in run.tcb.deviations and run.tcb.closed:
        run.fire(Stimulus.FIN_WAIT_2_TIMEOUT)
    else:
        run.commands.append(Refuse(Sentence("FIN-WAIT-2 waits for the peer's FIN"), "3.6"))


def _take_addresses(run: Run, event: events.TakeAddresses) -> None:
    if Deviation.TIME_WAIT_REUSED in run.tcb.deviations and run.tcb.timestamps_on:
        run.fire(Stimulus.ADDRESSES_TAKEN)
    else:
        run.commands.append(Refuse(Sentence("TIME-WAIT holds its addresses for 2 MSL"), "3.6.1"))


# each handler takes its own event's type, which the key guarantees
_HANDLERS: dict[type, Callable[[Run, Any], None]] = {
    events.PassiveOpen: _passive_open,
    events.ActiveOpen: _active_open,
    events.Send: _send,
    events.Receive: _receive,
    events.Close: _close,
    events.Abort: _abort,
    events.Status: _status,
    events.SegmentArrives: _segment_arrives,
    events.UserTimeout: _user_timeout,
    events.RetransmissionTimeout: _retransmission_timeout,
    events.TimeWaitTimeout: _time_wait_timeout,
    events.FinWait2Timeout: _fin_wait_2_timeout,
    events.TakeAddresses: _take_addresses,
    events.Choose: choices.choose,
    events.Transmit: choices.transmit,
    events.Acknowledge: choices.acknowledge,
    events.Retransmit: choices.retransmit,
    events.KeepAlive: choices.keep_alive,
    events.ProbeWindow: choices.probe_window,
}
