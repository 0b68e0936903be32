"""What TCP leaves free, decided: when to send, when to acknowledge, how long to wait.

A policy looks at an endpoint and answers with the next free choice; it also knows how long each timer
runs. It keeps no state of its own except the round-trip estimate, which is a value.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tcpviz.model.control import ControlBlock
from tcpviz.model.deviations import RFC9293, Deviation
from tcpviz.model.endpoint import Endpoint
from tcpviz.model.events import Acknowledge, Transmit
from tcpviz.model.transitions import State

MILLISECOND = 10**6
SECOND = 10**9


@dataclass(frozen=True, slots=True)
class Policy:
    """Durations are nanoseconds; the defaults are the RFCs'."""

    deviations: frozenset[Deviation] = RFC9293
    initial_rto: int = 1 * SECOND
    """RFC 6298 section 2.1."""
    min_rto: int = 1 * SECOND
    """RFC 6298 section 2.4."""
    max_rto: int = 60 * SECOND
    """RFC 6298 section 2.5."""
    msl: int = 120 * SECOND
    """RFC 9293 section 3.4.2."""
    user_timeout: int = 300 * SECOND
    """RFC 9293 section 3.9.1.1: the default is five minutes."""

    def next_choice(self, endpoint: Endpoint, mss: int) -> Transmit | Acknowledge | None:
        """Send what is queued as soon as the window allows, then the FIN, else acknowledge at once."""
        tcb = endpoint.tcb
        if endpoint.state in (State.CLOSED, State.LISTEN, State.SYN_SENT, State.SYN_RECEIVED):
            return None
        if tcb.fin_sent is None and (tcb.queued or tcb.fin_queued):
            octets = min(tcb.queued, mss, tcb.usable_window)
            last = octets == tcb.queued
            if octets or last:
                return Transmit(octets, push=last and octets > 0, fin=last and tcb.fin_queued)
        return Acknowledge() if tcb.owes_ack else None


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """RFC 6298: the estimate, and the time-out that follows from it."""

    rto: int
    srtt: int | None = None
    rttvar: int = 0

    def sample(self, rtt: int, policy: Policy) -> RoundTrip:
        """One measured round trip of a segment sent once (Karn's rule is the caller's)."""
        if self.srtt is None:
            srtt, rttvar = rtt, rtt // 2
        else:
            rttvar = (3 * self.rttvar + abs(self.srtt - rtt)) // 4
            srtt = (7 * self.srtt + rtt) // 8
        rto = min(max(srtt + 4 * rttvar, policy.min_rto), policy.max_rto)
        return RoundTrip(rto, srtt, rttvar)

    def back_off(self, policy: Policy) -> RoundTrip:
        """The timer went off: wait twice as long next time (section 5.5)."""
        return replace(self, rto=min(2 * self.rto, policy.max_rto))


def unacknowledged(tcb: ControlBlock) -> bool:
    """Something we sent is still waiting for its ACK."""
    return tcb.snd_una != tcb.snd_nxt
