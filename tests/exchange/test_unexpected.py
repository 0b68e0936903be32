"""A peer that keeps to no rule, as in conformance tests: it is blamed, and the stack's answers are not.

The server is the stack that is looked at. Numbers are relative; its window is 65535 where a test says nothing else.
"""

from __future__ import annotations

import pytest
from wire import ISS, PEER, STACK, Said, blamed, captured, only, peer, stack

from tcpviz.exchange.capture import Capture
from tcpviz.exchange.dialect import habits
from tcpviz.exchange.exchange import Connection
from tcpviz.exchange.ladder import ladder
from tcpviz.exchange.match import match
from tcpviz.model.segment import ACK, FIN, PSH, RST, SYN, URG, Options
from tcpviz.model.sequence import add
from tcpviz.value import replace

OPEN = (peer(SYN, 0), stack(SYN | ACK, 0, 1), peer(ACK, 1, 1))
IN_TIME_WAIT = (*OPEN, stack(FIN | ACK, 1, 1), peer(FIN | ACK, 1, 2), stack(ACK, 2, 2, window=65534))
IN_LAST_ACK = (*OPEN, peer(FIN | ACK, 1, 1), stack(ACK, 1, 2, window=65534), stack(FIN | ACK, 1, 2, window=65534))
UNTOUCHED = stack(ACK, 2, 2, window=65534)


@pytest.mark.parametrize(
    "nonsense",
    [
        peer(PSH | ACK, 2, 2, 10),
        peer(FIN | ACK, 2, 2),
        peer(FIN | ACK, 9, 2),
        peer(FIN, 2),
        peer(FIN | ACK, 90000, 2),
        peer(SYN | FIN, 2),
        peer(SYN | ACK, 2, 2),
    ],
)
def test_time_wait_may_acknowledge_whatever_comes_and_only_the_peer_is_blamed(nonsense: Said) -> None:
    assert blamed(*IN_TIME_WAIT, nonsense, UNTOUCHED, side="server") == []
    assert blamed(*IN_TIME_WAIT, nonsense, UNTOUCHED) == [7]


def test_but_what_changes_nothing_gets_no_answer() -> None:
    assert blamed(*IN_TIME_WAIT, peer(ACK, 2, 2), UNTOUCHED._replace(window=60000), side="server") == [8]


def test_an_answer_to_text_in_time_wait_tells_whose_tcp_it_is() -> None:
    shown = habits(only(*IN_TIME_WAIT, peer(PSH | ACK, 2, 2, 10), UNTOUCHED), "server")
    assert [deviation.label for deviation in shown.seen] == ["time-wait-answers"]
    assert list(shown.dialects) == ["linux", "freebsd"]
    # outside the window everybody answers
    shown = habits(only(*IN_TIME_WAIT, peer(PSH | ACK, 90000, 2, 10), UNTOUCHED), "server")
    assert shown.seen == ()


@pytest.mark.parametrize("seq", [2, 65535, 65700])
@pytest.mark.parametrize("before", [IN_TIME_WAIT, IN_LAST_ACK], ids=["TIME-WAIT", "LAST-ACK"])
def test_an_older_stack_resets_for_a_syn_in_its_window_which_may_be_larger_than_it_said(
    before: tuple[Said, ...], seq: int
) -> None:
    assert blamed(*before, peer(SYN, seq), stack(RST | ACK, 2, 2, window=0), side="server") == []


@pytest.mark.parametrize("seq", [1, 70_000_000 * 30])
def test_no_stack_resets_for_a_syn_outside_its_window(seq: int) -> None:
    assert blamed(*IN_LAST_ACK, peer(SYN, seq), stack(RST | ACK, 2, 2, window=0), side="server") == [8]


@pytest.mark.parametrize("length", [0, 3])
@pytest.mark.parametrize("counted", [True, False], ids=["processed", "ignored"])
def test_a_fin_on_a_syn_is_processed_later_or_ignored(length: int, counted: bool) -> None:
    end = 1 + length + counted
    story = (
        peer(SYN | FIN, 0, length=length),
        stack(SYN | ACK, 0, 1),
        peer(ACK, 1, 1),
        peer(PSH | ACK, 1, 1, length + 5),
        stack(ACK, 1, end if counted else length + 6),
    )
    assert blamed(*story, side="server") == []
    connection = only(*story)
    assert connection.violations[0].frame == 1
    shown = habits(connection, "server")
    if counted:
        assert [deviation.label for deviation in shown.denied] == ["syn-without-fin"]


def test_text_on_a_syn_ack_is_blamed_once_and_the_rest_goes_on_from_there() -> None:
    story = (
        stack(SYN, 0),
        peer(SYN | ACK, 0, 1, 3),
        stack(ACK, 1, 4),
        stack(FIN | ACK, 1, 4),
        peer(FIN | ACK, 4, 2),
        stack(ACK, 2, 5),
    )
    connection = only(*story)
    assert [(sent.frame, sent.expected and sent.expected.field) for sent in connection.violations] == [(2, "length")]
    assert connection.outcome == "closed"


def test_a_fin_that_is_sent_again_to_acknowledge_one_that_crossed_it_ends_the_connection() -> None:
    """As BSD does; a stack to which that FIN is an old duplicate drops it with its acknowledgement."""
    connection = only(*OPEN, stack(FIN | ACK, 1, 1), peer(FIN | ACK, 1, 1), stack(FIN | ACK, 1, 2), peer(ACK, 2, 2))
    assert connection.conforms
    assert connection.outcome == "closed"
    assert str(connection.server.states[-1].state) == "TIME-WAIT"
    # without an answer to the stack's own FIN it is not
    connection = only(*OPEN, stack(FIN | ACK, 1, 1), peer(FIN | ACK, 1, 1), stack(FIN | ACK, 1, 2))
    assert connection.outcome != "closed"


# What an answer answers


def told(connection: Connection, frame: int) -> tuple[str, str, str]:
    sent = next(sent for sent in connection.segments if sent.frame == frame)
    return sent.kind, sent.why, sent.section


@pytest.mark.parametrize("length", [0, 1])
def test_a_keep_alive_is_answered_as_one(length: int) -> None:
    text = (peer(PSH | ACK, 1, 1, 5), stack(ACK, 1, 6))
    connection = only(*OPEN, *text, peer(ACK, 5, 1, length), stack(ACK, 1, 6))
    assert connection.conforms
    assert told(connection, 7) == ("probe-answer", "answers a keep-alive", "RFC 9293 3.8.4")


@pytest.mark.parametrize(("seq", "length"), [(6, 1), (5, 0)], ids=["an octet", "empty"])
def test_a_window_probe_is_answered_as_one(seq: int, length: int) -> None:
    opening = (peer(SYN, 0), stack(SYN | ACK, 0, 1, window=5), peer(ACK, 1, 1))
    text = (peer(PSH | ACK, 1, 1, 5), stack(ACK, 1, 6, window=0))
    connection = only(*opening, *text, peer(ACK, seq, 1, length), stack(ACK, 1, 6, window=0))
    assert connection.conforms
    assert told(connection, 7) == ("probe-answer", "answers a window probe", "RFC 9293 3.8.6.1")


@pytest.mark.parametrize(
    ("attack", "why"),
    [
        (peer(RST, 100), "answers: rcv RST not at RCV.NXT"),
        (peer(SYN, 100), "answers: rcv SYN in window"),
        (peer(ACK, 1, 900), "answers: rcv unacceptable ACK"),
        (peer(ACK, 90000, 1), "answers: rcv unacceptable segment"),
    ],
)
def test_what_is_out_of_place_is_challenged(attack: Said, why: str) -> None:
    connection = only(*OPEN, attack, stack(ACK, 1, 1), peer(PSH | ACK, 1, 1, 5), stack(ACK, 1, 6))
    assert [sent.frame for sent in connection.violations] == [4]
    assert told(connection, 5) == ("challenge", why, "RFC 9293 3.10.7.4")


# One side is enough


@pytest.mark.parametrize("seq", [1, 2, 9, 90000])
def test_a_syn_from_a_server_that_is_done_is_no_new_connection_where_only_the_server_is_judged(seq: int) -> None:
    client_in_time_wait = (
        stack(SYN, 0),
        peer(SYN | ACK, 0, 1),
        stack(ACK, 1, 1),
        stack(FIN | ACK, 1, 1),
        peer(FIN | ACK, 1, 2),
        stack(ACK, 2, 2),
    )
    for side in ("client", "server"):
        assert len(match(captured(*client_in_time_wait, peer(SYN, seq), UNTOUCHED), side).connections) == 1
        assert 8 not in blamed(*client_in_time_wait, peer(SYN, seq), UNTOUCHED, side=side)


# Text on a SYN, and on what answers it

COOKIE = Options(mss=1460, fast_open=b"c00kie")
FAST = peer(SYN, 0, length=100, options=COOKIE)


@pytest.mark.parametrize("answer", [COOKIE, Options(mss=1460), Options(mss=1460, fast_open=b"another")])
@pytest.mark.parametrize("taken", [101, 1], ids=["all of it", "none of it"])
def test_a_listener_takes_the_text_of_a_fast_open_or_does_not_whatever_cookie_it_shows(
    answer: Options, taken: int
) -> None:
    story = [FAST, stack(SYN | ACK, 0, taken, options=answer), peer(ACK, 101, 1)]
    if taken == 1:
        story += [peer(PSH | ACK, 1, 1, 100)]
    assert blamed(*story, peer(PSH | ACK, 101, 1, 5), stack(ACK, 1, 106)) == []


def test_a_fast_open_may_be_answered_with_text_on_the_syn_ack() -> None:
    story = (FAST, stack(SYN | ACK, 0, 101, 30), peer(ACK, 101, 31), stack(FIN | ACK, 31, 101))
    assert blamed(*story) == []
    assert [(call.name, call.octets) for call in only(*story).server.calls] == [("send", 30), ("close", None)]
    # without Fast Open text waits for the handshake
    assert blamed(peer(SYN, 0), stack(SYN | ACK, 0, 1, 30), peer(ACK, 1, 31), stack(FIN | ACK, 31, 1)) == [2]


def test_sack_blocks_may_lie_within_a_frame_that_was_several_segments_on_the_wire() -> None:
    offer = Options(mss=1000, sack_permitted=True)

    def blocks(*edges: tuple[int, int]) -> Options:
        return Options(sack=tuple((add(ISS[STACK], low), add(ISS[STACK], high)) for low, high in edges))

    story = (
        peer(SYN, 0, options=offer),
        stack(SYN | ACK, 0, 1, options=offer),
        peer(ACK, 1, 1),
        stack(PSH | ACK, 1, 1, 7000),
        peer(ACK, 1, 1001),
        peer(ACK, 1, 1001, options=blocks((2001, 3001))),
        peer(ACK, 1, 1001, options=blocks((5001, 7001), (2001, 3001))),
        stack(ACK, 1001, 1, 1000),
        peer(ACK, 1, 3001, options=blocks((5001, 7001))),
        stack(ACK, 3001, 1, 2000),
        peer(ACK, 1, 7001),
    )
    assert blamed(*story) == []


def refusal(octets: int) -> Said:
    """The reset of a closed port, whose number is zero."""
    return stack(RST | ACK, -ISS[STACK], octets)


@pytest.mark.parametrize("flags", [SYN, SYN | FIN, SYN | PSH])
def test_a_closed_port_refuses_whatever_asks(flags: int) -> None:
    asked = peer(flags, 0)
    found = only(asked, refusal(1 + bool(flags & FIN)))
    assert found.outcome == "refused"
    assert not [s for s in found.violations if s.origin == "server"]


def test_who_asks_again_with_the_same_number_after_a_reset_opens_another_connection() -> None:
    asked, refused = peer(SYN, 0), refusal(1)
    connections = match(captured(asked, refused, asked, refused)).connections
    assert [(len(c.segments), c.outcome, c.conforms) for c in connections] == [(2, "refused", True)] * 2


def test_a_syn_that_only_came_again_opens_no_other() -> None:
    again = only(peer(SYN, 0), peer(SYN, 0), refusal(1))
    assert (len(again.segments), again.outcome) == (3, "refused")


def test_what_nobody_saw_is_not_ticked() -> None:
    opened = (peer(SYN, 0), stack(SYN | ACK, 0, 1), peer(ACK, 1, 1))
    found = only(*opened, stack(ACK, 1, 101))
    assert [s.kind for s in found.segments] == ["new", "new", "new", "inferred", "new"]
    lines = ladder(found, verdicts=True).splitlines()[2:]
    assert [line[3] for line in lines if line[:3].strip()] == ["✓", "✓", "✓", " ", "✓"]


SCANS = {"NULL": 0, "FIN": FIN, "XMAS": FIN | PSH | URG, "ACK": ACK, "SYN,FIN": SYN | FIN}


@pytest.mark.parametrize("flags", SCANS.values(), ids=SCANS)
def test_a_closed_port_s_answer_to_a_scan_is_not_blamed(flags: int) -> None:
    """3.10.7.1: seq is SEG.ACK where there is one, else 0 with the ACK of all that came."""
    probe = peer(flags, 0, 0 if flags & ACK else None)
    span = bool(flags & SYN) + bool(flags & FIN)
    answer = stack(RST, 0) if flags & ACK else refusal(span)
    found = only(probe, answer)
    assert not [s for s in found.violations if s.origin == "server"]


def test_a_scan_that_resets_the_syn_ack_is_tcp() -> None:
    found = only(peer(SYN, 0), stack(SYN | ACK, 0, 1), peer(RST, 1))
    assert found.conforms, found.violations
    assert found.outcome == "reset"


# ICMP errors


def told_of(*story: Said, after: int, about: int) -> Connection:
    """The story, with an ICMP error after one of its frames that says that frame `about` has not arrived."""
    frames = [*captured(*story).frames]
    lost = frames[about - 1]
    assert lost.segment
    error = replace(lost, number=99, time=frames[after - 1].time, segment=None, undelivered=lost.segment.seq)
    frames.insert(after, error)
    (connection,) = match(Capture("icmp.pcap", tuple(frames), len(frames))).connections
    return connection


def test_an_icmp_error_that_answers_the_syn_refuses_the_connection() -> None:
    found = told_of(peer(SYN, 0), after=1, about=1)
    assert (found.outcome, found.conforms, found.saw_end) == ("refused", True, True)
    assert [str(change.state) for change in found.client.states] == ["CLOSED", "SYN-SENT", "CLOSED"]
    assert [str(change.state) for change in found.server.states] == ["LISTEN"]
    assert [call.name for call in found.client.calls] == ["connect"]


def test_but_who_asks_again_has_not_given_up() -> None:
    asked = (peer(SYN, 0), peer(SYN, 0))
    assert told_of(*asked, after=1, about=1).outcome == "timeout"
    found = told_of(*asked, *OPEN[1:], peer(PSH | ACK, 1, 1, 5), after=1, about=1)
    assert (found.outcome, found.conforms) == ("open", True)
    assert [call.name for call in found.client.calls] == ["connect", "send"]


def test_an_icmp_error_about_text_or_about_nothing_known_changes_nothing() -> None:
    text = (*OPEN, peer(PSH | ACK, 1, 1, 5), stack(ACK, 1, 6))
    assert told_of(*text, after=4, about=4).outcome == "open"
    assert told_of(*text, after=3, about=1).outcome == "open"


def test_an_answer_shows_what_came_again_though_more_was_on_its_way() -> None:
    """A copy that the network made behind the place of capture is answered before what is sent meanwhile."""
    first, second = peer(PSH | ACK, 1, 1, 1000), peer(PSH | ACK, 1001, 1, 1000)
    again = stack(ACK, 1, 1001, window=60000)
    assert not blamed(*OPEN, first, stack(ACK, 1, 1001), second, again, stack(ACK, 1, 2001))
    # but what lacks just one octet of all that had come is a wrong number
    assert blamed(*OPEN, first, stack(ACK, 1, 1001), peer(FIN | ACK, 1001, 1), again, stack(FIN | ACK, 1, 1002)) == [7]


def test_text_that_finds_no_room_is_answered_again_and_again() -> None:
    """The window that was offered is taken back: 3.8.6 only advises against it."""
    full, more = stack(ACK, 1, 1001, window=0), peer(ACK, 1001, 1, 1000)
    assert not blamed(*OPEN, peer(ACK, 1, 1, 1000), stack(ACK, 1, 1), full, more, full, full, stack(ACK, 1, 1001))


def test_text_beyond_a_loss_comes_from_an_end_that_has_just_had_the_third_ack() -> None:
    connection = only(*OPEN, peer(PSH | ACK, 1, 1, 1000), stack(PSH | ACK, 501, 1, 500), stack(ACK, 1001, 1001))
    assert connection.conforms
    assert [(s.origin, s.segment.length) for s in connection.segments if s.kind == "inferred"] == [("server", 500)]


def test_copies_that_show_later_make_an_earlier_one_likelier() -> None:
    """One octet short, a number is likelier wrong; not in a network that is seen to copy, as D-SACK tells."""
    able = Options(sack_permitted=True)
    opened = (peer(SYN, 0, options=able), stack(SYN | ACK, 0, 1, options=able), peer(ACK, 1, 1))
    text, short = peer(PSH | ACK, 1, 1, 1000), stack(ACK, 1, 1001)
    story = (*opened, text, short, peer(PSH | ACK, 1001, 1, 1), short._replace(window=60000), stack(ACK, 1, 1002))
    twice = Options(sack=((add(ISS[PEER], 1), add(ISS[PEER], 1001)),))
    assert blamed(*story) == [7]
    assert not blamed(*story, *(stack(ACK, 1, 1002, options=twice) for _ in range(3)))
