"""Endpoints in every state, each reached by the events that lead there: ours at 100, the peer at 300."""

from __future__ import annotations

from collections.abc import Iterable

from tcpviz.model import events
from tcpviz.model.endpoint import Endpoint, step
from tcpviz.model.segment import ACK, FIN, RST, SYN, Segment
from tcpviz.model.transitions import State

ISS, IRS = 100, 300


def arrives(flags: int, *, seq: int, ack: int = 0, length: int = 0, window: int = 1000) -> events.SegmentArrives:
    return events.SegmentArrives(Segment(seq, ack, flags, length, window))


def play(happening: Iterable[events.Event], start: Endpoint | None = None) -> Endpoint:
    endpoint = start or Endpoint()
    for event in happening:
        endpoint = step(endpoint, event).endpoint
    return endpoint


_ACTIVE = (events.Choose(iss=ISS, window=1000), events.ActiveOpen())
_PASSIVE = (events.Choose(iss=ISS, window=1000), events.PassiveOpen())
_OPEN = (*_ACTIVE, arrives(SYN | ACK, seq=IRS, ack=ISS + 1), events.Acknowledge())
_CLOSE = (events.Close(), events.Transmit(0, fin=True))
_FIN = arrives(FIN | ACK, seq=IRS + 1, ack=ISS + 1)

PATHS: dict[State, tuple[events.Event, ...]] = {
    State.CLOSED: (),
    State.LISTEN: _PASSIVE,
    State.SYN_SENT: _ACTIVE,
    State.SYN_RECEIVED: (*_PASSIVE, arrives(SYN, seq=IRS)),
    State.ESTABLISHED: _OPEN,
    State.FIN_WAIT_1: (*_OPEN, *_CLOSE),
    State.FIN_WAIT_2: (*_OPEN, *_CLOSE, arrives(ACK, seq=IRS + 1, ack=ISS + 2)),
    State.CLOSE_WAIT: (*_OPEN, _FIN),
    State.CLOSING: (*_OPEN, *_CLOSE, _FIN),
    State.LAST_ACK: (*_OPEN, _FIN, *_CLOSE),
    State.TIME_WAIT: (*_OPEN, *_CLOSE, arrives(FIN | ACK, seq=IRS + 1, ack=ISS + 2), events.Acknowledge()),
}


def in_state(state: State) -> Endpoint:
    endpoint = play(PATHS[state])
    assert endpoint.state is state
    return endpoint


def opened_actively_syn_received() -> Endpoint:
    """SYN-RECEIVED by a simultaneous open."""
    return play((*_ACTIVE, arrives(SYN, seq=IRS)))


__all__ = ["ACK", "FIN", "IRS", "ISS", "RST", "SYN", "arrives", "in_state", "opened_actively_syn_received", "play"]
