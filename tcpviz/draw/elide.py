"""Which segments a picture keeps when not all of them fit, and what it says about the others.

The first and the last few stay, and every anomaly as long as there is room. Knows no coordinates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, zip_longest

from tcpviz.draw.words import Words
from tcpviz.exchange.exchange import Transmission

_FIRST, _LAST = 3, 4
"""A handshake and a four-way close: what stays before any anomaly does."""
_KINDS = ("new", "window-update", "challenge")


def by_importance(segments: Sequence[Transmission], most: int) -> list[int]:
    """Up to `most` indices, the most important first."""
    last = len(segments) - 1
    ends = chain(range(min(_FIRST, last + 1)), range(last, max(last - _LAST, -1), -1))
    anomalies = [(rank, index) for index, sent in enumerate(segments) if (rank := _rank(sent)) is not None]
    inwards = (i for pair in zip_longest(range(_FIRST, last + 1), range(last - _LAST, -1, -1)) for i in pair)
    wanted = chain(ends, (index for _, index in sorted(anomalies)), (i for i in inwards if i is not None))
    return list(islice(_unique(wanted), most))


def _unique(indices: Iterable[int]) -> Iterator[int]:
    seen: set[int] = set()
    for index in indices:
        if index not in seen:
            seen.add(index)
            yield index


def _rank(sent: Transmission) -> int | None:
    """How much a segment stands out; None when it is like all others."""
    if sent.verdict == "violation":
        return 0
    if sent.segment.rst or sent.verdict == "warning":
        return 1
    # a loss and its retransmission rank alike: they are told together
    return 2 if sent.fate != "delivered" or sent.kind not in _KINDS else None


def runs(kept: Iterable[int], count: int) -> list[tuple[int, int]]:
    """The rows of a picture of `count` segments, as (first, last): kept ones alone, and the runs between them.

    A single segment between two kept ones is shown: a note would take as much room.
    """
    rows: list[tuple[int, int]] = []
    after = 0
    for index in [*sorted(kept), count]:
        if index - after == 1:
            rows.append((after, after))
        elif index > after:
            rows.append((after, index - 1))
        if index < count:
            rows.append((index, index))
        after = index + 1
    return rows


def summary(elided: Sequence[Transmission], words: Words) -> str:
    """What a torn edge says, such as `… 6 522 segments, 6.3 MB, 2 retransmissions …`."""
    facts = [_count(len(elided), words.segment, words.segments)]
    octets = sum(sent.segment.length for sent in elided)
    if octets:
        facts.append(octets_text(octets))
    again = sum(sent.kind == "retransmission" for sent in elided)
    if again:
        facts.append(_count(again, words.retransmission, words.retransmissions))
    lost = sum(sent.fate == "lost" for sent in elided)
    if lost:
        facts.append(_count(lost, words.lost_ones, words.lost_ones))
    violations = sum(sent.verdict == "violation" for sent in elided)
    if violations:
        facts.append(_count(violations, words.violation, words.violations))
    return f"… {words.comma.join(facts)} …"


def _count(number: int, one: str, many: str) -> str:
    # a no-break space groups thousands, as a comma or a point would mean different things to different readers
    return f"{number:,} {one if number == 1 else many}".replace(",", "\u00a0")


def octets_text(octets: int) -> str:
    """`5 bytes`, `6.3 MB`: two figures or three, decimal units."""
    for size, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if octets >= size:
            value = octets / size
            return (
                f"{value:.0f} {unit}"
                if value >= 100
                else f"{value:.3g} {unit}"
                if value >= 10
                else f"{value:.1f} {unit}"
            )
    return f"{octets} byte{'' if octets == 1 else 's'}"
