"""The network between two hosts: delay, and the loss of segments that the scenario names.

Decides the fate of each segment as it is sent; holds no queue and no clock.
"""

from __future__ import annotations

from collections import Counter

from tcpviz.exchange.exchange import Side
from tcpviz.exchange.scenario import Network, SegmentName
from tcpviz.model.segment import Segment


def name_kinds(segment: Segment) -> tuple[str, ...]:
    """The kinds a segment counts as in a scenario's names; `ACK` is one that carries nothing else."""
    kinds = [word for word, has in (("SYN", segment.syn), ("FIN", segment.fin), ("RST", segment.rst)) if has]
    if segment.length:
        kinds.append("data")
    return tuple(kinds) or ("ACK",)


class Wire:
    """Counts segments as they are sent and says when, or whether, each arrives."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._seen: Counter[tuple[Side | None, str]] = Counter()
        self._unused = set(network.lose)

    def carry(self, origin: Side, segment: Segment, now: int) -> int | None:
        """The time of arrival; None when the segment is lost."""
        names = {self._count(None, "segment")} | {self._count(origin, kind) for kind in name_kinds(segment)}
        lost = names & set(self._network.lose)
        self._unused -= lost
        return None if lost else now + self._network.delay

    def _count(self, origin: Side | None, what: str) -> SegmentName:
        self._seen[origin, what] += 1
        return SegmentName(origin, what, self._seen[origin, what])  # type: ignore[arg-type]

    @property
    def never_sent(self) -> frozenset[SegmentName]:
        """Segments to be lost that did not occur."""
        return frozenset(self._unused)
