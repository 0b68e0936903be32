"""A connection and the rows to show of it -> Story: what happens at each end in which order. No coordinates.

Rows may be a part of the connection, a page: what lies before it only decides in which states it begins.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from copy import copy
from itertools import groupby

from tcpviz.draw import elide
from tcpviz.draw.arrows import arrow
from tcpviz.draw.elide import Run
from tcpviz.draw.lifelines import anchors, calls, waits
from tcpviz.draw.phases import acknowledges, phases
from tcpviz.draw.story import Arrow, Band, Gap, Lifeline, Mark, Row, Story, Timer, node
from tcpviz.draw.view import View
from tcpviz.draw.words import BLANK, Words
from tcpviz.exchange.exchange import SIDES, Change, Connection, Side, Transmission, other
from tcpviz.exchange.numbers import time_text
from tcpviz.language import columns
from tcpviz.model.transitions import Reply, State

Key = tuple[float, int, float]
"""Order on a lifeline: how many gaps came before, the time, the index of the segment that made it so."""

_FREE: Key = (-1, 0, 0)
_LONG = len("ESTABLISHED")
"""Longer names take two lines where room is narrow."""
_ABREAST = 2 * _LONG
"""Two names that are longer together take two lines in any case."""


class Facts:
    """What every story of one connection starts from, found once: a capture may be long."""

    def __init__(self, connection: Connection, view: View, words: Words) -> None:
        self.connection, self.view, self.words = connection, view, words
        self.phases = () if "flags" in view.quiz else phases(connection, words)
        self.totals = elide.totals(connection.segments)
        self.anchors = {side: anchors(connection, side) for side in SIDES}
        self.sent = [sent.sent for sent in connection.segments]
        self.delay = min((s.arrived - s.sent for s in connection.segments if s.arrived is not None), default=0)
        """The shortest way from one end to the other, in nanoseconds."""
        self.abreast = False
        """A state's two names stand in one line: that is wider, and lower."""

    def ways(self) -> Iterator[Facts]:
        """As it is best told, and where that takes too much height, as it takes less."""
        yield self
        if len(self.words.state(State.CLOSED)) > 1:
            lower = copy(self)
            lower.abreast = True
            yield lower


def tell(facts: Facts, runs: Sequence[Run], *, strict: bool = True) -> Story:
    """The story of the segments in `runs`.

    `strict`: of what an end does at one instant, a reply that is unaware of an arrival comes before it. That is
    what happened, and makes arrows cross; otherwise all that arrives at an instant comes before what is sent.
    """
    return _Teller(facts, runs, strict).story()


class _Teller:
    def __init__(self, facts: Facts, runs: Sequence[Run], strict: bool) -> None:
        self.facts, self.runs, self.strict = facts, runs, strict
        self.connection, self.view, self.words = facts.connection, facts.view, facts.words
        self.rows = tuple(self._row(first, last) for first, last in runs)
        self.starts = [first for first, _ in runs]
        self.count = 2 * len(self.rows)
        self.keys: dict[int, Key] = {}
        self.free: dict[int, tuple[Side, Change]] = {}
        self._order_rows()

    def story(self) -> Story:
        lifelines = self._lifeline("client"), self._lifeline("server")
        order, instants = self._order(), self._instants()
        changes = tuple((which, side, change) for which, (side, change) in self.free.items())
        return Story(self.rows, self.count, lifelines, self.facts.phases, order, self._pauses(), instants, changes)

    def _order(self) -> tuple[int, ...]:
        def place(which: int) -> tuple[Key, bool, int]:
            if which >= 2 * len(self.rows):
                return self.keys[which], True, which
            tail = self._tail(which // 2)
            if which in self.keys:
                return self.keys[which], which != tail, which
            # the end of a lost arrow is on no lifeline: it comes when the segment would have arrived
            gaps, sent, index = self.keys[tail]
            return (gaps, sent + self.facts.delay, index), True, which

        return tuple(sorted(range(self.count), key=place))

    def _tail(self, row: int) -> int:
        shown = self.rows[row]
        return node(row, shown.origin if isinstance(shown, Arrow) else "client")

    def _instants(self) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """With one clock, arrivals have no time of their own."""
        timed = [
            (self.keys[which][1], which)
            for row, shown in enumerate(self.rows)
            if isinstance(shown, Arrow)
            for which in (2 * row, 2 * row + 1)
            if which in self.keys and (self.facts.view.clocks == 2 or which == self._tail(row))
        ]
        timed += [(self.keys[which][1], which) for which in self.free]
        return tuple(
            (time, tuple(which for _, which in group)) for time, group in groupby(sorted(timed), lambda item: item[0])
        )

    # Rows

    def _row(self, first: int, last: int) -> Row:
        if first < last:
            return Gap(first, last, self.facts.totals.summaries(first, last, self.words))
        return arrow(self.connection, first, self.view, self.words)

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
                if sent.fate != "reordered" and sent.arrived >= latest[to][0]:
                    key = max(key, latest[to][1])
                    latest[to] = sent.arrived, key
                self.keys[node(row, to)] = key

    def _arrival(self, row: int, sent: Transmission, gaps: int) -> Key:
        """After what overtook it and what the receiver sent at that very time, or with one clock its own SYN or FIN,
        unaware of it."""
        assert sent.arrived is not None
        index = self.runs[row][0]
        key: Key = (gaps, sent.arrived, index)
        if elide.overtakes(self.connection.segments, index):
            # what it is ahead of is missing: no reply acknowledges it, however aware
            return key
        if any(row.reply is Reply.SND_ACK_NOW for row in sent.rows):
            # nor does what answers an unacceptable one
            return key
        if sent.fate == "reordered":
            key = max(key, self._overtaking(row, sent, gaps))
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

    def _overtaking(self, row: int, sent: Transmission, gaps: int) -> Key:
        """Just after the arrival of the next segment that goes the same way."""
        for first, last in self.runs[row + 1 :]:
            after = self.connection.segments[first]
            if first < last:
                break
            if after.origin == sent.origin and after.arrived is not None:
                return gaps, after.arrived, first + 0.5
        return _FREE

    def _same_instant(self, sent: Transmission, reply: Transmission) -> bool:
        if self.view.clocks == 2:
            return reply.sent == sent.arrived
        return (sent.segment.syn and reply.segment.syn) or (sent.segment.fin and reply.segment.fin)

    def _pauses(self) -> tuple[int, ...]:
        times, before = [], 0
        for number, (first, _) in enumerate(self.runs):
            sent = self.connection.segments[first]
            times.append(max(0, sent.sent - before) if number or not first else 0)
            before = max(before, sent.arrived or sent.sent)
        return tuple(times)

    # Lifelines

    def _lifeline(self, side: Side) -> Lifeline:
        party = self.connection.party(side)
        # nobody knows the states and calls of an end that nobody judges
        known = side in self.connection.judged
        bands = self._bands(side, party.states) if known else ()
        nodes = tuple(sorted((n for n in self.keys if self._is_on(n, side)), key=lambda n: (self.keys[n], n)))
        times = {n: self.keys[n][1] for n in nodes}
        shouts = (
            tuple(calls(self.connection, side, self.rows, nodes, times, self.words))
            if known and "calls" in self.view.show
            else ()
        )
        timers = tuple(waits(self.connection, side, self.rows, nodes, times, self.view, self.words))
        marks = tuple(self._marks(side, timers))
        shown = bands if "states" in self.view.show else ()
        return Lifeline(nodes, shown, shouts, timers, marks)

    def _is_on(self, which: int, side: Side) -> bool:
        if which < 2 * len(self.rows):
            return which % 2 == (side == "server")
        return self.free[which][0] == side

    def _bands(self, side: Side, changes: Sequence[Change]) -> tuple[Band, ...]:
        if not changes:
            return ()
        bands = [self._band(changes[0].state, None)]
        floor, nearest = _FREE, -1
        for change in changes[1:]:
            index, at = self._anchor(side, change, floor, nearest)
            nearest = max(nearest, index)
            if self.runs and index < self.starts[0]:
                bands = [self._band(change.state, None)]
                continue
            if self.runs and index > self.runs[-1][1]:
                break
            if at is not None and at == bands[-1].node and isinstance(self.rows[at // 2], Gap):
                # of what went by unseen, only the last state can be
                bands[-1] = self._band(change.state, at)
                continue
            if at is None or at == bands[-1].node:
                at = self._new_node(side, change, floor)
            floor = self.keys[at]
            bands.append(self._band(change.state, at))
        return tuple(bands)

    def _band(self, state: State, at: int | None) -> Band:
        names = self.words.state(state)
        if self.view.narrow and len(names[0]) > _LONG:
            first, _, rest = names[0].partition("-")
            names = f"{first}-", rest, *names[1:]
        elif self.facts.abreast and columns(" ".join(names)) <= _ABREAST:
            names = (" ".join(names),)
        return Band(names, state, at, blank="states" in self.view.quiz)

    def _anchor(self, side: Side, change: Change, floor: Key, nearest: int) -> tuple[int, int | None]:
        """The segment with which an end entered a state, and its node on this page, if it has one there."""
        for index, state in self.facts.anchors[side].get(change.time, ()):
            row = bisect_right(self.starts, index) - 1
            shown = row >= 0 and index <= self.runs[row][1]
            at = node(row, side)
            # what crosses on its way arrives after what was sent later
            if state is change.state and (self.keys[at] >= floor if shown else index >= nearest):
                return index, at if shown else None
        index = max(nearest, bisect_right(self.facts.sent, change.time) - 1)
        row = bisect_right(self.starts, index) - 1
        if row >= 0 and index < self.runs[row][1] and self.keys[node(row, side)] >= floor:
            # between two segments that are only summed up
            return index, node(row, side)
        return index, None

    def _new_node(self, side: Side, change: Change, floor: Key) -> int:
        gaps = sum(self.connection.segments[last].sent <= change.time for first, last in self.runs if first < last)
        new, self.count = self.count, self.count + 1
        behind = float(len(self.connection.segments))
        self.keys[new] = max((gaps, change.time, behind), (floor[0], floor[1], floor[2] + 0.1))
        self.free[new] = side, change
        return new

    def _marks(self, side: Side, timers: Sequence[Timer]) -> Iterator[Mark]:
        """A time-out that no bracket ends with is told where it happened, as is a crash that no call tells of."""
        ended = {timer.end for timer in timers}
        for which, (owner, change) in self.free.items():
            if owner != side or which in ended:
                continue
            if change.row is None and "calls" not in self.view.show:
                named = self.words.crash
            elif change.row and "IMEOUT" in change.row.stimulus.name:
                named = BLANK if "states" in self.view.quiz else self.words.notation(str(change.row.stimulus))
            else:
                continue
            time = time_text(change.time)
            yield Mark(f"{named}{self.words.comma}{time}", time, which)
