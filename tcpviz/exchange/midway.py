"""Endpoints that are there before the story begins: any state, with the SND.NXT and RCV.NXT that the scenario gives.

Everything that was sent has been acknowledged, but for the one thing each state waits for.
"""

from __future__ import annotations

from tcpviz.exchange.policy import Policy
from tcpviz.exchange.scenario import Host
from tcpviz.exchange.socket import closed
from tcpviz.model.endpoint import Endpoint
from tcpviz.model.sequence import add
from tcpviz.model.transitions import State
from tcpviz.value import replace

_SYN_OUT = (State.SYN_SENT, State.SYN_RECEIVED)
_FIN_OUT = (State.FIN_WAIT_1, State.CLOSING, State.LAST_ACK)
_FIN_SENT = (*_FIN_OUT, State.FIN_WAIT_2, State.TIME_WAIT)
_FIN_HEARD = (State.CLOSE_WAIT, State.CLOSING, State.LAST_ACK, State.TIME_WAIT)
_WINDOW = 65535


def midway(plan: Host, policy: Policy) -> Endpoint:
    """The endpoint that `plan.start` describes."""
    start = plan.start
    blank = closed(plan, policy)
    if start is None or start.state is State.CLOSED:
        return blank
    if start.state is State.LISTEN:
        return replace(blank, state=State.LISTEN, tcb=replace(blank.tcb, passive=True, iss=add(start.snd_nxt, -1)))
    last_sent, last_heard = add(start.snd_nxt, -1), add(start.rcv_nxt, -1)
    waiting = start.state in (*_SYN_OUT, *_FIN_OUT)
    tcb = replace(
        blank.tcb.agreed(sent=start.snd_nxt, heard=start.rcv_nxt, peer_window=_WINDOW),
        snd_una=last_sent if waiting else start.snd_nxt,
        peer_mss=plan.mss,
        passive=start.state is State.SYN_RECEIVED,
        fin_queued=start.state in _FIN_SENT,
        fin_sent=last_sent if start.state in _FIN_SENT else None,
        fin_at=last_heard if start.state in _FIN_HEARD else None,
    )
    return Endpoint(start.state, tcb)
