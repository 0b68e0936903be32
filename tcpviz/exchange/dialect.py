"""Whose TCP was that? The named deviations that each end of a connection showed, and the dialects that fit.

The evidence is what an end sent. A deviation is `seen` where the end did what only that deviation does, and
`denied` where it kept to the RFC's letter in the same place; what was never put to the test says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from tcpviz.exchange.exchange import Connection, Side, Transmission
from tcpviz.exchange.policy import POLICIES
from tcpviz.model.deviations import Deviation
from tcpviz.model.segment import RST, SYN
from tcpviz.model.sequence import add, before, distance
from tcpviz.model.transitions import Reply, State, Stimulus
from tcpviz.value import Value

_SYNCHRONIZED = (
    State.ESTABLISHED,
    State.FIN_WAIT_1,
    State.FIN_WAIT_2,
    State.CLOSE_WAIT,
    State.CLOSING,
    State.LAST_ACK,
)


class Habits(Value):
    """What one end showed."""

    seen: tuple[Deviation, ...]
    denied: tuple[Deviation, ...]

    @property
    def dialects(self) -> tuple[str, ...]:
        """Those that have all that was seen and nothing that was denied; all of them when nothing was put to the test.

        None is left when an end has habits of several stacks.
        """
        return tuple(
            name
            for name, policy in POLICIES.items()
            if policy.deviations.issuperset(self.seen) and policy.deviations.isdisjoint(self.denied)
        )


def habits(connection: Connection, side: Side) -> Habits:
    """The deviations that `side` showed or denied, each in the order of their list."""
    shown = set(_evidence(connection, side))
    return Habits(
        tuple(deviation for deviation in Deviation if (deviation, True) in shown),
        tuple(deviation for deviation in Deviation if (deviation, False) in shown),
    )


def _evidence(connection: Connection, side: Side) -> Iterator[tuple[Deviation, bool]]:
    """A deviation, and whether it was seen or denied; each segment of `side` is held beside what it answers."""
    heard: list[Transmission] = []
    sent: list[Transmission] = []
    unanswered: Transmission | None = None
    for segment in _as_met(connection, side):
        if segment.origin != side:
            heard.append(segment)
            unanswered = segment
        elif segment.verdict != "violation" and segment.kind != "injected":
            if segment.segment.rst:
                yield from _reset(connection, side, segment, heard)
            if segment.kind in ("keep-alive", "window-probe"):
                yield from _probe(segment, heard)
            if segment.segment.has_ack and not segment.segment.flags & (SYN | RST):
                yield from _fin_on_syn(segment, heard)
            if unanswered:
                yield from _answer(segment, unanswered, sent)
                yield from _foreign_echo(segment, unanswered, sent)
                yield from _fin_for_nobody(connection, side, segment, unanswered)
            sent.append(segment)
            unanswered = None


def _as_met(connection: Connection, side: Side) -> list[Transmission]:
    """What `side` sent and what arrived there, in that end's own order."""
    met = [
        (sent.sent if sent.origin == side else sent.arrived, sent)
        for sent in connection.segments
        if sent.kind != "duplicate-frame"
    ]
    return [sent for _, sent in sorted(((t, sent) for t, sent in met if t is not None), key=lambda pair: pair[0])]


def _reset(
    connection: Connection, side: Side, ours: Transmission, heard: list[Transmission]
) -> Iterator[tuple[Deviation, bool]]:
    """A reset with ACK at a number of our own; one that answers a segment without ACK has number 0 (3.10.7.1)."""
    question = next((theirs.segment for theirs in reversed(heard) if _resets(theirs, ours)), None)
    if question:
        if question.rst:
            yield Deviation.RESET_ANSWERED, True
        if question.has_ack and ours.segment.has_ack:
            yield Deviation.RESET_ACKNOWLEDGES, True
        return
    aborts = any(call.name == "abort" and call.time == ours.sent for call in connection.party(side).calls)
    if ours.segment.has_ack and ours.segment.seq:
        yield Deviation.RESET_WITH_ACK, True
    elif aborts:
        yield Deviation.RESET_WITH_ACK, False


def _resets(theirs: Transmission, ours: Transmission) -> bool:
    """`ours` is the answer to what came to no connection."""
    answered = any(row.source is State.CLOSED and row.reply is Reply.SND_RST for row in theirs.rows)
    return answered and ours.segment.seq == (theirs.segment.ack if theirs.segment.has_ack else 0)


def _probe(ours: Transmission, heard: list[Transmission]) -> Iterator[tuple[Deviation, bool]]:
    """A question before a closed window; before an open one it is a keep-alive, and nobody's habit."""
    if heard and heard[-1].segment.window == 0:
        yield Deviation.EMPTY_WINDOW_PROBE, ours.segment.length == 0


def _fin_on_syn(ours: Transmission, heard: list[Transmission]) -> Iterator[tuple[Deviation, bool]]:
    """Does what is acknowledged after the handshake count the FIN that was on the SYN?"""
    syn = next((s.segment for s in heard if s.segment.syn), None)
    if syn and syn.fin and ours.segment.ack in (syn.end, add(syn.end, -1)):
        yield Deviation.SYN_WITHOUT_FIN, ours.segment.ack != syn.end


def _fin_for_nobody(
    connection: Connection, side: Side, ours: Transmission, theirs: Transmission
) -> Iterator[tuple[Deviation, bool]]:
    """The FIN that FIN-WAIT-2 was there for gets a reset, and nothing else had ended the connection."""
    rows = (change.row for change in connection.party(side).states)
    if (
        theirs.segment.fin
        and ours.segment.rst
        and any(row and row.stimulus is Stimulus.FIN_WAIT_2_TIMEOUT for row in rows)
    ):
        yield Deviation.FIN_WAIT_2_TIMEOUT, True


def _foreign_echo(
    ours: Transmission, theirs: Transmission, sent: list[Transmission]
) -> Iterator[tuple[Deviation, bool]]:
    """A SYN,ACK that acknowledges our SYN and echoes a timestamp from before it, or from after the last of them."""
    asked = [s.segment for s in sent if s.segment.syn and s.segment.options.timestamps]
    clocks = [syn.options.timestamps[0] for syn in asked if syn.options.timestamps]
    answer, stamps = theirs.segment, theirs.segment.options.timestamps
    if not clocks or not stamps or not stamps[1] or not answer.syn or answer.ack != asked[-1].end:
        return
    if before(stamps[1], clocks[0]) or before(clocks[-1], stamps[1]):
        yield Deviation.FOREIGN_ECHO, ours.segment.rst


def _answer(ours: Transmission, theirs: Transmission, sent: list[Transmission]) -> Iterator[tuple[Deviation, bool]]:
    """The first segment after one of the peer's: what do a SYN, a FIN and a reset get here?"""
    answer, question = ours.segment, theirs.segment
    unacceptable = any(row.stimulus is Stimulus.RCV_UNACCEPTABLE for row in theirs.rows)
    if question.rst and ours.kind == "challenge":
        yield Deviation.RESET_IN_WINDOW, False
    if question.syn and not question.has_ack and theirs.before is State.SYN_RECEIVED:
        if any(row.stimulus is Stimulus.RCV_SYN_AGAIN for row in theirs.rows):
            yield Deviation.SYN_ACK_AGAIN, True
        elif not answer.span and not answer.rst:
            yield Deviation.SYN_ACK_AGAIN, False
    if question.syn and question.has_ack and theirs.before is State.SYN_RECEIVED and not answer.span:
        yield Deviation.CROSSING_ANSWERED, unacceptable
    if theirs.before is State.TIME_WAIT and unacceptable and question.span and not question.syn and sent:
        told = sent[-1].segment
        # in the window, even unscaled: the RFC has no answer to it
        if 0 <= distance(told.ack, question.seq) < told.window:
            yield Deviation.TIME_WAIT_ANSWERS, True
    if question.syn and theirs.before in _SYNCHRONIZED:
        if ours.kind == "challenge":
            yield Deviation.SYN_IN_WINDOW, False
        elif answer.rst:
            yield Deviation.SYN_IN_WINDOW, True
