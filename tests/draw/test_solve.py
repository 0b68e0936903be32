"""The longest path over difference constraints."""

from __future__ import annotations

from tcpviz.draw.solve import earliest


def test_each_node_lies_as_high_as_it_may() -> None:
    assert earliest((0, 1, 2, 3), [(0, 1, 10), (0, 2, 5), (1, 3, 2), (2, 3, 20)]) == [0, 10, 5, 25]


def test_the_order_decides_where_two_wishes_contradict() -> None:
    assert earliest((1, 0), [(0, 1, 10), (1, 0, 3)]) == [3, 0]


def test_nothing_to_do() -> None:
    assert earliest((), []) == []
