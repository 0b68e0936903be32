"""The table as a networkx graph, and the questions that only a graph can answer. networkx's home."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import networkx

from tcpviz.model.transitions import TABLE, Row, State


def network(table: Iterable[Row] = TABLE, *, figure_only: bool = False) -> networkx.MultiDiGraph:
    """States as nodes, rows as edges, keyed by stimulus; each carries its `row`."""
    graph = networkx.MultiDiGraph()
    graph.add_nodes_from(State)
    for row in table:
        if row.figure or not figure_only:
            graph.add_edge(row.source, row.target, key=row.stimulus, row=row)
    return graph


def reachable(start: State, table: Iterable[Row] = TABLE) -> frozenset[State]:
    """The states that rows lead to from `start`, itself included."""
    return frozenset(networkx.descendants(network(table), start) | {start})


def shortest(start: State, goal: State, table: Iterable[Row] = TABLE) -> tuple[Row, ...] | None:
    """The fewest rows from `start` to `goal`; None where there is no way."""
    graph = network(table)
    try:
        states = networkx.shortest_path(graph, start, goal)
    except networkx.NetworkXNoPath:
        return None
    pairs = pairwise(states)
    return tuple(next(iter(graph.get_edge_data(*pair).values()))["row"] for pair in pairs)


def planar(table: Iterable[Row] = TABLE) -> bool:
    """Whether the figure's rows can be drawn without a crossing."""
    return bool(networkx.is_planar(networkx.Graph(network(table, figure_only=True))))
