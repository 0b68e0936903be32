"""`step` is total: no event in any state raises, whatever the numbers, and what comes out is sound."""

from __future__ import annotations

import pytest
from endpoints import in_state
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpviz.exchange.policy import POLICIES
from tcpviz.model import events
from tcpviz.model.commands import Emit
from tcpviz.model.deviations import Deviation
from tcpviz.model.endpoint import step
from tcpviz.model.segment import Options, Segment
from tcpviz.model.sequence import MODULUS, add
from tcpviz.model.transitions import TABLE, State, find

near = st.integers(-8, 8) | st.integers(-(2**31), 2**31)
few = st.integers(0, 9) | st.integers(0, 70_000)
options = st.builds(
    Options,
    mss=st.none() | st.integers(0, 65535),
    window_scale=st.none() | st.integers(0, 255),
    sack_permitted=st.booleans(),
    timestamps=st.none() | st.tuples(st.integers(0, MODULUS - 1), st.integers(0, MODULUS - 1)),
    fast_open=st.none() | st.binary(max_size=16),
)
arrivals = st.tuples(near, near, st.integers(0, 255), few, st.integers(0, 65535), options, st.integers(0, 65535))
others = st.one_of(
    st.builds(events.PassiveOpen),
    st.builds(events.ActiveOpen, few),
    st.builds(events.Send, few),
    st.builds(events.Receive, few),
    st.builds(events.Close, st.booleans()),
    st.builds(events.Abort),
    st.builds(events.Status),
    st.builds(events.UserTimeout),
    st.builds(events.RetransmissionTimeout, st.none() | few),
    st.builds(events.TimeWaitTimeout),
    st.builds(events.FinWait2Timeout),
    st.builds(events.TakeAddresses),
    st.builds(events.Choose, st.none() | st.integers(0, MODULUS - 1), st.none() | options, st.none() | few),
    st.builds(events.Transmit, few, st.booleans(), st.booleans()),
    st.builds(events.Acknowledge),
    st.builds(events.Retransmit, st.none() | st.integers(0, MODULUS - 1), st.none() | few),
    st.builds(events.KeepAlive),
    st.builds(events.ProbeWindow),
)


@pytest.mark.parametrize("state", State)
@given(st.lists(arrivals | others, max_size=12))
@settings(max_examples=120)
def test_no_event_in_any_state_raises(state: State, happening: list[object]) -> None:
    endpoint = in_state(state)
    for item in happening:
        if isinstance(item, tuple):
            seq, ack, *rest = item
            tcb = endpoint.tcb
            item = events.SegmentArrives(Segment(add(tcb.rcv_nxt, seq), add(tcb.snd_nxt, ack), *rest))
        before = endpoint
        endpoint, commands, rows = step(endpoint, item)
        assert endpoint.state is (rows[-1].target if rows else before.state)
        for row in rows:
            assert find(row.source, row.stimulus) is row
        for command in commands:
            if isinstance(command, Emit):
                assert 0 <= command.segment.seq < MODULUS
                assert 0 <= command.segment.ack < MODULUS
                assert 0 <= command.segment.window < 65536
                assert command.segment.length >= 0
        assert endpoint.tcb.queued >= 0
        assert endpoint.tcb.rcv_wnd >= 0


def test_every_deviation_is_named_once_with_reason_and_source() -> None:
    labels = [deviation.label for deviation in Deviation]
    assert len(set(labels)) == len(labels)
    assert all(all(deviation.value) for deviation in Deviation)
    assert set().union(*(policy.deviations for policy in POLICIES.values())) <= set(Deviation)


def test_the_table_has_no_row_for_nothing() -> None:
    assert all(
        row.reply.value or row.target is not row.source or row.signal or "ACK" in str(row.stimulus) for row in TABLE
    )
