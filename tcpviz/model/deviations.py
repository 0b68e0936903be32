"""Where real stacks leave RFC 9293, by name, each with its reason and the place that proves it.

A dialect is a set of these. Nothing here says how a deviation is carried out: the one line that
does asks for it by name.
"""

from __future__ import annotations

from enum import Enum


class Deviation(Enum):
    """(name, what differs and why, source)."""

    RESET_WITH_ACK = (
        "reset-with-ack",
        "a reset sent by ABORT carries ACK = RCV.NXT, where 3.10.5 sends a bare RST",
        "Linux net/ipv4/tcp_output.c, tcp_send_active_reset(); FreeBSD sys/netinet/tcp_fsm.h, tcp_outflags[]",
    )
    RESET_ACKNOWLEDGES = (
        "reset-acknowledges",
        "a reset for a segment that belongs to no connection acknowledges it, also where it carried ACK itself, where "
        "3.10.7.1 sends a bare RST",
        "lwIP src/core/tcp_out.c, tcp_rst()",
    )
    RESET_ANSWERED = (
        "reset-answered",
        "a reset that belongs to no connection is answered as any other segment, where 3.10.7.1 discards it",
        "libslirp src/tcp_input.c, tcp_input(), dropwithreset",
    )
    EMPTY_WINDOW_PROBE = (
        "empty-window-probe",
        "a zero-window probe is empty, at SND.UNA - 1, where 3.8.6.1 sends an octet of new data",
        "Linux net/ipv4/tcp_output.c, tcp_xmit_probe_skb()",
    )
    SYN_ACK_AGAIN = (
        "syn-ack-again",
        "a SYN repeated in SYN-RECEIVED is answered with the SYN,ACK again, where 3.10.7.4 sends an ACK",
        "Linux net/ipv4/tcp_minisocks.c, tcp_check_req(); FreeBSD sys/netinet/tcp_syncache.c, syncache_add()",
    )
    CROSSING_ANSWERED = (
        "crossing-answered",
        "in a simultaneous open the SYN,ACK is answered with an ACK, where Figure 7 needs none",
        "Linux net/ipv4/tcp_input.c, tcp_rcv_state_process()",
    )
    TIME_WAIT_ANSWERS = (
        "time-wait-answers",
        "TIME-WAIT acknowledges text and FINs beyond the peer's FIN, where 3.10.7.4 ignores them",
        "Linux net/ipv4/tcp_minisocks.c, tcp_timewait_state_process(); "
        "FreeBSD sys/netinet/tcp_timewait.c, tcp_twcheck()",
    )
    SYN_WITHOUT_FIN = (
        "syn-without-fin",
        "a FIN on a SYN is ignored, where 3.10.7.2 and 3.10.7.3 process it once the handshake is complete",
        "FreeBSD sys/netinet/tcp_syncache.c, syncache_add(), and tcp_input.c, tcp_do_segment()",
    )
    ACK_FIRST = (
        "ack-first",
        "in SYN-RECEIVED, which is no connection yet, the ACK is looked at before all else, where 3.10.7.4 begins with "
        "the sequence number",
        "Linux net/ipv4/tcp_minisocks.c, tcp_check_req(); FreeBSD sys/netinet/tcp_syncache.c, syncache_expand()",
    )
    GHOST_ACK = (
        "ghost-ack",
        "an ACK of what was before the first octet is answered, where 3.10.7.4 takes it as an old one",
        "Linux net/ipv4/tcp_input.c, tcp_ack(), since 6.7",
    )
    FOREIGN_ECHO = (
        "foreign-echo",
        "a SYN,ACK that echoes a timestamp which was never sent is answered like one with a wrong ACK, where 3.10.7.3 "
        "looks at no timestamp",
        "Linux net/ipv4/tcp_input.c, tcp_rcv_synsent_state_process()",
    )
    FIN_BEHIND_TEXT = (
        "fin-behind-text",
        "a FIN behind text that has not come is reset by an end that has closed, where 3.6.1 speaks of text",
        "Linux net/ipv4/tcp_input.c, tcp_rcv_state_process()",
    )
    RESET_AT_FIN = (
        "reset-at-fin",
        "after the peer's FIN a reset with the number of that FIN ends the connection, where 3.10.7.4 asks for RCV.NXT",
        "Linux net/ipv4/tcp_input.c, tcp_reset_check()",
    )
    FIN_WAIT_2_TIMEOUT = (
        "fin-wait-2-timeout",
        "an orphan in FIN-WAIT-2 is given up after a while, where Figure 5 waits for the FIN",
        "Linux tcp(7), tcp_fin_timeout",
    )
    EDGE_TAKEN = (
        "edge-taken",
        "an empty segment at the right edge of the window is taken, where 3.10.7.4 wants it to lie within (Table 6)",
        "Linux net/ipv4/tcp_input.c, tcp_sequence(); FreeBSD sys/netinet/tcp_input.c, tcp_do_segment()",
    )
    WINDOW_BY_ACK = (
        "window-by-ack",
        "an ACK of something new tells the peer's window, also in a segment with an older sequence number, where "
        "3.10.7.4 goes by SND.WL1",
        "Linux net/ipv4/tcp_input.c, tcp_may_update_window()",
    )
    PART_ANSWERED = (
        "part-answered",
        "who sends again what was lost answers the ACK of a part of it, with an ACK if there is nothing else to send, "
        "where 3.10.7.4 answers none",
        "FreeBSD sys/netinet/tcp_sack.c, tcp_sack_partialack()",
    )
    RESET_IN_WINDOW = (
        "reset-in-window",
        "any reset in the window ends the connection, where 3.10.7.4 asks for RCV.NXT exactly",
        "RFC 793 page 37, Reset Processing",
    )
    SYN_IN_WINDOW = (
        "syn-in-window",
        "a SYN in the window is an error and resets the connection, where 3.10.7.4 sends a challenge ACK",
        "RFC 793 page 71, fourth check",
    )
    NO_TIME_WAIT_ASSASSINATION = (
        "rfc1337",
        "TIME-WAIT ignores resets, so that an old duplicate cannot end it",
        "RFC 1337 section 3, fix F1; Linux tcp(7), tcp_rfc1337",
    )

    TIME_WAIT_REUSED = (
        "tw-reuse",
        "TIME-WAIT ends for a connect() of its own end that needs its addresses, once it has lasted a second and "
        "timestamps tell old duplicates apart, where 3.6.1 keeps it for 2 MSL (MUST-13)",
        "Linux net/ipv4/tcp_ipv4.c, tcp_twsk_unique(); Documentation/networking/ip-sysctl.rst, tcp_tw_reuse",
    )

    @property
    def label(self) -> str:
        return self.value[0]


RFC9293: frozenset[Deviation] = frozenset()
RFC793 = frozenset({Deviation.RESET_IN_WINDOW, Deviation.SYN_IN_WINDOW})
LINUX = frozenset(
    {
        Deviation.RESET_WITH_ACK,
        Deviation.EMPTY_WINDOW_PROBE,
        Deviation.SYN_ACK_AGAIN,
        Deviation.CROSSING_ANSWERED,
        Deviation.TIME_WAIT_ANSWERS,
        Deviation.ACK_FIRST,
        Deviation.GHOST_ACK,
        Deviation.FOREIGN_ECHO,
        Deviation.FIN_BEHIND_TEXT,
        Deviation.RESET_AT_FIN,
        Deviation.FIN_WAIT_2_TIMEOUT,
        Deviation.EDGE_TAKEN,
        Deviation.WINDOW_BY_ACK,
    }
)
# sys/netinet/tcp_fsm.h: tcp_outflags[TCPS_CLOSED] is TH_RST|TH_ACK
FREEBSD = frozenset(
    {
        Deviation.RESET_WITH_ACK,
        Deviation.SYN_ACK_AGAIN,
        Deviation.TIME_WAIT_ANSWERS,
        Deviation.ACK_FIRST,
        Deviation.SYN_WITHOUT_FIN,
        Deviation.EDGE_TAKEN,
        Deviation.PART_ANSWERED,
    }
)
