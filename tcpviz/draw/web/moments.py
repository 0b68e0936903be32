"""A slide of a connection -> the moments at which something happens on it, in order: the steps of the page.

A moment is what one click of a presenter shows: a segment leaves, arrives or is lost, a call, a timer that goes off.
Knows nodes and times of a story, no shapes and no HTML.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tcpviz.draw.placed import Placed
from tcpviz.draw.spacing import phase_rows
from tcpviz.draw.story import Arrow, Gap, Shout, node
from tcpviz.exchange.exchange import SIDES, Change, Connection, Side, other
from tcpviz.model.transitions import Row, State
from tcpviz.value import Value, field, replace

Shouted = tuple[Side, int, Shout]
"""Whose call, and which of this end's."""


class Moment(Value):
    """`nodes` are met and `calls` heard at `time`; what follows from it is filled in by `lived`."""

    time: int
    nodes: tuple[int, ...] = ()
    calls: tuple[Shouted, ...] = ()
    states: Mapping[Side, State] = field(default_factory=dict)
    """Of both ends, afterwards."""
    changes: tuple[tuple[Side, State, State], ...] = ()
    """Who went from which state to which."""
    rows: tuple[tuple[Side, Row], ...] = ()
    """The rows of the table that fired, and at which end."""


def moments(connection: Connection, slide: Placed) -> tuple[Moment, ...]:
    """The moments of one slide, with no states yet."""
    story = slide.story
    changes = {which: change for which, _, change in story.changes}
    found: list[Moment] = []
    for which in story.order:
        row = which // 2
        shown = story.rows[row] if row < len(story.rows) else None
        last = found[-1] if found else None
        if shown is None:
            found.append(Moment(changes[which].time, (which,)))
        elif isinstance(shown, Gap):
            if which == node(row, "client"):
                found.append(Moment(connection.segments[shown.first].sent, (which, node(row, "server"))))
        elif last and last.nodes == (_tail(row, shown),) and _at_once(connection, shown):
            # one clock saw the segment once: leaving and arriving are one step, unless something comes between
            found[-1] = replace(last, nodes=(*last.nodes, which))
        else:
            found.append(Moment(_time(connection, slide, which, shown), (which,)))
    for side, line in zip(SIDES, story.lifelines, strict=True):
        for number, shout in enumerate(line.shouts):
            _hear(found, (side, number, shout))
    return tuple(found)


def _tail(row: int, shown: Arrow) -> int:
    return node(row, shown.origin)


def _at_once(connection: Connection, shown: Arrow) -> bool:
    sent = connection.segments[shown.index]
    return sent.arrived == sent.sent


def _time(connection: Connection, slide: Placed, which: int, shown: Arrow) -> int:
    sent = connection.segments[shown.index]
    if which == _tail(which // 2, shown):
        return sent.sent
    if sent.arrived is not None:
        return sent.arrived
    # a lost segment is missed when it should have been there
    ways = (s.arrived - s.sent for s in connection.segments if s.arrived is not None)
    return sent.sent + min(ways, default=0)


def _hear(found: list[Moment], heard: Shouted) -> None:
    """A call belongs to what happens at its node, else it is a moment of its own, after its node's predecessor."""
    before, after = heard[2].nodes
    place = {which: at for at, moment in enumerate(found) for which in moment.nodes}
    if before is not None and before == after:
        at = place[before]
        found[at] = replace(found[at], calls=(*found[at].calls, heard))
        return
    at = 0 if before is None else place[before] + 1
    # what is called before anything else makes the rest possible: listen() comes before the SYN of the same instant
    late = heard[2].time - (before is None)
    while at < len(found) and found[at].time <= late and after not in found[at].nodes:
        at += 1
    found.insert(at, Moment(heard[2].time, calls=(heard,)))


def lived(connection: Connection, slides: list[tuple[Placed, tuple[Moment, ...]]]) -> list[tuple[Moment, ...]]:
    """The moments of all slides, with the states of both ends after each, and the rows that fired."""
    ledger = _Ledger(connection)
    return [tuple(ledger.after(moment, slide) for moment in told) for slide, told in slides]


def begun(connection: Connection) -> dict[Side, State]:
    """The states before anything happens, of the ends that somebody follows."""
    known = [side for side in SIDES if side in connection.judged and connection.party(side).states]
    return {side: connection.party(side).states[0].state for side in known}


class _Ledger:
    """Spends each end's changes of state, one after another, on the moments that they belong to."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.states = begun(connection)
        self.left: dict[Side, list[Change]] = {side: list(connection.party(side).states[1:]) for side in self.states}

    def after(self, moment: Moment, slide: Placed) -> Moment:
        changes: list[tuple[Side, State, State]] = []
        rows: list[tuple[Side, Row]] = []
        for side, until, state, fired in self._touched(moment, slide):
            if side not in self.states:
                continue
            if fired is not None:
                rows += [(side, row) for row in fired]
            for change in self._spent(side, until, state):
                if self.states[side] is not change.state:
                    changes.append((side, self.states[side], change.state))
                self.states[side] = change.state
                if change.row and (side, change.row) not in rows:
                    rows.append((side, change.row))
        return replace(moment, states=dict(self.states), changes=tuple(changes), rows=tuple(rows))

    def _touched(
        self, moment: Moment, slide: Placed
    ) -> Iterator[tuple[Side, int, State | None, tuple[Row, ...] | None]]:
        """(end, up to when, its state then or None for whatever it is, rows that an arrival made fire)."""
        free = {which: (side, change) for which, side, change in slide.story.changes}
        for which in moment.nodes:
            if which in free:
                side, change = free[which]
                yield side, change.time, change.state, None
                continue
            shown = slide.story.rows[which // 2]
            side = SIDES[which % 2]
            if isinstance(shown, Gap):
                yield side, self._latest(side, shown), None, None
                continue
            sent = self.connection.segments[shown.index]
            if side == sent.origin:
                yield side, sent.sent, sent.sender, None
            elif sent.arrived is not None:
                yield side, sent.arrived, sent.after, sent.rows

    def _latest(self, side: Side, gap: Gap) -> int:
        """When an end met a run of segments that is summed up for the last time."""
        run = self.connection.segments[gap.first : gap.last + 1]
        return max(sent.sent if sent.origin == side or sent.arrived is None else sent.arrived for sent in run)

    def _spent(self, side: Side, until: int, state: State | None) -> list[Change]:
        """The changes up to the one that leads to `state`; none when no change up to `until` does."""
        left = self.left[side]
        due = [number for number, change in enumerate(left, 1) if change.time <= until]
        if state is not None:
            if self.states.get(side) is state:
                return []
            due = [number for number in due if left[number - 1].state is state][:1]
        if not due:
            return []
        spent, self.left[side] = left[: due[-1]], left[due[-1] :]
        return spent


def appearing(slide: Placed, told: tuple[Moment, ...]) -> dict[str, int]:
    """By part of the drawing: the index of the moment with which it comes into sight. Others are always there."""
    met = {which: at for at, moment in enumerate(told) for which in moment.nodes}
    parts: dict[str, int] = {}
    for row, shown in enumerate(slide.story.rows):
        if isinstance(shown, Gap):
            parts[f"gap-{shown.first}"] = met[node(row, "client")]
            continue
        part = f"segment-{shown.index}"
        parts[part] = met[_tail(row, shown)]
        parts[f"{part}/lost"] = arrives(slide, told, row)
    for side, line in zip(SIDES, slide.story.lifelines, strict=True):
        parts |= {f"band-{side}-{n}": met[band.node] for n, band in enumerate(line.bands) if band.node is not None}
        parts |= {f"timer-{side}-{timer.start}": met[timer.end] for timer in line.timers}
        parts |= {f"mark-{side}-{mark.node}": met[mark.node] for mark in line.marks}
    for at, moment in enumerate(told):
        parts |= {f"call-{side}-{number}": at for side, number, _ in moment.calls}
    for phase, rows in phase_rows(slide.story):
        parts[f"phase-{phase.first}"] = max(met.get(node(rows[-1], side), 0) for side in SIDES)
    for number, (_, after) in enumerate(slide.story.instants):
        parts[f"break-{number}"] = max((met[which] for which in after if which in met), default=0)
    return parts


def arrives(slide: Placed, told: tuple[Moment, ...], row: int) -> int:
    """The index of the moment at which the row's segment is at the other end, or is missed there."""
    shown = slide.story.rows[row]
    assert isinstance(shown, Arrow)
    head = node(row, other(shown.origin))
    return next(at for at, moment in enumerate(told) if head in moment.nodes)


def frontiers(slide: Placed, told: tuple[Moment, ...]) -> Iterator[float]:
    """How far down things have happened after each moment, in points."""
    reached = slide.top
    for moment in told:
        wanted = [slide.y[which] for which in moment.nodes]
        for _, _, shout in moment.calls:
            ends = zip(shout.nodes, (slide.top, slide.bottom), strict=True)
            wanted.append(sum(end if which is None else slide.y[which] for which, end in ends) / 2)
        reached = max(reached, *wanted)
        yield reached
