"""The drawn edges come from the table, all of them and nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tcpviz.graph import Edge, edges, walk
from tcpviz.model.transitions import TABLE, State, Stimulus, find
from tcpviz.value import replace


def edge(source: State, target: State, reset: bool = False) -> Edge:
    [found] = [e for e in edges() if (e.source, e.target, e.reset) == (source, target, reset)]
    return found


def test_every_row_of_the_figure_lies_on_one_edge() -> None:
    rows = [row for drawn in edges() for row in drawn.rows]
    assert len(rows) == len(set(rows))
    assert set(rows) == {row for row in TABLE if row.figure}


@pytest.mark.parametrize(
    ("source", "target", "lines", "figure"),
    [
        (State.LISTEN, State.SYN_RECEIVED, ("rcv SYN / snd SYN,ACK",), "Figure 5"),
        (State.SYN_RECEIVED, State.LISTEN, ("rcv RST",), "Note 1"),
        (State.FIN_WAIT_1, State.TIME_WAIT, ("rcv FIN, ACK of FIN / snd ACK",), "Note 2"),
        (State.TIME_WAIT, State.CLOSED, ("Timeout=2MSL",), "Figure 5"),
    ],
)
def test_labels_read_like_the_figure(source: State, target: State, lines: tuple[str, ...], figure: str) -> None:
    found = edge(source, target)
    assert (found.lines, found.figure) == (lines, figure)


def test_parallel_rows_are_one_edge_but_resets_stand_apart() -> None:
    assert edge(State.SYN_SENT, State.CLOSED).lines == ("CLOSE",)
    assert edge(State.SYN_SENT, State.CLOSED, reset=True).lines == ("rcv RST",)
    two = [row for row in TABLE if row.source is State.LISTEN and row.target is State.CLOSED][:2]
    [merged] = edges(replace(row, figure="Figure 5") for row in two)
    assert merged.lines == ("CLOSE", "ABORT")


def test_walk() -> None:
    opened = find(State.CLOSED, Stimulus.ACTIVE_OPEN)
    aborted = find(State.ESTABLISHED, Stimulus.ABORT)
    assert walk([None, opened, aborted], edges()) == (edge(State.CLOSED, State.SYN_SENT), None)


def test_edges_need_no_networkx() -> None:
    code = "import sys; from tcpviz import graph; graph.edges(); assert 'networkx' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
