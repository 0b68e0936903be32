"""What a sequence diagram tells, before it has a single coordinate: rows, and what happens at each end in order.

A row is one arrow, or a run of segments that is only summed up. Each row has a node on either lifeline;
what has no segment of its own (a time-out) has a free node on one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tcpviz.draw import elide
from tcpviz.draw.drawing import Role
from tcpviz.draw.metrics import printable
from tcpviz.draw.phases import Phase, acknowledges, phases
from tcpviz.draw.words import Words
from tcpviz.exchange.exchange import Call, Change, Connection, Side, Transmission, other
from tcpviz.exchange.numbers import Numbers, number_fields, time_text
from tcpviz.model.segment import words as flag_words
from tcpviz.model.transitions import State

SIDES: tuple[Side, Side] = ("client", "server")

Key = tuple[float, int, float]
"""Order on a lifeline: how many gaps came before, the time, the index of the segment that made it so."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """One segment and all that is written about it."""

    index: int
    origin: Side
    role: Role
    flags: str
    numbers: str
    time: str
    dashed: bool
    strong: bool
    lost: bool
    fault: str = ""
    fault_role: Role = Role.VIOLATION


@dataclass(frozen=True, slots=True)
class Gap:
    """Segments `first` to `last`, summed up."""

    first: int
    last: int
    text: str


Row = Arrow | Gap


@dataclass(frozen=True, slots=True)
class Band:
    """A state, from the node where it was entered; None: from before the story."""

    lines: tuple[str, ...]
    """Its names, one below the other."""
    state: State
    node: int | None


@dataclass(frozen=True, slots=True)
class Shout:
    """A call, or what it returned, beside `node`, or between the nodes before and after it."""

    text: str
    nodes: tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer that went off; `broken` when its axis is not shown in full."""

    text: str
    start: int
    end: int
    broken: bool
    beside: bool
    """It starts with an arrow's tail, and nothing leaves or arrives while it runs: there is room among the arrows."""


@dataclass(frozen=True, slots=True)
class Lifeline:
    """One end: its nodes from top to bottom, and what stands beside them."""

    nodes: tuple[int, ...]
    bands: tuple[Band, ...]
    shouts: tuple[Shout, ...]
    timers: tuple[Timer, ...]


@dataclass(frozen=True, slots=True)
class Story:
    rows: tuple[Row, ...]
    nodes: int
    lifelines: tuple[Lifeline, Lifeline]
    phases: tuple[Phase, ...]
    order: tuple[int, ...]
    """All nodes, none before what it follows from: the order of the forward pass."""
    pauses: tuple[int, ...]
    """Before each row: nanoseconds since the last event that came earlier."""


def node(row: int, side: Side) -> int:
    """Where a row meets a lifeline."""
    return 2 * row + (side == "server")


def tell(
    connection: Connection, kept: Sequence[int], numbers: Numbers, clocks: int, words: Words, *, strict: bool = True
) -> Story:
    """The story of `connection` with the segments `kept` shown and all others summed up.

    `strict`: of what an end does at one instant, a reply that is unaware of an arrival comes before it. That is
    what happened, and makes arrows cross; otherwise all that arrives at an instant comes before what is sent.
    """
    return _Teller(connection, kept, numbers, clocks, words, strict).story()


class _Teller:
    def __init__(
        self,
        connection: Connection,
        kept: Sequence[int],
        numbers: Numbers,
        clocks: int,
        words: Words,
        strict: bool,
    ) -> None:
        self.strict = strict
        self.connection, self.numbers, self.clocks, self.words = connection, numbers, clocks, words
        self.runs = elide.runs(kept, len(connection.segments))
        self.rows = tuple(self._row(first, last) for first, last in self.runs)
        self.count = 2 * len(self.rows)
        self.keys: dict[int, Key] = {}
        self._free: dict[int, Side] = {}
        self._order_rows()

    def story(self) -> Story:
        lifelines = self._lifeline("client"), self._lifeline("server")
        shown = phases(self.connection, self.words)
        return Story(self.rows, self.count, lifelines, shown, self._order(), self._pauses())

    def _order(self) -> tuple[int, ...]:
        def place(which: int) -> tuple[Key, bool, int]:
            if which >= 2 * len(self.rows):
                return self.keys[which], True, which
            shown = self.rows[which // 2]
            tail = node(which // 2, shown.origin if isinstance(shown, Arrow) else "client")
            # the end of a lost arrow is on no lifeline, and follows its beginning
            return self.keys.get(which, self.keys[tail]), which != tail, which

        return tuple(sorted(range(self.count), key=place))

    # Rows

    def _row(self, first: int, last: int) -> Row:
        segments = self.connection.segments
        if first < last:
            return Gap(first, last, elide.summary(segments[first : last + 1], self.words))
        sent = segments[first]
        segment = sent.segment
        seq, ack = number_fields(self.connection, sent, self.numbers)
        fields = [f"seq={seq}"] + ([f"ack={ack}"] if ack is not None else [])
        if segment.length:
            fields.append(f"len={segment.length}")
        flags = flag_words(segment.flags)
        if sent.kind != "new":
            flags += f" ({self.words.kind(sent.kind)})"
        pure = not (segment.span or segment.rst)
        fault = ""
        if sent.expected and sent.verdict != "ok":
            allowed, name = printable(sent.expected.allowed), printable(sent.expected.field)
            equals = "=" if allowed.lstrip("-").isdigit() else ": "
            fault = f"{self.words.expected} {name}{equals}{allowed}"
        elif sent.verdict != "ok":
            fault = printable(self.words.why(sent.why))
        return Arrow(
            first, sent.origin, _role(sent), flags, " ".join(fields), time_text(sent.sent), dashed=pure,
            strong=segment.syn or segment.fin or segment.rst, lost=sent.arrived is None, fault=fault,
            fault_role=Role.VIOLATION if sent.verdict == "violation" else Role.WARNING,
        )  # fmt: skip

    def _order_rows(self) -> None:
        """Give every node its place on its lifeline. A lost segment has none on the other one."""
        gaps = 0
        latest: dict[Side, tuple[int, Key]] = {"client": (0, (0, 0, 0)), "server": (0, (0, 0, 0))}
        for row, (first, last) in enumerate(self.runs):
            sent = self.connection.segments[first]
            if first < last:
                for side in SIDES:
                    self.keys[node(row, side)] = (gaps + 0.5, sent.sent, first)
                gaps += 1
                continue
            to = other(sent.origin)
            self.keys[node(row, sent.origin)] = (gaps, sent.sent, first)
            if sent.arrived is not None:
                key = self._arrival(row, sent, gaps)
                if sent.arrived >= latest[to][0]:
                    key = max(key, latest[to][1])
                    latest[to] = sent.arrived, key
                self.keys[node(row, to)] = key

    def _arrival(self, row: int, sent: Transmission, gaps: int) -> Key:
        """After what the receiver sent at that very time, or with one clock its own SYN or FIN, unaware of it."""
        assert sent.arrived is not None
        key: Key = (gaps, sent.arrived, self.runs[row][0])
        if not self.strict or not sent.segment.span or sent.kind != "new" or sent.verdict != "ok":
            return key
        for first, last in self.runs[row + 1 : row + 8]:
            reply = self.connection.segments[first]
            if first < last:
                break
            if reply.origin == sent.origin or not self._same_instant(sent, reply):
                continue
            if not reply.segment.rst and not acknowledges(reply, sent):
                key = max(key, (gaps, reply.sent, first + 0.5))
        return key

    def _same_instant(self, sent: Transmission, reply: Transmission) -> bool:
        if self.clocks == 2:
            return reply.sent == sent.arrived
        return (sent.segment.syn and reply.segment.syn) or (sent.segment.fin and reply.segment.fin)

    def _pauses(self) -> tuple[int, ...]:
        times, before = [], 0
        for first, _ in self.runs:
            sent = self.connection.segments[first]
            times.append(max(0, sent.sent - before))
            before = max(before, sent.arrived or sent.sent)
        return tuple(times)

    # Lifelines

    def _lifeline(self, side: Side) -> Lifeline:
        party = self.connection.party(side)
        bands = self._bands(side, party.states)
        nodes = tuple(sorted((n for n in self.keys if self._is_on(n, side)), key=lambda n: (self.keys[n], n)))
        shouts = tuple(self._shouts(side, party.calls, nodes))
        timers = tuple(self._timers(side, nodes))
        return Lifeline(nodes, bands, shouts, timers)

    def _is_on(self, which: int, side: Side) -> bool:
        if which < 2 * len(self.rows):
            return which % 2 == (side == "server")
        return self._free.get(which) == side

    def _bands(self, side: Side, changes: Sequence[Change]) -> tuple[Band, ...]:
        if not changes:
            return ()
        bands = [self._band(changes[0].state, None)]
        anchors = self._anchors(side, {change.time for change in changes})
        floor: Key = (-1, 0, 0)
        for change in changes[1:]:
            at = next(
                (
                    found
                    for index, found, becomes in anchors.get(change.time, ())
                    if becomes is change.state and self.keys[found] >= floor
                ),
                None,
            )
            if at is None or at == bands[-1].node:
                at = self._new_node(side, change.time, floor)
            floor = self.keys[at]
            bands.append(self._band(change.state, at))
        return tuple(bands)

    def _band(self, state: State, at: int | None) -> Band:
        return Band(self.words.state(state), state, at)

    def _anchors(self, side: Side, times: set[int]) -> dict[int, list[tuple[int, int, State]]]:
        """By time: (segment, node, state the end then has), in order, for segments that met `side` at `times`."""
        found: dict[int, list[tuple[int, int, State]]] = {}
        segments = self.connection.segments
        for row, (first, last) in enumerate(self.runs):
            at = node(row, side)
            for index in range(first, last + 1):
                sent = segments[index]
                time, state = (sent.sent, sent.sender) if sent.origin == side else (sent.arrived, sent.after)
                if time in times and time is not None:
                    found.setdefault(time, []).append((index, at, state))
        return found

    def _new_node(self, side: Side, time: int, floor: Key) -> int:
        gaps = sum(self.connection.segments[last].sent <= time for first, last in self.runs if first < last)
        new, self.count = self.count, self.count + 1
        self.keys[new] = max((gaps, time, float(len(self.connection.segments))), (floor[0], floor[1], floor[2] + 0.1))
        self._free[new] = side
        return new

    def _at(self, side: Side, time: int, nodes: Sequence[int], fits: str = "") -> int | None:
        """The node of `side` at exactly `time`; of several, the one whose segment `fits`."""
        exact = [n for n in nodes if self.keys[n][1] == time]
        for candidate in exact:
            row = candidate // 2
            if candidate < 2 * len(self.rows) and self.runs[row][0] == self.runs[row][1]:
                sent = self.connection.segments[self.runs[row][0]]
                if _caused(fits, sent, sent.origin == side):
                    return candidate
        return None if fits == "again" or not exact else exact[0]

    def _shouts(self, side: Side, calls: Sequence[Call], nodes: Sequence[int]) -> Iterator[Shout]:
        """Calls and what they returned, in order: an application does one thing after another."""
        for call in calls:
            for text, time, cause in _said(call, self.words):
                if any(self._within(row, time) for row in self.rows):
                    continue
                at = self._at(side, time, nodes, cause)
                if at is None:
                    yield Shout(text, self._between(time, nodes))
                else:
                    nodes = nodes[nodes.index(at) :]
                    yield Shout(text, (at, at))

    def _within(self, row: Row, time: int) -> bool:
        """A call from within an elided run is as elided as its segments."""
        segments = self.connection.segments
        return isinstance(row, Gap) and segments[row.first].sent < time < segments[row.last].sent

    def _between(self, time: int, nodes: Sequence[int]) -> tuple[int | None, int | None]:
        before = [n for n in nodes if self.keys[n][1] <= time]
        after = [n for n in nodes if self.keys[n][1] > time]
        return (before[-1] if before else None), (after[0] if after else None)

    def _timers(self, side: Side, nodes: Sequence[int]) -> list[Timer]:
        found = []
        for period in self.connection.party(side).timers:
            waits = period.timer == "time-wait"
            if not period.fired:
                continue
            tails = [n for n in nodes if self.keys[n][1] == period.start]
            end = self._at(side, period.end, nodes, "" if waits else "again")
            if tails and end is not None:
                name, length = ("2MSL =" if waits else self.words.rto), time_text(period.end - period.start)
                beside = self._sends(tails[-1], side) and nodes.index(end) == nodes.index(tails[-1]) + 1
                found.append(Timer(f"{name} {length}", tails[-1], end, waits, beside))
        return found

    def _sends(self, which: int, side: Side) -> bool:
        if which >= 2 * len(self.rows):
            return False
        shown = self.rows[which // 2]
        return isinstance(shown, Arrow) and shown.origin == side


def _said(call: Call, words: Words) -> Iterator[tuple[str, int, str]]:
    """(text, time, cause): the call itself unless it only waits, and its result where there is one to tell."""
    name, result = printable(call.name), printable(words.language.translated(call.result))
    waits = name in ("accept", "recv")
    if not waits:
        yield f"{name}({'' if call.octets is None else call.octets})", call.time, name
    if result:
        time = call.time if call.returned is None else call.returned
        # a no-break space: an arrow at the end of a line points nowhere
        yield (f"{name}() →\u00a0{result}" if waits else f"→\u00a0{result}"), time, "returned"


def _role(sent: Transmission) -> Role:
    segment = sent.segment
    if segment.rst:
        return Role.RESET
    if segment.syn:
        return Role.SYN
    if segment.fin:
        return Role.FIN
    return Role.DATA if segment.length else Role.ACK


def _caused(cause: str, sent: Transmission, sending: bool) -> bool:
    """Whether a call (or a time-out) of this name would have sent this segment, or a return awaited it."""
    segment = sent.segment
    match cause:
        case "connect":
            return sending and segment.syn
        case "close" | "shutdown":
            return sending and (segment.fin or segment.rst)
        case "abort":
            return sending and segment.rst
        case "send":
            return sending and segment.length > 0
        case "again":
            return sending and sent.kind == "retransmission"
        case "returned":
            return not sending and (segment.fin or segment.rst)
        case _:
            return sending
