"""What TCP leaves free, carried out when somebody has decided it: send, acknowledge, send again.

Each checks first that TCP allows it here and now; what it does not allow is refused with the reason.
"""

from __future__ import annotations

from tcpviz.model import events
from tcpviz.model.commands import Arm, Refuse, Timer
from tcpviz.model.control import ControlBlock
from tcpviz.model.deviations import Deviation
from tcpviz.model.run import Run, send_again
from tcpviz.model.segment import ACK, FIN, PSH, URG
from tcpviz.model.sentence import Sentence
from tcpviz.model.sequence import add, at_or_before, distance
from tcpviz.model.transitions import State
from tcpviz.value import replace

_SYNCHRONIZED_AND_IDLE = (State.ESTABLISHED, State.CLOSE_WAIT, State.FIN_WAIT_2)
_MAY_TRANSMIT = (
    State.ESTABLISHED,
    State.CLOSE_WAIT,
    State.FIN_WAIT_1,
    State.CLOSING,
    State.LAST_ACK,
)


def choose(run: Run, event: events.Choose) -> None:
    tcb = run.tcb
    run.tcb = replace(
        tcb,
        iss=tcb.iss if event.iss is None else event.iss,
        options=tcb.options if event.options is None else event.options,
        window=tcb.window if event.window is None else event.window,
        timestamp=tcb.timestamp if event.timestamp is None else event.timestamp,
    )


def transmit(run: Run, event: events.Transmit) -> None:
    tcb = run.tcb
    reason = _why_not(run.state, tcb, event)
    if reason:
        run.commands.append(Refuse(*reason))
        return
    if event.octets:
        why = Sentence("send() of {} octets, close() adds FIN" if event.fin else "send() of {} octets", event.octets)
        section = "3.10.2"
    else:
        why, section = Sentence("close() sends FIN"), "3.10.4"
    flags = ACK | (PSH if event.push else 0) | (FIN if event.fin else 0)
    urgent = 0
    if tcb.snd_up is not None and at_or_before(tcb.snd_nxt, tcb.snd_up):
        flags, urgent = flags | URG, min(distance(tcb.snd_nxt, tcb.snd_up), 65535)
    run.emit(flags, why, section, length=event.octets, urgent=urgent)
    end = add(tcb.snd_nxt, event.octets)
    run.tcb = replace(
        run.tcb,
        queued=tcb.queued - event.octets,
        fin_sent=end if event.fin else tcb.fin_sent,
        snd_nxt=add(end, 1) if event.fin else end,
    )
    if tcb.snd_una == tcb.snd_nxt:
        run.commands.append(Arm(Timer.RETRANSMISSION))


def _why_not(state: State, tcb: ControlBlock, event: events.Transmit) -> tuple[Sentence, str] | None:
    """Why TCP may not send this now; None when it may."""
    if state not in _MAY_TRANSMIT and not (state is State.SYN_RECEIVED and tcb.opened_fast):
        return Sentence("{} sends no data and no FIN", state), "3.10.2"
    if tcb.fin_sent is not None:
        return Sentence("nothing follows our FIN"), "3.10.4"
    if event.octets > tcb.queued:
        return Sentence("only {} octets are queued", tcb.queued), "3.10.2"
    if event.octets > tcb.usable_window:
        return Sentence("the peer's window takes {} octets", tcb.usable_window), "3.8.6"
    if event.fin and not tcb.fin_queued:
        return Sentence("CLOSE was not called"), "3.10.4"
    if event.fin and event.octets < tcb.queued:
        return Sentence("FIN follows the last octet queued"), "3.10.4"
    if not event.octets and not event.fin:
        return Sentence("nothing to transmit"), "3.10.2"
    return None


def acknowledge(run: Run, event: events.Acknowledge) -> None:
    if run.state in (State.CLOSED, State.LISTEN, State.SYN_SENT, State.SYN_RECEIVED):
        run.commands.append(Refuse(Sentence("{} sends no plain ACK", run.state), "3.10.7"))
        return
    if run.tcb.owes_ack:
        run.emit(ACK, _acknowledges(run.tcb), "3.10.7.3" if _owes_syn(run.tcb) else "3.10.7.4")
    elif run.tcb.offer > run.tcb.rcv_wnd:
        run.emit(ACK, Sentence("offers a larger window"), "3.8.6", kind="window-update")
    elif event.multipath and run.tcb.multipath_on:
        run.emit(ACK, Sentence("carries an option of Multipath TCP"), "RFC 8684 3.3")
    elif Deviation.PART_ANSWERED in run.tcb.deviations and run.tcb.snd_una != run.tcb.snd_nxt:
        run.emit(ACK, Sentence("answers the ACK of a part of what was sent again"), "RFC 5681 4.2")
    else:
        reason = Sentence("nothing new to acknowledge and no larger window")
        run.commands.append(Refuse(reason, "RFC 5681 4.2"))


def _owes_syn(tcb: ControlBlock) -> bool:
    return tcb.rcv_acked == tcb.irs


def _acknowledges(tcb: ControlBlock) -> Sentence:
    """What an ACK sent now would tell the peer: `acknowledges SYN`, `acknowledges 5 octets and FIN`."""
    syn, fin = _owes_syn(tcb), tcb.fin_received
    octets = distance(tcb.rcv_acked, tcb.rcv_nxt) - syn - fin
    if not octets:
        alone = Sentence("acknowledges SYN" if syn else "acknowledges FIN")
        return Sentence("acknowledges SYN and FIN") if syn and fin else alone
    if syn:
        return Sentence("acknowledges SYN and {} octets and FIN" if fin else "acknowledges SYN and {} octets", octets)
    return Sentence("acknowledges {} octets and FIN" if fin else "acknowledges {} octets", octets)


def retransmit(run: Run, event: events.Retransmit) -> None:
    send_again(run, event.start, event.octets, event.push, fin=event.fin)


def keep_alive(run: Run, event: events.KeepAlive) -> None:
    tcb = run.tcb
    if run.state not in _SYNCHRONIZED_AND_IDLE or tcb.snd_una != tcb.snd_nxt or tcb.owes_ack:
        reason = Sentence("keep-alives are for an open connection on which nothing is due")
        run.commands.append(Refuse(reason, "3.8.4"))
        return
    why = Sentence("asks whether the peer is still there")
    run.emit(ACK, why, "3.8.4", seq=add(tcb.snd_nxt, -1), kind="keep-alive")


def probe_window(run: Run, event: events.ProbeWindow) -> None:
    tcb = run.tcb
    if run.state not in _MAY_TRANSMIT or tcb.snd_wnd or not tcb.queued:
        run.commands.append(Refuse(Sentence("nothing waits for a closed window"), "3.8.6.1"))
        return
    why = Sentence("asks whether the window is still closed")
    if Deviation.EMPTY_WINDOW_PROBE in tcb.deviations:
        run.emit(ACK, why, "3.8.6.1", seq=add(tcb.snd_una, -1), kind="window-probe")
        return
    # from here on the octet is out: the retransmission timer repeats it
    run.emit(ACK, why, "3.8.6.1", length=1, kind="window-probe")
    run.tcb = replace(run.tcb, queued=tcb.queued - 1, snd_nxt=add(tcb.snd_nxt, 1))
    run.commands.append(Arm(Timer.RETRANSMISSION))
