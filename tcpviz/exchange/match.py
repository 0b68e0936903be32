"""match : Capture -> Exchange. Explains each connection of a capture with the model, and blames exactly.

Sorts frames into connections, keeps a few hypotheses for each end (`explain` extends them), and turns the
best of them into an Exchange. What breaks the rules becomes a verdict, never an exception.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePath

from tcpviz.exchange.capture import Address, Capture, Frame
from tcpviz.exchange.exchange import (
    Call,
    Connection,
    Datagram,
    Exchange,
    Expected,
    Flow,
    Side,
    Transmission,
    other,
)
from tcpviz.exchange.explain import (
    Difference,
    Entry,
    Hypothesis,
    Miss,
    deliver_all,
    explain,
    opening,
    shifted,
    with_habits,
)
from tcpviz.exchange.story import ConnectionStory, PartyStory
from tcpviz.model.commands import Emit
from tcpviz.model.segment import Segment
from tcpviz.model.sequence import add, distance
from tcpviz.model.transitions import State, cite

_MOST_HYPOTHESES = 4
_MOST_PENDING = 32
"""How far an end may lag behind the capture without a word that tells so."""
_SIDES: tuple[Side, Side] = ("client", "server")
_OVER = (State.CLOSED, State.LISTEN, State.TIME_WAIT)
_TWIN = 1_000_000
"""Nanoseconds within which an identical frame is the same one, captured twice on its way through loopback."""


def match(capture: Capture) -> Exchange:
    """Explain every connection in `capture`; flows of UDP are listed."""
    matcher = Matcher()
    for frame in capture.frames:
        matcher.feed(frame)
    return matcher.exchange(PurePath(capture.file).name)


@dataclass
class Judgement:
    """What was found out about one captured segment, in the numbers of the wire."""

    frame: Frame
    origin: Side
    segment: Segment
    twin: bool = False
    miss: Miss | None = None


class Tracker:
    """One connection, being explained."""

    def __init__(self, addresses: dict[Side, Address], alive: dict[Side, list[Hypothesis]], saw_start: bool) -> None:
        self._alive = alive
        self._saw_start = saw_start
        self.judged: list[Judgement] = []
        self._parties = {side: PartyStory(addresses[side], alive[side][0].endpoint.state) for side in addresses}

    def side_of(self, frame: Frame) -> Side:
        return "client" if frame.source == self._parties["client"].address else "server"

    def feed(self, frame: Frame, segment: Segment) -> None:
        """Explain the segment by its sender, then let its receiver have it."""
        judgement = Judgement(frame, self.side_of(frame), segment)
        index = len(self.judged)
        self.judged.append(judgement)
        side = judgement.origin
        self._parties[side].learn(segment)
        if segment.has_ack and self._parties[other(side)].base is None:
            self._parties[other(side)].base = add(segment.ack, -1)
        if self._is_twin(index):
            judgement.twin = True
            return
        explained, misses = self._explain(side, index, segment)
        receivers = self._alive[other(side)]
        arriving = [segment]
        if not explained:
            miss = judgement.miss = min(misses, key=_severity)
            explained = [miss.hypothesis, *_recounted(miss, miss.hypothesis, ours=True)]
            receivers = [*receivers, *(new for old in receivers for new in _recounted(miss, old, ours=False))]
            # what follows may answer either what was sent or what should have been
            emit = _last_emit(miss.hypothesis, index)
            arriving += [emit.segment] if emit else []
        self._alive[side] = _best(explained)
        self._alive[other(side)] = _best(
            replace(hypothesis, pending=(*hypothesis.pending, (index, version)))
            for version in arriving
            for hypothesis in receivers
        )

    def _explain(self, side: Side, index: int, segment: Segment) -> tuple[list[Hypothesis], list[Miss]]:
        explained: list[Hypothesis] = []
        misses: list[Miss] = []
        for hypothesis in self._alive[side]:
            habit = replace(hypothesis, endpoint=with_habits(hypothesis.endpoint, segment))
            for result in explain(habit, index, segment):
                if isinstance(result, Miss):
                    misses.append(result)
                else:
                    explained.append(result)
        return explained, misses

    def _is_twin(self, index: int) -> bool:
        """The same octets, twice within a moment: loopback shows a frame going out and coming in."""
        if not index:
            return False
        frame, last = self.judged[index].frame, self.judged[index - 1].frame
        return frame.data == last.data and 0 <= frame.time - last.time < _TWIN

    @property
    def over(self) -> bool:
        """Both ends have let go of the connection, or wait out TIME-WAIT."""
        return bool(self.judged) and all(h.endpoint.state in _OVER for h in self._finals().values())

    def connection(self, epoch: int) -> Connection:
        """All that is known so far, taking what was captured as having arrived."""
        finals = self._finals()
        story = ConnectionStory(
            self._party("client", finals["client"], epoch), self._party("server", finals["server"], epoch)
        )
        entries = {side: {(e.index, e.sent): e for e in finals[side].entries()} for side in _SIDES}
        for index, judgement in enumerate(self.judged):
            sent = entries[judgement.origin].get((index, True))
            arrived = entries[other(judgement.origin)].get((index, False))
            story.segments.append(self._transmission(judgement, sent, arrived, story, epoch))
        return story.done(self._saw_start)

    def newest(self, epoch: int) -> Connection:
        """Only the last segment, for whoever watches live: the cost does not grow with the connection."""
        judgement = self.judged[-1]
        index, side = len(self.judged) - 1, judgement.origin
        receiver = deliver_all(self._best(other(side)))
        story = ConnectionStory(self._now("client", index), self._now("server", index))
        sent, arrived = self._best(side).newest(), receiver.newest()
        sent = sent if sent and sent.index == index and sent.sent else None
        arrived = arrived if arrived and arrived.index == index else None
        story.segments.append(self._transmission(judgement, sent, arrived, story, epoch))
        return story.done(self._saw_start)

    def _now(self, side: Side, index: int) -> PartyStory:
        party = self._parties[side]
        return replace(party, start=self._best(side).endpoint.state if index else party.start)

    def _best(self, side: Side) -> Hypothesis:
        return min(self._alive[side], key=lambda hypothesis: hypothesis.cost)

    def _finals(self) -> dict[Side, Hypothesis]:
        """The best hypothesis of each end, once it has processed all there is."""
        return {side: min(map(deliver_all, self._alive[side]), key=lambda h: h.cost) for side in _SIDES}

    def _party(self, side: Side, final: Hypothesis, epoch: int) -> PartyStory:
        entries = final.entries()
        start = entries[0].before if entries else final.endpoint.state
        story = replace(self._parties[side], start=start, changes=[], calls=[])
        now = 0
        for entry in entries:
            now = max(now, self.judged[entry.index].frame.time - epoch)
            story.fired(now, entry.rows)
            story.calls += [Call(name, now, octets) for name, octets in entry.calls]
        return story

    @staticmethod
    def _transmission(
        judgement: Judgement, sent: Entry | None, arrived: Entry | None, story: ConnectionStory, epoch: int
    ) -> Transmission:
        time = judgement.frame.time - epoch
        emit = sent.emit if sent else None
        before = arrived.before if arrived else story.party(other(judgement.origin)).start
        miss = judgement.miss
        return Transmission(
            origin=judgement.origin,
            segment=judgement.segment,
            sent=time,
            arrived=time,
            why="captured twice" if judgement.twin else emit.why if emit and not miss else "no run of TCP sends this",
            section=miss.section if miss else cite(emit.section) if emit else "",
            sender=sent.after if sent else story.party(judgement.origin).start,
            before=before,
            after=arrived.after if arrived else before,
            kind="duplicate-frame" if judgement.twin else emit.kind if emit else "new",
            verdict="violation" if miss else "ok",
            expected=_expected(judgement, story) if miss else None,
            frame=judgement.frame.number,
            payload=judgement.frame.payload,
            rows=arrived.rows if arrived else (),
        )


class Matcher:
    """Takes frames one by one, as they are read or captured."""

    def __init__(self) -> None:
        self._trackers: dict[frozenset[Address], list[Tracker]] = {}
        self._order: list[Tracker] = []
        self._flows: dict[frozenset[Address], list[Frame]] = {}
        self._epoch: int | None = None

    def feed(self, frame: Frame) -> Tracker | None:
        """The connection the frame belongs to; None for UDP."""
        if self._epoch is None:
            self._epoch = frame.time
        key = frozenset((frame.source, frame.destination))
        if frame.segment is None:
            self._flows.setdefault(key, []).append(frame)
            return None
        known = self._trackers.setdefault(key, [])
        if not known or self._is_new(known[-1], frame, frame.segment):
            known.append(_track(frame, frame.segment))
            self._order.append(known[-1])
        known[-1].feed(frame, frame.segment)
        return known[-1]

    @staticmethod
    def _is_new(tracker: Tracker, frame: Frame, segment: Segment) -> bool:
        """A SYN with a number of its own, once the earlier connection is over, opens the next incarnation."""
        if not segment.syn or segment.has_ack:
            return False
        side = tracker.side_of(frame)
        again = any(j.origin == side and j.segment.syn and j.segment.seq == segment.seq for j in tracker.judged)
        return not again and tracker.over

    @property
    def epoch(self) -> int:
        """Nanoseconds since 1970 of the first frame."""
        return self._epoch or 0

    @property
    def over(self) -> bool:
        """At least one connection was seen, and all of them have ended."""
        return bool(self._order) and all(tracker.over for tracker in self._order)

    def exchange(self, title: str) -> Exchange:
        connections = tuple(tracker.connection(self.epoch) for tracker in self._order)
        flows = tuple(_flow(frames, self.epoch) for frames in self._flows.values())
        return Exchange(title, connections, flows, clocks=1, epoch=self.epoch)


def _track(frame: Frame, segment: Segment) -> Tracker:
    """A connection from its first captured segment. Without a SYN, the receiver of a SYN,ACK is the client."""
    sender, receiver = opening(segment)
    sides: tuple[Side, Side] = ("server", "client") if segment.syn and segment.has_ack else ("client", "server")
    return Tracker(
        addresses={sides[0]: frame.source, sides[1]: frame.destination},
        alive={sides[0]: list(map(Hypothesis, sender)), sides[1]: list(map(Hypothesis, receiver))},
        saw_start=segment.syn and not segment.has_ack,
    )


def _best(hypotheses: Iterable[Hypothesis]) -> list[Hypothesis]:
    """The cheapest few, each present only once, and the one that has processed least: it can become any other."""
    unique: dict[object, Hypothesis] = {}
    for hypothesis in sorted(hypotheses, key=lambda h: (h.cost, len(h.pending))):
        unique.setdefault((hypothesis.endpoint, hypothesis.pending, hypothesis.owed), hypothesis)
    found = list(unique.values())
    cheapest = [hypothesis for hypothesis in found if hypothesis.cost == found[0].cost]
    idle = max(cheapest, key=lambda h: len(h.pending) if len(h.pending) <= _MOST_PENDING else -1)
    kept = found[:_MOST_HYPOTHESES]
    return kept if idle in kept else [*kept, idle]


def _severity(miss: Miss) -> tuple[int, int, int]:
    """Fewer wrong fields first, flags weighing most; then the run that assumes least."""
    flags = sum(difference.field == "flags" for difference in miss.differences)
    return flags, len(miss.differences), miss.hypothesis.cost


def _recounted(miss: Miss, hypothesis: Hypothesis, *, ours: bool) -> list[Hypothesis]:
    """For a wrong number: the same end, had that number been right all along. `ours`: the segment's sender."""
    for name, observed, allowed in miss.differences:
        if name in ("seq", "ack") and isinstance(observed, int) and isinstance(allowed, int):
            offset = distance(allowed, observed)
            sender_counts = (name == "seq") == ours
            return [shifted(hypothesis, send=offset) if sender_counts else shifted(hypothesis, receive=offset)]
    return []


def _last_emit(hypothesis: Hypothesis, index: int) -> Emit | None:
    entry = hypothesis.past.entry if hypothesis.past else None
    return entry.emit if entry and entry.sent and entry.index == index else None


def _expected(judgement: Judgement, story: ConnectionStory) -> Expected | None:
    """The first difference, in relative numbers."""
    if judgement.miss is None:
        return None
    difference: Difference = judgement.miss.differences[0]
    bases = {
        "seq": story.party(judgement.origin).base,
        "ack": story.party(other(judgement.origin)).base,
    }
    base = bases.get(difference.field)
    observed, allowed = difference.observed, difference.allowed
    if base is not None and isinstance(observed, int) and isinstance(allowed, int):
        observed, allowed = distance(base, observed), distance(base, allowed)
    return Expected(difference.field, observed, str(allowed), judgement.miss.section)


def _flow(frames: list[Frame], epoch: int) -> Flow:
    first = frames[0].source, frames[0].destination
    return Flow(
        first,
        tuple(
            Datagram(0 if f.source == first[0] else 1, f.time - epoch, f.length, f.number, f.payload) for f in frames
        ),
    )
