"""A wrong length, and what a segment that is too long or too short leaves to those that follow it."""

from __future__ import annotations

from mutation.mutants import Moment, Mutant, segment_of
from mutation.ruling import Places, Ruling, at, either, first, here
from tcpviz.model.segment import Segment
from tcpviz.model.sequence import add, before


def length(mutant: Mutant, moment: Moment) -> Ruling:
    true, wrong = mutant.true, mutant.falsified
    if true.rst:
        return either(mutant, "text in a reset", "why it was reset, in words (RFC 1122 4.2.2.12; 3.5.3)")
    if wrong.length < true.length:
        return left_out(mutant, moment, "text (or FIN) is acknowledged, or left behind, that was not sent")
    if moment.fin_sent:
        return here(mutant, "no text behind a FIN (3.10.2: connection closing)")
    if true.syn and true.has_ack:
        if moment.sent or any(s.options.fast_open is not None for s in moment.heard):
            return either(mutant, "text on a SYN,ACK", "SEND before the SYN (3.10.2), or Fast Open (RFC 7413)")
        return here(mutant, "text waits for ESTABLISHED (3.10.2)")
    room = moment.room()
    if room is not None and not true.syn and before(room, add(wrong.seq, wrong.length)):
        return here(mutant, "more than the window takes (3.8.6)", "flags")
    why, run = "one octet more, which then is missing", "send() of one octet more, not acknowledged yet"
    maybe, sure = missing(mutant)
    if true.syn and any(s.syn for s in moment.sent):
        return either(mutant, why, "" if sure else run, maybe, sure)
    return Ruling(why, maybe | sure, "" if sure else run)


def missing(mutant: Mutant) -> tuple[Places, Places]:
    """Where the octet or FIN, by which the wrong segment is longer, is missing: may be blamed, cannot be right.

    What stood in the octet nobody sent: text sent again from there may be blamed, for it differs.
    """
    true, wrong, moment = mutant.true, mutant.falsified, mutant.moment
    maybe: Places = {}
    silent, again = True, False
    for frame, ours in moment.later:
        segment = segment_of(frame)
        if not ours:
            # until its own SYN is acknowledged the peer sends no text, and what acknowledges it brings the rest along
            establishes = silent and segment.ack == true.end and opens(mutant, segment)
            partly = segment.has_ack and segment.ack == true.end and true.span and not again
            if establishes or (partly and not _only_syn(true, mutant)):
                return maybe, {frame.number: frozenset({"ack", "flags"} if establishes else {"ack"})}
            continue
        silent = False
        fin_again = segment.fin and not segment.length and segment.seq == true.end and wrong.fin
        if segment.syn:
            maybe |= {frame.number: frozenset({"length"})} if true.syn else {}
        elif segment.rst:
            maybe |= {frame.number: frozenset({"seq"})} if segment.seq == true.end else {}
        elif not segment.span and before(segment.seq, wrong.end):
            return maybe, {frame.number: frozenset({"seq", "flags"})}
        elif before(segment.seq, true.end):
            again = True
            if true.fin:
                return maybe, {frame.number: frozenset({"seq", "length", "flags"})}
            maybe |= {frame.number: frozenset({"flags", "length"})}
        elif segment.seq == true.end and (wrong.fin or not segment.length) and not fin_again:
            return maybe, {frame.number: frozenset({"seq", "length", "flags"})}
        elif segment.seq == true.end and not fin_again:
            return maybe | {frame.number: frozenset({"seq", "length"})}, {}
    return maybe, {}


def opens(mutant: Mutant, later: Segment) -> bool:
    """The peer sends text, so its SYN was acknowledged: by the wrong segment, for it is the first since the SYN."""
    first_since = bool(mutant.moment.sent) and all(s.syn for s in mutant.moment.sent) and not mutant.true.syn
    return first_since and bool(later.length) and not any(s.options.fast_open for s in mutant.moment.sent)


def _only_syn(true: Segment, mutant: Mutant) -> bool:
    """Text on a SYN without a good cookie is not acknowledged (RFC 7413 section 4.2.2), but a reset counts it."""
    answer = next((segment_of(f) for f, ours in mutant.moment.later if not ours), None)
    return true.syn and not true.length and not (answer is not None and answer.rst)


def unsent(moment: Moment, wrong: Segment) -> Places:
    """The first segment of the peer that acknowledges more than was sent."""
    for frame, ours in moment.later:
        segment = segment_of(frame)
        if ours and before(wrong.end, segment.end):
            return {}
        if not ours and segment.has_ack and before(wrong.end, segment.ack):
            return {frame.number: frozenset({"ack"})}
    return {}


def left_out(mutant: Mutant, moment: Moment, why: str) -> Ruling:
    """Something was left out: the peer acknowledges it, and its sender goes on behind it."""
    true, wrong = mutant.true, mutant.falsified
    acked, passed = None, None
    for frame, ours in moment.later:
        segment = segment_of(frame)
        if ours and segment.span and segment.seq == true.seq and acked is None and passed is None:
            return Ruling("sent short, then whole", {}, "sent again, cut otherwise, or the FIN only then (3.8.1)")
        if ours and not before(segment.seq, true.end) and passed is None:
            passed = frame
        if not ours and segment.has_ack and not before(segment.ack, true.end) and acked is None:
            acked = frame
    places = first(at(acked, "ack", *(() if wrong.length else ("flags",))), at(passed, "seq"))
    run = "a segment that the capture missed: both ends count it" if acked and passed and not wrong.fin else ""
    return Ruling(why, places, run or ("" if places else "nobody counts it"))
