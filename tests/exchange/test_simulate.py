"""Scenarios in, ladders out."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire import normal, played, text

from tcpviz.errors import InputError
from tcpviz.exchange import library
from tcpviz.exchange.exchange import Connection
from tcpviz.exchange.ladder import ladder
from tcpviz.exchange.simulate import simulate
from tcpviz.model.sequence import at_or_before
from tcpviz.value import replace


def check(connection: Connection, expected: str, **style: object) -> None:
    assert ladder(connection, ascii_only=True, **style) == text(expected)


def states(connection: Connection, side: str) -> list[str]:
    return [str(change.state) for change in getattr(connection, side).states]


def test_the_normal_connection() -> None:
    check(
        normal(),
        """
            client 10.0.0.1:50000                                     server 10.0.0.2:80
            CLOSED                                                          LISTEN
          1 SYN-SENT     -- SYN     seq=x -------------------------- 0 s -> SYN-RECEIVED
          2 ESTABLISHED  <- SYN,ACK seq=y ack=x+1 ----------------- 10 ms - SYN-RECEIVED
          3 ESTABLISHED  -- ACK     seq=x+1 ack=y+1 -------------- 20 ms -> ESTABLISHED
          4 ESTABLISHED  -- PSH,ACK seq=x+1 ack=y+1 len=5 -------- 20 ms -> ESTABLISHED
          5 ESTABLISHED  <- ACK     seq=y+1 ack=x+6 --------------- 30 ms - ESTABLISHED
          6 ESTABLISHED  <- PSH,ACK seq=y+1 ack=x+6 len=3 --------- 30 ms - ESTABLISHED
          7 ESTABLISHED  -- ACK     seq=x+6 ack=y+4 -------------- 40 ms -> ESTABLISHED
          8 FIN-WAIT-1   -- FIN,ACK seq=x+6 ack=y+4 -------------- 40 ms -> CLOSE-WAIT
          9 FIN-WAIT-2   <- ACK     seq=y+4 ack=x+7 --------------- 50 ms - CLOSE-WAIT
         10 TIME-WAIT    <- FIN,ACK seq=y+4 ack=x+7 -------------- 150 ms - LAST-ACK
         11 TIME-WAIT    -- ACK     seq=x+7 ack=y+5 ------------- 160 ms -> CLOSED
            CLOSED                    Timeout=2MSL at 240.2 s               CLOSED
        """,
        numbers="symbolic",
    )


def test_the_server_closes_first() -> None:
    connection = played(["connect", "recv end", "close"], ["listen", "accept", "close"])
    check(
        connection,
        """
            client 10.0.0.1:50000                                     server 10.0.0.2:80
            CLOSED                                                          LISTEN
          1 SYN-SENT     -- SYN     seq=0 -------------------------- 0 s -> SYN-RECEIVED
          2 ESTABLISHED  <- SYN,ACK seq=0 ack=1 ------------------- 10 ms - SYN-RECEIVED
          3 ESTABLISHED  -- ACK     seq=1 ack=1 ------------------ 20 ms -> ESTABLISHED
          4 CLOSE-WAIT   <- FIN,ACK seq=1 ack=1 ------------------- 30 ms - FIN-WAIT-1
          5 CLOSE-WAIT   -- ACK     seq=1 ack=2 ------------------ 40 ms -> FIN-WAIT-2
          6 LAST-ACK     -- FIN,ACK seq=1 ack=2 ------------------ 40 ms -> TIME-WAIT
          7 CLOSED       <- ACK     seq=2 ack=2 ------------------- 50 ms - TIME-WAIT
            CLOSED                    Timeout=2MSL at 240.1 s               CLOSED
        """,
    )
    assert connection.outcome == "closed"


def test_both_close_at_once() -> None:
    connection = played(["connect", "at 100 ms", "close"], ["listen", "accept", "at 100 ms", "close"])
    assert states(connection, "client")[2:] == ["ESTABLISHED", "FIN-WAIT-1", "CLOSING", "TIME-WAIT", "CLOSED"]
    assert states(connection, "server")[2:] == ["ESTABLISHED", "FIN-WAIT-1", "CLOSING", "TIME-WAIT", "CLOSED"]
    assert connection.outcome == "closed"


def test_a_lost_syn_is_sent_again_after_one_second() -> None:
    check(
        played(["connect", "close"], ["listen", "accept", "recv end", "close"], ["client SYN 1"]),
        """
            client 10.0.0.1:50000                                     server 10.0.0.2:80
            CLOSED                                                          LISTEN
          1 SYN-SENT     -- SYN     seq=0 ---------------------- 0 s -X     LISTEN
          2 SYN-SENT     -- SYN     seq=0 again -------------------- 1 s -> SYN-RECEIVED
          3 ESTABLISHED  <- SYN,ACK seq=0 ack=1 ------------------ 1.01 s - SYN-RECEIVED
          4 ESTABLISHED  -- ACK     seq=1 ack=1 ----------------- 1.02 s -> ESTABLISHED
          5 FIN-WAIT-1   -- FIN,ACK seq=1 ack=1 ----------------- 1.02 s -> CLOSE-WAIT
          6 FIN-WAIT-2   <- ACK     seq=1 ack=2 ------------------ 1.03 s - CLOSE-WAIT
          7 TIME-WAIT    <- FIN,ACK seq=1 ack=2 ------------------ 1.03 s - LAST-ACK
          8 TIME-WAIT    -- ACK     seq=2 ack=2 ----------------- 1.04 s -> CLOSED
            CLOSED                     Timeout=2MSL at 241 s                CLOSED
        """,
    )


def test_the_last_ack_lost_lets_time_wait_answer_the_fin_again() -> None:
    connection = played(["connect", "close"], ["listen", "accept", "recv end", "close"], ["client ACK 2"])
    check(
        connection,
        """
            client 10.0.0.1:50000                                     server 10.0.0.2:80
            CLOSED                                                          LISTEN
          1 SYN-SENT     -- SYN     seq=0 -------------------------- 0 s -> SYN-RECEIVED
          2 ESTABLISHED  <- SYN,ACK seq=0 ack=1 ------------------- 10 ms - SYN-RECEIVED
          3 ESTABLISHED  -- ACK     seq=1 ack=1 ------------------ 20 ms -> ESTABLISHED
          4 FIN-WAIT-1   -- FIN,ACK seq=1 ack=1 ------------------ 20 ms -> CLOSE-WAIT
          5 FIN-WAIT-2   <- ACK     seq=1 ack=2 ------------------- 30 ms - CLOSE-WAIT
          6 TIME-WAIT    <- FIN,ACK seq=1 ack=2 ------------------- 30 ms - LAST-ACK
          7 TIME-WAIT    -- ACK     seq=2 ack=2 -------------- 40 ms -X     LAST-ACK
          8 TIME-WAIT    <- FIN,ACK seq=1 ack=2 again ------------ 1.03 s - LAST-ACK
          9 TIME-WAIT    -- ACK     seq=2 ack=2 ----------------- 1.04 s -> CLOSED
            CLOSED                     Timeout=2MSL at 241 s                CLOSED
        """,
    )


def test_nobody_listens() -> None:
    connection = played(["connect"], [])
    check(
        connection,
        """
            client 10.0.0.1:50000                                     server 10.0.0.2:80
            CLOSED                                                          CLOSED
          1 SYN-SENT     -- SYN     seq=0 -------------------------- 0 s -> CLOSED
          2 CLOSED       <- RST,ACK seq=1 ack=1 ------------------- 10 ms - CLOSED
        """,
    )
    assert connection.outcome == "refused"
    assert [(str(call), call.result) for call in connection.client.calls] == [("connect", "connection refused")]


def test_abort_resets_the_peer() -> None:
    connection = played(["connect", "send 5", "abort"], ["listen", "accept", "recv 9", "send 1"])
    assert states(connection, "client")[-2:] == ["ESTABLISHED", "CLOSED"]
    assert states(connection, "server")[-2:] == ["ESTABLISHED", "CLOSED"]
    assert connection.outcome == "reset"
    assert [(call.name, call.result) for call in connection.server.calls][-1] == ("recv", "connection reset")


def test_closing_with_unread_data_resets() -> None:
    connection = played(["connect", "send 5", "recv end"], ["listen", "accept", "wait 1 s", "close"])
    assert connection.outcome == "reset"
    assert connection.segments[-1].segment.rst


def test_half_close_leaves_the_other_direction_open() -> None:
    connection = played(
        ["connect", "shutdown", "recv end", "close"], ["listen", "accept", "recv end", "send 3000", "close"]
    )
    assert "FIN-WAIT-2" in states(connection, "client")
    assert sum(s.segment.length for s in connection.segments if s.origin == "server") == 3000
    assert connection.outcome == "closed"


def test_everything_lost_ends_with_the_user_timeout() -> None:
    connection = played(["connect"], ["listen"], [f"client SYN {n}" for n in range(1, 11)])
    assert connection.outcome == "timeout"
    assert states(connection, "client") == ["CLOSED", "SYN-SENT", "CLOSED"]
    assert connection.client.calls[0].result == "connection aborted due to user timeout"


def test_losing_what_is_never_sent_is_an_error() -> None:
    with pytest.raises(InputError, match="server RST 1 was never sent"):
        played(["connect"], ["listen"], ["server RST 1"])


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_a_constant_added_to_both_isns_changes_nothing_else(client: int, server: int) -> None:
    plan = library.load("normal")
    moved = replace(plan, client=replace(plan.client, isn=client), server=replace(plan.server, isn=server))
    for numbers in ("symbolic", "relative"):
        assert ladder(simulate(moved).connections[0], numbers=numbers) == ladder(normal(), numbers=numbers)


@given(st.sets(st.integers(1, 20), max_size=5))
@settings(max_examples=150, deadline=None)
def test_any_few_losses_are_repaired(lost: set[int]) -> None:
    """The octets arrive once and in order, and both ends end CLOSED."""
    client = ["connect", "send 9000", "recv end", "close"]
    server = ["listen", "accept", "recv 9000", "send 9000", "close"]
    connection = played(client, server, [f"segment {n}" for n in sorted(lost)])
    assert states(connection, "client")[-1] == states(connection, "server")[-1] == "CLOSED"
    assert connection.outcome == "closed"
    for side in ("client", "server"):
        mine = [s.segment for s in connection.segments if s.origin == side and s.segment.has_ack]
        assert all(at_or_before(a.ack, b.ack) for a, b in pairwise(mine))
    assert [str(call) for call in connection.server.calls][-3:] == ["recv 9000", "send 9000", "close"]
    assert connection.client.calls[-2].result == "b''"
