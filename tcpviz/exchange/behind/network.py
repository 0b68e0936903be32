"""What the network did to a captured connection, found by playing.

The scenario that `calls` reads off is played; where the play parts from the capture, each thing that the network may
have done shortly before is tried, and what goes furthest is kept. So the model itself says what explains the capture,
and in the end how far the scenario plays it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product, takewhile

from tcpviz.errors import InputError
from tcpviz.exchange.behind.calls import Reading, scenario, sent_by
from tcpviz.exchange.dialect import habits
from tcpviz.exchange.exchange import SIDES, Connection, Side, Transmission
from tcpviz.exchange.network import name_kinds
from tcpviz.exchange.policy import POLICIES
from tcpviz.exchange.scenario import SECOND, Dialect, Scenario, SegmentName
from tcpviz.exchange.scenario_text import text
from tcpviz.exchange.simulate import simulate
from tcpviz.model.segment import ACK, FIN, RST, SYN
from tcpviz.model.sentence import Sentence
from tcpviz.value import Value, replace

_TOLD = SYN | ACK | FIN | RST
_MOST_PLAYED = 20_000
"""Segments that all plays together may take; of a long connection little more than the calls is looked for."""
_WHOLE = 3600 * SECOND
_BEYOND = 10 * SECOND
"""How long after the capture's end a play goes on."""
_RECENT = 4
"""How many segments of each side before the parting may have met with something."""


class Behind(Value):
    """A scenario, and how well it plays what was captured."""

    scenario: Scenario
    agreed: int
    """As many segments are the same, counted on each side from its first to the first that differs."""
    captured: int
    played: int
    apart: int = 0
    """Nanoseconds between when they were sent and when they are in the play, all together."""
    suspects: tuple[SegmentName, ...] = ()
    """What was sent shortly before the play parts from the capture, latest first."""

    @property
    def complete(self) -> bool:
        return self.agreed == self.captured == self.played

    @property
    def sentence(self) -> Sentence:
        """`plays all 11 segments again`."""
        if self.complete:
            return Sentence("plays all {} segments again", self.captured)
        if self.agreed == self.captured:
            more = self.played - self.captured
            return Sentence("plays all {} segments again, and goes on with {} more", self.captured, more)
        return Sentence("plays {} of the {} segments again, then something else", self.agreed, self.captured)

    def file(self, name: str) -> str:
        """The text of the scenario file `name`, with how to play it."""
        about = f"{self.scenario.title}, as seen in {self.scenario.seen_in}."
        return text(self.scenario, (about, f"tcpviz simulate {name}", f"{self.sentence}."))

    @property
    def quality(self) -> tuple[int, int, int]:
        return self.agreed, -self.played, -self.apart


def behind(connection: Connection, seen_in: str) -> Behind:
    """The scenario that comes nearest to `connection`, which was seen in `seen_in`; of equal ones the simplest."""
    search = _Search(connection)
    best: Behind | None = None
    readings = product(_dialects(connection), (False, True), (True, False), (True, False))
    for dialect, exact, delayed_acks, injected in readings:
        if not injected and connection.conforms:
            continue
        plan = scenario(connection, seen_in, Reading(exact, delayed_acks, injected))
        found = search.nearest(replace(plan, dialect=dialect))
        if best is None or found.quality > best.quality:
            best = found
        if best.complete or search.left < 0:
            break
    assert best is not None
    return search.play(best.scenario, _WHOLE)


def _dialects(connection: Connection) -> list[Dialect]:
    """Those that fit both ends, else those that fit one; the RFC's first."""
    fitting = Counter(name for side in SIDES for name in habits(connection, side).dialects)
    most = max(fitting.values(), default=0)
    return [name for name in POLICIES if fitting[name] == most]


class _Search:
    """Plays of one connection, of which there may be only so many."""

    def __init__(self, connection: Connection) -> None:
        self.left = _MOST_PLAYED
        times = [sent.sent for sent in connection.segments]
        self._connection, self._began = connection, min(times)
        self._horizon = max(times) - min(times) + _BEYOND

    def nearest(self, plan: Scenario) -> Behind:
        """`plan` with the network that brings it nearest to what was captured."""
        best = self.play(plan)
        while not best.complete and self.left > 0:
            attempts = (self.play(attempt) for attempt in _attempts(best) if self.left > 0)
            further = max(attempts, key=lambda attempt: attempt.quality, default=best)
            if further.quality <= best.quality:
                break
            best = further
        return best

    def play(self, plan: Scenario, horizon: int | None = None) -> Behind:
        self.left -= len(self._connection.segments)
        try:
            connections = simulate(plan, horizon=horizon or self._horizon).connections
        except InputError:  # what something was to happen to is never sent
            return Behind(plan, 0, len(self._connection.segments), 0)
        play = sorted((s for c in connections for s in c.segments), key=lambda sent: sent.sent)
        agreed = captured = played = apart = 0
        parting = play[-1].sent + 1 if play else 0
        for side in SIDES:
            seen = [(s.sent - self._began, _told(self._connection, s)) for s in sent_by(self._connection, side)]
            told = [(s.sent, _told(c, s)) for c in connections for s in sent_by(c, side)]
            same = list(takewhile(lambda pair: pair[0][1] == pair[1][1], zip(told, seen, strict=False)))
            if len(same) < len(told):
                parting = min(parting, told[len(same)][0])
            agreed, captured, played = agreed + len(same), captured + len(seen), played + len(told)
            apart += sum(abs(ours[0] - theirs[0]) for ours, theirs in same)
        return Behind(plan, agreed, captured, played, apart, _suspects(play, parting))


def _attempts(best: Behind) -> Iterator[Scenario]:
    network = best.scenario.network
    for name in best.suspects:
        if name not in (*network.lose, *network.duplicate, *network.reorder):
            yield replace(best.scenario, network=replace(network, lose=(*network.lose, name)))
            yield replace(best.scenario, network=replace(network, duplicate=(*network.duplicate, name)))
            yield replace(best.scenario, network=replace(network, reorder=(*network.reorder, name)))


def _suspects(play: list[Transmission], parting: int) -> tuple[SegmentName, ...]:
    """The last few of each side by the names that a scenario gives them."""
    counts: Counter[tuple[Side, str]] = Counter()
    names: dict[Side, list[SegmentName]] = {"client": [], "server": []}
    for sent in play:
        if sent.kind in ("duplicate", "injected") or sent.sent > parting:
            continue
        kinds = name_kinds(sent.segment)
        counts.update((sent.origin, kind) for kind in kinds)
        names[sent.origin].append(SegmentName(sent.origin, kinds[0], counts[sent.origin, kinds[0]]))  # type: ignore[arg-type]
    return tuple(name for side in SIDES for name in names[side][: -_RECENT - 1 : -1])


def _told(connection: Connection, sent: Transmission) -> tuple[int, int, int | None, int]:
    """Flags, SEG.SEQ and SEG.ACK from the ISNs, octets."""
    return (sent.segment.flags & _TOLD, *connection.relative(sent), sent.segment.length)
