"""What TCP leaves free, decided: when to send, when to acknowledge, how long to wait.

A policy looks at an endpoint and answers with the next free choice; it also knows how long each timer
runs. It keeps no state of its own except the round-trip estimate, which is a value.
"""

from __future__ import annotations

from collections.abc import Mapping

from tcpviz.exchange.scenario import Dialect
from tcpviz.model import deviations
from tcpviz.model.control import ControlBlock
from tcpviz.model.endpoint import Endpoint
from tcpviz.model.events import Transmit
from tcpviz.model.sequence import distance
from tcpviz.model.transitions import State
from tcpviz.value import Value, replace

MILLISECOND = 10**6
SECOND = 10**9


class Policy(Value):
    """Durations are nanoseconds; the defaults are the RFCs'."""

    deviations: frozenset[deviations.Deviation] = deviations.RFC9293
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

    ack_delay_text: int = 0
    """How long the ACK of text waits for something to ride on (delayed ACK, RFC 9293 section 3.8.6.3)."""
    quick_acks: int = 0
    """How many ACKs of text go out at once before any is delayed."""
    ack_delay_fin: int = 0
    """The same for the ACK of a FIN."""
    fin_wait_2_timeout: int = 0
    """How long an orphan stays in FIN-WAIT-2; 0: for ever, as Figure 5 has it."""
    linear_syns: int = 0
    """How often a SYN is repeated before its time-out begins to double."""
    challenges: int = 10
    """At most so many challenge ACKs in `challenge_interval` (RFC 5961 section 7)."""
    challenge_interval: int = 5 * SECOND

    def next_choice(self, endpoint: Endpoint, mss: int) -> Transmit | None:
        """Send what is queued as soon as the window allows, then the FIN."""
        tcb = endpoint.tcb
        silent = endpoint.state in _SILENT and not (endpoint.state is State.SYN_RECEIVED and tcb.opened_fast)
        if silent or tcb.fin_sent is not None or not (tcb.queued or tcb.fin_queued):
            return None
        octets = min(tcb.queued, mss, tcb.usable_window)
        last = octets == tcb.queued
        if not octets and not last:
            return None
        return Transmit(octets, push=last and octets > 0, fin=last and tcb.fin_queued)

    def ack_delay(self, endpoint: Endpoint, mss: int, acks: int) -> int | None:
        """How long an acknowledgement may wait, after so many of text; None when nothing is owed."""
        if endpoint.state in _SILENT or not endpoint.tcb.owes_ack:
            return None
        tcb = endpoint.tcb
        if endpoint.state is State.CLOSE_WAIT:
            return self.ack_delay_fin
        text = endpoint.state is State.ESTABLISHED and tcb.rcv_acked != tcb.irs and acks >= self.quick_acks
        # at least every second full-sized segment is acknowledged at once (MUST-58)
        return self.ack_delay_text if text and distance(tcb.rcv_acked, tcb.rcv_nxt) < 2 * mss else 0

    def must_probe(self, endpoint: Endpoint) -> bool:
        """Data waits for a closed window (3.8.6.1)."""
        tcb = endpoint.tcb
        return endpoint.state not in _SILENT and tcb.snd_wnd <= 0 and tcb.queued > 0 and not unacknowledged(tcb)


_SILENT = (State.CLOSED, State.LISTEN, State.SYN_SENT, State.SYN_RECEIVED)

RFC = Policy()
LINUX = Policy(
    deviations=deviations.LINUX,
    # include/net/tcp.h: TCP_RTO_MIN, TCP_TIMEWAIT_LEN (twice the MSL here), TCP_DELACK_MIN
    min_rto=200 * MILLISECOND,
    msl=30 * SECOND,
    # include/net/tcp.h: TCP_MAX_QUICKACKS, then TCP_DELACK_MIN
    quick_acks=16,
    ack_delay_text=40 * MILLISECOND,
    # a FIN ends the quick ACKs: tcp_fin() in net/ipv4/tcp_input.c enters pingpong mode
    ack_delay_fin=40 * MILLISECOND,
    # tcp(7), tcp_fin_timeout; Documentation/networking/ip-sysctl.rst, tcp_syn_linear_timeouts
    fin_wait_2_timeout=60 * SECOND,
    linear_syns=4,
    # tcp(7), tcp_invalid_ratelimit
    challenges=1,
    challenge_interval=500 * MILLISECOND,
)
RFC793 = Policy(deviations=deviations.RFC793)
# sys/netinet/tcp_timer.h: TCPTV_MSL
FREEBSD = Policy(deviations=deviations.FREEBSD, msl=30 * SECOND)
POLICIES: Mapping[Dialect, Policy] = {"rfc9293": RFC, "rfc793": RFC793, "linux": LINUX, "freebsd": FREEBSD}
"""Dialects by name."""


class RoundTrip(Value):
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
