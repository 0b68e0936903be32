"""Names what an arriving segment is, in the RFC's order, before anything looks up what to do.

The only place that compares sequence numbers. It turns (state, control block, segment) into the
finite phrases that the table knows, and into the control block with the numbers the segment moved.
It neither changes state nor answers.
"""

from __future__ import annotations

from typing import NamedTuple

from tcpviz.model.control import BLOCKS, ControlBlock, Ranges
from tcpviz.model.deviations import Deviation
from tcpviz.model.segment import ACK, CWR, ECE, FIN, RST, SYN, URG, Options, Segment
from tcpviz.model.sequence import add, at_or_before, before, distance, later, lies_in
from tcpviz.model.stamps import echoes_another, paws, take_timestamp
from tcpviz.model.transitions import State, Stimulus
from tcpviz.value import replace


class Arrival(NamedTuple):
    """The phrases in the order to be looked up, and the control block after them."""

    stimuli: tuple[Stimulus, ...]
    tcb: ControlBlock
    delivered: int = 0
    """Octets of text that are now in order."""


def name(state: State, tcb: ControlBlock, segment: Segment) -> Arrival:
    """What `segment` means to an endpoint in `state` (RFC 9293 sections 3.10.7.1 to 3.10.7.4)."""
    if state is State.CLOSED:
        discarded = segment.rst and Deviation.RESET_ANSWERED not in tcb.deviations
        return Arrival((Stimulus.RCV_RST if discarded else Stimulus.RCV_SEGMENT,), tcb)
    if state is State.LISTEN:
        return _in_listen(tcb, segment)
    if state is State.SYN_SENT:
        return _in_syn_sent(tcb, segment)
    return _in_other_states(state, tcb, segment)


def acceptable(tcb: ControlBlock, segment: Segment) -> bool:
    """The four cases of Table 6 in section 3.10.7.4: does any of the segment lie in the receive window?"""
    if not segment.span:
        ahead = distance(tcb.rcv_nxt, segment.seq)
        return 0 <= ahead < max(tcb.rcv_wnd, 1) or (ahead == tcb.rcv_wnd and Deviation.EDGE_TAKEN in tcb.deviations)
    return _in_window(tcb, segment.seq) or _in_window(tcb, add(segment.end, -1))


def _in_window(tcb: ControlBlock, number: int) -> bool:
    return 0 <= distance(tcb.rcv_nxt, number) < tcb.rcv_wnd


def _in_listen(tcb: ControlBlock, segment: Segment) -> Arrival:
    if segment.rst:
        return Arrival((Stimulus.RCV_RST,), tcb)
    if segment.has_ack:
        return _cookie_comes_back(tcb, segment)
    if not segment.syn:
        return Arrival((Stimulus.RCV_SEGMENT,), tcb)
    segment = _without_fin(tcb, segment)
    if tcb.syn_cookies:
        learned = _learn_syn(replace(tcb, options=_cookie_options(tcb)), segment)
        return Arrival((Stimulus.RCV_SYN_COOKIE,), replace(learned, options=tcb.options))
    learned, cookie = _learn_syn(tcb, segment), segment.options.fast_open
    if cookie is None:
        return Arrival((Stimulus.RCV_SYN,), _hold(learned, segment))
    if tcb.options.fast_open and cookie == tcb.options.fast_open:
        return _fast_open(_hold(learned, segment))
    # text that comes with a wrong cookie, or with none yet, is not taken (RFC 7413 section 4.2.2)
    return Arrival((Stimulus.RCV_SYN,), replace(learned, cookie_due=bool(tcb.options.fast_open)))


def _cookie_comes_back(tcb: ControlBlock, segment: Segment) -> Arrival:
    """Without a memory of the SYN, an ACK of the cookie tells all there is to know."""
    if not tcb.syn_cookies or segment.syn or segment.ack != add(tcb.iss, 1):
        return Arrival((Stimulus.RCV_BAD_ACK,), tcb)
    opened = replace(tcb, options=_cookie_options(tcb))
    opened = opened.agreed(sent=segment.ack, heard=segment.seq, peer_window=segment.window)
    return _text_and_fin(State.ESTABLISHED, opened, segment, (Stimulus.RCV_ACK_OF_COOKIE,))


def _cookie_options(tcb: ControlBlock) -> Options:
    """A cookie has room for a coarse MSS and nothing else."""
    return Options(mss=tcb.options.mss)


def _fast_open(tcb: ControlBlock) -> Arrival:
    """A known cookie: the text on the SYN counts at once (RFC 7413 section 4.2.2)."""
    reached, gaps = _fill(tcb.rcv_nxt, tcb.held)
    delivered = distance(tcb.rcv_nxt, reached)
    after = replace(
        tcb,
        rcv_nxt=reached,
        held=gaps,
        unread=delivered,
        rcv_wnd=tcb.rcv_wnd - delivered,
        window=tcb.window - delivered,
        opened_fast=True,
    )
    stimuli = (Stimulus.RCV_SYN, Stimulus.RCV_TEXT) if delivered else (Stimulus.RCV_SYN,)
    return Arrival(stimuli, after, delivered)


def _in_syn_sent(tcb: ControlBlock, segment: Segment) -> Arrival:
    acked = segment.has_ack and before(tcb.snd_una, segment.ack) and at_or_before(segment.ack, tcb.snd_nxt)
    if segment.rst:
        return Arrival((Stimulus.RCV_RST if acked else Stimulus.RCV_BAD_RST,), tcb)
    if segment.has_ack and (not acked or echoes_another(tcb, segment)):
        return Arrival((Stimulus.RCV_BAD_ACK,), tcb)
    if not segment.syn:
        return Arrival((Stimulus.RCV_SEGMENT,), tcb)
    tcb, segment = _learn_syn(tcb, segment), _without_fin(tcb, segment)
    if not segment.has_ack:
        return Arrival((Stimulus.RCV_SYN,), _hold(tcb, segment))
    tcb = replace(tcb, snd_una=segment.ack, snd_wl2=segment.ack)
    return _text_and_fin(State.ESTABLISHED, tcb, segment, (Stimulus.RCV_SYN_ACK,))


def _without_fin(tcb: ControlBlock, syn: Segment) -> Segment:
    return replace(syn, flags=syn.flags & ~FIN) if Deviation.SYN_WITHOUT_FIN in tcb.deviations else syn


def _learn_syn(tcb: ControlBlock, segment: Segment) -> ControlBlock:
    """IRS, the peer's window (never scaled on a SYN), and what both ends offered."""
    ours, theirs = tcb.options, segment.options
    scaled = ours.window_scale is not None and theirs.window_scale is not None
    stamps = theirs.timestamps if ours.timestamps is not None else None
    # RFC 3168 section 6.1.1: ECE and CWR ask, ECE alone answers
    willing = (ECE | CWR) if not segment.has_ack else ECE
    return replace(
        tcb,
        irs=segment.seq,
        rcv_nxt=add(segment.seq, 1),
        rcv_acked=segment.seq,
        rcv_wnd=tcb.window,
        snd_wnd=segment.window,
        snd_wnd_max=segment.window,
        snd_wl1=segment.seq,
        scaled=scaled,
        snd_scale=theirs.shift if scaled else 0,
        rcv_scale=ours.shift if scaled else 0,
        sack_on=ours.sack_permitted and theirs.sack_permitted,
        multipath_on=ours.multipath and theirs.multipath,
        timestamps_on=stamps is not None,
        ts_recent=stamps[0] if stamps else 0,
        ecn_on=tcb.ecn and segment.flags & (ECE | CWR) == willing,
        peer_mss=theirs.mss or 536,
    )


def _in_other_states(state: State, tcb: ControlBlock, segment: Segment) -> Arrival:
    scale = tcb.snd_scale
    answered: tuple[Stimulus, ...] = ()
    if state is State.SYN_RECEIVED and not tcb.passive and segment.syn and segment.has_ack and segment.seq == tcb.irs:
        # Figure 7: the SYN,ACK of a simultaneous open. Its SYN is known; what remains is judged as usual.
        segment = replace(segment, seq=add(segment.seq, 1), flags=segment.flags & ~SYN)
        scale = 0
        answered = (Stimulus.RCV_UNACCEPTABLE,) if Deviation.CROSSING_ANSWERED in tcb.deviations else ()
    if state is State.TIME_WAIT and _is_fin_again(tcb, segment):
        return Arrival((Stimulus.RCV_FIN_AGAIN,), tcb)
    if state is State.TIME_WAIT and _opens_anew(tcb, segment):
        # MAY-2: an ISS beyond anything the old incarnation used
        anew = replace(tcb.forgotten(passive=True), iss=later(tcb.iss, add(tcb.snd_nxt, 1)))
        return Arrival((Stimulus.RCV_NEW_SYN,), _hold(_learn_syn(anew, segment), segment))
    if state is State.SYN_RECEIVED and _is_syn_again(tcb, segment):
        return Arrival((Stimulus.RCV_SYN_AGAIN,), tcb)
    if state is State.SYN_RECEIVED and tcb.passive and Deviation.ACK_FIRST in tcb.deviations:
        bad = segment.has_ack and not segment.rst and _acknowledgement(state, tcb, segment) is Stimulus.RCV_BAD_ACK
        if bad:
            return Arrival((Stimulus.RCV_BAD_ACK,), tcb)
    if paws(tcb, segment):
        return Arrival((Stimulus.RCV_UNACCEPTABLE,), tcb)
    if segment.rst and _is_at_fin(state, tcb, segment) and Deviation.RESET_AT_FIN in tcb.deviations:
        return Arrival((Stimulus.RCV_RST,), tcb)
    if not acceptable(tcb, segment):
        if not tcb.rcv_wnd and segment.seq == tcb.rcv_nxt and segment.has_ack and not segment.flags & (SYN | RST):
            return _at_closed_window(state, tcb, segment)
        return Arrival((Stimulus.RCV_BAD_RST if segment.rst else Stimulus.RCV_UNACCEPTABLE,), tcb)
    if segment.rst:
        return Arrival((_reset(state, tcb, segment),), tcb)
    if segment.syn:
        return Arrival((_syn(state, tcb),), tcb)
    if state is State.TIME_WAIT and segment.span and Deviation.TIME_WAIT_ANSWERS in tcb.deviations:
        return Arrival((Stimulus.RCV_UNACCEPTABLE,), tcb)
    if not segment.has_ack:
        return Arrival((Stimulus.RCV_WITHOUT_ACK,), tcb)
    phrase = _acknowledgement(state, tcb, segment)
    if phrase is Stimulus.RCV_BAD_ACK:
        return Arrival((phrase,), tcb)
    tcb = _take_ack(take_timestamp(tcb, segment), segment, scale)
    if phrase is Stimulus.RCV_ACK_OF_SYN:
        state = State.ESTABLISHED
    return _text_and_fin(state, tcb, segment, (phrase, *answered))


def _at_closed_window(state: State, tcb: ControlBlock, segment: Segment) -> Arrival:
    """No text is taken, but the special allowance of section 3.10.7.4 is made for a valid ACK."""
    phrase = _acknowledgement(state, tcb, segment)
    if phrase not in (Stimulus.RCV_ACK, Stimulus.RCV_ACK_OF_FIN):
        return Arrival((Stimulus.RCV_UNACCEPTABLE,), tcb)
    stimuli = (
        (phrase,)
        if state is State.LAST_ACK and phrase is Stimulus.RCV_ACK_OF_FIN
        else (phrase, Stimulus.RCV_UNACCEPTABLE)
    )
    return Arrival(stimuli, _take_ack(tcb, segment, tcb.snd_scale))


def _is_fin_again(tcb: ControlBlock, segment: Segment) -> bool:
    plain = segment.flags & (FIN | ACK | SYN | RST) == FIN | ACK
    return plain and segment.end == tcb.rcv_nxt and at_or_before(segment.ack, tcb.snd_nxt)


def _is_at_fin(state: State, tcb: ControlBlock, segment: Segment) -> bool:
    """Whoever sent it did not count its own FIN, or answers what its peer had sent before the FIN came."""
    return state in (State.CLOSE_WAIT, State.CLOSING, State.LAST_ACK) and add(segment.seq, 1) == tcb.rcv_nxt


def _opens_anew(tcb: ControlBlock, segment: Segment) -> bool:
    """MAY-2: a SYN that cannot be an old duplicate reopens a connection that we opened passively.

    A newer timestamp proves it, else a number beyond RCV.NXT (RFC 6191 section 2).
    """
    if segment.flags & (SYN | ACK | RST) != SYN or not tcb.passive or Deviation.SYN_IN_WINDOW in tcb.deviations:
        return False
    stamps = segment.options.timestamps
    if tcb.timestamps_on and stamps is not None and stamps[0] != tcb.ts_recent:
        return before(tcb.ts_recent, stamps[0])
    return at_or_before(tcb.rcv_nxt, segment.seq)


def _is_syn_again(tcb: ControlBlock, segment: Segment) -> bool:
    plain = segment.flags & (SYN | ACK | RST) == SYN
    return plain and segment.seq == tcb.irs and Deviation.SYN_ACK_AGAIN in tcb.deviations


def _take_urgent(tcb: ControlBlock, segment: Segment) -> ControlBlock:
    """Sixth check: RCV.UP <- max(RCV.UP, SEG.UP), if that is news."""
    end = add(segment.seq, segment.urgent)
    if not segment.flags & URG or before(end, tcb.rcv_nxt) or (tcb.rcv_up is not None and not before(tcb.rcv_up, end)):
        return tcb
    return replace(tcb, rcv_up=end)


def _reset(state: State, tcb: ControlBlock, segment: Segment) -> Stimulus:
    if state is State.TIME_WAIT and Deviation.NO_TIME_WAIT_ASSASSINATION in tcb.deviations:
        return Stimulus.RCV_BAD_RST
    if segment.seq != tcb.rcv_nxt and Deviation.RESET_IN_WINDOW not in tcb.deviations:
        return Stimulus.RCV_RST_IN_WINDOW
    if state is not State.SYN_RECEIVED:
        return Stimulus.RCV_RST
    # what accept() has given away (Fast Open) does not go back to LISTEN
    return Stimulus.RCV_RST_PASSIVE if tcb.passive and not tcb.opened_fast else Stimulus.RCV_RST_ACTIVE


def _syn(state: State, tcb: ControlBlock) -> Stimulus:
    if Deviation.SYN_IN_WINDOW in tcb.deviations:
        return Stimulus.RCV_SYN_ERROR
    passive = state is State.SYN_RECEIVED and tcb.passive and not tcb.opened_fast
    return Stimulus.RCV_SYN_PASSIVE if passive else Stimulus.RCV_SYN_IN_WINDOW


def _acknowledgement(state: State, tcb: ControlBlock, segment: Segment) -> Stimulus:
    """Fifth check; the lower bound is RFC 5961 section 5.2's."""
    if state is State.SYN_RECEIVED:
        fits = before(tcb.snd_una, segment.ack) and at_or_before(segment.ack, tcb.snd_nxt)
        return Stimulus.RCV_ACK_OF_SYN if fits else Stimulus.RCV_BAD_ACK
    oldest = add(tcb.snd_una, -tcb.snd_wnd_max)
    if Deviation.GHOST_ACK in tcb.deviations:
        oldest = later(oldest, add(tcb.iss, 1))
    if before(tcb.snd_nxt, segment.ack) or before(segment.ack, oldest):
        return Stimulus.RCV_BAD_ACK
    waiting = state in (State.FIN_WAIT_1, State.CLOSING, State.LAST_ACK)
    if waiting and tcb.fin_sent is not None and before(tcb.fin_sent, segment.ack):
        return Stimulus.RCV_ACK_OF_FIN
    return Stimulus.RCV_ACK


def _take_ack(tcb: ControlBlock, segment: Segment, scale: int) -> ControlBlock:
    """Move SND.UNA, and SND.WND if the segment is not older than the one that last set it."""
    if before(segment.ack, tcb.snd_una):
        return tcb
    newer = before(tcb.snd_wl1, segment.seq) or (tcb.snd_wl1 == segment.seq and at_or_before(tcb.snd_wl2, segment.ack))
    if Deviation.WINDOW_BY_ACK in tcb.deviations:
        newer = newer or before(tcb.snd_una, segment.ack)
    if not newer:
        return replace(tcb, snd_una=segment.ack)
    window = segment.window << scale
    return replace(
        tcb,
        snd_una=segment.ack,
        snd_wnd=window,
        snd_wl1=segment.seq,
        snd_wl2=segment.ack,
        snd_wnd_max=max(window, tcb.snd_wnd_max),
    )


def _text_and_fin(state: State, tcb: ControlBlock, segment: Segment, stimuli: tuple[Stimulus, ...]) -> Arrival:
    """Seventh and eighth: take text that is in order, hold what is not, then the FIN if nothing lacks before it."""
    if state not in (State.ESTABLISHED, State.FIN_WAIT_1, State.FIN_WAIT_2):
        return Arrival(stimuli, tcb)
    fresh = segment.length > 0 and before(tcb.rcv_nxt, add(segment.text, segment.length))
    if segment.fin and Deviation.FIN_BEHIND_TEXT in tcb.deviations:
        fresh = before(tcb.rcv_nxt, add(segment.end, -1))
    if fresh and tcb.closed and state is not State.ESTABLISHED:
        return Arrival((*stimuli, Stimulus.RCV_TEXT_AFTER_CLOSE), tcb)
    start = tcb.rcv_nxt
    urged = _take_urgent(tcb, segment)
    if urged.rcv_up != tcb.rcv_up:
        stimuli = (*stimuli, Stimulus.RCV_URGENT)
    held = _hold(urged, segment)
    reached, gaps = _fill(start, held.held)
    delivered = distance(start, reached)
    fin = held.fin_at == reached
    if delivered:
        stimuli = (*stimuli, Stimulus.RCV_TEXT)
    elif segment.span and not fin and before(start, segment.end):
        stimuli = (*stimuli, Stimulus.RCV_EARLY_TEXT)
    if fin and state is State.FIN_WAIT_1 and Stimulus.RCV_ACK_OF_FIN in stimuli:
        stimuli = (*(s for s in stimuli if s is not Stimulus.RCV_ACK_OF_FIN), Stimulus.RCV_FIN_ACK_OF_FIN)
    elif fin:
        stimuli = (*stimuli, Stimulus.RCV_FIN)
    after = replace(
        held,
        rcv_nxt=add(reached, 1) if fin else reached,
        rcv_wnd=max(0, tcb.rcv_wnd - delivered - fin),
        held=gaps,
        unread=tcb.unread + delivered,
    )
    return Arrival(stimuli, after, delivered)


def _hold(tcb: ControlBlock, segment: Segment) -> ControlBlock:
    """Keep the part of the segment's text that lies in the window, and the place of its FIN."""
    edge = add(tcb.rcv_nxt, tcb.rcv_wnd)
    start, end = segment.text, add(segment.text, segment.length)
    inside = at_or_before(end, edge)
    if segment.fin and inside and at_or_before(tcb.rcv_nxt, end) and (tcb.fin_at is None or before(end, tcb.fin_at)):
        # of two, the nearer is the real one: nothing lies behind a FIN
        tcb = replace(
            tcb, fin_at=end, held=tuple((low, _nearer(high, end)) for low, high in tcb.held if before(low, end))
        )
    if tcb.fin_at is not None:
        end = _nearer(end, tcb.fin_at)
    if before(start, tcb.rcv_nxt):
        start = tcb.rcv_nxt
    if not inside:
        end = edge
    if before(start, end):
        tcb = replace(tcb, held=_insert(tcb.rcv_nxt, tcb.held, start, end))
    return _remember(tcb, start) if tcb.sack_on and segment.span and start != tcb.rcv_nxt else tcb


def _remember(tcb: ControlBlock, number: int) -> ControlBlock:
    """The block of what has just arrived is told first, then those that were told last (RFC 2018 section 4)."""
    block = next((block for block in tcb.isolated if lies_in(number, block)), None)
    if block is None:
        return tcb
    others = (n for n in tcb.recent if before(tcb.rcv_nxt, n) and not lies_in(n, block))
    return replace(tcb, recent=(number, *others)[:BLOCKS])


def _nearer(a: int, b: int) -> int:
    return a if before(a, b) else b


def _insert(origin: int, ranges: Ranges, start: int, end: int) -> Ranges:
    """`ranges` with [start, end) added, touching ones joined, nearest to `origin` first."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted((*ranges, (start, end)), key=lambda item: distance(origin, item[0])):
        if merged and at_or_before(low, merged[-1][1]):
            if before(merged[-1][1], high):
                merged[-1] = (merged[-1][0], high)
        else:
            merged.append((low, high))
    return tuple(merged)


def _fill(start: int, ranges: Ranges) -> tuple[int, Ranges]:
    """How far the text reaches without a gap, and what stays held beyond it."""
    if ranges and ranges[0][0] == start:
        return ranges[0][1], ranges[1:]
    return start, ranges
