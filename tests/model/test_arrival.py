"""Acceptability (RFC 9293 section 3.10.7.4, Table 6), and text out of order, also across the wrap."""

from __future__ import annotations

import pytest
from endpoints import ACK, FIN, IRS, ISS, RST, arrives, in_state
from hypothesis import given
from hypothesis import strategies as st

from tcpviz.model.arrival import acceptable
from tcpviz.model.commands import Deliver, Emit
from tcpviz.model.control import ControlBlock
from tcpviz.model.deviations import Deviation
from tcpviz.model.endpoint import Endpoint, step
from tcpviz.model.events import SegmentArrives, Send, Transmit
from tcpviz.model.segment import Segment
from tcpviz.model.sequence import add
from tcpviz.model.transitions import State
from tcpviz.value import replace


@pytest.mark.parametrize("nxt", [1000, 2**32 - 2, 0])
@pytest.mark.parametrize(
    ("length", "window", "offset", "verdict"),
    [
        (0, 0, 0, True),
        (0, 0, 1, False),
        (0, 0, -1, False),
        (0, 10, 0, True),
        (0, 10, 9, True),
        (0, 10, 10, False),
        (0, 10, -1, False),
        (5, 0, 0, False),
        (5, 10, 0, True),
        (5, 10, 9, True),
        (5, 10, 10, False),
        (5, 10, -4, True),
        (5, 10, -5, False),
    ],
)
def test_the_four_cases_of_length_and_window(nxt: int, length: int, window: int, offset: int, verdict: bool) -> None:
    tcb = ControlBlock(rcv_nxt=nxt, rcv_wnd=window)
    assert acceptable(tcb, Segment(add(nxt, offset), 0, ACK, length)) is verdict


def shifted(endpoint: Endpoint, by: int) -> Endpoint:
    """The same established endpoint with the peer's numbers moved round the circle."""
    tcb = endpoint.tcb
    moved = {name: add(getattr(tcb, name), by) for name in ("irs", "rcv_nxt", "rcv_acked", "snd_wl1")}
    return replace(endpoint, tcb=replace(tcb, **moved))


@given(
    pieces=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20)), max_size=12),
    wrap=st.integers(0, 60),
)
def test_text_in_any_order_is_delivered_once_and_in_order(pieces: list[tuple[int, int]], wrap: int) -> None:
    first = add(IRS + 1, -(IRS + 1) - wrap)
    endpoint = shifted(in_state(State.ESTABLISHED), -(IRS + 1) - wrap)
    delivered = 0
    arrived: set[int] = set()
    for start, length in pieces:
        result = step(endpoint, arrives(ACK, seq=add(first, start), ack=ISS + 1, length=length))
        endpoint = result.endpoint
        delivered += sum(c.octets for c in result.commands if isinstance(c, Deliver))
        arrived |= set(range(start, start + length))
        in_order = next(n for n in range(100) if n not in arrived)
        assert delivered == in_order
        assert endpoint.tcb.rcv_nxt == add(first, in_order)


def test_a_fin_after_a_gap_waits_for_what_lacks() -> None:
    endpoint = in_state(State.ESTABLISHED)
    early = step(endpoint, arrives(FIN | ACK, seq=IRS + 6, ack=ISS + 1))
    assert early.endpoint.state is State.ESTABLISHED
    filled = step(early.endpoint, arrives(ACK, seq=IRS + 1, ack=ISS + 1, length=5))
    assert filled.endpoint.state is State.CLOSE_WAIT
    assert filled.endpoint.tcb.rcv_nxt == IRS + 7


@pytest.mark.parametrize("linux", [True, False], ids=["linux", "rfc9293"])
@pytest.mark.parametrize("state", [State.CLOSE_WAIT, State.CLOSING, State.LAST_ACK, State.ESTABLISHED])
def test_a_reset_with_the_number_of_the_fin_before_it(state: State, linux: bool) -> None:
    end = in_state(state)
    habits = frozenset({Deviation.RESET_AT_FIN}) if linux else frozenset()
    end = replace(end, tcb=replace(end.tcb, deviations=habits))
    after = step(end, arrives(RST, seq=add(end.tcb.rcv_nxt, -1))).endpoint
    assert after.state is (State.CLOSED if linux and state is not State.ESTABLISHED else state)


def answers(state: State, segment: SegmentArrives, deviation: Deviation | None) -> list[int]:
    """The flags of what an end in that state sends at once."""
    end = in_state(state)
    end = replace(end, tcb=replace(end.tcb, deviations=frozenset({deviation}) if deviation else frozenset()))
    return [command.segment.flags for command in step(end, segment).commands if isinstance(command, Emit)]


def test_what_acknowledges_the_time_before_the_connection() -> None:
    ghost = arrives(ACK, seq=IRS + 1, ack=ISS - 50)
    assert answers(State.ESTABLISHED, ghost, None) == []
    assert answers(State.ESTABLISHED, ghost, Deviation.GHOST_ACK) == [ACK]
    assert answers(State.ESTABLISHED, arrives(ACK, seq=IRS + 1, ack=ISS + 1), Deviation.GHOST_ACK) == []


def test_a_connection_that_is_none_yet_looks_at_the_ack_first() -> None:
    wrong = arrives(ACK, seq=IRS + 5000, ack=ISS + 77)
    assert answers(State.SYN_RECEIVED, wrong, None) == [ACK]
    assert answers(State.SYN_RECEIVED, wrong, Deviation.ACK_FIRST) == [RST]


@pytest.mark.parametrize("lacking", [0, 10])
@pytest.mark.parametrize("deviation", [Deviation.FIN_BEHIND_TEXT, None])
def test_a_fin_behind_text_that_has_not_come_to_an_end_that_has_closed(
    lacking: int, deviation: Deviation | None
) -> None:
    end = in_state(State.FIN_WAIT_2)
    habits = frozenset({deviation}) if deviation else frozenset()
    end = replace(end, tcb=replace(end.tcb, closed=True, deviations=habits))
    after = step(end, arrives(FIN | ACK, seq=IRS + 1 + lacking, ack=ISS + 2)).endpoint
    waits = State.FIN_WAIT_2 if lacking else State.TIME_WAIT
    assert after.state is (State.CLOSED if lacking and deviation else waits)


def test_what_belongs_to_no_connection_is_reset_and_a_reset_is_not() -> None:
    text, reset = arrives(ACK, seq=70, ack=90, length=5), arrives(RST | ACK, seq=70, ack=90)
    acknowledging, answering = Deviation.RESET_ACKNOWLEDGES, Deviation.RESET_ANSWERED
    assert answers(State.CLOSED, text, None) == [RST]
    assert answers(State.CLOSED, text, acknowledging) == [RST | ACK]
    assert [answers(State.CLOSED, reset, deviation) for deviation in (None, acknowledging, answering)] == [
        [],
        [],
        [RST],
    ]


@pytest.mark.parametrize("deviation", [Deviation.EDGE_TAKEN, None])
def test_an_empty_segment_at_the_edge_of_the_window(deviation: Deviation | None) -> None:
    window = in_state(State.ESTABLISHED).tcb.rcv_wnd
    at, beyond = (arrives(ACK, seq=IRS + 1 + window + more, ack=ISS + 1) for more in (0, 1))
    assert answers(State.ESTABLISHED, at, deviation) == ([] if deviation else [ACK])
    assert answers(State.ESTABLISHED, beyond, deviation) == [ACK]


@pytest.mark.parametrize("deviation", [Deviation.WINDOW_BY_ACK, None])
def test_a_window_that_text_sent_again_tells_of(deviation: Deviation | None) -> None:
    """It is older by its sequence number than the empty segment that set the window before, and acknowledges more."""
    endpoint = step(in_state(State.ESTABLISHED), Send(100)).endpoint
    endpoint = step(endpoint, Transmit(100)).endpoint
    habits = frozenset({deviation} if deviation else ())
    endpoint = replace(endpoint, tcb=replace(endpoint.tcb, deviations=habits))
    for seq, ack, length, window in ((6, 1, 0, 500), (1, 101, 5, 900)):
        arrived = arrives(ACK, seq=IRS + seq, ack=ISS + ack, length=length, window=window)
        endpoint = step(endpoint, arrived).endpoint
    assert endpoint.tcb.snd_wnd == (900 if deviation else 500)
