"""What kernels were seen to do, with the states and the calls that were theirs."""

from __future__ import annotations

from wire import Said, only, peer, stack

from tcpviz.exchange.document import canonical_calls
from tcpviz.exchange.exchange import Side
from tcpviz.model.segment import ACK, FIN, PSH, RST, SYN

OPEN = (peer(SYN, 0), stack(SYN | ACK, 0, 1), peer(ACK, 1, 1))


def states(side: Side, *story: Said) -> list[str]:
    return [str(change.state) for change in only(*story).party(side).states]


# Resets


def test_text_for_an_end_that_has_closed_is_answered_with_a_reset_and_nobody_has_called_abort() -> None:
    story = (
        *OPEN,
        peer(FIN | ACK, 1, 1),
        stack(PSH | ACK, 1, 2, 5),
        stack(FIN | PSH | ACK, 6, 2, 5),
        peer(RST, 2),
        peer(RST, 2),
    )
    assert canonical_calls(only(*story), "client") == ["connect", "close"]
    assert states("client", *story)[-3:] == ["FIN-WAIT-1", "FIN-WAIT-2", "CLOSED"]


def test_who_resets_had_accepted_the_connection_where_its_handshake_was_complete() -> None:
    """Both abort at once: the reset that is on its way is not taken, what came before it is."""
    story = (*OPEN, peer(RST | ACK, 1, 1), stack(RST | ACK, 1, 1))
    assert states("server", *story) == ["LISTEN", "SYN-RECEIVED", "ESTABLISHED", "CLOSED"]
