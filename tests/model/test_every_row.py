"""Every row of the table fires, from an endpoint that got there by real events."""

from __future__ import annotations

import pytest
from endpoints import ACK, FIN, IRS, ISS, RST, SYN, arrives, in_state, opened_actively_syn_received, play

from tcpviz.model import events
from tcpviz.model.deviations import Deviation
from tcpviz.model.endpoint import Endpoint, step
from tcpviz.model.segment import URG, Options, Segment
from tcpviz.model.sequence import add
from tcpviz.model.transitions import TABLE, Row, State, Stimulus, find
from tcpviz.value import replace

COOKIE = b"cookie"
TEXT = arrives(ACK, seq=IRS + 1, ack=ISS + 1, length=5)
_CALLS: dict[Stimulus, events.Event] = {
    Stimulus.PASSIVE_OPEN: events.PassiveOpen(),
    Stimulus.ACTIVE_OPEN: events.ActiveOpen(),
    Stimulus.SEND: events.Send(5),
    Stimulus.SEND_AFTER_CLOSE: events.Send(5),
    Stimulus.RECEIVE: events.Receive(5),
    Stimulus.RECEIVE_AT_END: events.Receive(5),
    Stimulus.CLOSE: events.Close(),
    Stimulus.CLOSE_DATA_QUEUED: events.Close(),
    Stimulus.CLOSE_UNREAD: events.Close(full=True),
    Stimulus.ABORT: events.Abort(),
    Stimulus.STATUS: events.Status(),
    Stimulus.USER_TIMEOUT: events.UserTimeout(),
    Stimulus.RETRANSMISSION_TIMEOUT: events.RetransmissionTimeout(),
    Stimulus.TIME_WAIT_TIMEOUT: events.TimeWaitTimeout(),
    Stimulus.FIN_WAIT_2_TIMEOUT: events.FinWait2Timeout(),
    Stimulus.ADDRESSES_TAKEN: events.TakeAddresses(),
}


def ready_for(row: Row) -> Endpoint:
    """An endpoint in the row's state, with what the row's stimulus takes for granted."""
    match row.stimulus:
        case Stimulus.RCV_RST_ACTIVE:
            return opened_actively_syn_received()
        case Stimulus.RCV_SYN_IN_WINDOW if row.source is State.SYN_RECEIVED:
            return opened_actively_syn_received()
        case Stimulus.SEND_AFTER_CLOSE:
            return play([events.Send(5), events.Close()], in_state(row.source))
        case Stimulus.CLOSE_DATA_QUEUED:
            return play([events.Send(5)], in_state(row.source))
        case Stimulus.CLOSE_UNREAD if row.source is State.CLOSE_WAIT:
            return play([TEXT, arrives(FIN | ACK, seq=IRS + 6, ack=ISS + 1)], in_state(State.ESTABLISHED))
        case Stimulus.CLOSE_UNREAD if row.source is State.SYN_RECEIVED:
            listener = having(in_state(State.LISTEN), options=Options(fast_open=COOKIE))
            return play([events.SegmentArrives(Segment(IRS, 0, SYN, 5, 1000, Options(fast_open=COOKIE)))], listener)
        case Stimulus.CLOSE_UNREAD if row.source is State.LAST_ACK:
            halves = [TEXT, arrives(FIN | ACK, seq=IRS + 6, ack=ISS + 1), events.Close(), events.Transmit(0, fin=True)]
            return play(halves, in_state(State.ESTABLISHED))
        case Stimulus.CLOSE_UNREAD if row.source is State.CLOSING:
            return play([TEXT, arrives(FIN | ACK, seq=IRS + 6, ack=ISS + 1)], in_state(State.FIN_WAIT_1))
        case Stimulus.CLOSE_UNREAD:
            return play([TEXT], in_state(row.source))
        case Stimulus.RECEIVE if row.source is State.CLOSE_WAIT:
            return play([TEXT, arrives(FIN | ACK, seq=IRS + 6, ack=ISS + 1)], in_state(State.ESTABLISHED))
        case Stimulus.RCV_TEXT_AFTER_CLOSE:
            return play([events.Close(full=True)], in_state(row.source))
        case Stimulus.RCV_SYN_COOKIE | Stimulus.RCV_ACK_OF_COOKIE:
            return having(in_state(row.source), syn_cookies=True)
        case Stimulus.RCV_SYN_ERROR:
            return having(in_state(row.source), deviations=frozenset({Deviation.SYN_IN_WINDOW}))
        case Stimulus.RCV_SYN_AGAIN:
            return having(in_state(row.source), deviations=frozenset({Deviation.SYN_ACK_AGAIN}))
        case Stimulus.RCV_TEXT if row.source is State.SYN_RECEIVED:
            return having(in_state(State.LISTEN), options=Options(fast_open=COOKIE))
        case Stimulus.RCV_NEW_SYN:
            return having(in_state(row.source), passive=True)
        case Stimulus.FIN_WAIT_2_TIMEOUT:
            return having(in_state(row.source), closed=True, deviations=frozenset({Deviation.FIN_WAIT_2_TIMEOUT}))
        case Stimulus.ADDRESSES_TAKEN:
            reusing = frozenset({Deviation.TIME_WAIT_REUSED})
            return having(in_state(row.source), timestamps_on=True, deviations=reusing)
        case Stimulus.RETRANSMISSION_TIMEOUT if row.source in (State.ESTABLISHED, State.CLOSE_WAIT):
            return play([events.Send(5), events.Transmit(5)], in_state(row.source))
    return in_state(row.source)


def having(endpoint: Endpoint, **fields: object) -> Endpoint:
    return replace(endpoint, tcb=replace(endpoint.tcb, **fields))


def event_for(row: Row, endpoint: Endpoint) -> events.Event:
    """An event that the endpoint must name as the row's stimulus."""
    nxt, una, sent = endpoint.tcb.rcv_nxt, endpoint.tcb.snd_una, endpoint.tcb.snd_nxt
    match row.stimulus:
        case Stimulus.RCV_SEGMENT if row.source is State.CLOSED:
            return arrives(ACK, seq=1, ack=1)
        case Stimulus.RCV_SEGMENT:
            return arrives(0, seq=1)
        case Stimulus.RCV_TEXT if row.source is State.SYN_RECEIVED:
            return events.SegmentArrives(Segment(IRS, 0, SYN, 5, 1000, Options(fast_open=COOKIE)))
        case Stimulus.RCV_ACK_OF_COOKIE:
            return arrives(ACK, seq=IRS + 1, ack=add(endpoint.tcb.iss, 1))
        case Stimulus.RCV_NEW_SYN:
            return arrives(SYN, seq=add(nxt, 7))
        case Stimulus.RCV_SYN | Stimulus.RCV_SYN_COOKIE | Stimulus.RCV_SYN_AGAIN:
            return arrives(SYN, seq=IRS)
        case Stimulus.RCV_SYN_ACK:
            return arrives(SYN | ACK, seq=IRS, ack=sent)
        case Stimulus.RCV_RST if row.source in (State.CLOSED, State.LISTEN, State.SYN_SENT):
            return arrives(RST | ACK, seq=0, ack=sent)
        case Stimulus.RCV_BAD_RST if row.source is State.SYN_SENT:
            return arrives(RST | ACK, seq=0, ack=add(sent, 7))
        case Stimulus.RCV_BAD_RST:
            return arrives(RST, seq=add(nxt, -7))
        case Stimulus.RCV_RST | Stimulus.RCV_RST_ACTIVE | Stimulus.RCV_RST_PASSIVE:
            return arrives(RST, seq=nxt)
        case Stimulus.RCV_RST_IN_WINDOW:
            return arrives(RST, seq=add(nxt, 7))
        case Stimulus.RCV_SYN_PASSIVE | Stimulus.RCV_SYN_IN_WINDOW | Stimulus.RCV_SYN_ERROR:
            return arrives(SYN, seq=add(nxt, 7))
        case Stimulus.RCV_UNACCEPTABLE:
            return arrives(ACK, seq=add(nxt, -7), ack=sent)
        case Stimulus.RCV_WITHOUT_ACK:
            return arrives(0, seq=nxt)
        case Stimulus.RCV_BAD_ACK:
            return arrives(ACK, seq=nxt, ack=add(sent, 7))
        case Stimulus.RCV_ACK:
            return arrives(ACK, seq=nxt, ack=una)
        case Stimulus.RCV_ACK_OF_SYN | Stimulus.RCV_ACK_OF_FIN:
            return arrives(ACK, seq=nxt, ack=sent)
        case Stimulus.RCV_TEXT | Stimulus.RCV_TEXT_AFTER_CLOSE:
            return arrives(ACK, seq=nxt, ack=una, length=5)
        case Stimulus.RCV_URGENT:
            return events.SegmentArrives(Segment(nxt, una, ACK | URG, 5, 1000, urgent=4))
        case Stimulus.RCV_EARLY_TEXT:
            return arrives(ACK, seq=add(nxt, 7), ack=una, length=5)
        case Stimulus.RCV_FIN:
            return arrives(FIN | ACK, seq=nxt, ack=una)
        case Stimulus.RCV_FIN_ACK_OF_FIN:
            return arrives(FIN | ACK, seq=nxt, ack=sent)
        case Stimulus.RCV_FIN_AGAIN:
            return arrives(FIN | ACK, seq=add(nxt, -1), ack=sent)
    return _CALLS[row.stimulus]


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_row_fires(row: Row) -> None:
    endpoint = ready_for(row)
    result = step(endpoint, event_for(row, endpoint))
    assert row in result.rows
    assert result.endpoint.state is row.target


@pytest.mark.parametrize("state", State)
def test_what_the_table_does_not_know_is_refused_and_changes_nothing(state: State) -> None:
    endpoint = in_state(state)
    for event in (events.TimeWaitTimeout(), events.RetransmissionTimeout(), events.Transmit(5), events.Retransmit(7)):
        if isinstance(event, events.TimeWaitTimeout) and find(state, Stimulus.TIME_WAIT_TIMEOUT):
            continue
        result = step(endpoint, event)
        if not result.rows and result.commands:
            assert result.endpoint == endpoint
