"""The kernel as a witness: what it says of its own sockets, beside what the wire shows and the model expects.

Values in, values out. A record comes from the lab; here each connection is given the sockets that were its ends,
and the two stories are compared. Who looks, and how, this module does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import dropwhile, groupby, takewhile
from operator import attrgetter

from tcpviz.exchange.capture import Address
from tcpviz.exchange.exchange import SIDES, Change, Connection, Deed, Exchange, Side, Testimony, Witness, WitnessSource
from tcpviz.model.sentence import Sentence, listed
from tcpviz.model.transitions import State
from tcpviz.value import Value, replace

_BY_SENDING = (State.SYN_SENT, State.FIN_WAIT_1, State.LAST_ACK)
"""Entered by sending; a kernel enters them just before the segment is seen, all others just after one has been."""
_BEFORE = (State.CLOSED, State.LISTEN)
_AT_REST = (State.FIN_WAIT_2, State.CLOSING, State.TIME_WAIT)
"""From here on Linux keeps the connection in a mini-socket, of which the tracepoint says nothing more."""
_IN_PASSING = (State.SYN_RECEIVED, State.ESTABLISHED, State.CLOSE_WAIT, State.FIN_WAIT_2)
"""States that one segment may lead through: FIN with the third ACK, FIN with the ACK of FIN."""
_UNBORN = (State.SYN_RECEIVED, State.LISTEN, State.CLOSED)
"""A server's end until the third ACK: Linux has no socket for it yet, only a request."""
_APART = 1_000_000_000
_SOON = 10_000_000
"""Nanoseconds: farther than this from every segment a socket is another connection's; within that, on a busy machine,
a segment and what the kernel says of it lie."""


class KernelSocket(Value):
    """One socket's life: the states it entered, in nanoseconds since 1970, and what it did besides."""

    local: Address
    remote: Address
    changes: tuple[Change, ...]
    deeds: tuple[Deed, ...] = ()

    @property
    def accepted(self) -> bool:
        """A listener's child."""
        return bool(self.changes) and self.changes[0].state is State.SYN_RECEIVED


class KernelRecord(Value):
    """What a kernel said of all its sockets while a capture ran."""

    source: WitnessSource
    sockets: tuple[KernelSocket, ...]
    lost: int = 0
    """Gaps in the record: how often events came faster than they were read."""


def attach(exchange: Exchange, record: KernelRecord) -> Exchange:
    """The exchange, with the kernel's states beside those of each connection that the kernel of this record held."""
    sockets: dict[tuple[Address, Address], list[KernelSocket]] = {}
    for socket in record.sockets:
        sockets.setdefault((socket.local, socket.remote), []).append(socket)
    connections = (
        _witnessed(connection, record.source, sockets, exchange.epoch) for connection in exchange.connections
    )
    return replace(exchange, connections=tuple(connections))


def _witnessed(
    connection: Connection,
    source: WitnessSource,
    sockets: Mapping[tuple[Address, Address], list[KernelSocket]],
    epoch: int,
) -> Connection:
    ends = connection.client.address, connection.server.address
    client, server = (
        _testimony(connection, side, source, sockets.get(pair, []), epoch)
        for side, pair in zip(SIDES, (ends, ends[::-1]), strict=True)
    )
    if not client.states and not server.states:
        return connection
    return replace(connection, witness=Witness(source, client, server))


def _testimony(
    connection: Connection, side: Side, source: WitnessSource, rivals: list[KernelSocket], epoch: int
) -> Testimony:
    """Of several sockets with the same addresses (ports are used again, and tracepoints tell no network from another)
    the one is meant whose changes are nearest to the connection's segments."""
    times = [sent.sent + epoch for sent in connection.segments]
    # who answered no SYN has accepted nothing: a socket that did is one of another network
    answered = not connection.saw_start or any(s.origin == side and s.segment.syn for s in connection.segments)
    candidates = [s for s in rivals if s.changes and (answered or not s.accepted) and _distance(s, times) < _APART]
    found = min(candidates, key=lambda socket: _distance(socket, times), default=None)
    lives = _lives(connection, side, found, candidates, epoch) if found else []
    start, end = _span(connection)
    # without a state: what a kernel did where it holds no socket, or no longer
    deeds = sorted(
        (
            replace(deed, time=deed.time - epoch)
            for socket in rivals
            if socket in lives or not socket.changes
            for deed in socket.deeds
        ),
        key=lambda deed: deed.time,
    )
    states = tuple(replace(change, time=change.time - epoch) for socket in lives for change in _changes(socket))
    return Testimony(
        tuple(_until_the_end(connection, side, states)) if source == "tracepoint" else states,
        tuple(deed for deed in deeds if start - _SOON <= deed.time <= end + _SOON),
    )


def _changes(socket: KernelSocket) -> Iterator[Change]:
    """Linux enters FIN-WAIT-1 once more when close() follows shutdown(), which changes nothing."""
    return (next(same) for _, same in groupby(socket.changes, key=attrgetter("state")))


def _lives(
    connection: Connection, side: Side, found: KernelSocket, candidates: list[KernelSocket], epoch: int
) -> list[KernelSocket]:
    """Who crashed and opened again within one story had a socket before, and another afterwards."""
    states = [change.state for change in connection.party(side).states]
    if State.CLOSED not in states[1:-1]:
        return [found]
    start, end = (time + epoch for time in _span(connection))
    lives = [found]
    for socket in candidates:
        first, last = socket.changes[0].time, socket.changes[-1].time
        apart = all(last <= life.changes[0].time or life.changes[-1].time <= first for life in lives)
        if socket is not found and apart and start - _SOON <= first and last <= end + _SOON:
            lives.append(socket)
    return sorted(lives, key=lambda socket: socket.changes[0].time)


def _distance(socket: KernelSocket, times: list[int]) -> int:
    """How far from the nearest segment its changes are, in nanoseconds; the median, for a timer's may be far."""
    apart = sorted(min(abs(change.time - time) for time in times) for change in socket.changes)
    return apart[(len(apart) - 1) // 2]


def _until_the_end(connection: Connection, side: Side, changes: tuple[Change, ...]) -> Iterator[Change]:
    """Up to the first change whose segment came after the capture's end."""
    own = max((sent.sent for sent in connection.segments if sent.origin == side), default=-1)
    return takewhile(lambda change: change.state not in _BY_SENDING or change.time <= own, changes)


def _span(connection: Connection) -> tuple[int, int]:
    times = [sent.sent for sent in connection.segments]
    return (times[0], times[-1]) if times else (0, 0)


def disagreements(connection: Connection) -> tuple[Sentence, ...]:
    """Where the connection's states and its witness part, one sentence for each end; empty when they agree.

    A state entered and left within one segment may be missing on either side. What only a timer does after
    the last segment is not compared, nor how a connection goes on after a capture that did not see its end, nor
    one whose beginning was not captured.
    """
    witness = connection.witness
    if witness is None or not connection.saw_start:
        return ()
    sentences = []
    for side in SIDES:
        told, seen = connection.party(side).states, witness.of(side).states
        agree = _glimpsed if witness.source == "sock_diag" else _same
        told, seen = _started(told), _started(seen)
        if told and told[0].time == 0 and told[0] is connection.party(side).states[0]:
            # it was there before the first segment: how it came about is another story
            seen = _from(told[0].state, seen)
        if not agree(connection, side, told, seen):
            lists = [_list(states) for states in (told, seen)]
            sentences.append(Sentence("{} states: the wire has {}; the kernel has {}", Sentence(str(side)), *lists))
    return tuple(sentences)


def _list(states: Sequence[Change]) -> str:
    return ", ".join(str(change.state) for change in states) or Sentence("no connection")


def _started(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Without the state before the first event."""
    found = list(changes)
    while found and found[0].state in _BEFORE:
        del found[0]
    return tuple(found)


def _from(state: State, changes: Iterable[Change]) -> tuple[Change, ...]:
    return tuple(dropwhile(lambda change: change.state is not state, changes))


def _same(connection: Connection, side: Side, told: tuple[Change, ...], seen: tuple[Change, ...]) -> bool:
    """Both lists in step, but for what each may leave out."""
    here, there = 0, 0
    while here < len(told) and there < len(seen):
        if told[here].state is seen[there].state:
            here, there = here + 1, there + 1
        elif _passing(connection, side, seen, there) or _left_unseen(seen, there, told[here].state):
            there += 1
        elif _passing(connection, side, told, here) or _laid_to_rest(seen, there, told[here].state):
            here += 1
        else:
            return False
    last = seen[-1].state if seen else State.LISTEN
    rest_told = [change.state for change in told[here:]]
    # a mini-socket, and the request socket of a handshake that never came to its end, are not reported
    quiet = (State.TIME_WAIT, State.CLOSED) if last in _AT_REST else _UNBORN if last in _UNBORN else ()
    rest_seen = [
        change for place, change in enumerate(seen) if place >= there and not _passing(connection, side, seen, place)
    ]
    end = _span(connection)[1]
    return all(state in quiet for state in rest_told) and all(
        (change.state is State.CLOSED or not connection.saw_end) and change.time > end for change in rest_seen
    )


def _laid_to_rest(seen: tuple[Change, ...], place: int, then: State) -> bool:
    """TIME-WAIT began and ended between two looks at the mini-socket."""
    before = seen[place - 1].state if place else None
    return then is State.TIME_WAIT and seen[place].state is State.CLOSED and before in _AT_REST


def _left_unseen(seen: tuple[Change, ...], place: int, then: State) -> bool:
    """FIN-WAIT-2 was the last that was heard: the FIN may have come with the ACK."""
    return place + 1 == len(seen) and seen[place].state is State.FIN_WAIT_2 and then is State.TIME_WAIT


def _passing(connection: Connection, side: Side, changes: tuple[Change, ...], place: int) -> bool:
    """Entered and left with no segment between. FIN-WAIT-2 is left for what the peer sends, and what comes after it
    is noticed late: there only the peer's segments count."""
    if place + 1 >= len(changes) or changes[place].state not in _IN_PASSING:
        return False
    enter, leave = changes[place].time, changes[place + 1].time
    peers_only = changes[place].state is State.FIN_WAIT_2
    return not any(enter < sent.sent < leave for sent in connection.segments if not peers_only or sent.origin != side)


def _glimpsed(connection: Connection, side: Side, told: tuple[Change, ...], seen: tuple[Change, ...]) -> bool:
    """Who only looks now and then sees some of the states, in their order."""
    states = iter([change.state for change in told] + [State.TIME_WAIT, State.CLOSED])
    return all(change.state in states for change in seen)


def beside(connection: Connection) -> dict[int, Sentence]:
    """For a column beside the ladder: index of a segment -> what the kernel said of it, such as `server CLOSE-WAIT`."""
    witness = connection.witness
    if witness is None:
        return {}
    entries: dict[int, list[tuple[Side, Sentence]]] = {}
    for side in SIDES:
        for change in witness.of(side).states:
            entries.setdefault(_segment(connection, side, change), []).append((side, Sentence("{}", change.state)))
        for deed in witness.of(side).deeds:
            if deed.what != "reset received":  # the state tells
                entries.setdefault(_sent(connection, side, deed), []).append((side, deed.sentence))
    return {place: reduce(_apart, _told(said)) for place, said in entries.items()}


def _told(said: list[tuple[Side, Sentence]]) -> Iterator[Sentence]:
    for side in SIDES:
        words = [word for who, word in said if who == side]
        if words:
            yield Sentence("{} {}", Sentence(str(side)), listed(words))


def _apart(first: Sentence, last: Sentence) -> Sentence:
    return Sentence("{}; {}", first, last)


def _segment(connection: Connection, side: Side, change: Change) -> int:
    """The segment that a change goes with."""
    segments = connection.segments
    told = connection.witness is not None and connection.witness.source == "tracepoint"
    if told and change.state in _BY_SENDING:
        return next(
            (i for i, s in enumerate(segments) if s.origin == side and s.sent >= change.time), len(segments) - 1
        )
    place = max((i for i, sent in enumerate(segments) if sent.sent <= change.time), default=0)
    following = segments[place + 1] if place + 1 < len(segments) else None
    aborts = (
        change.state is State.CLOSED and following is not None and following.origin == side and following.segment.rst
    )
    return place + 1 if aborts else place


def _sent(connection: Connection, side: Side, deed: Deed) -> int:
    own = [i for i, sent in enumerate(connection.segments) if sent.origin == side] or [0]
    return min(own, key=lambda i: abs(connection.segments[i].sent - deed.time))
