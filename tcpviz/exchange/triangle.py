"""Do two connections tell the same story? A captured one and a simulated one, or two captures.

What is compared is what DESIGN calls the story: in each direction the same segments in the same order with the same
relative numbers, and the same states up to the last segment. How two processors interleave, and what only a timer does
afterwards, is not part of it. Where two stacks may both be right, the difference has a name and a section, and is told;
what has no name is a defect of one of the two. Neither knows how its connection came about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, zip_longest
from typing import NamedTuple

from tcpviz.exchange.exchange import Connection, Side, other
from tcpviz.model.segment import ACK, FIN, RST, SYN, words
from tcpviz.model.sequence import distance
from tcpviz.model.transitions import State, Stimulus

_TOLD = SYN | ACK | FIN | RST
_COPIES = ("duplicate-frame", "duplicate")
_SIDES: tuple[Side, Side] = ("client", "server")


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two stories part. Without a name, one of them is wrong."""

    text: str
    name: str = ""
    section: str = ""

    def __str__(self) -> str:
        return f"{self.text} [{self.name}, {self.section}]" if self.name else self.text


class _Told(NamedTuple):
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


_List = list[_Told]


def differences(one: Connection, two: Connection, names: tuple[str, str] = ("one", "two")) -> tuple[Difference, ...]:
    """Where the stories part; empty when they are the same. `two` is the model's, if one of them is."""
    turned = one.client.address == two.server.address and one.server.address == two.client.address
    found: list[Difference] = []
    for side in _SIDES:
        found += _segments(one, two, side, other(side) if turned else side, names)
    excuses = frozenset(difference.name for difference in found)
    for side in _SIDES:
        found += _states(one, two, side, other(side) if turned else side, names, excuses)
    return (*found, *_outcome(one, two, names, excuses))


# Segments


def _segments(one: Connection, two: Connection, side: Side, twin: Side, names: tuple[str, str]) -> Iterator[Difference]:
    lists = _told(one, side), _told(two, twin)
    if lists[0] == lists[1]:
        return
    parted = f"{twin} segment {_parting(*lists)}".format(*names)
    free = [rule for rule in _RULES if rule.holds(one, two)]
    for count in range(1, len(free) + 1):
        for rules in combinations(free, count):
            reduced = lists
            for rule in rules:
                reduced = rule.reduce(reduced[0]), rule.reduce(reduced[1])
            if reduced[0] == reduced[1]:
                yield from (Difference(parted, rule.name, rule.section) for rule in rules)
                return
    yield Difference(parted)


def _parting(one: _List, two: _List) -> str:
    for number, (first, second) in enumerate(zip_longest(one, two), 1):
        if first != second:
            return f"{number}: {{}} has {first or 'no more'}, {{}} has {second or 'no more'}"
    raise AssertionError("the lists are equal")


def _told(connection: Connection, side: Side) -> _List:
    bases = {each: connection.party(each).base for each in _SIDES}
    found = []
    for sent in connection.segments:
        segment = sent.segment
        if segment.syn and sent.kind not in _COPIES:
            bases[sent.origin] = segment.seq
        if sent.origin == side and sent.kind not in _COPIES:
            ack = distance(bases[other(side)], segment.ack) if segment.has_ack else None
            found.append(_Told(segment.flags & _TOLD, distance(bases[side], segment.seq), ack, segment.length))
    return found


@dataclass(frozen=True, slots=True)
class _Rule:
    """A freedom that TCP leaves: what it adds to a story, `reduce` takes away again."""

    name: str
    section: str
    holds: Callable[[Connection, Connection], bool]
    reduce: Callable[[_List], _List]


def _always(one: Connection, two: Connection) -> bool:
    return True


def _without_early_acks(told: _List) -> _List:
    """A bare ACK of something new says nothing that the next segment does not say as well."""
    answers = set(_answers(told))
    kept: _List = []
    for place, this in enumerate(told):
        following = told[place + 1] if place + 1 < len(told) else None
        covered = following and following.seq == this.seq and (following.ack or 0) >= (this.ack or 0)
        if not (this.bare and place not in answers and covered):
            kept.append(this)
    return kept


def _answers(told: _List) -> Iterator[int]:
    """Where bare ACKs stand that acknowledge nothing new: they answer something, or tell of a window."""
    heard: int | None = None
    for place, this in enumerate(told):
        if this.bare and heard is not None and this.ack is not None and this.ack <= heard:
            yield place
        if this.ack is not None and not this.flags & SYN:
            heard = this.ack if heard is None else max(heard, this.ack)


def _with_answers_apart(told: _List) -> _List:
    """The same answers, whatever the application had sent by then."""
    answers = set(_answers(told))
    apart = sorted(told[place].ack or 0 for place in answers)
    rest = [this for place, this in enumerate(told) if place not in answers]
    return [*rest, *(_Told(ACK, 0, ack, 0) for ack in apart)]


def _without_repetitions(told: _List) -> _List:
    """What was sent twice counts once, and what only answers counts not at all."""
    answers = set(_answers(told))
    return list(dict.fromkeys(this for place, this in enumerate(told) if place not in answers))


def _repeated_otherwise(one: Connection, two: Connection) -> bool:
    return _repetitions(one) != _repetitions(two)


def _repetitions(connection: Connection) -> Counter[_Told]:
    return Counter(told for side in _SIDES for told in _told(connection, side) if not told.bare)


def _both_opened(one: Connection, two: Connection) -> bool:
    """Who sends a SYN and a SYN,ACK has opened at the same time as the peer, or is the peer."""
    sent = {(s.origin, s.segment.flags & (SYN | ACK)) for s in two.segments}
    return any({(side, SYN), (side, SYN | ACK)} <= sent for side in _SIDES)


def _without_ack_of_syn_again(told: _List) -> _List:
    """The ACK that follows a SYN,ACK of its own sender's."""
    return [this for place, this in enumerate(told) if not (this.bare and place and told[place - 1].flags == SYN | ACK)]


def _gave_up(one: Connection, two: Connection) -> bool:
    return any(
        change.row and change.row.stimulus is Stimulus.USER_TIMEOUT
        for side in _SIDES
        for change in two.party(side).states
    )


def _without_last_reset(told: _List) -> _List:
    return told[:-1] if told and told[-1].flags & RST else told


_RULES = (
    _Rule("SYN,ACK acknowledged once more", "RFC 9293 3.10.7.4", _both_opened, _without_ack_of_syn_again),
    _Rule("delayed ACK", "RFC 9293 3.8.6.3", _always, _without_early_acks),
    _Rule("an answer before or after text", "RFC 9293 3.8", _always, _with_answers_apart),
    _Rule("timers that cross", "RFC 6298 5", _repeated_otherwise, _without_repetitions),
    _Rule("reset on giving up", "RFC 1122 4.2.3.6", _gave_up, _without_last_reset),
)


# States


def _states(
    one: Connection, two: Connection, side: Side, twin: Side, names: tuple[str, str], excuses: frozenset[str]
) -> Iterator[Difference]:
    first, second = _until_the_last_segment(one, side), _until_the_last_segment(two, twin)
    if first == second:
        return
    text = f"{twin} states: {names[0]} has {_list(first)}; {names[1]} has {_list(second)}"
    for name, section, reduce, holds in _STATE_RULES:
        if holds(two, twin, excuses) and reduce(first) == reduce(second):
            yield Difference(text, name, section)
            return
    lost = [s for s in two.segments if s.origin == other(twin) and s.arrived is None]
    yield Difference(text, "a loss that the wire does not show", "RFC 9293 3.8.1") if lost else Difference(text)


def _until_the_last_segment(connection: Connection, side: Side) -> list[State]:
    end = max((s.sent if s.arrived is None else s.arrived for s in connection.segments), default=0)
    return [change.state for change in connection.party(side).states if change.time <= end]


def _list(states: list[State]) -> str:
    return ", ".join(map(str, states))


_States = list[State]


def _without(*left_out: State) -> Callable[[_States], _States]:
    return lambda states: [state for state in states if state not in left_out]


def _rows(connection: Connection, side: Side) -> Iterator[Stimulus]:
    for change in connection.party(side).states:
        if change.row:
            yield change.row.stimulus


def _by_cookie(model: Connection, side: Side, excuses: frozenset[str]) -> bool:
    return Stimulus.RCV_ACK_OF_COOKIE in _rows(model, side)


def _reset_in_time_wait(model: Connection, side: Side, excuses: frozenset[str]) -> bool:
    return any(s.segment.rst and s.origin != side and s.before is s.after is State.TIME_WAIT for s in model.segments)


def _begun_before(model: Connection, side: Side, excuses: frozenset[str]) -> bool:
    """What no segment shows: an end still held an earlier connection, or had forgotten it."""
    return any(model.party(each).states[0].state not in (State.CLOSED, State.LISTEN) for each in _SIDES)


def _ack_came_alone(model: Connection, side: Side, excuses: frozenset[str]) -> bool:
    return "delayed ACK" in excuses


def _gave_up_here(model: Connection, side: Side, excuses: frozenset[str]) -> bool:
    return "reset on giving up" in excuses


def _without_last_close(states: _States) -> _States:
    return states[:-1] if states[-1:] == [State.CLOSED] else states


_STATE_RULES = (
    ("delayed ACK", "RFC 9293 3.8.6.3", _without(State.FIN_WAIT_2), _ack_came_alone),
    ("SYN cookie", "RFC 4987 3.6", _without(State.SYN_RECEIVED), _by_cookie),
    ("TIME-WAIT ignores resets", "RFC 1337 3", _without_last_close, _reset_in_time_wait),
    ("begun before the capture", "RFC 9293 3.5.1", lambda states: states[-1:], _begun_before),
    ("reset on giving up", "RFC 1122 4.2.3.6", _without_last_close, _gave_up_here),
)


# Outcomes


def _outcome(one: Connection, two: Connection, names: tuple[str, str], excuses: frozenset[str]) -> Iterator[Difference]:
    if one.outcome == two.outcome:
        return
    text = f"outcome: {names[0]} has {one.outcome}, {names[1]} has {two.outcome}"
    if "reset on giving up" in excuses:
        yield Difference(text, "reset on giving up", "RFC 1122 4.2.3.6")
    elif any(len(_until_the_last_segment(two, side)) < len(two.party(side).states) for side in _SIDES):
        yield Difference(text, "a timer afterwards", "RFC 9293 3.10.8")
    else:
        yield Difference(text)
