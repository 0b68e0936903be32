"""A wrong sequence or acknowledgement number: what RFC 9293 says of it, from the wire around it."""

from __future__ import annotations

from mutation.mutants import Moment, Mutant, segment_of
from mutation.octets import unsent
from mutation.ruling import Ruling, anywhere, at, either, first, following, here
from tcpviz.model.segment import Segment
from tcpviz.model.sequence import add, before, distance

_WORTH_TELLING = 536
"""Octets: by less, half the buffer or an MSS, a receiver does not open its window (3.8.6.2.2, MUST-39)."""


def acknowledgement(mutant: Mutant, moment: Moment) -> Ruling:
    true, wrong = mutant.true, mutant.falsified
    told, heard_end = moment.told, moment.heard_end
    if moment.from_the_middle and (told is None or heard_end is None):
        why = "the capture began in the middle: nobody saw what it answers"
        return either(mutant, why, "any number", anywhere(moment, "seq", "ack", "flags"))
    if heard_end is None or before(heard_end, wrong.ack):
        return here(mutant, "acknowledges what was never sent (3.10.7.4, fifth check; 3.10.7.3 for a SYN)")
    if told is not None and before(wrong.ack, told):
        copies = [s for s in moment.sent if s.seq == true.seq and s.ack == wrong.ack and s.span]
        if true.span and copies:
            return Ruling("a retransmission", {}, "the segment sent again as it was (3.8.1)")
        return here(mutant, "RCV.NXT never goes back (3.4)")
    whole = {s.end for s in moment.heard}
    if wrong.ack not in whole:
        return _part_of_a_segment(mutant, moment)
    if true.span or true.rst:
        why = "an older acknowledgement: what came last is not processed yet"
        run = "the FINs crossed (3.6, Figure 13), or the text is acknowledged later"
        again = [f for f, ours in moment.later if ours and not segment_of(f).span and segment_of(f).ack == wrong.ack]
        return Ruling(why, at(again[0], "flags") if mutant.kind == "ack+1" and again else {}, run)
    if wrong.ack != told:
        return Ruling("the text acknowledged", {}, "the FIN not yet processed (3.10.7.4, eighth check)")
    return plain_ack_again(mutant, moment, wrong)


def _part_of_a_segment(mutant: Mutant, moment: Moment) -> Ruling:
    wrong = mutant.falsified
    fin_only = any(s.fin and s.length and s.end == add(wrong.ack, 1) for s in moment.heard)
    edge = moment.edge(wrong)
    if fin_only and edge is not None and edge <= wrong.window:
        return either(mutant, "the FIN may lie outside the window", "text taken, FIN trimmed (3.10.7.4, first check)")
    return here(mutant, "a segment that fits the window is taken whole (3.10.7.4, seventh check)")


def plain_ack_again(mutant: Mutant, moment: Moment, plain: Segment) -> Ruling:
    """An ACK that says nothing new."""
    grows = moment.edge(plain)
    if grows is not None and grows >= _WORTH_TELLING:
        return Ruling("offers a larger window", {}, "a window update (3.8.6.2.2)")
    if grows is not None and grows > 0:
        return either(
            mutant, "offers a little more window", "a window update that avoids nothing silly", fields=["flags"]
        )
    if moment.unanswered:
        return either(mutant, "no plain ACK has answered what came yet", "its ACK (3.8.6.3)", fields=["flags"])
    return here(mutant, "one ACK at most for each segment that came (RFC 5681 4.2)", "flags")


def number(mutant: Mutant, moment: Moment) -> Ruling:
    true, wrong, nxt = mutant.true, mutant.falsified, moment.snd_nxt
    if true.rst:
        return _number_of_reset(mutant, moment)
    if true.syn:
        return _number_of_syn(mutant, moment)
    if nxt is None or (moment.from_the_middle and not moment.heard):
        why = "the capture began in the middle: nobody knows SND.NXT"
        return either(mutant, why, "any number", anywhere(moment, "seq", "ack", "flags"))
    if not true.span:
        again = mutant.falsified.ack == moment.told and not moment.fin_sent
        if again and distance(wrong.seq, nxt) == 1:
            return either(mutant, "SEG.SEQ = SND.NXT - 1, and nothing new", "a keep-alive (3.8.4)")
        return here(mutant, "an empty segment has SND.NXT; keep-alives wait for silence (3.4, 3.8.4 MUST-27)")
    if true.length and before(true.seq, nxt):
        places = following(moment, "seq", own=True)
        return either(mutant, "text sent again, cut otherwise", "repacketised (3.8.1)", places)
    if true.length and before(wrong.seq, nxt) and add(_start(moment), 1) != nxt:
        places = first(unsent(moment, wrong), following(moment, "seq", own=True))
        return either(mutant, "text sent again together with new text", "repacketised (3.8.1)", places)
    # for a FIN in the place of an octet that was sent, the octet with the FIN behind it is as near
    also = ("length",) if true.fin and distance(wrong.seq, true.seq) == 1 else ()
    return here(mutant, "new text and the FIN begin at SND.NXT (3.4)", *also)


def _start(moment: Moment) -> int:
    """The number of the SYN, or of whatever came first."""
    return moment.sent[0].seq


def _number_of_syn(mutant: Mutant, moment: Moment) -> Ruling:
    same = [s for s in moment.sent if s.syn]
    if mutant.true.has_ack and same:
        fits = "the SYN,ACK of a simultaneous open, or one sent again, has the ISS that was chosen (3.10.7.3, 3.8.1)"
        return here(mutant, fits)
    if same:
        why = "sent again it keeps its ISS; that of another connect() is not the one that is answered"
        later = following(moment, "ack", own=False) | following(moment, "seq", own=True)
        return either(mutant, why, "close() in SYN-SENT is silent (3.10.4), connect() again", later)
    why = "any ISS will do (3.4.1): what counts from it no longer fits"
    answers = [(f, ours) for f, ours in moment.later if ours or segment_of(f).has_ack]
    if not answers or (answers[0][1] and not mutant.true.has_ack and not segment_of(answers[0][0]).has_ack):
        places = {f.number: frozenset({"seq"}) for f, ours in answers[:1]}
        places |= {f.number: frozenset({"ack"}) for f, ours in answers if not ours}
        return Ruling(why, places, "nobody counts from it: a connect() given up, and another (3.10.4)")
    frame, ours = answers[0]
    return Ruling(why, {frame.number: frozenset({"seq" if ours else "ack"})})


def _number_of_reset(mutant: Mutant, moment: Moment) -> Ruling:
    if any(s.has_ack and s.ack == mutant.falsified.seq for s in moment.heard) and not mutant.true.has_ack:
        return either(mutant, "SEG.ACK of an older segment", "the answer of an end in CLOSED to it (3.10.7.1)")
    return here(mutant, "a reset has SND.NXT, SEG.ACK of what it answers, or zero (3.5.2, 3.10.5)")
