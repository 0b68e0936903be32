"""Turns the account that explains a connection best into a Connection: each segment with its verdict and its reason.

Nothing is explained here, and nothing is decided; the account has it all.
"""

from __future__ import annotations

from collections.abc import Mapping

from tcpviz.exchange.exchange import SIDES, Call, Connection, Expected, Side, Transmission, other
from tcpviz.exchange.matching.account import Account, Unseen
from tcpviz.exchange.matching.difference import Miss
from tcpviz.exchange.matching.observation import Observation
from tcpviz.exchange.matching.oddities import ECHO
from tcpviz.exchange.matching.past import End, Entry, deliver_all
from tcpviz.exchange.story import ConnectionStory, PartyStory
from tcpviz.model.sentence import Sentence
from tcpviz.model.sequence import distance
from tcpviz.model.transitions import State, cite
from tcpviz.value import Value, replace

_OLDER = ("out-of-order", "duplicate")
"""What was overtaken, or is a copy, has an older clock and window, and that is why."""
_Entries = dict[Side, dict[tuple[int, bool], Entry]]
"""What each end's past knows of a segment: by its place, and whether that end sent it."""


class Verdicts(Value):
    """`parties` are both ends as they began; `judges` are held to the rules; times count from `epoch`."""

    account: Account
    judged: list[Observation]
    parties: Mapping[Side, PartyStory]
    judges: tuple[Side, ...]
    epoch: int

    def connection(self, saw_start: bool) -> Connection:
        """All segments, with those that the capture lacks in their places."""
        finals = {side: self.account.final(self._end_of(side)) for side in SIDES}
        story = ConnectionStory(self._party("client", finals["client"]), self._party("server", finals["server"]))
        entries: _Entries = {side: {(e.place, e.sent): e for e in final.entries()} for side, final in finals.items()}
        blames = dict(self.account.blames)
        unseen = list(enumerate(self.account.unseen))
        for index, seen in enumerate(self.judged):
            while unseen and unseen[0][1].at <= index:
                number, missing = unseen.pop(0)
                if missing.found is None:
                    story.segments.append(self._inferred(number, missing, finals[missing.origin], entries, story))
            if seen.is_twin:
                story.segments.append(self._twin(seen, story.segments[-1]))
                continue
            sent = self._transmission(seen, blames.get(index), entries, story)
            if sent.verdict == "warning" and sent.expected and sent.expected.field == ECHO:
                # of what nobody saw
                unheard = any(u.at <= index and u.origin == seen.peer for u in self.account.unseen)
                sent = replace(sent, verdict="ok", expected=None) if unheard else sent
            story.segments.append(sent)
        return story.done(saw_start, self.judges)

    def newest(self, saw_start: bool) -> Connection:
        """The last segment alone."""
        seen = self.judged[-1]
        entries: _Entries = {}
        for side in (seen.side, seen.peer):
            end = self.account.best(side)
            entry = (end if side == seen.side else deliver_all(end)).newest()
            entries[side] = {(entry.place, entry.sent): entry} if entry else {}
        story = ConnectionStory(self._now("client"), self._now("server"))
        sent = self._transmission(seen, dict(self.account.blames).get(seen.index), entries, story)
        story.segments.append(self._twin(seen, sent) if seen.is_twin else sent)
        return story.done(saw_start, self.judges)

    def _end_of(self, side: Side) -> Side:
        """A socket that has connected to itself is both ends."""
        return side if self.account.ends(side) else other(side)

    def _now(self, side: Side) -> PartyStory:
        party = self.parties[side]
        return replace(party, start=self.account.best(self._end_of(side)).state) if len(self.judged) > 1 else party

    def _time(self, seen: Observation) -> int:
        return seen.time - self.epoch

    def _party(self, side: Side, final: End) -> PartyStory:
        entries = final.entries()
        start = entries[0].before if entries else self.parties[self._end_of(side)].start
        story = replace(self.parties[side], start=start, changes=[], calls=[])
        now = 0
        for entry in entries:
            index = entry.place if entry.place >= 0 else self.account.unseen[-1 - entry.place].at
            now = max(now, self._time(self.judged[index]))
            story.fired(now, entry.rows)
            if entry.after is State.CLOSED and entry.before is not State.CLOSED and not entry.rows:
                story.forget(now)
            story.calls += [Call(name, now, octets) for name, octets in entry.calls]
        story.calls = _halved(story.calls)
        return story

    def _transmission(
        self, seen: Observation, miss: Miss | None, entries: _Entries, story: ConnectionStory
    ) -> Transmission:
        sent, arrived = entries[seen.side].get((seen.index, True)), entries[seen.peer].get((seen.index, False))
        emit = sent.emit if sent else None
        judged = seen.side in self.judges
        before = arrived.before if arrived else _state_at(seen.peer, seen.index, entries, story)
        why, section = Sentence("no run of TCP sends this"), miss.section if miss else ""
        if not judged:
            why = Sentence("is not judged")
        elif emit and not miss:
            why, section = emit.why, cite(emit.section)
        oddity = seen.oddity if judged and not (emit and emit.kind in _OLDER) else None
        return Transmission(
            origin=seen.side,
            segment=seen.frame.segment if seen.frame.cut and seen.frame.segment else seen.segment,
            sent=self._time(seen),
            arrived=self._time(seen),
            why=why,
            section=section,
            sender=sent.after if sent else _state_at(seen.side, seen.index, entries, story),
            before=before,
            after=arrived.after if arrived else before,
            kind=emit.kind if emit else "new",
            verdict="violation" if miss else "warning" if oddity else "ok",
            expected=_expected(seen, miss, story) if miss else oddity,
            frame=seen.frame.number,
            payload=seen.frame.payload,
            rows=arrived.rows if arrived else (),
        )

    def _twin(self, seen: Observation, first: Transmission) -> Transmission:
        return replace(
            first,
            sent=self._time(seen),
            arrived=self._time(seen),
            why=Sentence("captured twice"),
            section="",
            before=first.after,
            kind="duplicate-frame",
            verdict="ok",
            expected=None,
            frame=seen.frame.number,
            rows=(),
        )

    def _inferred(
        self, number: int, missing: Unseen, final: End, entries: _Entries, story: ConnectionStory
    ) -> Transmission:
        place, side, emit = -1 - number, missing.origin, missing.emit
        peer = other(side)
        sent, arrived = entries[side].get((place, True)), entries[peer].get((place, False))
        earlier = [entry for entry in final.entries() if 0 <= entry.place < missing.at]
        sender = sent or (earlier[-1] if earlier else None)
        before = arrived.before if arrived else _state_at(peer, missing.at, entries, story)
        time = self._time(self.judged[missing.at])
        return Transmission(
            origin=side,
            segment=emit.segment,
            sent=time,
            arrived=time if arrived else None,
            why=Sentence("was not captured: {}", emit.why),
            section=cite(emit.section),
            sender=sender.after if sender else story.party(side).start,
            before=before,
            after=arrived.after if arrived else before,
            kind="inferred",
            fate="delivered" if arrived else "lost",
            rows=arrived.rows if arrived else (),
        )


def _halved(calls: list[Call]) -> list[Call]:
    """Who closes once more has only shut down at first."""
    found: list[Call] = []
    closes = False
    for call in reversed(calls):
        found.append(replace(call, name="shutdown") if closes and call.name == "close" else call)
        closes = call.name == "close" or (closes and call.name != "connect")
    return found[::-1]


def _state_at(side: Side, index: int, entries: _Entries, story: ConnectionStory) -> State:
    """Where an end stood before that segment, which it has not sent, or which never reached it."""
    earlier = [entry.after for (place, _), entry in entries[side].items() if 0 <= place < index]
    return earlier[-1] if earlier else story.party(side).start


def _expected(seen: Observation, miss: Miss, story: ConnectionStory) -> Expected:
    """The first difference, in relative numbers."""
    difference = miss.differences[0]
    bases = {"seq": story.party(seen.side).base, "ack": story.party(other(seen.side)).base}
    base = bases.get(difference.field)
    observed, allowed = difference.observed, difference.allowed
    if base is not None and isinstance(observed, int) and isinstance(allowed, int):
        observed, allowed = distance(base, observed), distance(base, allowed)
    if reason := difference.reason:
        told = f"none: {reason}"
    else:
        told = allowed if isinstance(allowed, Sentence) else str(allowed)
    return Expected(difference.field, observed, told, miss.section, reason)
