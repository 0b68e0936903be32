"""Captures that lack one end altogether, or the beginning: what must have been there explains the rest."""

from __future__ import annotations

import pytest
from wire import ISS, PEER, STACK, Said, blamed, captured, only, peer, stack

from tcpviz.exchange.document import line_document
from tcpviz.exchange.exchange import Side, other
from tcpviz.exchange.ladder import ladder
from tcpviz.exchange.match import match
from tcpviz.model.segment import ACK, CWR, ECE, FIN, PSH, RST, SYN, Options

OPENED = (peer(SYN, 0), peer(ACK, 1, 1), peer(PSH | ACK, 1, 1, 5))


def test_of_one_end_alone_resets_answer_what_the_other_sent_meanwhile() -> None:
    """After an abort, and after a close() that text crossed."""
    assert blamed(*OPENED, peer(RST | ACK, 6, 1), peer(RST, 6)) == []
    assert blamed(*OPENED, peer(FIN | ACK, 6, 1), peer(RST, 6)) == []
    # the number is the one that the other end had come to
    assert blamed(*OPENED, peer(RST | ACK, 6, 1), peer(RST, 600)) == [5]


def test_a_syn_ack_alone_is_a_half_open_connection() -> None:
    """It came again only if it is there twice; without its ACK it is half-open either way, and then a timeout."""
    assert only(stack(SYN | ACK, 0, 1)).outcome == "half-open"
    assert only(stack(SYN | ACK, 0, 1), stack(SYN | ACK, 0, 1)).outcome == "timeout"
    assert only(peer(SYN, 0), stack(SYN | ACK, 0, 1)).outcome == "half-open"


# A capture that begins in the middle: what is repeated had been on its way


def test_text_that_was_on_its_way_when_the_capture_began_may_come_again() -> None:
    later = (peer(PSH | ACK, 1001, 1, 500), stack(ACK, 1, 501))
    again = peer(ACK, 501, 1, 500)
    assert blamed(*later, again, stack(ACK, 1, 1501)) == []
    # also where it was captured that it had come: that may be lost
    told = (peer(PSH | ACK, 1001, 1, 500), stack(ACK, 1, 1501))
    assert blamed(*told, again) == []
    # nor is what has been told taken back
    assert blamed(*later, again, stack(ACK, 1, 500)) == [4]


@pytest.mark.parametrize("ack", [401, 1001])
def test_text_behind_it_may_have_been_there(ack: int) -> None:
    assert blamed(peer(ACK, 1001, 1, 500), stack(ACK, 1, 1), peer(ACK, 1, 1, 400), stack(ACK, 1, ack)) == []


@pytest.mark.parametrize(("seq", "wrong"), [(0, []), (-1, [3])])
def test_so_may_a_fin(seq: int, wrong: list[int]) -> None:
    """The peer's third segment is the FIN that its first two have followed."""
    closing = (stack(FIN | ACK, 1, 1), stack(FIN | ACK, 1, 1), peer(FIN | ACK, seq, 1), stack(ACK, 2, 1))
    assert blamed(*closing) == wrong


@pytest.mark.parametrize(("seq", "ack", "wrong"), [(0, 1, []), (1, 1, [2]), (0, 2, [2])])
def test_so_may_a_syn_ack(seq: int, ack: int, wrong: list[int]) -> None:
    assert blamed(peer(PSH | ACK, 1, 1, 10), stack(SYN | ACK, seq, ack), peer(ACK, 11, 1)) == wrong


@pytest.mark.parametrize("base", [2**30, 2**31 + 2**30])
def test_a_reset_that_comes_first_says_nothing_of_what_its_peer_counts(base: int) -> None:
    assert blamed(peer(RST, 1), stack(PSH | ACK, base, 1, 500), peer(RST, 1, base)._replace(seq=1)) == []


def test_how_a_window_is_scaled_only_the_syn_tells_not_its_answer() -> None:
    scaled = Options(mss=1000, window_scale=1)
    story = (
        stack(SYN | ACK, 0, 1)._replace(options=scaled),
        peer(ACK, 1, 1, window=10),
        stack(PSH | ACK, 1, 1, 500),
    )
    assert blamed(*story) == []


def test_text_comes_again_where_what_acknowledged_it_was_lost() -> None:
    """The probe has arrived, and was answered, but is not in the window: its ACK is not taken."""
    opened = (peer(SYN, 0), stack(SYN | ACK, 0, 1), peer(ACK, 1, 1), peer(PSH | ACK, 1, 1, 5), stack(ACK, 1, 6))
    heard = (stack(PSH | ACK, 1, 6, 20), peer(ACK, 6, 21), peer(ACK, 5, 21), stack(ACK, 21, 6))
    assert blamed(*opened, *heard, stack(PSH | ACK, 1, 6, 20)) == []
    # where text that told of it has been acknowledged, it was not lost
    told = (stack(PSH | ACK, 1, 6, 20), peer(PSH | ACK, 6, 21, 5), stack(ACK, 21, 11))
    assert blamed(*opened, *told, stack(PSH | ACK, 1, 11, 20)) == [9]


def test_a_blame_always_says_what_is_wrong() -> None:
    """Flags that no verdict hangs on (ECN's, URG, PSH) are no difference."""
    asked = (stack(PSH | ACK, 1, 1, 1), peer(SYN | ECE | CWR, 0), stack(ACK, 2, 1))
    assert blamed(*asked, peer(ACK, 2, 2), peer(ACK, 2, 2), peer(RST | ACK, 2, 2)) == [2]


def test_a_fin_that_comes_again_may_acknowledge_less_than_its_peer_goes_on_from() -> None:
    closing = stack(FIN | ACK, 0, -19)
    assert blamed(peer(ACK, 1, 1), closing, closing, peer(RST, -19)) == []


# What was lost before the place of capture


def test_a_syn_is_challenged_by_who_has_answered_it_unseen() -> None:
    """The SYN,ACK of a crossing open was lost, and the SYN comes again."""
    asked, challenge = peer(SYN, 0), stack(ACK, 1, 1)
    assert blamed(asked, asked, challenge, asked, challenge) == []
    assert blamed(asked, asked, challenge, asked, stack(ACK, 3, 1)) == [5]


def test_text_may_lack_behind_a_syn_that_came_again() -> None:
    """That SYN was not answered, so it has not come, or its answer has been lost as well."""
    asked = (peer(SYN, 0), peer(SYN, 0), peer(SYN, 0), stack(SYN | ACK, 0, 1), peer(ACK, 1, 1))
    text = (peer(PSH | ACK, 1, 1, 10), stack(PSH | ACK, 1025, 11, 1024))
    assert blamed(*asked, *text, peer(ACK, 11, 1)) == []


@pytest.mark.parametrize(("seq", "wrong"), [(1 + (300 << 2), []), (1 + 1100, [6])])
def test_an_ack_at_the_edge_of_a_window_tells_how_that_is_scaled(seq: int, wrong: list[int]) -> None:
    """More had been sent when the window was taken back; how its numbers are shifted no captured SYN says."""
    text = (peer(ACK, 1, 1, 1000), peer(PSH | ACK, 1001, 1, 1000))
    refused = (stack(ACK, 1, 1, window=300), stack(PSH | ACK, 1, 1, 9, window=300))
    assert blamed(*text, *refused, peer(ACK, seq, 10)) == [5] * bool(wrong)


# The same addresses again at once, and a part of the second handshake was not captured

OPEN = (peer(SYN, 0), stack(SYN | ACK, 0, 1), peer(ACK, 1, 1))
CLOSED = (stack(FIN | ACK, 1, 1), peer(ACK, 1, 2), peer(FIN | ACK, 1, 2), stack(ACK, 2, 2))
AGAIN = (peer(SYN, 70_000), stack(SYN | ACK, 80_000, 70_001), peer(ACK, 70_001, 80_001))
TALK = (peer(PSH | ACK, 70_001, 80_001, 5), stack(ACK, 80_001, 70_006), stack(FIN | ACK, 80_001, 70_006))
LAST = (peer(ACK, 70_006, 80_002), peer(FIN | ACK, 70_006, 80_002), stack(ACK, 80_002, 70_007))


@pytest.mark.parametrize("kept", [(0, 1, 2), (1, 2), (2,), (), (0, 2), (0,)])
def test_a_second_connection_is_told_apart_whatever_is_missing_of_its_handshake(kept: tuple[int, ...]) -> None:
    story = (*OPEN, *CLOSED, *(AGAIN[n] for n in kept), *TALK, *LAST)
    first, second = match(captured(*story)).connections
    assert (first.conforms, first.outcome, len(first.segments)) == (True, "closed", 7)
    assert (second.conforms, second.outcome, second.saw_start) == (True, "closed", 0 in kept)


@pytest.mark.parametrize("side", ["client", "server"])
@pytest.mark.parametrize("kept", [(0, 1, 2), (1, 2), (2,), ()])
def test_so_it_is_where_one_end_is_judged_alone(kept: tuple[int, ...], side: Side) -> None:
    """Nobody knows how the other stands. What would have to be missing between two segments is not assumed."""
    first, second = match(captured(*OPEN, *CLOSED, *(AGAIN[n] for n in kept), *TALK, *LAST), side).connections
    assert (first.conforms, len(first.segments)) == (True, 7)
    assert (second.conforms, second.saw_start) == (True, 0 in kept)


@pytest.mark.parametrize(("side", "seq"), [("client", 90_001), ("server", 90_002)])
def test_the_judged_end_is_told_of_by_its_name_in_each_connection(side: Side, seq: int) -> None:
    """The server of the first calls connect() in the second; its last ACK is wrong where it is judged."""
    back = (stack(SYN, 90_000), peer(SYN | ACK, 70_000, 90_001), stack(ACK, 90_001, 70_001))
    told = (peer(PSH | ACK, 70_001, 90_001, 5), stack(ACK, seq, 70_006))
    first, second = match(captured(*OPEN, *CLOSED, *back, *told), side).connections
    assert (first.judged, second.judged) == ((side,), (other(side),))
    assert line_document("x.pcap", 2, second)["judged"] == [other(side)]
    lines = ladder(second, verdicts=True).splitlines()
    if side == "client":
        assert lines[1].split() == ["LISTEN"]
        assert [line[3:16].split() for line in lines[2:]] == [[], ["✓"], [], ["✓"], []]
    else:
        assert lines[1].split() == ["CLOSED"]
        assert [line[3] for line in lines[2:7]] == ["✓", " ", "✓", " ", "✗"]


def test_a_number_near_the_first_ones_is_no_second_connection() -> None:
    (connection,) = match(captured(*OPEN, *CLOSED, stack(SYN | ACK, 5, 3))).connections
    assert not connection.conforms


@pytest.mark.parametrize("seq", [1, 2553])
def test_one_end_alone_was_there_before_the_capture_too(seq: int) -> None:
    """Its own text was on its way, and what had been sent to it arrives only now."""
    story = (peer(PSH | ACK, 1, 1, 1), stack(ACK, seq, 2), peer(PSH | ACK, 2, seq, 9), stack(PSH | ACK, seq, 11, 50))
    assert blamed(*story, peer(PSH | ACK, 11, seq + 50, 5), stack(ACK, seq + 50, 16), side="server") == []
    assert blamed(*story, peer(PSH | ACK, 11, seq + 50, 5), stack(ACK, seq, 16), side="server") == [6]
    assert blamed(peer(PSH | ACK, 1001, 1, 9), stack(ACK, seq, 501), side="server") == []


def test_the_reset_of_who_had_not_taken_all_may_be_the_first_that_was_captured_of_it() -> None:
    text = [peer(ACK, 1001 + 1000 * n, 1, 1000) for n in range(3)]
    assert blamed(*text, stack(RST | ACK, 1, 501), stack(RST, 1), stack(RST, 1)) == []
    assert blamed(*text, stack(ACK, 1, 2001), stack(RST | ACK, 1, 501), stack(RST, 1)) == [5]


# One end judged, in a capture that begins in the middle

JUDGED = {
    "text that comes again": (peer(ACK, 1, 1), stack(ACK, 1, 1, 500), stack(ACK, 5001, 1, 500), stack(ACK, 5501, 1)),
    "text beyond a gap": (peer(PSH | ACK, 1001, 1, 500), stack(ACK, 1, 1)),
    "what fills it": (peer(PSH | ACK, 1001, 1, 500), stack(ACK, 1, 501), peer(ACK, 501, 1, 500), stack(ACK, 1, 1501)),
    "an old FIN": (peer(FIN | ACK, 0, 1), stack(ACK, 1, 1)),
    "a SYN in the window": (peer(SYN, 5000), stack(ACK, 1, 1)),
    "one that is an error": (peer(SYN, 1), stack(RST | ACK, 1, 1, window=0)),
    "a reset in the window": (peer(RST, 5000), stack(ACK, 1, 1)),
}


@pytest.mark.parametrize("story", JUDGED.values(), ids=JUDGED)
def test_nobody_knows_where_the_judged_end_stood_when_the_capture_began(story: tuple[Said, ...]) -> None:
    side: Side = "server" if story[0].by == PEER else "client"
    assert blamed(*story, side=side) == []
    # what it does from then on has to fit
    (*before, last) = story
    assert blamed(*story, last._replace(seq=last.seq + 1, window=9), side=side) == [len(before) + 2]


@pytest.mark.parametrize(("seq", "wrong"), [(1, []), (-ISS[STACK], [2])])
def test_a_reset_that_has_a_number_knows_of_a_connection(seq: int, wrong: list[int]) -> None:
    """Who knows of none resets a SYN with the number 0, and acknowledges it."""
    assert blamed(peer(SYN, 5), stack(RST | ACK, seq, 5, window=0)) == wrong


def test_text_that_comes_late_is_of_no_other_connection() -> None:
    sent = [
        said
        for n in range(0, 80_000, 40_000)
        for said in (peer(ACK, 1 + n, 1 + n, 40_000), stack(ACK, 1 + n, 40_001 + n, 40_000))
    ]
    done = (peer(RST | ACK, 80_001, 80_001), peer(ACK, 1, 1, 40_000))
    assert len(match(captured(*OPEN, *sent, *done)).connections) == 1
