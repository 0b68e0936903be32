"""The chapters of a connection: handshake, data transfer, and how it ended. Indices of segments, no coordinates."""

from __future__ import annotations

from tcpviz.draw.words import Words
from tcpviz.exchange.exchange import SIDES, Connection, Side, Transmission, other
from tcpviz.model.sequence import at_or_before
from tcpviz.model.transitions import SYNCHRONIZED, State
from tcpviz.value import Value

_UNKNOWING = (State.CLOSED, State.LISTEN, State.SYN_SENT)


class Phase(Value):
    """From the segment `first` to the segment `last`, both included."""

    lines: tuple[str, ...]
    first: int
    last: int


def phases(connection: Connection, words: Words) -> tuple[Phase, ...]:
    segments, last = connection.segments, len(connection.segments) - 1
    if last < 0 or len(connection.judged) < len(SIDES):
        return ()  # of an end that nobody follows nobody knows where it stands
    if connection.outcome == "refused":
        asked = next((i for i, sent in enumerate(segments) if not _half_open(sent)), last)
        discovered = (Phase(words.half_open, 0, asked - 1),) if asked else ()
        return (*discovered, Phase(words.refused, asked, last))
    opened = _opened(connection) if segments[0].segment.syn else -1
    if opened is None:
        return (Phase(words.attempt, 0, last),)
    closing = next((i for i in range(opened + 1, last + 1) if _closes(segments[i])), None)
    found = []
    if opened >= 0:
        found.append(Phase(_opening(connection, opened, words), 0, opened))
    until = last if closing is None else closing - 1
    if until > opened:
        found.append(Phase(_between(segments[: until + 1], opened + 1, words), opened + 1, until))
    if closing is not None:
        again = _reopened(segments, closing)
        found.append(Phase(_closing(connection, closing, words), closing, last if again is None else again - 1))
        if again is not None:
            found.append(Phase(words.handshake, again, last))
    return tuple(found)


def _between(segments: tuple[Transmission, ...], start: int, words: Words) -> tuple[str, ...]:
    """From the segment `start`. An old SYN that somebody answers, or keep-alives, transfer nothing."""
    if any(map(_half_open, segments[start:])):
        return words.half_open
    return words.data if any(sent.segment.length for sent in segments) else words.established


def _half_open(sent: Transmission) -> bool:
    """One end holds the connection, the other has forgotten it, or never knew (RFC 9293 3.5.1)."""
    ends = sent.sender, sent.before
    return any(state in SYNCHRONIZED for state in ends) and any(state in _UNKNOWING for state in ends)


def _reopened(segments: tuple[Transmission, ...], closing: int) -> int | None:
    """After a reset the same two ends may open again."""
    if not segments[closing].segment.rst:
        return None
    later = range(closing + 1, len(segments))
    return next((i for i in later if segments[i].segment.syn and segments[i].after is not segments[i].before), None)


def _closes(sent: Transmission) -> bool:
    """A FIN, or a reset that somebody means or believes; a third party's that nobody believes closes nothing."""
    meant = sent.kind != "injected" and sent.verdict != "violation"
    return (meant or sent.after is not sent.before) and (sent.segment.fin or sent.segment.rst)


def acknowledges(later: Transmission, earlier: Transmission) -> bool:
    """`later`, from the other end, shows that its sender had all of `earlier`."""
    return later.segment.has_ack and at_or_before(earlier.segment.end, later.segment.ack)


def _opened(connection: Connection) -> int | None:
    """The segment with whose arrival both ends were synchronized."""
    synchronized: set[Side] = set()
    for index, sent in enumerate(connection.segments):
        for side, state in ((sent.origin, sent.sender), (other(sent.origin), sent.after)):
            if state in SYNCHRONIZED:
                # who is connected to itself is both ends
                synchronized |= set(SIDES) if connection.to_itself else {side}
        if len(synchronized) == 2:
            return index
    return None


def _opening(connection: Connection, opened: int, words: Words) -> tuple[str, ...]:
    segments = connection.segments[: opened + 1]
    both = {sent.origin for sent in segments if sent.segment.syn and not sent.segment.has_ack}
    return words.simultaneous_open if len(both) == 2 or connection.to_itself else words.handshake


def _closing(connection: Connection, start: int, words: Words) -> tuple[str, ...]:
    if connection.outcome == "reset":
        return words.reset
    waited = [any(c.state is State.FIN_WAIT_1 for c in p.states) for p in (connection.client, connection.server)]
    if all(waited):
        return words.simultaneous_close
    first = connection.segments[start]
    between = []
    for sent in connection.segments[start + 1 :]:
        if sent.origin != first.origin and sent.segment.fin:
            break
        # of a FIN that is to blame for its number, only what its sender made of the answer tells
        answered = acknowledges(sent, first) or sent.after is State.FIN_WAIT_2
        if sent.origin != first.origin and answered:
            between.append(sent)
    else:
        return words.closing
    if connection.outcome != "closed":
        return words.closing
    if any(sent.segment.length for sent in between):
        return words.half_close
    return words.four_way if between else words.three_segments
