"""The network between two machines: delay, loss, duplication and reordering, of named segments or at random.

Decides the fate of each segment as it is sent; holds no queue and no clock.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import NamedTuple

from tcpviz.exchange.exchange import Fate, Side
from tcpviz.exchange.scenario import MILLISECOND, Network, SegmentName
from tcpviz.model.segment import Segment

_BEHIND = 5 * MILLISECOND
"""So much later than the first does a copy arrive: no capture takes the answers for one and the same."""


class Passage(NamedTuple):
    """What becomes of a segment: when it arrives (None: never), and, if the network copies it, when the copy does."""

    fate: Fate
    arrival: int | None
    copy: int | None = None
    overtaken: bool = False
    """It arrives only after the sender's next segment has."""


def name_kinds(segment: Segment) -> tuple[str, ...]:
    """The kinds a segment counts as in a scenario's names; `ACK` is one that carries nothing else."""
    kinds = [word for word, has in (("SYN", segment.syn), ("FIN", segment.fin), ("RST", segment.rst)) if has]
    if segment.length:
        kinds.append("data")
    return tuple(kinds) or ("ACK",)


class Wire:
    """Counts segments as they are sent and says what becomes of each."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._seen: Counter[tuple[Side | None, str]] = Counter()
        self._hold = dict(network.hold)
        self._unused = {*network.lose, *network.lose_unseen, *network.duplicate, *network.reorder, *self._hold}
        self._random = random.Random(network.seed)

    def carry(self, origin: Side, segment: Segment, now: int) -> tuple[Passage, frozenset[SegmentName]]:
        """The passage of a segment sent now, and the names it goes by."""
        kinds = [(origin, kind) for kind in name_kinds(segment)]
        names = frozenset().union(*(self._count(*kind) for kind in [(None, "segment"), *kinds]))
        self._unused -= names
        network = self._network
        arrival = now + network.one_way(origin) + sum(self._hold.get(name, 0) for name in names)
        if names & set(network.lose_unseen):
            return Passage("unseen", None), names
        if names & set(network.lose) or self._random.random() < network.loss:
            return Passage("lost", None), names
        if names & set(network.duplicate):
            return Passage("duplicated", arrival, copy=arrival + _BEHIND), names
        if names & set(network.reorder):
            return Passage("reordered", arrival, overtaken=True), names
        return Passage("delivered", arrival), names

    def _count(self, origin: Side | None, what: str) -> set[SegmentName]:
        """The names of one more segment of a kind: its number, and that of all."""
        self._seen[origin, what] += 1
        return {SegmentName(origin, what, count) for count in (self._seen[origin, what], 0)}  # type: ignore[arg-type]

    @property
    def never_sent(self) -> frozenset[SegmentName]:
        """Segments whose fate was settled, but which never were."""
        return frozenset(self._unused)
