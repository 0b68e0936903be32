"""Earliest positions under difference constraints: one forward longest-path pass over the nodes in order.

Knows nothing of what the nodes are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Constraint = tuple[int, int, float]
"""(before, after, gap): position[after] >= position[before] + gap."""


def earliest(order: Sequence[int], constraints: Iterable[Constraint]) -> list[float]:
    """The least position of every node, all at least 0.

    A constraint against `order` is dropped: what happened first is above, even where that costs a wish.
    """
    rank = {node: at for at, node in enumerate(order)}
    after: list[list[tuple[int, float]]] = [[] for _ in order]
    for first, second, gap in constraints:
        if rank[first] < rank[second]:
            after[first].append((second, gap))
    positions = [0.0] * len(order)
    for node in order:
        for second, gap in after[node]:
            positions[second] = max(positions[second], positions[node] + gap)
    return positions
