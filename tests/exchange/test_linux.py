"""What Linux was captured doing, each cut down to the segments that matter; beside each a neighbour that is wrong."""

from __future__ import annotations

from functools import partial

import pytest
from wire import ISS, PEER, STACK, Said, blamed, captured, only, peer, stack

from tcpviz.exchange.capture import Capture
from tcpviz.exchange.document import canonical_calls
from tcpviz.exchange.exchange import SIDES
from tcpviz.exchange.match import match
from tcpviz.model.segment import ACK, FIN, PSH, RST, SYN, Options
from tcpviz.value import replace

OPEN = (peer(SYN, 0), stack(SYN | ACK, 0, 1), peer(ACK, 1, 1))


@pytest.mark.parametrize(("text", "wrong"), [(5, []), (0, [8])])
@pytest.mark.parametrize("flags", [RST, RST | ACK])
def test_close_resets_after_shutdown_too_where_text_is_unread(text: int, wrong: list[int], flags: int) -> None:
    """In LAST-ACK: shutdown() has sent the FIN, close() then leaves unread what had come."""
    heard = (peer(PSH | ACK, 1, 1, 5), stack(ACK, 1, 6)) if text else (peer(ACK, 0, 1), stack(ACK, 1, 1))
    closing = (peer(FIN | ACK, 1 + text, 1), stack(FIN | ACK, 1, 2 + text))
    reset = stack(flags, 2, 2 + text if flags & ACK else None)
    assert blamed(*OPEN, *heard, *closing, reset) == wrong


# Multipath TCP: the window is one for all subflows, and its options leave room for one block of SACK


def _multipath(*, agreed: bool) -> tuple[Said, ...]:
    options = Options(mss=1000, sack_permitted=True, multipath=agreed)
    syn, answer, *others = OPEN
    return (syn._replace(options=options), answer._replace(options=options, window=1500), *others)


@pytest.mark.parametrize("agreed", [True, False])
def test_a_subflow_may_carry_more_than_its_window(agreed: bool) -> None:
    sent = (peer(ACK, 1, 1, 1000), peer(PSH | ACK, 1001, 1, 1000), stack(ACK, 1, 2001, window=0))
    connection = only(*_multipath(agreed=agreed), *sent)
    assert connection.conforms
    # without it, an ACK that offers more must have been there
    assert [s.origin for s in connection.segments if s.kind == "inferred"] == ["server"] * (not agreed)


@pytest.mark.parametrize("agreed", [True, False])
def test_who_holds_two_pieces_tells_of_one(agreed: bool) -> None:
    pieces = [peer(ACK, 1001 + 2000 * n, 1, 1000) for n in range(2)]
    told = [Options(sack=((ISS[PEER] + n, ISS[PEER] + n + 1000),)) for n in (1001, 3001)]
    answers = [stack(ACK, 1, 1)._replace(options=blocks) for blocks in told]
    story = [said for pair in zip(pieces, answers, strict=True) for said in pair]
    wide = [said._replace(window=65535) if said.window == 1500 else said for said in _multipath(agreed=agreed)]
    assert blamed(*wide, *story) == [7] * (not agreed)


@pytest.mark.parametrize("after", [ACK, FIN | ACK, PSH | ACK])
def test_a_reset_after_which_its_sender_goes_on_is_somebody_elses(after: int) -> None:
    """A packet filter resets in the name of an end that knows nothing of it."""
    heard = (peer(PSH | ACK, 1, 1, 5), stack(RST, 1), peer(PSH | ACK, 1, 1, 5))
    story = (*OPEN, *heard, stack(after, 1, 6, 7 * bool(after & PSH)), peer(RST | ACK, 6, 1))
    assert blamed(*story) == [5]


@pytest.mark.parametrize(("ack", "wrong"), [(5001, []), (5002, [7])])
def test_a_socket_that_connects_to_itself_again_opens_anew(ack: int, wrong: list[int]) -> None:
    """From TIME-WAIT nobody else could have sent the SYN."""
    said = partial(Said, PEER, to=PEER)
    closed = (said(SYN, 0), said(SYN | ACK, 0, 1), said(ACK, 1, 1), said(FIN | ACK, 1, 1), said(ACK, 2, 2))
    assert blamed(*closed, said(SYN, 5000), said(SYN | ACK, 5000, ack), said(ACK, 5001, 5001)) == wrong


# What the kernel's states were


def _states(*story: Said) -> dict[str, list[str]]:
    connection = only(*story)
    return {side: [str(change.state) for change in connection.party(side).states] for side in SIDES}


def test_who_closes_before_the_syn_ack_comes_resets_it_without_an_ack() -> None:
    """connect() of a non-blocking socket, and close() at once: Linux's abort() would carry ACK."""
    asked, answer = OPEN[:2]
    assert _states(asked, answer, peer(RST, 1))["client"] == ["CLOSED", "SYN-SENT", "CLOSED"]
    assert _states(asked, answer, peer(RST | ACK, 1, 1))["client"] == ["CLOSED", "SYN-SENT", "ESTABLISHED", "CLOSED"]


def test_what_is_sent_again_and_again_without_an_answer_has_not_arrived() -> None:
    asked, answer, done = OPEN
    assert _states(asked, asked)["server"] == ["LISTEN"]
    assert _states(asked, answer, answer)["client"] == ["CLOSED", "SYN-SENT"]
    # whom no SYN,ACK has reached, none has reached at the end
    assert _states(asked, answer, asked, answer)["client"] == ["CLOSED", "SYN-SENT"]
    closing = peer(FIN | ACK, 1, 1)
    assert _states(*OPEN, closing, closing)["server"] == ["LISTEN", "SYN-RECEIVED", "ESTABLISHED"]
    # nor has what is answered with what was asked before
    refused = only(asked, answer, asked, stack(RST | ACK, -ISS[STACK], 1))
    assert refused.outcome == "refused"
    assert [str(change.state) for change in refused.client.states] == ["CLOSED", "SYN-SENT", "CLOSED"]
    # once may be on its way
    assert _states(*OPEN, closing)["server"] == ["LISTEN", "SYN-RECEIVED", "ESTABLISHED", "CLOSE-WAIT"]
    assert _states(asked)["server"] == ["LISTEN", "SYN-RECEIVED"]
    assert _states(asked, asked, answer, answer, done)["client"] == ["CLOSED", "SYN-SENT", "ESTABLISHED"]


@pytest.mark.parametrize(("ack", "wrong"), [(101, []), (102, [7]), (501, []), (898, [7])])
def test_what_came_beyond_a_gap_may_be_given_up_though_it_was_told_of(ack: int, wrong: list[int]) -> None:
    sack = Options(mss=1000, sack_permitted=True)
    opened = [said._replace(options=sack) if said.flags & SYN else said for said in OPEN]
    told = Options(sack=((ISS[PEER] + 101, ISS[PEER] + 901),))
    story = (*opened, peer(ACK, 101, 1, 800), stack(ACK, 1, 1)._replace(options=told), peer(ACK, 1, 1, 100))
    # or all of it is acknowledged
    assert blamed(*story, stack(ACK, 1, 901)) == []
    more = (*story, stack(ACK, 1, ack), peer(ACK, 101, 1, 800), stack(ACK, 1, 901))
    assert blamed(*more) == wrong


@pytest.mark.parametrize(("ack", "later", "wrong"), [(1, 20, []), (2, 20, [7]), (1, 200_000, [7])])
def test_the_reset_of_an_abort_may_be_captured_after_those_that_answer_what_came_then(
    ack: int, later: int, wrong: list[int]
) -> None:
    """One processor has begun to close, another resets what comes, and then the first resets."""
    story = (*OPEN, stack(PSH | ACK, 1, 1, 5), peer(PSH | ACK, 1, 6, 9), stack(RST, 6))
    frames = captured(*story, stack(RST | ACK, 6, ack)).frames
    last = replace(frames[-1], time=frames[-2].time + later * 1000)
    capture = Capture("abort.pcap", (*frames[:-1], last), len(frames))
    assert [sent.frame for c in match(capture).connections for sent in c.violations] == wrong


@pytest.mark.parametrize(("seq", "wrong"), [(6, []), (7, [8])])
def test_a_reset_may_answer_the_connection_before(seq: int, wrong: list[int]) -> None:
    """Its end has reset that, and asks for another from the same port, when an ACK comes that was on its way."""
    first = (*OPEN, peer(PSH | ACK, 1, 1, 5), stack(ACK, 1, 6), peer(RST | ACK, 6, 1))
    asked = peer(SYN, 70_000)
    assert blamed(*first, asked, peer(RST, seq), stack(SYN | ACK, 90_000, 70_001), peer(ACK, 70_001, 90_001)) == wrong


# What was overtaken before the place of capture


def _at(times: list[int], *story: Said) -> list[int | None]:
    """Who is blamed where the last segments were captured so many microseconds after those before them."""
    frames = list(captured(*story).frames)
    for n, later in enumerate(times, len(frames) - len(times)):
        frames[n] = replace(frames[n], time=frames[n - 1].time + later * 1000)
    matched = match(Capture("late.pcap", tuple(frames), len(frames)))
    return [sent.frame for c in matched.connections for sent in c.violations]


@pytest.mark.parametrize(
    ("ack", "later", "wrong"), [(301, 20, []), (300, 20, [8]), (301, 20_000, []), (300, 20_000, [8])]
)
def test_several_processors_may_bring_acks_in_another_order(ack: int, later: int, wrong: list[int]) -> None:
    text = [peer(PSH | ACK, 1 + 300 * n, 1, 300) for n in range(3)]
    assert _at([later], *OPEN, *text, stack(ACK, 1, 901), stack(ACK, 1, ack)) == wrong


@pytest.mark.parametrize(("seq", "wrong"), [(1, []), (2, [5])])
def test_the_third_ack_may_come_after_the_text_that_follows_it(seq: int, wrong: list[int]) -> None:
    asked, answer, _ = OPEN
    assert blamed(asked, answer, peer(PSH | ACK, 1, 1, 9), stack(ACK, 1, 10), peer(ACK, seq, 1)) == wrong


@pytest.mark.parametrize(("echo", "wrong"), [(60, []), (70, [7])])
def test_what_echoes_an_older_timestamp_was_sent_before(echo: int, wrong: list[int]) -> None:
    """TS.Recent only grows: the answer to the second text was sent before that to the first, which came later."""
    offer = Options(mss=1000, sack_permitted=True)
    opened = [said._replace(options=offer if said.flags & SYN else Options()) for said in OPEN]
    opened = [_stamped(said, 60, 60 if said.flags & ACK else 0) for said in opened]
    text = [_stamped(peer(ACK, 1, 1, 100), 70, 60), _stamped(peer(ACK, 201, 1, 100), 72, 60)]
    told = Options(sack=((ISS[PEER] + 201, ISS[PEER] + 301),))
    newer, older = (stack(ACK, 1, ack)._replace(options=told) for ack in (101, 1))
    assert _at([1000], *opened, *text, _stamped(newer, 80, 70), _stamped(older, 80, echo)) == wrong


def _stamped(said: Said, value: int, echo: int) -> Said:
    return said._replace(options=replace(said.options, timestamps=(value, echo)))


@pytest.mark.parametrize(("later", "wrong"), [(20, []), (20_000, [6])])
def test_a_fin_sent_again_by_a_timer_may_be_captured_after_the_reset_that_came_next(
    later: int, wrong: list[int]
) -> None:
    """Text came to an end that has closed, as the timer of its FIN ran out on another processor."""
    text = (stack(FIN | ACK, 1, 1), peer(PSH | ACK, 1, 1, 50), stack(RST, 1))
    # another window: the network has not made a copy
    assert _at([later], *OPEN, *text, stack(FIN | ACK, 1, 1, window=65000)) == wrong


def test_a_refusal_may_be_a_copy_of_that_of_the_connection_before() -> None:
    refusal, late = stack(RST | ACK, -ISS[STACK], 1), stack(RST | ACK, -ISS[STACK], 9)
    asked, again = peer(SYN, 0), peer(SYN, 70_000)
    other = stack(RST | ACK, -ISS[STACK], 70_001)
    assert blamed(asked, refusal, again, refusal, again, other) == []
    assert blamed(asked, refusal, again, late, again, other) == [4]


def test_a_bare_ack_may_be_captured_after_what_was_sent_behind_text_that_the_capture_lacks() -> None:
    text = peer(PSH | ACK, 1, 1, 9)
    assert blamed(*OPEN, text, stack(ACK, 801, 10), stack(ACK, 1, 1)) == []
    assert blamed(*OPEN, text, stack(ACK, 801, 10), stack(ACK, 1, 2)) == [6]


def test_who_has_closed_in_syn_received_sends_its_syn_ack_again() -> None:
    """Both had called connect(); nothing says yet that the SYN has arrived."""
    crossing = (peer(SYN, 0), stack(SYN, 0), stack(SYN | ACK, 0, 1), stack(FIN | ACK, 1, 1))
    assert blamed(*crossing, stack(SYN | ACK, 0, 1), peer(SYN, 0), stack(ACK, 2, 1)) == []
    assert blamed(*crossing, stack(SYN | ACK, 1, 1), peer(SYN, 0), stack(ACK, 2, 1)) == [5]


@pytest.mark.parametrize(("flags", "length"), [(PSH | ACK, 5), (FIN | ACK, 0)])
def test_a_bare_reset_answers_for_who_is_gone(flags: int, length: int) -> None:
    """abort() of Linux has an ACK; what has none answers what meets no connection."""
    asking = peer(flags, 1, 1, length)
    gone = ["LISTEN", "SYN-RECEIVED", "ESTABLISHED", "CLOSED"]
    assert _states(*OPEN, asking, stack(RST, 1))["server"] == gone
    assert (
        _states(*OPEN, peer(ACK, 1, 1, 9), stack(ACK, 1, 10), peer(flags, 10, 1, length), stack(RST, 1))["server"]
        == gone
    )
    # whoever has come so far answers text in time; who has an accept queue that is full does not
    assert _states(*OPEN, peer(PSH | ACK, 1, 1, 5), asking, stack(RST, 1))["server"] == [
        "LISTEN",
        "SYN-RECEIVED",
        "CLOSED",
    ]
    (wrong,) = only(*OPEN, asking, stack(RST, 2)).violations
    assert wrong.expected
    assert (wrong.frame, wrong.expected.field) == (5, "seq")


def test_the_reset_of_an_abort_may_be_captured_behind_the_one_that_answers_the_first_text() -> None:
    frames = list(captured(*OPEN, peer(PSH | ACK, 1, 1, 9), stack(RST, 1), stack(RST | ACK, 1, 1)).frames)
    frames[-1] = replace(frames[-1], time=frames[-2].time + 6000)
    (connection,) = match(Capture("abort.pcap", tuple(frames), len(frames))).connections
    assert connection.conforms
    assert connection.segments[-1].kind == "out-of-order"


def test_a_bare_reset_answers_text_for_who_has_closed_behind_text_of_its_own() -> None:
    opened = (*OPEN, stack(PSH | ACK, 1, 1, 5))
    assert _states(*opened, peer(PSH | ACK, 1, 6, 5), stack(RST, 6))["server"][2:] == [
        "ESTABLISHED",
        "FIN-WAIT-1",
        "CLOSED",
    ]


# A listener that sends cookies keeps nothing of a SYN


@pytest.mark.parametrize(("seq", "wrong"), [(1, []), (2, [4])])
def test_a_cookie_opens_a_second_connection_once_the_first_is_over(seq: int, wrong: list[int]) -> None:
    """Text was under way with the numbers of the third ACK, as accept() and SO_LINGER reset the first."""
    reset, text = stack(RST | ACK, 1, 1), peer(PSH | ACK, seq, 1, 100)
    story = (*OPEN, reset, text, stack(ACK, 1, seq + 100), stack(RST | ACK, 1, seq + 100), peer(RST, 101))
    assert blamed(*story)[:1] == wrong


def test_text_that_comes_before_the_third_ack_is_reset_where_nothing_but_a_cookie_is_known() -> None:
    early, answer = peer(PSH | ACK, 715, 1, 714), stack(PSH | ACK, 1, 1, 768)
    done = (OPEN[2], answer, peer(ACK, 1, 1, 714), stack(ACK, 769, 715))
    assert blamed(*OPEN[:2], early, stack(RST, 1), *done) == []
    assert blamed(*OPEN[:2], early, stack(RST, 2), *done) == [4]
    # not once that was there
    assert blamed(*OPEN, early, stack(RST, 1), answer, peer(ACK, 1, 1, 714), stack(ACK, 769, 1429))


# What the device did not take was captured, and is not counted as sent


@pytest.mark.parametrize(("again", "seq", "wrong"), [(2, 1, []), (2, 2, [8]), (0, 1, [4])])
def test_text_that_its_own_device_did_not_take_is_not_counted(again: int, seq: int, wrong: list[int]) -> None:
    text = peer(PSH | ACK, 1, 1, 1000)
    story = (*OPEN, text, *[text] * again, stack(PSH | ACK, 1, 1, 10), peer(ACK, seq, 11))
    assert blamed(*story, text, stack(ACK, 11, 1001))[:1] == wrong


def test_a_packet_filter_resets_again_and_again_in_the_name_of_both() -> None:
    """On a loopback it drops what it answers, its own resets too: both ends go on, and neither is to blame."""
    ours, theirs = peer(PSH | ACK, 1, 1, 50), stack(PSH | ACK, 1, 1, 50)
    resets = peer(RST, 1), stack(RST, 1)
    texts = [said._replace(window=60_000 + n) for n in range(3) for said in (ours, theirs)]
    story = [said for n, text in enumerate(texts) for said in (text, resets[1 - n % 2])]
    assert blamed(*OPEN, *story, ours._replace(window=50_000), theirs._replace(window=50_000)) == [5, 7, 9, 11, 13, 15]
    # what comes once, and after which nobody goes on, is believed
    assert blamed(*OPEN, ours, resets[1], theirs, stack(ACK, 51, 51), peer(ACK, 51, 51), peer(RST, 51)) == [5]


def test_who_closes_twice_has_shut_down_first() -> None:
    """A reset out of LAST-ACK is that of a close() with text unread: the FIN before it was a shutdown()'s."""
    text = peer(PSH | ACK, 1, 1, 5), stack(ACK, 1, 6)
    closing = peer(FIN | ACK, 6, 1), stack(ACK, 1, 7), stack(FIN | ACK, 1, 7), peer(ACK, 7, 2), stack(RST, 2)
    assert canonical_calls(only(*OPEN, *text, *closing), "server") == ["shutdown", "close"]


@pytest.mark.parametrize(("later", "wrong"), [(5, []), (500, [3])])
def test_the_challenge_of_a_second_syn_may_be_captured_before_the_syn_ack(later: int, wrong: list[int]) -> None:
    """One processor answers the first SYN, another the second; its sender has forgotten the first."""
    asked = (peer(SYN, 0), peer(SYN, 500_000), stack(ACK, 1, 1))
    assert _at([later, 100, 100], *asked, stack(SYN | ACK, 0, 1), peer(RST, 1), peer(RST, 1)) == wrong


def test_an_orphan_in_fin_wait_2_that_has_timed_out_lets_its_port_be_used_again() -> None:
    """The ACK of its FIN came twice, for the network had copied the FIN, and was still under way with it."""
    closed = peer(FIN | ACK, 1, 1), stack(ACK, 1, 2), stack(ACK, 1, 2)
    anew = peer(SYN, 65_539), stack(ACK, 1, 2), peer(RST, 2), peer(SYN, 65_539)
    assert blamed(*OPEN, *closed, *anew, stack(SYN | ACK, 90_000, 65_540), peer(ACK, 65_540, 90_001)) == []
