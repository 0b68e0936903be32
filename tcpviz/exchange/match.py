"""match : Capture -> Exchange. Explains each connection of a capture with the model, and blames exactly.

Sorts frames into connections and flows; `matching` explains them. What breaks the rules becomes a
verdict, never an exception.
"""

from __future__ import annotations

from pathlib import PurePath

from tcpviz.exchange.capture import Address, Capture, Frame, in_time
from tcpviz.exchange.exchange import Connection, Datagram, Exchange, Flow, Side
from tcpviz.exchange.matching.explanation import explained
from tcpviz.exchange.matching.incarnations import (
    another_opened,
    begins_anew,
    goes_on_from,
    has_asked,
    has_provoked,
    is_stray,
    opened_wrongly,
    refuses,
    still_asks,
    unanswered,
)
from tcpviz.exchange.matching.tracker import Tracker
from tcpviz.model.segment import RST, SYN, Segment
from tcpviz.model.sentence import Sentence

_QUIET = 10 * 10**9
"""Nanoseconds of silence after which nothing more is expected of a connection that is over: a FIN that was lost four
times in a row, from one second on, comes again sooner (RFC 6298)."""


def match(capture: Capture, side: Side | None = None) -> Exchange:
    """Explain every connection in `capture`; flows of UDP are listed. With `side`, only that end is judged."""
    matcher = Matcher(side)
    for frame, _ in in_time(capture.frames):
        matcher.feed(frame)
    return matcher.exchange(PurePath(capture.file).name)


def explanation(capture: Capture, frame: int, side: Side | None = None) -> list[Sentence] | None:
    """Lines about one frame, from hypotheses to verdict; None for a frame that is no TCP segment."""
    matcher = Matcher(side)
    for captured, _ in in_time(capture.frames):
        matcher.feed(captured)
    tracker = matcher.tracker_of(frame)
    return list(explained(tracker, frame, matcher.epoch)) if tracker else None


class Matcher:
    """Takes frames one by one, as they are read or captured."""

    def __init__(self, side: Side | None = None) -> None:
        self._judges: tuple[Side, ...] = (side,) if side else ("client", "server")
        self._trackers: dict[frozenset[Address], list[Tracker]] = {}
        self._order: list[Tracker] = []
        self._flows: dict[frozenset[Address], list[Frame]] = {}
        self._epoch: int | None = None

    def feed(self, frame: Frame) -> Tracker | None:
        """The connection the frame belongs to; None for UDP, and for news that nobody waits for."""
        if self._epoch is None:
            self._epoch = frame.time
        key = frozenset((frame.source, frame.destination))
        if frame.undelivered is not None:
            for tracker in self._trackers.get(key, [])[-1:]:
                tracker.undelivered(frame, frame.undelivered)
            return None
        if frame.segment is None:
            self._flows.setdefault(key, []).append(frame)
            return None
        known = self._trackers.setdefault(key, [])
        if len(known) > 1 and self._is_older(known, frame, frame.segment):
            known[-2].feed(frame, frame.segment)
            return known[-2]
        if known and (index := self._began_anew(known[-1], frame, frame.segment)) is not None:
            self._divide(known, index)
        elif not known or self._is_new(known[-1], frame, frame.segment):
            self._open(known, frame, frame.segment)
        elif len(known) > 1 and self._was_meant(known, frame, frame.segment):
            self._unite(known)
        known[-1].feed(frame, frame.segment)
        return known[-1]

    def _open(self, known: list[Tracker], frame: Frame, segment: Segment) -> None:
        judges = self._judges
        if known and len(judges) == 1:
            # the same end is judged, though now it may be the other that opens
            client = frame.destination if segment.syn and segment.has_ack else frame.source
            judges = known[-1].judges_with(client)
        known.append(Tracker(frame, segment, judges))
        self._order.append(known[-1])

    def _divide(self, known: list[Tracker], index: int) -> None:
        """A SYN that seemed to be part of a connection has opened the next one: an end had forgotten the first."""
        whole = known.pop()
        place = self._order.index(whole)
        known.append(whole.until(index))
        self._order[place] = known[-1]
        self._open(known, whole.judged[index].frame, whole.judged[index].segment)
        for judgement in whole.judged[index:]:
            known[-1].feed(judgement.frame, judgement.segment)

    def _unite(self, known: list[Tracker]) -> None:
        """What seemed to open the next connection was an old duplicate's: the first one's SYN was meant all along."""
        mistaken = known.pop()
        self._order.remove(mistaken)
        for judgement in mistaken.judged:
            known[-1].feed(judgement.frame, judgement.segment)

    @staticmethod
    def _is_older(known: list[Tracker], frame: Frame, segment: Segment) -> bool:
        """A reset that answers nothing of the newest connection, and something of the one before."""
        older, newest = known[-2:]
        stray = is_stray(newest.judged, newest.side_of(frame), segment)
        return stray and has_provoked(older.judged, older.side_of(frame), segment)

    @staticmethod
    def _is_new(tracker: Tracker, frame: Frame, segment: Segment) -> bool:
        """A SYN with a number of its own, once the earlier connection is over, opens the next incarnation.

        So does what counts from elsewhere, where its SYN was not captured.
        """
        side = tracker.side_of(frame)
        if not segment.syn or segment.has_ack:
            return not tracker.to_itself and begins_anew(tracker.farthest, side, segment) and tracker.over
        if side == "server" and not tracker.is_judged("client"):
            return False  # nobody knows how the client stands: perhaps in TIME-WAIT
        known = has_asked(tracker.judged, side, segment, followed=tracker.is_judged(side))
        return not known and tracker.forgotten

    @staticmethod
    def _began_anew(tracker: Tracker, frame: Frame, segment: Segment) -> int | None:
        """Where the next incarnation began, as this segment shows."""
        side, judged = tracker.side_of(frame), tracker.judged
        if not segment.flags & (SYN | RST):
            index = goes_on_from(judged, tracker.began, tracker.farthest, side, segment)
        else:
            index = another_opened(judged, tracker.began, side, segment)
        if index is None and (wrong := opened_wrongly(judged, side, segment)) is not None and tracker.was_over(wrong):
            return wrong
        return index

    @staticmethod
    def _was_meant(known: list[Tracker], frame: Frame, segment: Segment) -> bool:
        """The answer to an old duplicate is reset by who has sent another SYN."""
        older, newest = known[-2:]
        return still_asks(older.judged) and refuses(newest.judged, newest.side_of(frame), segment)

    @property
    def epoch(self) -> int:
        """Nanoseconds since 1970 of the first frame."""
        return self._epoch or 0

    @property
    def over(self) -> bool:
        """At least one connection was seen, and all of them have ended."""
        return bool(self._order) and all(tracker.over for tracker in self._order)

    def ended(self, now: int) -> list[Connection]:
        """Connections that will not change any more at `now` (nanoseconds since 1970); the matcher forgets them."""
        done = [t for t in self._order if now - t.judged[-1].time > _QUIET and t.over]
        for tracker in done:
            self._order.remove(tracker)
            key = frozenset((tracker.judged[0].frame.source, tracker.judged[0].frame.destination))
            self._trackers[key].remove(tracker)
            if not self._trackers[key]:
                del self._trackers[key]
        return [tracker.connection(self.epoch) for tracker in done]

    def tracker_of(self, frame: int) -> Tracker | None:
        """The connection that holds the frame with that number."""
        return next((t for t in self._order if any(seen.frame.number == frame for seen in t.judged)), None)

    def exchange(self, title: str) -> Exchange:
        for known in self._trackers.values():
            last = known[-1]
            if (index := unanswered(last.judged, last.began, from_start=last.saw_start)) is not None:
                self._divide(known, index)
        connections = tuple(tracker.connection(self.epoch) for tracker in self._order)
        flows = tuple(_flow(frames, self.epoch) for frames in self._flows.values())
        return Exchange(title, connections, flows, clocks=1, epoch=self.epoch)


def _flow(frames: list[Frame], epoch: int) -> Flow:
    first = frames[0].source, frames[0].destination
    return Flow(
        first,
        tuple(
            Datagram(0 if f.source == first[0] else 1, f.time - epoch, f.length, f.number, f.payload) for f in frames
        ),
    )
