"""RFC 9293 Figures 6 to 13, exact to the standard's numbers and states.

A line shows both ends once its segment has arrived; the standard spreads a delayed segment over two.
"""

from __future__ import annotations

from wire import text

from tcpviz.exchange import library
from tcpviz.exchange.ladder import ladder
from tcpviz.exchange.simulate import simulate


def check(figure: int, expected: str) -> None:
    (connection,) = simulate(library.load(f"rfc9293-figure-{figure}")).connections
    assert ladder(connection, ascii_only=True, numbers="absolute") == text(expected)


def test_figure_6_basic_three_way_handshake() -> None:
    check(
        6,
        """
            client 10.0.0.1:50000                                     server 10.0.0.2:80
            CLOSED                                                          LISTEN
          1 SYN-SENT     -- SYN     seq=100 ------------------------ 0 s -> SYN-RECEIVED
          2 ESTABLISHED  <- SYN,ACK seq=300 ack=101 --------------- 10 ms - SYN-RECEIVED
          3 ESTABLISHED  -- ACK     seq=101 ack=301 -------------- 20 ms -> ESTABLISHED
          4 ESTABLISHED  -- PSH,ACK seq=101 ack=301 len=5 -------- 20 ms -> ESTABLISHED
          5 ESTABLISHED  <- ACK     seq=301 ack=106 --------------- 30 ms - ESTABLISHED
        """,
    )


def test_figure_7_simultaneous_connection_synchronization() -> None:
    check(
        7,
        """
            client 10.0.0.1:50000                                     server 10.0.0.2:80
            CLOSED                                                          CLOSED
          1 SYN-SENT     -- SYN     seq=100 ------------------------ 0 s -> SYN-RECEIVED
          2 SYN-RECEIVED <- SYN     seq=300 ------------------------- 0 s - SYN-SENT
          3 ESTABLISHED  <- SYN,ACK seq=300 ack=101 --------------- 50 ms - SYN-RECEIVED
          4 SYN-RECEIVED -- SYN,ACK seq=100 ack=301 -------------- 50 ms -> ESTABLISHED
        """,
    )


def test_figure_8_recovery_from_an_old_duplicate_syn() -> None:
    check(
        8,
        """
            client 10.0.0.1:50000                                     server 10.0.0.2:80
            CLOSED                                                          LISTEN
          1 SYN-SENT     -- SYN     seq=100 ------------------------ 0 s -> SYN-RECEIVED
          2 SYN-SENT     -- SYN     seq=90 injected --------------- 5 ms -> SYN-RECEIVED
          3 SYN-SENT     <- SYN,ACK seq=300 ack=91 ----------------- 5 ms - SYN-RECEIVED
          4 SYN-SENT     -- RST     seq=91 ----------------------- 15 ms -> LISTEN
          5 ESTABLISHED  <- SYN,ACK seq=400 ack=101 --------------- 35 ms - SYN-RECEIVED
          6 ESTABLISHED  -- ACK     seq=101 ack=401 -------------- 45 ms -> ESTABLISHED
        """,
    )


def test_figure_9_half_open_connection_discovery() -> None:
    check(
        9,
        """
            client 10.0.0.1:50000                                     server 10.0.0.2:80
            CLOSED                                                          ESTABLISHED
          1 SYN-SENT     -- SYN     seq=400 ------------------------ 0 s -> ESTABLISHED
          2 SYN-SENT     <- ACK     seq=300 ack=100 --------------- 10 ms - ESTABLISHED
          3 SYN-SENT     -- RST     seq=100 ---------------------- 20 ms -> CLOSED
          4 SYN-SENT     -- SYN     seq=400 again ------------------ 1 s -> CLOSED
          5 CLOSED       <- RST,ACK seq=0 ack=401 ---------------- 1.01 s - CLOSED
        """,
    )


def test_figure_10_active_side_causes_half_open_connection_discovery() -> None:
    check(
        10,
        """
            client 10.0.0.1:50000                                     server 10.0.0.2:80
            CLOSED                                                          ESTABLISHED
          1 CLOSED       <- PSH,ACK seq=300 ack=100 len=10 ---------- 0 s - ESTABLISHED
          2 CLOSED       -- RST     seq=100 ---------------------- 10 ms -> CLOSED
        """,
    )


def test_figure_11_old_duplicate_syn_initiates_a_reset_on_two_passive_sockets() -> None:
    check(
        11,
        """
            client 10.0.0.1:50000                                     server 10.0.0.2:80
            LISTEN                                                          LISTEN
          1 LISTEN       -- SYN     seq=200 injected --------------- 0 s -> SYN-RECEIVED
          2 LISTEN       <- SYN,ACK seq=600 ack=201 ----------------- 0 s - SYN-RECEIVED
          3 LISTEN       -- RST     seq=201 ---------------------- 10 ms -> LISTEN
        """,
    )


def test_figure_12_normal_close_sequence() -> None:
    check(
        12,
        """
            client 10.0.0.1:50000                                     server 10.0.0.2:80
            ESTABLISHED                                                     ESTABLISHED
          1 FIN-WAIT-1   -- FIN,ACK seq=100 ack=300 ---------------- 0 s -> CLOSE-WAIT
          2 FIN-WAIT-2   <- ACK     seq=300 ack=101 --------------- 10 ms - CLOSE-WAIT
          3 TIME-WAIT    <- FIN,ACK seq=300 ack=101 --------------- 10 ms - LAST-ACK
          4 TIME-WAIT    -- ACK     seq=101 ack=301 -------------- 20 ms -> CLOSED
            CLOSED                     Timeout=2MSL at 240 s                CLOSED
        """,
    )


def test_figure_13_simultaneous_close_sequence() -> None:
    check(
        13,
        """
            client 10.0.0.1:50000                                     server 10.0.0.2:80
            ESTABLISHED                                                     ESTABLISHED
          1 FIN-WAIT-1   -- FIN,ACK seq=100 ack=300 ---------------- 0 s -> CLOSING
          2 CLOSING      <- FIN,ACK seq=300 ack=100 ----------------- 0 s - FIN-WAIT-1
          3 TIME-WAIT    <- ACK     seq=301 ack=101 --------------- 50 ms - CLOSING
          4 CLOSING      -- ACK     seq=101 ack=301 -------------- 50 ms -> TIME-WAIT
            CLOSED                    Timeout=2MSL at 240.1 s               CLOSED
        """,
    )
