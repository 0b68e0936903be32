"""What a stack may do with what a scripted peer sends, beside what RFC 9293 has it do; the server is the stack.

Beside each stands a neighbour that no stack sends: a liberty excuses one thing, not whatever comes with it.
"""

from __future__ import annotations

import pytest
from wire import ISS, PEER, STACK, Said, blamed, only, peer, stack

from tcpviz.exchange.dialect import habits
from tcpviz.model.segment import ACK, FIN, PSH, RST, SYN, Options
from tcpviz.model.transitions import State

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
    # where nothing is taken back nothing is excused, unless the first text came twice
    assert blamed(*OPEN, *sent, stack(ACK, 1, 2000, window=0)) == [7]
    assert blamed(*OPEN, *sent, stack(ACK, 1, 2001, window=3999), side="server") == [7]


@pytest.mark.parametrize("seq", [2, 3, 40_000])
@pytest.mark.parametrize(("answer", "wrong"), [((2, 2), []), ((2, 3), [8]), ((3, 2), [8])])
def test_time_wait_may_challenge_a_syn_though_it_could_open_anew(
    seq: int, answer: tuple[int, int], wrong: list[int]
) -> None:
    over = (*OPEN, stack(FIN | ACK, 1, 1), peer(FIN | ACK, 1, 2), stack(ACK, 2, 2))
    # with another window than before it is no copy
    assert blamed(*over, peer(SYN, seq), stack(ACK, *answer, window=9), side="server") == wrong


def _stamped(said: Said, stamps: tuple[int, int]) -> Said:
    return said._replace(options=Options(mss=1000, timestamps=stamps))


@pytest.mark.parametrize("echo", [101, 9999])
def test_a_syn_ack_with_the_echo_of_another_connection_may_be_reset_and_the_handshake_goes_on(echo: int) -> None:
    asked = (
        _stamped(stack(SYN, 0), (100, 0)),
        _stamped(peer(SYN | ACK, 0, 1), (700, echo)),
        stack(RST, 1, window=0),
        _stamped(peer(SYN | ACK, 0, 1), (800, 100)),
        _stamped(stack(ACK, 1, 1), (110, 800)),
    )
    connection = only(*asked)
    assert [(sent.frame, sent.verdict) for sent in connection.segments if sent.verdict != "ok"] == [(2, "warning")]
    assert list(habits(connection, "client").dialects) == ["linux"]
    # who resets what echoes its own timestamp is done, so who goes on has not sent that
    own = _stamped(peer(SYN | ACK, 0, 1), (700, 100))
    assert blamed(asked[0], own, *asked[2:], side="client") == [3]


def test_the_first_ack_may_tell_of_text_that_is_not_all_there() -> None:
    cookie = Options(mss=1000, sack_permitted=True, fast_open=b"12345678")
    story = (
        Said(PEER, SYN, 0, length=10, options=cookie),
        Said(STACK, SYN | ACK, 0, 11, options=Options(mss=1000, sack_permitted=True)),
        Said(STACK, PSH | ACK, 1, 11, length=3000),
    )
    for end, wrong in ((3001, []), (4001, [4])):
        block = (ISS[STACK] + 1001, ISS[STACK] + end)
        assert blamed(*story, Said(PEER, ACK, 11, 1, options=Options(sack=(block,)))) == wrong


@pytest.mark.parametrize(("heard", "pause", "wrong"), [(1, 10, []), (2, 10, [5]), (2, 100, [])])
def test_a_fin_that_its_own_ack_overtook_is_known_by_what_it_acknowledges(
    heard: int, pause: int, wrong: list[int]
) -> None:
    """Or else it was lost before the place of capture and is sent again, which takes its time."""
    story = (*OPEN, stack(FIN | ACK, 1, 1), peer(ACK, 2, 2), peer(FIN | ACK, 1, heard), stack(ACK, 2, 2))
    assert blamed(*story, pause=pause) == wrong


# What belongs to no connection: lwIP acknowledges it, libslirp answers resets, too

OVER = (*OPEN, peer(FIN | ACK, 1, 1), stack(FIN | ACK, 1, 2), peer(ACK, 2, 2), peer(FIN | ACK, 1, 1))
LONG = (*OPEN, peer(PSH | ACK, 1, 1, 5), peer(FIN | ACK, 6, 1))
OLD = (*LONG, stack(FIN | ACK, 1, 7), peer(ACK, 7, 2), peer(PSH | ACK, 1, 1, 5))
RESET = (*OPEN, peer(PSH | ACK, 1, 1, 5), peer(RST | ACK, 6, 1), stack(ACK, 1, 6), peer(RST, 6))


@pytest.mark.parametrize(
    ("story", "answer", "deviation"),
    [
        (OVER, stack(RST, 1), None),
        (OVER, stack(RST | ACK, 1, 2), "reset-acknowledges"),
        (OLD, stack(RST | ACK, 1, 6), "reset-acknowledges"),
        (RESET, stack(RST | ACK, -ISS[STACK], 6), "reset-answered"),
    ],
)
def test_a_reset_for_what_belongs_to_no_connection(
    story: tuple[Said, ...], answer: Said, deviation: str | None
) -> None:
    found = only(*story, answer)
    assert found.conforms, found.violations
    assert deviation in [None, *(habit.label for habit in habits(found, "server").seen)]
    assert found.party("server").states[-1].state is State.CLOSED


@pytest.mark.parametrize(
    "answer", [stack(RST, 3), stack(RST | ACK, 1, 0), stack(RST | ACK, 1, 3), stack(RST | ACK, 5, 2)]
)
def test_whose_numbers_are_those_of_the_segment_that_it_answers(answer: Said) -> None:
    assert blamed(*OVER, answer) == [8]


@pytest.mark.parametrize(("flags", "wrong"), [(RST, []), (RST | ACK, [8])])
def test_nor_does_an_end_acknowledge_that_has_only_given_up(flags: int, wrong: list[int]) -> None:
    """Its FIN has gone out twice: that it is closed, and a stack with this habit, would both be assumed."""
    closing = (stack(FIN | ACK, 1, 1), peer(ACK, 1, 2), stack(FIN | ACK, 1, 1))
    assert blamed(*OPEN, *closing, peer(FIN | ACK, 1, 2), stack(flags, 2, 2 if flags & ACK else None)) == wrong


@pytest.mark.parametrize("answer", [stack(RST | ACK, -ISS[STACK], 7), stack(RST | ACK, 2, 6)])
def test_also_where_that_is_a_reset(answer: Said) -> None:
    assert blamed(*RESET, answer) == [8]


def test_who_keeps_only_a_cookie_answers_each_syn_with_a_number_of_its_own() -> None:
    asked = peer(SYN, 0)
    first, second = stack(SYN | ACK, 0, 1), stack(SYN | ACK, 7000, 1)
    assert blamed(asked, first, asked, second, peer(ACK, 1, 7001), stack(PSH | ACK, 7001, 1, 10)) == []
    # for the same SYN there is one number, and the one that both go on with is right
    assert blamed(asked, first, second, peer(ACK, 1, 7001), stack(PSH | ACK, 7001, 1, 10)) == [2]
    assert blamed(asked, first, asked, second, peer(ACK, 1, 1), stack(PSH | ACK, 1, 1, 10)) == [4]


@pytest.mark.parametrize(("length", "wrong"), [(0, []), (50, []), (51, [3])])
def test_text_on_a_syn_or_a_syn_ack_may_go_again_with_it(length: int, wrong: list[int]) -> None:
    cookie = Options(mss=1000, fast_open=b"12345678")
    asked = peer(SYN, 0, length=50)._replace(options=cookie)
    answer = stack(SYN | ACK, 0, 51, 50)
    assert blamed(asked, answer, answer._replace(length=length, window=9), side="server") == wrong
    asked = stack(SYN, 0, length=50)._replace(options=cookie)
    again = asked._replace(length=length, window=9)
    assert blamed(asked, peer(RST, 9), again, peer(SYN | ACK, 0, 51), stack(ACK, 51, 1), side="client") == wrong


def test_an_ack_at_the_very_edge_of_a_window_that_is_full_lets_text_go_out() -> None:
    """The first text was lost behind the place of capture, and what follows it fills the window."""
    narrow = [said._replace(window=1000) for said in (peer(ACK, 1, 1), peer(ACK, 1, 1, 1000), peer(ACK, 1001, 1, 5000))]
    full = (*OPEN[:2], *narrow, stack(PSH | ACK, 1, 1, 1000))
    told, more = peer(ACK, 6001, 1001, window=1000), stack(PSH | ACK, 1001, 1, 1000)
    assert not blamed(*full, told, more, side="server")
    assert blamed(*full, more, side="server") == [7]


@pytest.mark.parametrize(
    ("length", "taken", "wrong"),
    [(6000, 3001, []), (6000, 5, []), (6000, 4, [5]), (6000, 5998, [5]), (6000, 6003, [5]), (1400, 701, [5])],
)
def test_who_passes_text_on_may_acknowledge_a_part_of_much(length: int, taken: int, wrong: list[int]) -> None:
    """Whatever its MSS: pasta reads 64 KiB at once, and acknowledges what the socket behind it has taken."""
    opened = tuple(said._replace(options=Options(mss=9000)) for said in OPEN[:2])
    assert blamed(*opened, OPEN[2], peer(PSH | ACK, 1, 1, length), stack(ACK, 1, taken, window=6000)) == wrong


# One end is judged, whatever the other does


@pytest.mark.parametrize(("ack", "seq", "wrong"), [(7, 1, [5]), (7, 0, [5]), (7, -7000, [])])
def test_the_same_end_is_judged_when_the_other_opens_anew(ack: int, seq: int, wrong: list[int]) -> None:
    """The stack had called connect(); a SYN from its peer seems to find it closed, which resets with the number 0."""
    opened = (stack(SYN, 0), peer(SYN | ACK, 0, 1), stack(ACK, 1, 1))
    refusal = stack(RST | ACK, seq, ack, window=0)
    assert blamed(*opened, peer(SYN, 6), refusal, side="client") == wrong


@pytest.mark.parametrize(("flags", "ack"), [(SYN | ACK, 1), (SYN, None)])
def test_a_syn_without_ack_answers_none_unless_both_had_called_connect(flags: int, ack: int | None) -> None:
    answer = stack(flags, 0, ack)
    closed = (peer(FIN | ACK, 1, 1), stack(ACK, 1, 2), stack(FIN | ACK, 1, 2), peer(ACK, 2, 2))
    assert blamed(peer(SYN, 0), answer, peer(ACK, 1, 1), *closed, side="server") == [2] * (flags == SYN)
    # which their SYN,ACKs prove
    both = (stack(SYN, 0), stack(SYN | ACK, 0, 1), peer(SYN | ACK, 0, 1))
    assert blamed(peer(SYN, 0), *both, *closed, side="server") == []


@pytest.mark.parametrize(("again", "part", "wrong"), [(True, 2001, []), (False, 2001, [9]), (True, 3001, [9])])
def test_who_sends_again_what_was_lost_may_answer_the_ack_of_a_part(again: bool, part: int, wrong: list[int]) -> None:
    """FreeBSD does, with nothing else to send: where nothing was sent again, or nothing is left, nobody does."""
    sent = [stack(ACK, 1 + 1000 * n, 1, 1000) for n in range(3)]
    repeated = sent[0] if again else peer(ACK, 1, 1)
    answer = stack(ACK, 3001, 1, window=6000)
    assert blamed(*OPEN, *sent, repeated, peer(ACK, 1, part), answer, side="server") == wrong


def test_an_ack_of_all_that_was_there_when_text_went_again_is_answered_by_nobody() -> None:
    sent = [stack(ACK, 1 + 1000 * n, 1, 1000) for n in range(3)]
    recovered = (*OPEN, *sent, sent[0], peer(ACK, 1, 2001), stack(ACK, 3001, 1), peer(ACK, 1, 3001))
    more = (stack(ACK, 3001, 1, 1000), stack(ACK, 4001, 1))
    assert blamed(*recovered, *more, side="server") == [12]
