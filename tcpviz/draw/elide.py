"""Which segments a picture keeps when not all of them fit, and what it says about the others.

The first and the last few stay, what opens and closes the connection, and every anomaly as long as there is room.
Knows no coordinates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, islice, zip_longest

from tcpviz.draw.words import Words
from tcpviz.exchange.exchange import Side, Transmission
from tcpviz.model.commands import Kind
from tcpviz.value import Value

Ends = tuple[int, int]
"""How many segments at the beginning and at the end come before any anomaly."""
ENDS: tuple[Ends, ...] = ((3, 2), (3, 1), (2, 1), (1, 1))
"""A handshake, and how it ended; fewer, if anomalies find no room beside them."""
_SOON = 50
"""How many segments later an answer is looked for."""
_TURN, _ODD, _REST = 3, 5, 6
"""The rank of a SYN or FIN; up to which rank there is something to see; what only helps to understand that."""
_ASKING = ("keep-alive", "window-probe", "probe-answer")
"""Of these, one tells what those after it tell."""

Run = tuple[int, int]
"""The first and the last segment of a row: the same one for an arrow."""


def by_importance(segments: Sequence[Transmission], most: int, ends: Ends = ENDS[0]) -> list[int]:
    """Up to `most` indices, the most important first."""
    first, end = ends
    last = len(segments) - 1
    outer = chain(range(min(first, last + 1)), range(last, max(last - end, -1), -1))
    inwards = (i for pair in zip_longest(range(first, last + 1), range(last - end, -1, -1)) for i in pair)
    wanted = chain(outer, (index for _, index in _ranked(segments)), (i for i in inwards if i is not None))
    return list(islice(_unique(wanted), most))


def landmarks(segments: Sequence[Transmission]) -> list[int]:
    """What a story is about: where the connection begins and ends, its SYNs, FINs and resets, and blame, challenges,
    losses, overtaking and what follows, closed windows."""
    return [index for rank, index in _ranked(segments) if rank <= _ODD]


def _ranked(segments: Sequence[Transmission]) -> list[tuple[int, int]]:
    """(rank, index) of all that stand out, the most important first."""
    return sorted((rank, index) for index, sent in enumerate(segments) if (rank := _rank(segments, index, sent)))


def _unique(indices: Iterable[int]) -> Iterator[int]:
    seen: set[int] = set()
    for index in indices:
        if index not in seen:
            seen.add(index)
            yield index


def _rank(segments: Sequence[Transmission], index: int, sent: Transmission) -> int:
    """How much a segment stands out, 1 the most; 0 when it is like all others."""
    if sent.verdict == "violation":
        return 1
    if sent.segment.rst or sent.verdict == "warning" or sent.kind in ("injected", "challenge"):
        return 2
    if sent.segment.syn or sent.segment.fin:
        return _TURN
    if sent.kind in _ASKING and _says_the_same(segments, index):
        return _REST
    # a loss and its retransmission rank alike: they are told together
    if sent.fate != "delivered" or sent.kind != "new":
        return 5 if sent.kind == "window-update" and sent.segment.window and not _follows_closed(segments, index) else 4
    if _closes_window(sent) or overtakes(segments, index):
        return 4
    if index and segments[index - 1].kind == "injected" and segments[index - 1].origin != sent.origin:
        # how it was taken
        return 4
    return _REST if _fills_window(segments, index, sent) else 0


def _says_the_same(segments: Sequence[Transmission], index: int) -> bool:
    """As the last one of its kind, a little before."""
    sent = segments[index]
    before = (s for s in reversed(segments[max(0, index - _SOON) : index]) if (s.origin, s.kind) == _whose(sent))
    last = next(before, None)
    return last is not None and last.segment.window == sent.segment.window and last.segment.ack == sent.segment.ack


def _whose(sent: Transmission) -> tuple[Side, Kind]:
    return sent.origin, sent.kind


def _closes_window(sent: Transmission) -> bool:
    return sent.segment.window == 0 and sent.segment.has_ack and not sent.segment.rst


def overtakes(segments: Sequence[Transmission], index: int) -> bool:
    """What was sent next after a segment that the network held back, which shows only beside this one."""
    before = segments[index - 1] if index else None
    return before is not None and before.fate == "reordered" and before.origin == segments[index].origin


def _fills_window(segments: Sequence[Transmission], index: int, sent: Transmission) -> bool:
    """New data whose acknowledgement closes the window: without it nobody sees why."""
    if not sent.segment.length or sent.kind != "new":
        return False
    answers = (s for s in segments[index + 1 : index + _SOON] if s.origin != sent.origin and s.segment.has_ack)
    return any(_closes_window(s) and s.kind == "new" and s.segment.ack == sent.segment.end for s in answers)


def _follows_closed(segments: Sequence[Transmission], index: int) -> bool:
    """A window that is opened after it was closed is the end of that story; others open all the time."""
    origin = segments[index].origin
    before = next((s for s in reversed(segments[max(0, index - _SOON) : index]) if s.origin == origin), None)
    return before is not None and _closes_window(before)


def runs(kept: Iterable[int], count: int) -> list[Run]:
    """The rows of a picture of `count` segments, as (first, last): kept ones alone, and the runs between them.

    A single segment between two kept ones is shown: a note would take as much room.
    """
    rows: list[Run] = []
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


class Totals(Value):
    """Running sums over a connection's segments, so that any run of them is summed up at once."""

    octets: tuple[int, ...]
    again: tuple[int, ...]
    lost: tuple[int, ...]
    violations: tuple[int, ...]

    def summaries(self, first: int, last: int, words: Words) -> tuple[str, ...]:
        """What a torn edge can say, `… 6 522 segments, 6.3 MB, 2 retransmissions …` or less, the longest first."""

        def over(sums: tuple[int, ...]) -> int:
            return sums[last + 1] - sums[first]

        facts = [_count(last + 1 - first, words.segment, words.segments)]
        if octets := over(self.octets):
            facts.append(octets_text(octets, words))
        for number, one, many in (
            (over(self.again), words.retransmission, words.retransmissions),
            (over(self.lost), words.lost_ones, words.lost_ones),
            (over(self.violations), words.violation, words.violations),
        ):
            if number:
                facts.append(_count(number, one, many))
        return tuple(f"… {words.comma.join(facts[:count])} …" for count in range(len(facts), 0, -1))


def totals(segments: Sequence[Transmission]) -> Totals:
    return Totals(
        tuple(accumulate((s.segment.length for s in segments), initial=0)),
        tuple(accumulate((s.kind == "retransmission" for s in segments), initial=0)),
        tuple(accumulate((s.fate in ("lost", "unseen") for s in segments), initial=0)),
        tuple(accumulate((s.verdict == "violation" for s in segments), initial=0)),
    )


def _count(number: int, one: str, many: str) -> str:
    # a no-break space groups thousands, as a comma or a point would mean different things to different readers
    return (one if number == 1 else many).format(f"{number:,}".replace(",", "\u00a0"))


def octets_text(octets: int, words: Words) -> str:
    """`5 bytes`, `6.3 MB`: two figures or three, decimal units."""
    for size, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if octets >= size:
            value = octets / size
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return _count(octets, words.byte, words.bytes)
