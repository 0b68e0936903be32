"""Looks at the warnings of a connection again, once all of it is known: which of several segments stands out?

A clock that jumps ahead looks right until the next segment goes back to the old one. The warning belongs to the one
that the segments before and after it agree against.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from itertools import pairwise

from tcpviz.exchange.capture import Checksum
from tcpviz.exchange.exchange import SIDES, Expected
from tcpviz.exchange.matching.observation import Observation
from tcpviz.exchange.matching.oddities import (
    ECHO,
    NONE,
    ONE,
    PERMITTED,
    SCALE,
    STAMP,
    STAMPS,
    TIMESTAMPS,
    WINDOW,
    wrong_sum,
)
from tcpviz.model.segment import RST, SYN
from tcpviz.model.sentence import Sentence
from tcpviz.model.sequence import add, at_or_before, before, distance, later
from tcpviz.value import replace

URGENT = Sentence("urgent pointer")
_EMPTY = Checksum(0, None)
_FAR, _TICK, _FASTEST = 500, 10**6, 1000
"""So many ticks are no accident; the nanoseconds of one, by the fastest usual clock, and by the fastest."""

_Moved = tuple[int, Expected | None]
"""What is odd about a segment after all."""


def looked_again(judged: list[Observation]) -> list[Observation]:
    """The same, with each warning at the segment that stands out."""
    found = [*judged]
    for side in SIDES:
        own = [seen for seen in judged if seen.side == side and not seen.is_twin]
        theirs = [seen for seen in judged if seen.side != side and not seen.is_twin]
        moved = (
            *_sums(own),
            *_urgent(own),
            *_early(own, theirs),
            *_clocks(own, theirs),
            *_leap(own),
            *_slight(own, theirs),
            *_echoes(own, theirs),
            *_offer(own, theirs),
            *_permitted(own, theirs),
            *_windows(own, judged),
        )
        for index, oddity in moved:
            found[index] = replace(found[index], oddity=oddity)
    return found


def _sums(own: list[Observation]) -> Iterator[_Moved]:
    """Who fills in checksums, or a part of them, leaves none at zero.

    On a loopback Linux fills in those of some resets, and of all others a part.
    """
    empty = [seen for seen in own if seen.frame.checksum == _EMPTY]
    filled = any(seen.frame.checksum and seen.frame.checksum.told for seen in own)
    if filled and len(empty) == 1 and not empty[0].oddity:
        yield empty[0].index, wrong_sum(_EMPTY)


def _urgent(own: list[Observation]) -> Iterator[_Moved]:
    """An urgent pointer to what its sender never sent."""
    pointing = [seen for seen in own if seen.segment.urgent and not seen.oddity]
    if not pointing or not any(seen.segment.fin for seen in own):
        return
    last = reduce(later, (seen.segment.end for seen in own))
    for seen in pointing:
        segment = seen.segment
        if before(last, add(segment.seq, segment.urgent)):
            most = Sentence("at most {}", distance(segment.seq, last))
            yield seen.index, Expected(URGENT, segment.urgent, most, "RFC 9293 3.8.5")


def _early(own: list[Observation], theirs: list[Observation]) -> Iterator[_Moved]:
    """Text on a SYN, without a cookie, that the peer has not taken: allowed, and hardly anybody does it."""
    for seen in own:
        segment = seen.segment
        if not segment.syn or not segment.length or segment.options.fast_open is not None or seen.oddity:
            continue
        if not any(other.segment.has_ack and before(segment.text, other.segment.ack) for other in theirs):
            yield seen.index, Expected(Sentence("length"), segment.length, "0", "RFC 7413 2")


def _clock(seen: Observation) -> int:
    stamps = seen.segment.options.timestamps
    return stamps[0] if stamps else 0


def _echo(seen: Observation) -> int:
    stamps = seen.segment.options.timestamps
    return stamps[1] if stamps else 0


def _stamped(own: list[Observation]) -> list[Observation]:
    return [seen for seen in own if seen.segment.options.timestamps and not seen.segment.rst]


def _clocks(own: list[Observation], theirs: list[Observation]) -> Iterator[_Moved]:
    """A clock that goes back to where it was: it had jumped ahead in between."""
    stamped = _stamped(own)
    for number, back in enumerate(stamped[1:], 1):
        ahead = stamped[number - 1]
        if not back.oddity or back.oddity.field != STAMP:
            continue
        if number > 1:
            first, elapsed = _clock(stamped[number - 2]), ahead.time - stamped[number - 2].time
        else:
            first, elapsed = next((_echo(seen) for seen in _stamped(theirs) if seen.segment.has_ack), _clock(ahead)), 0
        # what was overtaken on its way is no further back than that
        jumped = distance(first, _clock(ahead)) > _FAR + 2 * elapsed // _TICK
        back_by = distance(first, _clock(back))
        if jumped and back_by >= 0:
            yield ahead.index, Expected(STAMP, _clock(ahead), Sentence("at most {}", _clock(back)), "RFC 7323 5.3")
            yield back.index, None
            # what echoes the clock as it was echoes nothing that was seen
            for seen in _stamped(theirs):
                if seen.oddity and seen.oddity.field == ECHO and distance(first, _echo(seen)) in range(back_by + 1):
                    yield seen.index, None


def _leap(own: list[Observation]) -> Iterator[_Moved]:
    """A clock that has leapt ahead in the last segment of its sender: none is so fast."""
    for before_it, last in pairwise(_stamped(own)[-2:]):
        most = _FAR + 2 * max(0, last.time - before_it.time) // _FASTEST
        leapt = distance(_clock(before_it), _clock(last)) > most
        if leapt and not (before_it.oddity or last.oddity or last.segment.syn):
            told = Sentence("at most {}", add(_clock(before_it), most))
            yield last.index, Expected(STAMP, _clock(last), told, "RFC 7323 5.4")


def _slight(own: list[Observation], theirs: list[Observation]) -> Iterator[_Moved]:
    """A clock that goes back a little, where the peer echoes what it goes back to and never what came before that."""
    stamped, answers = _stamped(own), [seen for seen in _stamped(theirs) if seen.segment.has_ack]
    for ahead, back in pairwise(stamped):
        if not back.oddity or back.oddity.field != STAMP or back.was_sent:
            continue
        now = _clock(ahead)
        again = next((o.index for o in stamped if o.index > back.index and at_or_before(now, _clock(o))), None)
        since = [seen for seen in answers if ahead.index < seen.index and (again is None or seen.index < again)]
        answered = any(
            _echo(seen) == _clock(back) and at_or_before(ahead.segment.end, seen.segment.ack) for seen in since
        )
        if answered and all(_echo(seen) != _clock(ahead) for seen in since):
            yield ahead.index, Expected(STAMP, _clock(ahead), Sentence("at most {}", _clock(back)), "RFC 7323 5.3")
            yield back.index, None
            # which was then no echo of what nobody had sent
            for seen in since:
                if seen.oddity and seen.oddity.field == ECHO and _echo(seen) == _clock(back):
                    yield seen.index, None


def _echoes(own: list[Observation], theirs: list[Observation]) -> Iterator[_Moved]:
    """An echo of what was never sent, though its sender's clock soon shows that: it should have been."""
    timed = [seen for seen in own if not seen.segment.rst]
    for echoing in _stamped(theirs):
        if not echoing.oddity or echoing.oddity.field != ECHO:
            continue
        echo = _echo(echoing)
        heard = next((seen for seen in reversed(timed) if seen.index < echoing.index), None)
        after = next((seen for seen in _stamped(own) if seen.index > echoing.index), None)
        if heard and not after and heard.oddity and heard.oddity.field in (STAMP, TIMESTAMPS):
            yield echoing.index, None  # what that should have been, nothing else tells
        elif heard and after and at_or_before(echo, _clock(after)):
            if not heard.segment.options.timestamps:
                yield echoing.index, None
            elif distance(_clock(heard), echo) > _FAR:
                yield heard.index, Expected(STAMP, _clock(heard), Sentence("at least {}", echo), "RFC 7323 5.3")
                yield echoing.index, None


def _offer(own: list[Observation], theirs: list[Observation]) -> Iterator[_Moved]:
    """A SYN without timestamps, though all that follows has them."""
    syn = next((seen for seen in own if seen.segment.syn), None)
    if syn is None or syn.segment.options.timestamps or syn.frame.cut or not (_stamped(own) and _stamped(theirs)):
        return
    if not syn.oddity:
        yield syn.index, Expected(TIMESTAMPS, NONE, ONE, STAMPS)
    for seen in (*own, *theirs):
        if seen.oddity and seen.oddity.field == TIMESTAMPS and seen.oddity.observed != NONE:
            yield seen.index, None


def _permitted(own: list[Observation], theirs: list[Observation]) -> Iterator[_Moved]:
    """A SYN without SACK-permitted, or without a scale, though both ends go on as if it had offered it."""
    syn = next((seen for seen in own if seen.segment.syn), None)
    answer = next((seen for seen in theirs if seen.segment.syn and seen.segment.has_ack), None)
    if syn is None or answer is None or answer.index < syn.index or syn.oddity or not answer.oddity:
        return
    ours = syn.segment.options
    told = [seen for seen in (*own, *theirs) if seen.segment.options.sack]
    lacks: Expected | None = None
    if answer.oddity.field == PERMITTED and not ours.sack_permitted and told:
        lacks = Expected(PERMITTED, Sentence("no"), Sentence("yes"), "RFC 2018 2")
    # who has offered so much in its SYN would hardly offer a hundredth of it at once
    offers = [seen.segment.window for seen in own if seen.segment.has_ack and not seen.segment.flags & (SYN | RST)]
    if (
        answer.oddity.field == SCALE
        and ours.window_scale is None
        and any(0 < o < syn.segment.window >> 5 for o in offers[:1])
    ):
        lacks = Expected(SCALE, NONE, Sentence("a scale"), "RFC 7323 2.2")
    if lacks:
        yield syn.index, lacks
        for seen in theirs:
            if seen.segment.syn and seen.oddity and seen.oddity.field == lacks.field:
                yield seen.index, None


def _windows(own: list[Observation], judged: list[Observation]) -> Iterator[_Moved]:
    """A window that alone went beyond what was offered before and since."""
    # a later SYN may be anybody's
    scales = {seen.side: seen.segment.options.window_scale for seen in reversed(judged) if seen.segment.syn}
    mine = [seen.segment.options.shift for seen in own if seen.segment.syn]
    scale = 0 if None in scales.values() or not mine else mine[0]
    offers = [seen for seen in own if (seen.segment.has_ack or seen.segment.syn) and not seen.segment.rst]
    start = next((seen.segment.ack for seen in offers if not seen.segment.syn), 0)

    def edge(seen: Observation) -> int:
        segment = seen.segment
        return add(start, segment.window) if segment.syn else add(segment.ack, segment.window << scale)

    warned = [seen for seen in offers if seen.oddity and seen.oddity.field == WINDOW]
    for number, small in enumerate(offers[2:], 2):
        if small not in warned or small.age:
            continue
        large, second, *_ = sorted(offers[:number], key=lambda o: distance(edge(small), edge(o)), reverse=True)
        # what a scale cannot express is no window
        if distance(edge(small), edge(second)) < 1 << scale <= distance(edge(small), edge(large)):
            most = max(0, distance(large.segment.ack, edge(small)) >> scale)
            yield large.index, Expected(WINDOW, large.segment.window, Sentence("at most {}", most), "RFC 9293 3.8.6")
            yield from (
                (o.index, None) for o in offers if o.index > large.index and o.oddity and o.oddity.field == WINDOW
            )
