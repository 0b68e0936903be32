"""The connections of a long capture, each as soon as it has ended, so that nobody has to hold all of it.

Counts them as an Exchange does, and leaves all explaining to the matcher.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tcpviz.exchange.capture import Frame
from tcpviz.exchange.exchange import Connection, Side
from tcpviz.exchange.match import Matcher
from tcpviz.exchange.one_side import one_side

_EVERY = 10**9
"""Nanoseconds of the capture after which it is looked at again who has ended."""
_QUIET = 60 * 10**9


def connections(frames: Iterable[Frame], side: Side | None = None) -> Iterator[tuple[int, Connection]]:
    """Each connection with its number, in the order in which they end; `side` is the only end to be judged.

    UDP is left out.
    """
    matcher = Matcher()
    numbers: dict[int | None, int] = {}
    known = looked = 0
    for frame in frames:
        if frame.segment is None and matcher.epoch:
            continue
        tracker = matcher.feed(frame)
        if tracker and len(tracker.judged) == 1:
            known += 1
            numbers[frame.number] = known
        if frame.time - looked >= _EVERY:
            looked = frame.time
            yield from _numbered(_ended(matcher, frame.time), numbers, side)
    yield from _numbered(matcher.exchange("").connections, numbers, side)


def _numbered(
    ended: Iterable[Connection], numbers: dict[int | None, int], side: Side | None
) -> Iterator[tuple[int, Connection]]:
    """A connection is known by its first captured frame."""
    for connection in ended:
        first = next(sent.frame for sent in connection.segments if sent.frame is not None)
        yield numbers.pop(first), one_side(connection, side)


def _ended(matcher: Matcher, now: int) -> list[Connection]:
    """Those that will not change any more; the matcher forgets them."""
    over = [t for t in matcher._order if now - t.judged[-1].frame.time > _QUIET and t.over]
    matcher._order = [t for t in matcher._order if t not in over]
    matcher._trackers = {
        key: kept for key, trackers in matcher._trackers.items() if (kept := [t for t in trackers if t not in over])
    }
    return [t.connection(matcher.epoch) for t in over]
