"""What networkx says of the table."""

from __future__ import annotations

import pytest

from tcpviz.graph import edges, questions
from tcpviz.model.transitions import TABLE, State, Stimulus


def test_the_figure_is_planar() -> None:
    """So a drawing without a crossing exists; tests/draw shows that ours is one."""
    assert questions.planar()


def test_every_state_can_be_reached_and_left_for_closed() -> None:
    assert questions.reachable(State.CLOSED) == frozenset(State)
    for state in State:
        assert State.CLOSED in questions.reachable(state)


def test_the_figure_alone_reaches_everything_too() -> None:
    assert questions.reachable(State.CLOSED, [row for row in TABLE if row.figure]) == frozenset(State)


def test_shortest_way_to_time_wait() -> None:
    figure = [row for row in TABLE if row.figure]
    rows = questions.shortest(State.ESTABLISHED, State.TIME_WAIT, figure)
    assert rows is not None
    assert [row.stimulus for row in rows] == [Stimulus.CLOSE, Stimulus.RCV_FIN_ACK_OF_FIN]
    assert (
        questions.shortest(State.TIME_WAIT, State.LISTEN, [row for row in figure if row.source is not State.CLOSED])
        is None
    )


@pytest.mark.parametrize("figure_only", [True, False])
def test_the_network_holds_the_rows(figure_only: bool) -> None:
    rows = {data["row"] for _, _, data in questions.network(figure_only=figure_only).edges(data=True)}
    assert rows == {row for row in TABLE if row.figure or not figure_only}
    assert {row for edge in edges() for row in edge.rows} <= rows
