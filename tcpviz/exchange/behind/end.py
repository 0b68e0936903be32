"""One end of a captured connection: what it sent and heard, how far away the peer is, what its TCP brought along.

What stands on the wire is read off; nothing here knows what an application called.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate
from typing import Any

from tcpviz.exchange.exchange import Connection, Party, Side, Transmission, other
from tcpviz.exchange.scenario import MILLISECOND, Start
from tcpviz.model.segment import ECE, NO_OPTIONS
from tcpviz.model.sequence import at_or_before, distance
from tcpviz.model.transitions import State
from tcpviz.value import Value

NOISE = 1 * MILLISECOND
"""A shorter pause is a processor's, not an application's or a timer's."""
_USUAL_DELAY = 200 * MILLISECOND
_LARGEST_WINDOW = 2**30
_TIMESTAMPS = 12
"""Octets of the timestamps option and its padding."""
_UNSYNCHRONIZED = (State.CLOSED, State.LISTEN, State.SYN_SENT, State.SYN_RECEIVED)
_COPIES = ("duplicate-frame", "duplicate", "injected")


class End(Value, dict=True):
    """Times are the capture's."""

    connection: Connection
    side: Side
    injected: bool
    """What no run of TCP sends counts as somebody else's."""

    @property
    def party(self) -> Party:
        return self.connection.party(self.side)

    @cached_property
    def sent(self) -> list[Transmission]:
        return self._of(self.side)

    @cached_property
    def heard(self) -> list[Transmission]:
        return self._of(other(self.side))

    def _of(self, side: Side) -> list[Transmission]:
        own = (s for s in self.connection.segments if s.origin == side and s.kind not in _COPIES)
        return [s for s in own if not (self.injected and s.verdict == "violation")]

    @cached_property
    def syn(self) -> Transmission | None:
        return next((s for s in self.sent if s.segment.syn), None)

    @cached_property
    def delay(self) -> int:
        """Nanoseconds from here to the peer, as the capture shows them."""
        return self._one_way(self.sent, self.heard)

    @cached_property
    def hearing(self) -> int:
        """Nanoseconds from the peer to here."""
        return self._one_way(self.heard, self.sent)

    @property
    def round_trip(self) -> int:
        return self.delay + self.hearing

    @cached_property
    def full_segment(self) -> int:
        """Octets of text that a segment from here holds at most."""
        offers = [s.segment.options for s in self.connection.segments if s.segment.syn]
        stamps = _TIMESTAMPS if offers and all(offer.timestamps for offer in offers) else 0
        return min((offer.mss or 536 for offer in offers), default=536) - stamps

    def _one_way(self, there: list[Transmission], back: list[Transmission]) -> int:
        known = _soonest(there, back)
        return known if known is not None else _soonest(back, there) or 0

    # What its TCP brought along

    def brought(self, delayed_acks: bool) -> dict[str, Any]:
        """The fields of a Host that are no calls."""
        options = self.syn.segment.options if self.syn else None
        text, fin = self._ack_delays() if delayed_acks else (0, 0)
        return {
            "isn": self._isn(),
            "address": self.party.address.host,
            "port": self.party.address.port,
            "mss": self._mss(),
            "window": self._window(),
            "window_scale": self._scale(self.syn),
            "sack": bool(options and options.sack_permitted),
            "timestamps": bool(options and options.timestamps),
            "ecn": bool(self.syn and self.syn.segment.flags & ECE),
            "fast_open": self._cookie(),
            "keep_alive": self._keep_alive(),
            "delayed_ack": text,
            "delayed_fin_ack": fin,
            "user_timeout": self._user_timeout(),
            "start": self.start,
        }

    def _isn(self) -> int:
        """Before the first number seen, where there was no SYN; any will do for who only refused."""
        if self.party.isn is None and all(s.segment.rst for s in self.sent):
            return 1000 if self.side == "client" else 5000
        return self.party.base

    def _mss(self) -> int:
        """As its SYN says, or as large as what was really sent, which offload makes larger."""
        said = self.syn.segment.options.mss if self.syn else None
        return min(65535, max(said or 1460, *(s.segment.length for s in self.connection.segments)))

    def _window(self) -> int:
        """The largest that it offered; a window on a SYN is never scaled."""
        theirs = self._scale(next((s for s in self.heard if s.segment.syn), None))
        ours = self._scale(self.syn)
        scale = ours if ours is not None and theirs is not None else 0
        offers = [s.segment.window << (0 if s.segment.syn else scale) for s in self.sent if not s.segment.rst]
        return min(_LARGEST_WINDOW, max(*offers, 1 << (ours or 0), 1)) if offers else 65535

    @staticmethod
    def _scale(syn: Transmission | None) -> int | None:
        options = syn.segment.options if syn else NO_OPTIONS
        return None if options.window_scale is None else options.shift

    def _cookie(self) -> bytes | None:
        """What it asked with, or gave; who took the text on a SYN has given out the cookie on it earlier."""
        asked = next((s.segment for s in self.heard if s.segment.syn and s.segment.length), None)
        took = asked is not None and self.syn is not None and self.syn.segment.ack == asked.end
        options = asked.options if asked and took else self.syn.segment.options if self.syn else None
        cookie = options.fast_open if options else None
        # a cookie may be any octets, and a scenario file has text
        return cookie if not cookie or (cookie.isalnum() and len(cookie) >= 4) else cookie.hex()[:16].encode()

    @cached_property
    def start(self) -> Start | None:
        """Where this end stood when a capture without the handshake began; the first numbers of both ends tell."""
        if self.connection.saw_start:
            return None
        ours = [s.segment.seq for s in self.sent] + [s.segment.ack for s in self.heard if s.segment.has_ack]
        theirs = [s.segment.seq for s in self.heard] + [s.segment.ack for s in self.sent if s.segment.has_ack]
        if not ours or not theirs:
            return None
        state = self.party.states[0].state
        return Start(State.ESTABLISHED if state in _UNSYNCHRONIZED else state, _first(ours), _first(theirs))

    def _keep_alive(self) -> int | None:
        """The silence before the first question."""
        probe = next((s.sent for s in self.sent if s.kind == "keep-alive"), None)
        arrivals = [s.sent + self.hearing for s in self.heard if probe and s.sent + self.hearing < probe]
        return probe - arrivals[-1] if probe and arrivals else None

    def _user_timeout(self) -> int | None:
        """Long enough for all that was sent again in vain, and no longer."""
        if self.connection.outcome != "timeout" or not self.sent:
            return None
        times = [s.sent for s in self.sent if s.segment.span and s.segment.seq == self.sent[-1].segment.seq]
        return 2 * times[-1] - times[0] - times[-2] if len(times) > 1 else None

    def _ack_delays(self) -> tuple[int, int]:
        """How long ACKs of text, and of a FIN, waited for something to ride on; 0 when they never did."""
        found = {False: 0, True: 0}
        for segment, answer in _answers(self.heard, self.sent, self.hearing):
            if segment.segment.syn or segment.kind == "retransmission" or answer.segment.rst:
                continue
            waited = answer.sent - segment.sent - self.hearing
            if answer.segment.span:
                waited = max(_USUAL_DELAY, 2 * waited)  # nobody knows how long it would have waited
            if waited > NOISE:
                found[segment.segment.fin] = max(found[segment.segment.fin], waited)
        return found[False], found[True]

    # What it had processed, and when it could

    def processed(self, time: int) -> tuple[int, bool]:
        """Octets of the peer's text that this end had acknowledged by then, and whether its FIN too."""
        times, numbers = self._acknowledged
        sent = bisect_right(times, time)
        number = numbers[sent - 1] if sent else 0
        fin = any(number > at for at in self._fins)
        return max(0, number - 1 - fin), fin

    def arrival(self, octets: int, fin: bool) -> int:
        """When so many octets of the peer, and its FIN, had come."""
        ends, times = self._arrived
        place = bisect_right(ends, octets + fin)
        return times[place] + self.hearing if place < len(ends) else 0

    @cached_property
    def _acknowledged(self) -> tuple[list[int], list[int]]:
        """When something was acknowledged, and the highest relative number so far."""
        acks = [(s.sent, self.connection.relative(s)[1] or 0) for s in self.sent if s.segment.has_ack]
        return [time for time, _ in acks], list(accumulate((number for _, number in acks), max))

    @cached_property
    def _arrived(self) -> tuple[list[int], list[int]]:
        """The highest relative end of what was heard so far, and when that was sent."""
        ends = [self.connection.relative(s)[0] + s.segment.length + s.segment.fin for s in self.heard]
        return list(accumulate(ends, max)), [s.sent for s in self.heard]

    @cached_property
    def _fins(self) -> list[int]:
        return [self.connection.relative(s)[0] + s.segment.length for s in self.heard if s.segment.fin]


def acknowledges(answer: Transmission, segment: Transmission) -> bool:
    return answer.segment.has_ack and at_or_before(segment.segment.end, answer.segment.ack)


def _soonest(there: list[Transmission], back: list[Transmission]) -> int | None:
    """The least time after which something was acknowledged; what was sent twice tells nothing (Karn's rule)."""
    twice = {s.segment.seq for s in there if s.kind == "retransmission"}
    pairs = _answers(there, back, 0)
    return min((answer.sent - sent.sent for sent, answer in pairs if sent.segment.seq not in twice), default=None)


def _answers(
    there: list[Transmission], back: list[Transmission], delay: int
) -> Iterator[tuple[Transmission, Transmission]]:
    """Each segment that wants to be acknowledged, and the first that does so once it can have arrived."""
    answers = iter(back)
    answer = next(answers, None)
    for segment in there:
        if not segment.segment.span:
            continue
        while answer and (answer.sent < segment.sent + delay or not acknowledges(answer, segment)):
            answer = next(answers, None)
        if answer is None:
            return
        yield segment, answer


def _first(numbers: list[int]) -> int:
    """The least on the circle."""
    return min(numbers, key=lambda number: distance(numbers[0], number))
