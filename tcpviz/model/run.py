"""Carries out one step: the scratch pad, and what each reply of the table does to the control block.

Nothing outside `model` uses it. `endpoint` fires stimuli on it, `choices` sends through it.
"""

from __future__ import annotations

from collections.abc import Callable

from tcpviz.model.commands import Arm, Command, Disarm, Emit, Kind, OweAck, Refuse, Signal, Timer
from tcpviz.model.control import ControlBlock
from tcpviz.model.deviations import Deviation
from tcpviz.model.segment import ACK, CWR, ECE, FIN, NO_OPTIONS, PSH, RST, SYN, Options, Segment
from tcpviz.model.sentence import Sentence
from tcpviz.model.sequence import add, at_or_before, distance, later
from tcpviz.model.transitions import Reply, Row, State, Stimulus, find
from tcpviz.value import replace


class Run:
    """The scratch pad of a single step."""

    __slots__ = ("commands", "front", "rows", "segment", "state", "tcb")

    def __init__(self, state: State, tcb: ControlBlock) -> None:
        self.state = state
        self.tcb = tcb
        self.segment: Segment | None = None
        """What arrived, while an arrival is carried out."""
        self.front: int | None = None
        """How much text a retransmission, or a SYN with Fast Open, takes along."""
        self.commands: list[Command] = []
        self.rows: list[Row] = []

    def fire(self, stimulus: Stimulus) -> Row | None:
        row = find(self.state, stimulus)
        if row is None:
            self.commands.append(
                Refuse(Sentence("{} means nothing in {}", Sentence(str(stimulus)), self.state), "3.10")
            )
            return None
        self.rows.append(row)
        _REPLIES[row.reply](self, row)
        if row.target is State.TIME_WAIT and (row.source is not row.target or stimulus is Stimulus.RCV_FIN_AGAIN):
            self.commands += (Disarm(Timer.RETRANSMISSION), Arm(Timer.TIME_WAIT))
        elif row.source is State.TIME_WAIT and row.target is not State.TIME_WAIT:
            self.commands.append(Disarm(Timer.TIME_WAIT))
        if row.signal:
            self.commands.append(Signal(row.signal))
        self.state = row.target
        return row

    def emit(
        self,
        flags: int,
        why: Sentence,
        section: str,
        *,
        seq: int | None = None,
        length: int = 0,
        kind: Kind = "new",
        urgent: int = 0,
    ) -> None:
        """Send with SEG.ACK, window and options as they stand; a window on a SYN is never scaled."""
        tcb = self.tcb
        scale = 0 if flags & SYN else tcb.rcv_scale
        window = min(tcb.window >> scale, 65535)
        if seq is None:
            bare = not length and not flags & (SYN | FIN)
            seq = tcb.acceptable_nxt if bare else tcb.snd_nxt
        segment = Segment(
            seq=seq,
            ack=tcb.rcv_nxt if flags & ACK else 0,
            flags=flags,
            length=length,
            window=window,
            options=_options(tcb, flags),
            urgent=urgent,
        )
        if flags & ACK:
            # a window once offered is not taken back (3.8.6)
            self.tcb = replace(tcb, rcv_acked=tcb.rcv_nxt, rcv_wnd=max(tcb.rcv_wnd, window << scale))
        self.commands.append(Emit(segment, why, section, kind))


def _options(tcb: ControlBlock, flags: int) -> Options:
    """A SYN offers, a SYN,ACK answers what was offered, and later segments carry what was agreed."""
    if not flags & SYN:
        stamps = (tcb.timestamp, tcb.ts_recent) if tcb.timestamps_on and not flags & RST else None
        blocks = tcb.sack_blocks if flags & ACK and not flags & RST else ()
        return Options(timestamps=stamps, sack=blocks) if stamps or blocks else NO_OPTIONS
    offer = tcb.options
    if not flags & ACK:
        return replace(offer, timestamps=None if offer.timestamps is None else (tcb.timestamp, 0))
    return Options(
        mss=offer.mss,
        window_scale=offer.window_scale if tcb.scaled else None,
        sack_permitted=tcb.sack_on,
        timestamps=(tcb.timestamp, tcb.ts_recent) if tcb.timestamps_on else None,
        fast_open=offer.fast_open if tcb.cookie_due else None,
    )


# Replies


_CHALLENGED = (Stimulus.RCV_SYN_IN_WINDOW, Stimulus.RCV_RST_IN_WINDOW, Stimulus.RCV_BAD_ACK)
"""What RFC 5961 asks to be challenged, and its section 7 to be throttled; so are answers to what carries nothing."""


def _nothing(run: Run, row: Row) -> None:
    pass


def _snd_syn(run: Run, row: Row) -> None:
    iss = run.tcb.iss
    run.tcb = replace(run.tcb, passive=False, snd_una=iss, snd_nxt=add(iss, 1), rcv_wnd=run.tcb.window)
    why = Sentence("send() sends SYN" if row.stimulus is Stimulus.SEND else "connect() sends SYN")
    flags = SYN | ECE | CWR if run.tcb.ecn else SYN
    length = run.front or 0
    run.emit(flags, why, row.section, seq=iss, length=length)
    run.tcb = replace(run.tcb, snd_nxt=add(iss, 1 + length))
    run.commands.append(Arm(Timer.RETRANSMISSION))


def _snd_syn_ack(run: Run, row: Row) -> None:
    iss = run.tcb.iss
    if row.source is not State.SYN_SENT:  # there the SYN is out already, perhaps with text
        run.tcb = replace(run.tcb, snd_una=iss, snd_nxt=add(iss, 1))
    why = Sentence("answers the crossing SYN" if row.source is State.SYN_SENT else "answers SYN")
    run.emit(_syn_ack(run.tcb), why, row.section, seq=iss)
    if row.target is State.LISTEN:  # a SYN cookie: everything is in the number
        run.tcb = run.tcb.forgotten(passive=True)
    else:
        run.commands.append(Arm(Timer.RETRANSMISSION))


def _syn_ack(tcb: ControlBlock) -> int:
    return SYN | ACK | ECE if tcb.ecn_on else SYN | ACK


def _snd_ack(run: Run, row: Row) -> None:
    run.commands.append(OweAck())


def _snd_ack_now(run: Run, row: Row) -> None:
    asked = _asked(run.tcb, run.segment) if row.stimulus is Stimulus.RCV_UNACCEPTABLE else None
    if asked:
        run.emit(ACK, *asked, kind="probe-answer")
        return
    empty = run.segment is not None and not run.segment.span
    challenged = row.stimulus in _CHALLENGED or (row.stimulus is Stimulus.RCV_UNACCEPTABLE and empty)
    run.emit(ACK, _answers(row.stimulus), row.section, kind="challenge" if challenged else "new")


def _answers(stimulus: Stimulus) -> Sentence:
    return Sentence("answers: {}", Sentence(str(stimulus)))


def _asked(tcb: ControlBlock, segment: Segment | None) -> tuple[Sentence, str] | None:
    """What the answer to a segment that brings nothing new answers, and where the RFC says so."""
    if segment is None or segment.length > 1 or segment.flags & (SYN | FIN | RST) or not segment.has_ack:
        return None
    if segment.seq == tcb.rcv_nxt and segment.length and not tcb.rcv_wnd:
        return _ANSWERS_A_PROBE, "3.8.6.1"
    # a text of one octet that comes again looks the same, and gets the same
    if distance(segment.seq, tcb.rcv_nxt) == 1:
        return (Sentence("answers a keep-alive"), "3.8.4") if tcb.rcv_wnd else (_ANSWERS_A_PROBE, "3.8.6.1")
    return None


_ANSWERS_A_PROBE = Sentence("answers a window probe")


def _snd_fin(run: Run, row: Row) -> None:
    run.tcb = replace(run.tcb, fin_queued=True)


_WHY_RESET = {
    Stimulus.CLOSE_UNREAD: Sentence("close() with unread data resets"),
    Stimulus.RCV_SYN_ERROR: _answers(Stimulus.RCV_SYN_ERROR),
}


def _snd_rst(run: Run, row: Row) -> None:
    segment, with_ack = run.segment, Deviation.RESET_WITH_ACK in run.tcb.deviations
    if segment is None or (with_ack and row.stimulus is Stimulus.RCV_SYN_ERROR):
        # FreeBSD drops the connection then as ABORT does
        flags = RST | ACK if with_ack else RST
        why = _WHY_RESET.get(row.stimulus, Sentence("abort() resets"))
        run.emit(flags, why, row.section)
    else:
        why = Sentence("answers: {} in {}", Sentence(str(row.stimulus)), row.source)
        acknowledging = row.source is State.CLOSED and Deviation.RESET_ACKNOWLEDGES in run.tcb.deviations
        run.commands.append(Emit(_reset_for(segment, acknowledging=acknowledging), why, row.section))
    if row.target is State.CLOSED and row.source is not State.CLOSED:
        _delete(run)


def _reset_for(segment: Segment, *, acknowledging: bool) -> Segment:
    """The reset that answers `segment` without a connection (3.10.7.1): believable to who sent it."""
    if segment.has_ack and acknowledging:
        return Segment(seq=segment.ack, ack=segment.end, flags=RST | ACK)
    if segment.has_ack:
        return Segment(seq=segment.ack, ack=0, flags=RST)
    return Segment(seq=0, ack=segment.end, flags=RST | ACK)


def _delete_tcb(run: Run, row: Row) -> None:
    _delete(run, passive=row.target is State.LISTEN)


def _delete(run: Run, passive: bool = False) -> None:
    run.tcb = run.tcb.forgotten(passive=passive)
    run.commands += (Disarm(Timer.RETRANSMISSION), Disarm(Timer.TIME_WAIT))


def _retransmit(run: Run, row: Row) -> None:
    send_again(run, None, run.front, False)


def send_again(run: Run, start: int | None, octets: int | None, push: bool, *, fin: bool = True) -> None:
    """Repeat what lies at `start`, which must be sent and not yet acknowledged (3.8.1)."""
    tcb = run.tcb
    first = tcb.snd_una if start is None else start
    ours = distance(first, tcb.snd_nxt) > 0 and at_or_before(tcb.snd_una, first)
    if not ours or run.state in (State.CLOSED, State.LISTEN):
        run.commands.append(Refuse(Sentence("nothing there is waiting for an acknowledgement"), "3.8.1"))
        return
    if first == tcb.iss and run.state in (State.SYN_SENT, State.SYN_RECEIVED, State.FIN_WAIT_1):
        flags = SYN if run.state is State.SYN_SENT else _syn_ack(tcb)
        # text that was on a SYN, or has followed it, goes again with it only where somebody says so (RFC 7413 4.2.1)
        length = 0 if start is None or octets is None else min(octets, distance(first, tcb.snd_nxt) - 1)
    else:
        end = tcb.snd_nxt if tcb.fin_sent is None else tcb.fin_sent
        length = distance(first, later(first, end))
        length = length if octets is None else min(octets, length)
        # text that went out before its FIN may go alone again; the FIN itself has nothing else to be sent for
        fin = tcb.fin_sent is not None and add(first, length) == tcb.fin_sent and (fin or not length)
        last = add(first, length) == end  # what ended a send() the first time does so again
        flags = ACK | (PSH if length and (push or last) else 0) | (FIN if fin else 0)
    why = Sentence("was not acknowledged in time")
    run.emit(flags, why, "3.8.1", seq=first, length=length, kind="retransmission")
    run.commands.append(Arm(Timer.RETRANSMISSION))


_REPLIES: dict[Reply, Callable[[Run, Row], None]] = {
    Reply.NONE: _nothing,
    Reply.SND_SYN: _snd_syn,
    Reply.SND_SYN_ACK: _snd_syn_ack,
    Reply.SND_ACK: _snd_ack,
    Reply.SND_ACK_NOW: _snd_ack_now,
    Reply.SND_FIN: _snd_fin,
    Reply.SND_RST: _snd_rst,
    Reply.QUEUE: _nothing,
    Reply.DELIVER: _nothing,
    Reply.DISCARD: _nothing,
    Reply.RETRANSMIT: _retransmit,
    Reply.DELETE_TCB: _delete_tcb,
    Reply.RETURN_STATE: _nothing,
}
