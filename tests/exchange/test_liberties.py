"""What a stack may do with what a scripted peer sends, beside what RFC 9293 has it do; the server is the stack.

Beside each stands a neighbour that no stack sends: a liberty excuses one thing, not whatever comes with it.
"""

from __future__ import annotations

import pytest
from wire import blamed, only, peer, stack

from tcpviz.model.segment import ACK, FIN, PSH, SYN

OPEN = (peer(SYN, 0), stack(SYN | ACK, 0, 1, window=6000), peer(ACK, 1, 1))
TOO_MUCH = peer(PSH | ACK, 1, 1, 9000)


@pytest.mark.parametrize(("taken", "wrong"), [(9001, False), (9002, True)])
def test_what_there_was_no_room_for_is_taken_when_it_comes_again(taken: int, wrong: bool) -> None:
    refused = stack(ACK, 1, 1, window=6000)
    story = (*OPEN, TOO_MUCH, refused, TOO_MUCH, stack(ACK, 1, taken, window=0))
    assert blamed(*story, side="server") == [7] * wrong


def test_a_window_that_is_taken_back_takes_no_text_that_was_sent_for_it() -> None:
    sent = (peer(ACK, 1, 1, 2000), stack(ACK, 1, 2001, window=4000), peer(PSH | ACK, 2001, 1, 1000))
    assert [(s.frame, s.verdict) for s in only(*OPEN, *sent, stack(ACK, 1, 2001, window=0)).segments[6:]] == [
        (7, "warning")
    ]
    # where nothing is taken back nothing is excused
    assert blamed(*OPEN, *sent, stack(ACK, 1, 2000, window=0)) == [7]
    assert blamed(*OPEN, *sent, stack(ACK, 1, 2001, window=3999)) == [7]


@pytest.mark.parametrize("seq", [2, 3, 40_000])
@pytest.mark.parametrize(("answer", "wrong"), [((2, 2), []), ((2, 3), [8]), ((3, 2), [8])])
def test_time_wait_may_challenge_a_syn_though_it_could_open_anew(
    seq: int, answer: tuple[int, int], wrong: list[int]
) -> None:
    over = (*OPEN, stack(FIN | ACK, 1, 1), peer(FIN | ACK, 1, 2), stack(ACK, 2, 2))
    # with another window than before it is no copy
    assert blamed(*over, peer(SYN, seq), stack(ACK, *answer, window=9), side="server") == wrong
