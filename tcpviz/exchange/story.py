"""Collects, while a connection is played, what will be its Exchange: segments, states, calls, timers.

The scratch pad of simulate and match; the values it makes are frozen.
"""

from __future__ import annotations

from tcpviz.exchange.capture import Address
from tcpviz.exchange.exchange import SIDES, Call, Change, Connection, Outcome, Party, Period, Side, Transmission, other
from tcpviz.model.segment import Segment
from tcpviz.model.sequence import add
from tcpviz.model.transitions import SYNCHRONIZED, UNCONNECTED, Row, State, Stimulus
from tcpviz.value import Record, field, replace


class PartyStory(Record):
    """One end, as it unfolds."""

    address: Address
    start: State
    isn: int | None = None
    base: int | None = None
    changes: list[Change] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    timers: list[Period] = field(default_factory=list)

    def learn(self, segment: Segment) -> None:
        """Take the ISN from a SYN; without one, the first number sent counts as 1."""
        if segment.syn and self.isn is None:
            self.isn = self.base = segment.seq
        elif self.base is None:
            self.base = add(segment.seq, -1)

    def fired(self, time: int, rows: tuple[Row, ...]) -> None:
        """Note the state changes among the rows that fired."""
        self.changes += [Change(time, row.target, row) for row in rows if row.target is not row.source]

    def forget(self, time: int) -> None:
        """A crash: CLOSED, by no row of the table."""
        self.changes.append(Change(time, State.CLOSED))

    def done(self) -> Party:
        states = (Change(0, self.start), *self.changes)
        return Party(self.address, self.isn, self.base or 0, states, tuple(self.calls), tuple(self.timers))


class ConnectionStory(Record):
    client: PartyStory
    server: PartyStory
    segments: list[Transmission] = field(default_factory=list)

    def party(self, side: Side) -> PartyStory:
        return self.client if side == "client" else self.server

    def done(self, saw_start: bool = True, judged: tuple[Side, ...] = SIDES) -> Connection:
        parties = self.client.done(), self.server.done()
        connection = Connection(*parties, tuple(self.segments), "open", saw_start, saw_end=False, judged=judged)
        result = outcome(connection) if len(judged) > 1 else outcome_of_one(connection, judged[0])
        return replace(connection, outcome=result, saw_end=result in ("closed", "reset", "refused"))


_FIN_ACKED = {Stimulus.RCV_ACK_OF_FIN, Stimulus.RCV_FIN_ACK_OF_FIN}
_RESET = {Stimulus.RCV_RST, Stimulus.RCV_RST_ACTIVE, Stimulus.RCV_RST_PASSIVE}

_UNDELIVERED = (State.SYN_SENT, Stimulus.ABORT)
"""What RFC 9293 3.9.2.2 makes of an ICMP error, unless an application has called it."""


def outcome(connection: Connection) -> Outcome:
    """How the connection ended; of several that fit, the first in the order of the contract."""
    parties = (connection.client, connection.server)
    stimuli = [{change.row.stimulus for change in party.states if change.row} for party in parties]
    last = [party.states[-1].state for party in parties]
    if all(seen & _FIN_ACKED or _was_acknowledged(connection, side) for side, seen in zip(SIDES, stimuli, strict=True)):
        return "closed"
    if any(c.row and c.row.stimulus in _RESET and c.row.source is State.SYN_SENT for p in parties for c in p.states):
        return "refused"
    if _was_refused(connection):
        return "refused"
    if any(seen & _RESET for seen in stimuli) or _found_nobody(connection):
        return "reset"
    if any(Stimulus.USER_TIMEOUT in seen for seen in stimuli) or _unanswered(connection):
        return "timeout"
    answered = any(sent.segment.syn and sent.segment.has_ack for sent in connection.segments)
    if (answered and State.SYN_RECEIVED in last) or (last[0] in UNCONNECTED) != (last[1] in UNCONNECTED):
        return "half-open"
    return "open"


def outcome_of_one(connection: Connection, side: Side) -> Outcome:
    """The same where only this end was followed: what the other has sent tells of it, and its states do not."""
    honest = [s for s in connection.segments if s.verdict != "violation"]
    ours, theirs = ([s for s in honest if s.origin == end] for end in (side, other(side)))
    rows = [change.row for change in connection.party(side).states if change.row]
    stimuli = {row.stimulus for row in rows}
    if (stimuli & _FIN_ACKED or _acknowledged(theirs, ours)) and _acknowledged(ours, theirs):
        return "closed"
    if any(row.stimulus in _RESET and row.source is State.SYN_SENT for row in rows) or _was_refused(connection):
        return "refused"
    met = any(change.state in SYNCHRONIZED for change in connection.party(side).states)
    # who has opened anew resets what it has forgotten (Figure 9), as who is gone does
    gone = (*UNCONNECTED, State.SYN_SENT)
    if stimuli & _RESET or (met and any(s.segment.rst and s.sender in gone for s in ours)):
        return "reset"
    if Stimulus.USER_TIMEOUT in stimuli or _unanswered(connection) or _came_again(connection):
        return "timeout"
    answers = [s for s in honest if s.segment.syn and s.segment.has_ack]
    if answers and not any(s.segment.has_ack and s.origin != answers[0].origin for s in honest):
        return "half-open"
    return "open"


def _acknowledged(ours: list[Transmission], theirs: list[Transmission]) -> bool:
    """One of our segments acknowledges their FIN."""
    ends = {sent.segment.end for sent in theirs if sent.segment.fin}
    return any(sent.segment.has_ack and sent.segment.ack in ends for sent in ours)


def _was_refused(connection: Connection) -> bool:
    """An ICMP error has ended SYN-SENT; or a reset answered what is a SYN to no TCP, so that no end was in SYN-SENT."""
    for side in SIDES:
        party = connection.party(side)
        aborted = any(c.row and (c.row.source, c.row.stimulus) == _UNDELIVERED for c in party.states)
        if aborted and not any(call.name == "abort" for call in party.calls):
            return True
    segments = [s for s in connection.segments if s.kind != "injected"]
    if any(s.segment.syn and s.segment.has_ack for s in segments):
        return False
    asked = {(other(s.origin), s.segment.end) for s in segments if s.segment.syn}
    return any(s.segment.rst and s.segment.has_ack and (s.origin, s.segment.ack) in asked for s in segments)


def _found_nobody(connection: Connection) -> bool:
    """Resets that crossed, or came to an end that was gone, have ended the connection all the same."""
    parties = (connection.client, connection.server)
    over = all(party.states[-1].state in UNCONNECTED for party in parties)
    met = any(change.state in SYNCHRONIZED for party in parties for change in party.states)
    return over and met and any(sent.segment.rst for sent in connection.segments)


def _was_acknowledged(connection: Connection, side: Side) -> bool:
    """The acknowledgement of this end's FIN came, and nobody was left to take it, or it came with an old FIN.

    It is acknowledged all the same.
    """
    honest = [s for s in connection.segments if s.kind != "injected" and s.verdict != "violation"]
    ends = {s.segment.end for s in honest if s.origin == side and s.segment.fin}
    return any(
        s.origin == other(side)
        and s.arrived is not None
        and s.segment.ack in ends
        and (s.before in UNCONNECTED or (s.segment.fin and s.before in (State.CLOSING, State.LAST_ACK)))
        for s in honest
        if s.segment.has_ack
    )


def _came_again(connection: Connection) -> bool:
    """The last segment is one that its sender had sent before, whether or not anybody has judged it."""
    *earlier, last = connection.segments
    known = [(sent.origin, sent.segment.seq, sent.segment.end) for sent in earlier]
    return last.segment.span > 0 and (last.origin, last.segment.seq, last.segment.end) in known


def _unanswered(connection: Connection) -> bool:
    """The last segment came again. A capture that begins with it shows nothing of that."""
    again = bool(connection.segments) and connection.segments[-1].kind == "retransmission"
    return again and any(sent.origin == connection.segments[-1].origin for sent in connection.segments[:-1])
