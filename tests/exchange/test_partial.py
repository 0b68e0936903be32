"""Captures that lack one end altogether, or the beginning: what must have been there explains the rest."""

from __future__ import annotations

from wire import blamed, peer

from tcpviz.model.segment import ACK, FIN, PSH, RST, SYN

OPENED = (peer(SYN, 0), peer(ACK, 1, 1), peer(PSH | ACK, 1, 1, 5))


def test_of_one_end_alone_resets_answer_what_the_other_sent_meanwhile() -> None:
    """After an abort, and after a close() that text crossed."""
    assert blamed(*OPENED, peer(RST | ACK, 6, 1), peer(RST, 6)) == []
    assert blamed(*OPENED, peer(FIN | ACK, 6, 1), peer(RST, 6)) == []
    # the number is the one that the other end had come to
    assert blamed(*OPENED, peer(RST | ACK, 6, 1), peer(RST, 600)) == [5]
