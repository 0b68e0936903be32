"""Where two runs of TCP may differ and both be right, by name, each with its section and its reason.

A freedom says when it may be pleaded and what it takes away from two stories, so that what is left must be the same.
What has no name here is a defect of one of the two. `triangle` compares; nothing here knows how a story came about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from enum import Enum
from typing import NamedTuple

from tcpviz.exchange.exchange import SIDES, Connection, Side, other
from tcpviz.model.segment import ACK, FIN, RST, SYN, words
from tcpviz.model.sequence import distance
from tcpviz.model.transitions import State, Stimulus
from tcpviz.value import Value

COPIES = ("duplicate-frame", "duplicate", "inferred")
"""Kinds of segments that no end is known to have sent: the network or the capture has doubled them, or match assumes
them."""
_TOLD = SYN | ACK | FIN | RST


class Freedom(Enum):
    """(name, section, what may differ and why)."""

    DELAYED_ACK = (
        "delayed ACK",
        "RFC 9293 3.8.6.3",
        "an ACK goes alone, or rides on the next segment: so a close has three or four segments, and FIN-WAIT-2 is "
        "passed or not",
    )
    ANSWER_AND_TEXT = (
        "an answer before or after text",
        "RFC 9293 3.8",
        "an answer that acknowledges nothing new goes out before or after the text that an application sends at the "
        "same moment",
    )
    CROSSING_TIMERS = (
        "timers that cross",
        "RFC 6298 5",
        "each end repeats its SYN by a timer of its own: when both go off at the same moment, one comes, and is "
        "answered, once more",
    )
    PROBES = (
        "probes and their answers",
        "RFC 9293 3.8.6.1",
        "when a closed window is probed or a silent peer asked is free, and answers to what lies outside the window "
        "are throttled (RFC 5961 7): how many there are depends on moments",
    )
    TAIL_LOSS_PROBE = (
        "tail loss probe",
        "RFC 8985 7",
        "where an acknowledgement is a little late Linux takes the tail for lost, and sends it again long before "
        "the retransmission time-out, and both copies are acknowledged",
    )
    RESET_ON_GIVING_UP = (
        "reset on giving up",
        "RFC 1122 4.2.3.6",
        "Linux tells the peer with a reset that keep-alives went unanswered, where 3.10.8 deletes the connection in "
        "silence",
    )
    SYN_COOKIE = (
        "SYN cookie",
        "RFC 4987 3.6",
        "a listener that remembers nothing is never in SYN-RECEIVED; its segments do not show it",
    )
    RESET_IGNORED = (
        "TIME-WAIT ignores resets",
        "RFC 1337 3",
        "with the fix of RFC 1337 a reset does not end TIME-WAIT; no segment shows it",
    )
    BEGUN_BEFORE = (
        "begun before the capture",
        "RFC 9293 3.5.1",
        "an end still held an earlier connection, or had forgotten it; no segment shows it",
    )
    UNSEEN_LOSS = (
        "a loss that the wire does not show",
        "RFC 9293 3.8.1",
        "what was lost, and never followed by a word of its receiver's, may as well have arrived",
    )
    TIMER_AFTERWARDS = (
        "a timer afterwards",
        "RFC 9293 3.10.8",
        "after the last segment only a timer goes off, which nobody waited for",
    )

    @property
    def label(self) -> str:
        return self.value[0]

    @property
    def section(self) -> str:
        return self.value[1]

    @property
    def why(self) -> str:
        return self.value[2]


# What a story tells of a segment


class Told(NamedTuple):
    """As much of a segment as the story tells; numbers count from the latest SYN of each side."""

    flags: int
    seq: int
    ack: int | None
    length: int

    @property
    def bare(self) -> bool:
        """An acknowledgement that carries nothing else."""
        return self.flags == ACK and not self.length

    def __str__(self) -> str:
        parts = [words(self.flags), f"seq={self.seq}"]
        parts += [] if self.ack is None else [f"ack={self.ack}"]
        return " ".join([*parts, f"len={self.length}"] if self.length else parts)


Segments = list[Told]
States = list[State]


def told(connection: Connection, side: Side) -> Segments:
    """What one side has sent, in order."""
    bases = {each: connection.party(each).base for each in SIDES}
    found = []
    for sent in connection.segments:
        segment = sent.segment
        if sent.kind in COPIES or sent.fate == "unseen":
            continue
        if segment.syn:
            bases[sent.origin] = segment.seq
        if sent.origin == side:
            ack = distance(bases[other(side)], segment.ack) if segment.has_ack else None
            found.append(Told(segment.flags & _TOLD, distance(bases[side], segment.seq), ack, segment.length))
    return found


# Freedoms with segments


class SegmentRule(Value):
    """What the freedom adds to a list of segments, `reduce` takes away again."""

    freedom: Freedom
    holds: Callable[[Connection, Connection], bool]
    reduce: Callable[[Segments], Segments]


def _always(one: Connection, two: Connection) -> bool:
    return True


def _without_early_acks(segments: Segments) -> Segments:
    """A bare ACK of something new says nothing that the next segment does not say as well."""
    answers = set(_answers(segments))
    kept: Segments = []
    for place, this in enumerate(segments):
        following = segments[place + 1] if place + 1 < len(segments) else None
        covered = following and following.seq == this.seq and (following.ack or 0) >= (this.ack or 0)
        if not (this.bare and place not in answers and covered):
            kept.append(this)
    return kept


def _answers(segments: Segments) -> Iterator[int]:
    """Where bare ACKs stand that acknowledge nothing new: they answer something, or tell of a window."""
    heard: int | None = None
    for place, this in enumerate(segments):
        if this.bare and heard is not None and this.ack is not None and this.ack <= heard:
            yield place
        if this.ack is not None and not this.flags & SYN:
            heard = this.ack if heard is None else max(heard, this.ack)


def _with_answers_apart(segments: Segments) -> Segments:
    """The same answers, whatever the application had sent by then."""
    apart = sorted(segments[place].ack or 0 for place in _answers(segments))
    return [*_without_answers(segments), *(Told(ACK, 0, ack, 0) for ack in apart)]


def _without_repeated_syns(segments: Segments) -> Segments:
    """A SYN that was sent twice counts once, and what only answers counts not at all."""
    left = _without_answers(segments)
    return [this for place, this in enumerate(left) if not (this.flags & SYN and this in left[:place])]


def _asked(one: Connection, two: Connection) -> bool:
    return any(s.kind in ("window-probe", "keep-alive") for s in two.segments)


def _without_answers(segments: Segments) -> Segments:
    """Probes are such ACKs themselves."""
    answers = set(_answers(segments))
    return [this for place, this in enumerate(segments) if place not in answers]


def _repeated_needlessly(one: Connection, two: Connection) -> bool:
    """Where the model's network loses nothing, nothing needs to come again."""
    return all(s.arrived is not None for s in two.segments) and (_repeats(one) or _repeats(two))


def _repeats(connection: Connection) -> bool:
    spans = [(side, this._replace(ack=None)) for side in SIDES for this in told(connection, side) if not this.bare]
    return len(set(spans)) < len(spans)


def _without_repetitions(segments: Segments) -> Segments:
    """What was sent twice counts once, whatever it acknowledged by then; so does the answer to it."""
    seen: set[Told] = set()
    kept: Segments = []
    for this in segments:
        new = this if this.bare else this._replace(ack=None)
        if new not in seen:
            kept.append(this)
        seen.add(new)
    return kept


def _repeated_otherwise(one: Connection, two: Connection) -> bool:
    return _syns(one) != _syns(two)


def _syns(connection: Connection) -> Counter[Told]:
    return Counter(this for side in SIDES for this in told(connection, side) if this.flags & SYN)


def _gave_up(one: Connection, two: Connection) -> bool:
    stimuli = [change.row.stimulus for side in SIDES for change in two.party(side).states if change.row]
    return Stimulus.USER_TIMEOUT in stimuli


def _without_last_reset(segments: Segments) -> Segments:
    return segments[:-1] if segments and segments[-1].flags & RST else segments


SEGMENT_RULES = (
    SegmentRule(Freedom.DELAYED_ACK, _always, _without_early_acks),
    SegmentRule(Freedom.ANSWER_AND_TEXT, _always, _with_answers_apart),
    SegmentRule(Freedom.PROBES, _asked, _without_answers),
    SegmentRule(Freedom.CROSSING_TIMERS, _repeated_otherwise, _without_repeated_syns),
    SegmentRule(Freedom.TAIL_LOSS_PROBE, _repeated_needlessly, _without_repetitions),
    SegmentRule(Freedom.RESET_ON_GIVING_UP, _gave_up, _without_last_reset),
)


# Freedoms with states

Pleaded = frozenset[Freedom]


class StateRule(Value):
    """The same for the states of one end: its side in the model's story, and what the segments have pleaded already."""

    freedom: Freedom
    holds: Callable[[Connection, Side, Pleaded], bool]
    reduce: Callable[[States], States]


def _pleaded(freedom: Freedom) -> Callable[[Connection, Side, Pleaded], bool]:
    return lambda model, side, pleaded: freedom in pleaded


def _by_cookie(model: Connection, side: Side, pleaded: Pleaded) -> bool:
    rows = (change.row for change in model.party(side).states)
    return any(row and row.stimulus is Stimulus.RCV_ACK_OF_COOKIE for row in rows)


def _reset_in_time_wait(model: Connection, side: Side, pleaded: Pleaded) -> bool:
    arrived = (s for s in model.segments if s.origin != side)
    return any(s.segment.rst and s.before is s.after is State.TIME_WAIT for s in arrived)


def _begun_before(model: Connection, side: Side, pleaded: Pleaded) -> bool:
    return any(model.party(each).states[0].state not in (State.CLOSED, State.LISTEN) for each in SIDES)


def _lost(model: Connection, side: Side, pleaded: Pleaded) -> bool:
    """What was lost on the way to this end, and the end has said nothing since."""
    last = max((s.sent for s in model.segments if s.origin == side), default=-1)
    return any(s.origin != side and s.arrived is None and s.sent > last for s in model.segments)


def _without(state: State) -> Callable[[States], States]:
    return lambda states: [each for each in states if each is not state]


def _without_last_close(states: States) -> States:
    return states[:-1] if states[-1:] == [State.CLOSED] else states


def _only_last(states: States) -> States:
    return states[-1:]


def _nothing(states: States) -> States:
    return []


STATE_RULES = (
    StateRule(Freedom.DELAYED_ACK, _pleaded(Freedom.DELAYED_ACK), _without(State.FIN_WAIT_2)),
    StateRule(Freedom.SYN_COOKIE, _by_cookie, _without(State.SYN_RECEIVED)),
    StateRule(Freedom.RESET_IGNORED, _reset_in_time_wait, _without_last_close),
    StateRule(Freedom.RESET_ON_GIVING_UP, _pleaded(Freedom.RESET_ON_GIVING_UP), _without_last_close),
    StateRule(Freedom.BEGUN_BEFORE, _begun_before, _only_last),
    StateRule(Freedom.UNSEEN_LOSS, _lost, _nothing),
)
