"""The connections of a long capture, each as soon as it has ended, so that nobody has to hold all of it.

Counts them as an Exchange does, and leaves all explaining to the matcher.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tcpviz.exchange.capture import Frame, in_time
from tcpviz.exchange.exchange import Connection, Side
from tcpviz.exchange.match import Matcher

_EVERY = 10**9
"""Nanoseconds of the capture after which it is looked at again who has ended."""


def connections(frames: Iterable[Frame], side: Side | None = None) -> Iterator[tuple[int, Connection]]:
    """Each connection with its number, in the order in which they end; `side` is the only end to be judged.

    UDP is left out.
    """
    matcher = Matcher(side)
    numbers: dict[int | None, int] = {}
    known = looked = 0
    for frame, now in in_time(frames):
        if frame.segment is None and frame.undelivered is None and matcher.epoch:
            continue
        tracker = matcher.feed(frame)
        if tracker and tracker.judged[0].frame.number not in numbers:
            known += 1
            numbers[tracker.judged[0].frame.number] = known
        if now - looked >= _EVERY:
            looked = now
            yield from _numbered(matcher.ended(now), numbers)
    yield from _numbered(matcher.exchange("").connections, numbers)


def _numbered(ended: Iterable[Connection], numbers: dict[int | None, int]) -> Iterator[tuple[int, Connection]]:
    """A connection is known by its first captured frame."""
    for connection in ended:
        first = next(sent.frame for sent in connection.segments if sent.frame is not None)
        yield numbers.pop(first), connection
