"""Do two exchanges tell the same story? A captured one and a simulated one, or two captures.

What is compared is what DESIGN calls the story: in each direction the same segments in the same order with the same
relative numbers, and the same states up to the last segment. How two processors interleave, and what only a timer does
afterwards, is not part of it. Where both may be right, the difference has a name (`freedoms`) and is told all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import combinations, zip_longest

from tcpviz.exchange.exchange import SIDES, Connection, Exchange, Flow, Side, other
from tcpviz.exchange.freedoms import (
    SEGMENT_RULES,
    STATE_RULES,
    Freedom,
    Pleaded,
    Segments,
    States,
    told,
)
from tcpviz.model.sentence import Sentence
from tcpviz.model.transitions import State
from tcpviz.value import Value

Names = tuple[str, str]
_ONE_AND_TWO = Sentence("one"), Sentence("two")


class Difference(Value):
    """Where two stories part, and the freedom that allows it. Without one, one of the two is wrong."""

    text: Sentence
    freedom: Freedom | None = None

    def __str__(self) -> str:
        return self.sentence

    @property
    def sentence(self) -> Sentence:
        if self.freedom is None:
            return self.text
        return Sentence("{} ({}, {})", self.text, Sentence(str(self.freedom.label)), self.freedom.section)


def stories_differ(one: Exchange, two: Exchange, names: Names = _ONE_AND_TWO) -> tuple[Difference, ...]:
    """All connections and flows, in the order in which they began. `two` is the model's, if one of them is."""
    pairs = zip(one.connections, two.connections, strict=False)
    found = [difference for first, second in pairs for difference in differences(first, second, names)]
    flows = enumerate(zip(one.flows, two.flows, strict=False), 1)
    found += [difference for number, (ours, theirs) in flows for difference in _datagrams(number, ours, theirs, names)]
    counts = len(one.connections), len(two.connections)
    if counts[0] != counts[1]:
        told = Sentence("{} has {} connections, {} has {}", names[0], counts[0], names[1], counts[1])
        found.append(Difference(told))
    counts = len(one.flows), len(two.flows)
    if counts[0] != counts[1]:
        found.append(Difference(Sentence("{} has {} flows, {} has {}", names[0], counts[0], names[1], counts[1])))
    return tuple(found)


def _datagrams(number: int, one: Flow, two: Flow, names: Names) -> Iterator[Difference]:
    """Of UDP: the datagrams in each direction, which whoever sent first begins."""
    for origin, end in enumerate((Sentence("first"), Sentence("second"))):
        sent = [[str(each.length) for each in flow.datagrams if each.origin == origin] for flow in (one, two)]
        if sent[0] != sent[1]:
            lists = [", ".join(octets) or Sentence("nothing") for octets in sent]
            said = number, end, names[0], lists[0], names[1], lists[1]
            yield Difference(Sentence("flow {}, octets from its {} end: {} has {}; {} has {}", *said))


def differences(one: Connection, two: Connection, names: Names = _ONE_AND_TWO) -> tuple[Difference, ...]:
    """Where the stories part; empty when they are the same. `two` is the model's, if one of them is.

    Which end is called the client is no part of the story when both have opened.
    """
    addresses = one.client.address, one.server.address
    turned = addresses == (two.server.address, two.client.address) != (two.client.address, two.server.address)
    ends: list[tuple[Side, Side]] = [(side, other(side) if turned else side) for side in SIDES]
    found: list[Difference] = []
    for ours, theirs in ends:
        found += _segments(one, two, ours, theirs, names)
    pleaded = frozenset(difference.freedom for difference in found if difference.freedom)
    for ours, theirs in ends:
        found += _states(one, two, ours, theirs, names, pleaded)
    return (*found, *_outcome(one, two, names, pleaded))


def _segments(one: Connection, two: Connection, ours: Side, theirs: Side, names: Names) -> Iterator[Difference]:
    lists = told(one, ours), told(two, theirs)
    if lists[0] == lists[1]:
        return
    text = _parting(*lists, theirs, names)
    rules = [rule for rule in SEGMENT_RULES if rule.holds(one, two)]
    for count in range(1, len(rules) + 1):
        for chosen in combinations(rules, count):
            reduced = lists
            for rule in chosen:
                reduced = rule.reduce(reduced[0]), rule.reduce(reduced[1])
            if reduced[0] == reduced[1]:
                yield from (Difference(text, rule.freedom) for rule in chosen)
                return
    yield Difference(text)


def _parting(one: Segments, two: Segments, side: Side, names: Names) -> Sentence:
    none = Sentence("no more")
    for number, (first, second) in enumerate(zip_longest(one, two), 1):
        if first != second:
            parts = Sentence(str(side)), number, names[0], first or none, names[1], second or none
            return Sentence("{} segment {}: {} has {}, {} has {}", *parts)
    raise AssertionError("the lists are equal")


def _states(
    one: Connection, two: Connection, ours: Side, theirs: Side, names: Names, pleaded: Pleaded
) -> Iterator[Difference]:
    first, second = until_the_last_segment(one, ours), until_the_last_segment(two, theirs)
    if first == second:
        return
    said = Sentence(str(theirs)), names[0], _list(first), names[1], _list(second)
    text = Sentence("{} states: {} has {}; {} has {}", *said)
    for rule in STATE_RULES:
        if rule.holds(two, theirs, pleaded) and rule.reduce(first) == rule.reduce(second):
            yield Difference(text, rule.freedom)
            return
    yield Difference(text)


def _list(states: States) -> str:
    return ", ".join(map(str, states))


def until_the_last_segment(connection: Connection, side: Side) -> States:
    """The states of one end, without what only a timer did afterwards."""
    end = max((s.sent if s.arrived is None else s.arrived for s in connection.segments), default=0)
    return [change.state for change in connection.party(side).states if change.time <= end]


def _outcome(one: Connection, two: Connection, names: Names, pleaded: Pleaded) -> Iterator[Difference]:
    if one.outcome == two.outcome:
        return
    outcomes = Sentence(str(one.outcome)), Sentence(str(two.outcome))
    text = Sentence("outcome: {} has {}, {} has {}", names[0], outcomes[0], names[1], outcomes[1])
    if Freedom.RESET_ON_GIVING_UP in pleaded:
        yield Difference(text, Freedom.RESET_ON_GIVING_UP)
    elif any(_ended_by_a_timer(two, side) for side in SIDES):
        yield Difference(text, Freedom.TIMER_AFTERWARDS)
    else:
        yield Difference(text)


def _ended_by_a_timer(connection: Connection, side: Side) -> bool:
    """After the last segment the end gives up; that TIME-WAIT is over is no such thing."""
    seen = until_the_last_segment(connection, side)
    return len(seen) < len(connection.party(side).states) and seen[-1:] != [State.TIME_WAIT]


def kernel_sides_with(model: Connection, witnessed: Connection) -> bool:
    """Whether the kernel's own states are the model's, whatever the wire lets one think."""
    for side in SIDES:
        predicted = until_the_last_segment(model, side)[1:]
        seen = witnessed.witness.of(side).states if witnessed.witness else ()
        if [change.state for change in seen if change.state is not State.LISTEN][: len(predicted)] != predicted:
            return False
    return True


def abreast(columns: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Lists of states as rows, the same state beside itself; empty where a column leaves one out."""
    rows: list[tuple[str, ...]] = []
    for number, column in enumerate(columns):
        base = [next(filter(None, row)) for row in rows]
        merged: list[tuple[str, ...]] = []
        for _, i1, i2, j1, j2 in SequenceMatcher(None, base, column, autojunk=False).get_opcodes():
            if base[i1:i2] == list(column[j1:j2]):
                merged += [(*row, row_state) for row, row_state in zip(rows[i1:i2], column[j1:j2], strict=True)]
            else:
                merged += [(*row, "") for row in rows[i1:i2]]
                merged += [(*[""] * number, state) for state in column[j1:j2]]
        rows = merged
    return rows
