"""The table itself, against the figure it comes from."""

from __future__ import annotations

import pytest

from tcpviz.model.transitions import TABLE, Reply, State, Stimulus, cite, find

FIGURE_5 = """
CLOSED -- passive OPEN --> LISTEN
CLOSED -- active OPEN / snd SYN --> SYN-SENT
LISTEN -- SEND / snd SYN --> SYN-SENT
LISTEN -- CLOSE / delete TCB --> CLOSED
LISTEN -- rcv SYN / snd SYN,ACK --> SYN-RECEIVED
SYN-SENT -- CLOSE / delete TCB --> CLOSED
SYN-SENT -- rcv SYN,ACK / snd ACK --> ESTABLISHED
SYN-SENT -- rcv SYN / snd SYN,ACK --> SYN-RECEIVED
SYN-RECEIVED -- CLOSE / snd FIN --> FIN-WAIT-1
SYN-RECEIVED -- rcv ACK of SYN --> ESTABLISHED
ESTABLISHED -- CLOSE / snd FIN --> FIN-WAIT-1
ESTABLISHED -- rcv FIN / snd ACK --> CLOSE-WAIT
FIN-WAIT-1 -- rcv ACK of FIN --> FIN-WAIT-2
FIN-WAIT-1 -- rcv FIN / snd ACK --> CLOSING
FIN-WAIT-2 -- rcv FIN / snd ACK --> TIME-WAIT
CLOSE-WAIT -- CLOSE / snd FIN --> LAST-ACK
CLOSING -- rcv ACK of FIN --> TIME-WAIT
LAST-ACK -- rcv ACK of FIN / delete TCB --> CLOSED
TIME-WAIT -- Timeout=2MSL / delete TCB --> CLOSED
"""


def test_figure_5_is_in_the_table_arrow_by_arrow() -> None:
    ours = {str(row) for row in TABLE if row.figure == "Figure 5"}
    assert ours == set(FIGURE_5.strip().splitlines())


def test_note_1_a_reset_in_syn_received_depends_on_how_it_was_opened() -> None:
    passive = find(State.SYN_RECEIVED, Stimulus.RCV_RST_PASSIVE)
    active = find(State.SYN_RECEIVED, Stimulus.RCV_RST_ACTIVE)
    assert passive
    assert active
    assert (passive.target, active.target) == (State.LISTEN, State.CLOSED)


def test_note_2_fin_with_ack_of_our_fin_goes_straight_to_time_wait() -> None:
    row = find(State.FIN_WAIT_1, Stimulus.RCV_FIN_ACK_OF_FIN)
    assert row
    assert (row.target, row.reply) == (State.TIME_WAIT, Reply.SND_ACK)


@pytest.mark.parametrize("state", [s for s in State if s not in (State.CLOSED, State.LISTEN)])
def test_note_3_a_reset_ends_every_state(state: State) -> None:
    resets = (Stimulus.RCV_RST, Stimulus.RCV_RST_ACTIVE, Stimulus.RCV_RST_PASSIVE)
    rows = [row for stimulus in resets if (row := find(state, stimulus))]
    assert rows
    assert all(row.target in (State.CLOSED, State.LISTEN) for row in rows)


def test_every_state_is_reached_and_left() -> None:
    moves = [row for row in TABLE if row.source is not row.target]
    assert {row.target for row in moves} == set(State) == {row.source for row in moves}


def test_every_row_says_where_the_rfc_says_so() -> None:
    assert all(row.section.startswith(("3.", "RFC ", "tcp(7) ")) for row in TABLE)
    assert all(row.section.startswith("3.10.") for row in TABLE if row.figure)


def test_a_bare_section_is_one_of_rfc_9293() -> None:
    assert cite("3.10.4") == "RFC 9293 3.10.4"
    assert cite("RFC 5681 4.2") == "RFC 5681 4.2"
