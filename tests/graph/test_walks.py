"""The way of each end through the table, and how often rows fired."""

from __future__ import annotations

from itertools import pairwise

from tcpviz.exchange import library
from tcpviz.exchange.exchange import Connection
from tcpviz.exchange.simulate import simulate
from tcpviz.graph import coverage, steps, walks
from tcpviz.model.transitions import State, Stimulus, find


def played(name: str) -> Connection:
    return simulate(library.load(name)).connections[0]


def test_a_way_leads_from_row_to_row() -> None:
    for way in walks(played("normal")).values():
        rows = [row for row in way if row]
        assert rows[0].source is rows[-1].target is State.CLOSED
        assert all(row.target is after.source for row, after in pairwise(rows))


def test_a_crash_is_a_step_by_no_row() -> None:
    way = walks(played("crash-client-opens"))["client"]
    assert way[2] is None
    assert [row.stimulus for row in way[:2] if row] == [Stimulus.ACTIVE_OPEN, Stimulus.RCV_SYN_ACK]


def test_steps_lead_to_the_whole_way() -> None:
    connection = played("normal")
    found = steps(connection)
    assert found[-1] == walks(connection)
    sizes = [sum(map(len, ways.values())) for ways in found]
    assert sizes == list(range(1, len(found) + 1)), "one step at a time"


def test_coverage_counts_each_row_once_for_each_time_it_fired() -> None:
    counted = coverage([played("normal")] * 3)
    for state, stimulus in ((State.CLOSED, Stimulus.ACTIVE_OPEN), (State.ESTABLISHED, Stimulus.RCV_FIN)):
        row = find(state, stimulus)
        assert row is not None
        assert counted[row] == 3
    assert find(State.SYN_SENT, Stimulus.RCV_SYN) not in counted
