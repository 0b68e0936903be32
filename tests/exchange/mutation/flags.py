"""A flag too many or too few: what RFC 9293 says of it, from the wire around it."""

from __future__ import annotations

from mutation.mutants import Moment, Mutant, segment_of
from mutation.numbers import plain_ack_again
from mutation.octets import left_out, missing, opens
from mutation.ruling import Ruling, anywhere, at, either, here
from tcpviz.exchange.capture import Frame
from tcpviz.model.sequence import before, distance


def _without_syn(mutant: Mutant, moment: Moment) -> Ruling:
    true = mutant.true
    if not true.has_ack:
        return here(mutant, "a segment without any flag: only a first SYN and some resets carry no ACK (3.1)")
    taken = any(s.has_ack and distance(true.seq, s.ack) == 1 for s in moment.heard)
    if moment.sent and taken:
        return either(mutant, "SEG.SEQ = SND.NXT - 1, and nothing new", "a keep-alive (3.8.4)", fields=["seq"])
    return here(mutant, "a SYN is answered by SYN,ACK (3.10.7.2, 3.10.7.3)", *(("seq",) if moment.sent else ()))


def _without_ack(mutant: Mutant, moment: Moment) -> Ruling:
    true = mutant.true
    if true.rst and (moment.sent or moment.from_the_middle):
        return Ruling("a reset without ACK", {}, "ABORT sends <SEQ=SND.NXT><CTL=RST> (3.10.5)")
    if true.rst:
        return here(mutant, "what carries no ACK is answered by <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK> (3.10.7.1)")
    if not true.syn:
        return here(mutant, "once the SYN is answered every segment carries ACK (3.1)")
    if any(s.syn and s.has_ack for s in moment.sent):
        return here(mutant, "SYN-RECEIVED repeats SYN,ACK (3.8.1)")
    if any(s.syn for s in moment.sent):
        return Ruling("the SYN again", {}, "the peer's SYN is not processed yet (3.8.1)")
    why = "SYNs that crossed: SYN-RECEIVED would have sent SYN,ACK, not this (3.10.7.3)"
    run = "a simultaneous open (3.5, Figure 7)"
    if not moment.later or segment_of(moment.later[0][0]).syn:
        return Ruling(why, anywhere(moment, "flags"), run)
    after = moment.later[0][0]
    reset = segment_of(after).rst
    return Ruling(why, at(after, "flags", *(("seq",) if reset else ())), f"{run}, its SYN,ACK missed" if reset else "")


def _without_fin(mutant: Mutant, moment: Moment) -> Ruling:
    true, wrong = mutant.true, mutant.falsified
    if moment.fin_sent:
        acked = moment.heard_ack is not None and not before(moment.heard_ack, true.end)
        if acked:
            return either(mutant, "SEG.SEQ = SND.NXT - 1, and nothing new", "a keep-alive (3.8.4)", fields=["seq"])
        return here(mutant, "the FIN is out: an empty segment has SND.NXT behind it (3.4)", "seq")
    if not wrong.length and wrong.ack == moment.told:
        redundant = plain_ack_again(mutant, moment, wrong)
        if redundant.places and not redundant.explained:
            return redundant
        first = {mutant.frame.number: frozenset({"flags"})} if redundant.places else {}
        after = left_out(mutant, moment, "a plain ACK is allowed: its FIN is acknowledged but was not sent")
        return Ruling(after.why, first | after.places, after.explained)
    return left_out(mutant, moment, "the close came with no FIN, and yet it is acknowledged")


def _without_rst(mutant: Mutant, moment: Moment) -> Ruling:
    if not mutant.true.has_ack:
        return here(mutant, "a segment without any flag: only a first SYN and some resets carry no ACK (3.1)")
    if not moment.sent and not moment.from_the_middle:
        return here(mutant, "a first SYN is answered by SYN,ACK or RST,ACK (3.10.7.1, 3.10.7.2)")
    if mutant.true.ack != moment.told:
        return Ruling("a plain ACK of what came", {}, "its ACK (3.8.6.3)")
    return plain_ack_again(mutant, moment, mutant.falsified)


def _with_syn(mutant: Mutant, moment: Moment) -> Ruling:
    if moment.from_the_middle and not moment.sent and not moment.heard and not mutant.true.fin and not mutant.true.rst:
        everything = {f.number: frozenset({"seq", "ack", "flags", "length"}) for f, _ in moment.later}
        return either(mutant, "the capture may have begun with this SYN,ACK", "", everything, fields=["length"])
    return here(mutant, "a SYN is its sender's first segment, without FIN and RST (3.4; 3.10.7.4, fourth check)")


def _with_ack(mutant: Mutant, moment: Moment) -> Ruling:
    if mutant.true.syn and not moment.sent and not moment.heard:
        why = "the capture may have begun with this SYN,ACK: then nothing goes on from it"
        after = moment.later[0][0] if moment.later else None
        run = "a SYN,ACK nobody waited for is reset (3.10.7.1)" if after and segment_of(after).rst else ""
        return either(mutant, why, run, at(after, "seq", "ack", "flags"), fields=["ack", "length"])
    return here(mutant, "acknowledges zero, which nobody sent (3.10.7.4, fifth check)", "ack")


def _with_fin(mutant: Mutant, moment: Moment) -> Ruling:
    true = mutant.true
    if true.syn or true.rst:
        return here(mutant, "no FIN with SYN or RST: CLOSE in SYN-SENT deletes the TCB (3.10.4)")
    if moment.fin_sent:
        return here(mutant, "a FIN was sent already, and is the last (3.6)")
    maybe, sure = missing(mutant)
    run = "" if sure else "closed at once; the FIN that follows is this one, sent again (3.8.1)"
    return Ruling("closed at once: what follows goes on as if not", maybe | sure, run)


def _with_rst(mutant: Mutant, moment: Moment) -> Ruling:
    true = mutant.true
    if true.syn or true.fin:
        return here(mutant, "a reset carries neither SYN nor FIN (3.10.5, 3.10.7)")
    closing = moment.fin_sent and true.has_ack and any(s.fin and s.end == true.ack for s in moment.heard)
    if closing and not any(s.length for s in moment.heard):  # close() after shutdown() resets for text unread (3.6.1)
        return here(mutant, "ABORT in CLOSING, LAST-ACK and TIME-WAIT sends nothing (3.10.5)")
    place = at(_goes_on(mutant), "flags", "seq")
    # whoever goes on has not sent it: it may be a third party's, and then is to blame itself
    run = "" if place else "abort(): nothing follows (3.10.5)"
    fields = ["length"] if true.length else []
    return either(mutant, "aborted, and yet the connection goes on", run, place, fields=fields)


def _goes_on(mutant: Mutant) -> Frame | None:
    """The first later segment that would not have been sent, had the connection been reset."""
    for n, (frame, ours) in enumerate(mutant.moment.later):
        segment = segment_of(frame)
        if ours and (not segment.rst or n == 0):  # with nothing to answer, CLOSED does not send a reset either
            return frame
        if not ours and opens(mutant, segment):
            return frame
    return None


FLAGS = {
    "-SYN": _without_syn,
    "-ACK": _without_ack,
    "-FIN": _without_fin,
    "-RST": _without_rst,
    "+SYN": _with_syn,
    "+ACK": _with_ack,
    "+FIN": _with_fin,
    "+RST": _with_rst,
}
