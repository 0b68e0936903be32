"""What kernels were seen to do, with the states and the calls that were theirs."""

from __future__ import annotations

import pytest
from wire import ISS, PEER, Said, blamed, captured, only, peer, stack

from tcpviz.exchange.capture import Checksum
from tcpviz.exchange.document import canonical_calls
from tcpviz.exchange.exchange import Side
from tcpviz.exchange.match import match
from tcpviz.model.segment import ACK, FIN, PSH, RST, SYN, URG, Options
from tcpviz.model.sequence import add
from tcpviz.value import replace

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


CROSSED = (*OPEN, peer(PSH | ACK, 1, 1, 5), stack(FIN | ACK, 1, 1), stack(RST, 1))
"""The server has closed: its FIN, and its answer to the text that was on its way."""


def test_a_reset_with_the_number_of_the_fin_before_it_ends_the_connection() -> None:
    assert states("client", *CROSSED)[-2:] == ["CLOSE-WAIT", "CLOSED"]
    assert only(*CROSSED).outcome == "reset"


def test_resets_that_cross_end_the_connection_though_nobody_takes_them() -> None:
    """The client has closed when text comes; the server, with unread text, closes before it hears of that."""
    story = (*OPEN, peer(PSH | ACK, 1, 1, 5), peer(FIN | ACK, 6, 1), stack(PSH | ACK, 1, 1, 3), peer(RST, 1))
    found = only(*story, stack(RST | ACK, 4, 6))
    assert (found.outcome, found.conforms) == ("reset", True)


def test_a_syn_that_nobody_answered_has_opened_nothing() -> None:
    assert only(peer(SYN, 0)).outcome == "open"
    assert only(peer(SYN, 0), stack(SYN | ACK, 0, 1)).outcome == "half-open"
    assert only(peer(SYN, 0), peer(SYN, 0)).outcome == "timeout"


# What was called


def test_who_probes_a_closed_window_has_called_send_for_all_that_follows() -> None:
    closed, opened = stack(ACK, 1, 6, window=0), stack(ACK, 1, 6)
    asked = (peer(ACK, 5, 1), closed, peer(ACK, 5, 1), opened)
    story = (peer(SYN, 0), stack(SYN | ACK, 0, 1, window=5), peer(ACK, 1, 1), peer(PSH | ACK, 1, 1, 5), closed, *asked)
    found = only(*story, peer(PSH | ACK, 6, 1, 100))
    assert found.conforms
    assert canonical_calls(found, "client") == ["connect", "send 5", "send 100"]


def test_a_wrong_checksum_is_a_warning_and_says_so_where_nothing_else_is_odd() -> None:
    capture = captured(*OPEN, peer(PSH | ACK, 1, 1, 5), stack(ACK, 1, 6))
    frames = [replace(f, checksum=Checksum(0xDEAD, 0xBEEF)) if f.number == 4 else f for f in capture.frames]
    (found,) = match(replace(capture, frames=tuple(frames))).connections
    assert found.conforms
    told = [(s.frame, s.verdict, s.expected.field, s.expected.allowed) for s in found.segments if s.expected]
    assert told == [(4, "warning", "checksum", "0xbeef")]


# One number beside those of the sequence is wrong: whoever took it otherwise is not blamed


def warned(*story: Said) -> list[tuple[int | None, str]]:
    found = only(*story)
    assert found.conforms, found.violations
    return [(s.frame, s.expected.field) for s in found.segments if s.expected]


@pytest.mark.parametrize("window", [0, 100])
def test_a_window_that_is_taken_back_is_a_warning_and_nobody_is_blamed_for_using_it(window: int) -> None:
    text = (peer(PSH | ACK, 1, 1, 5), stack(ACK, 1, 6), peer(PSH | ACK, 6, 1, 500))
    assert warned(*OPEN, *text, stack(ACK, 1, 506, window=window), peer(PSH | ACK, 506, 1, 500)) == [(7, "window")]


def test_a_window_once_taken_back_is_told_once() -> None:
    """As where a stack forgets the scale of its first segment's window, and not of any after it."""
    smaller = [peer(ACK, 1, 1, 5, window=250), peer(ACK, 6, 1, 5, window=250), peer(FIN | ACK, 11, 1, window=250)]
    assert warned(*OPEN, *smaller, peer(FIN | ACK, 11, 1, window=249)) == [(4, "window"), (7, "window")]


def test_a_window_that_closes_as_text_comes_takes_nothing_back() -> None:
    opened = (*OPEN, peer(PSH | ACK, 1, 1, 5), stack(ACK, 1, 6, window=1000), peer(PSH | ACK, 6, 1, 1000))
    # what was offered last in a SYN had no scale, and is not held against anybody
    assert warned(*opened, stack(ACK, 1, 1006, window=0), stack(ACK, 1, 1006, window=9000)) == []


def at(said: Said, value: int, echo: int) -> Said:
    return said._replace(options=replace(said.options, timestamps=(value, echo)))


@pytest.mark.parametrize("wrong", [4, 6], ids=["in the text", "in the FIN"])
@pytest.mark.parametrize("by", [-2000, 100_000])
def test_a_wrong_timestamp_is_a_warning_and_nobody_is_blamed_for_having_seen_the_right_one(wrong: int, by: int) -> None:
    story = [
        at(peer(SYN, 0), 1000, 0),
        at(stack(SYN | ACK, 0, 1), 9000, 1000),
        at(peer(ACK, 1, 1), 1001, 9000),
        at(peer(PSH | ACK, 1, 1, 5), 1002, 9000),
        at(stack(ACK, 1, 6), 9003, 1002),
        at(peer(FIN | ACK, 6, 1), 1004, 9003),
        at(stack(FIN | ACK, 1, 7), 9005, 1004),
        at(peer(ACK, 7, 2), 1006, 9005),
    ]
    value, echo = story[wrong - 1].options.timestamps or (0, 0)
    story[wrong - 1] = at(story[wrong - 1], value + by, echo)
    assert {field for _, field in warned(*story)} <= {"timestamp", "timestamp echo"}


# The order of the capture


@pytest.mark.parametrize("first", range(1, 7))
def test_records_that_were_written_in_another_order_than_their_times_are_put_right(first: int) -> None:
    story = (*OPEN, peer(PSH | ACK, 1, 1, 5), stack(ACK, 1, 6), peer(FIN | ACK, 6, 1), stack(FIN | ACK, 1, 7))
    capture = captured(*story)
    frames = [*capture.frames]
    frames[first - 1 : first + 1] = frames[first : first - 2 : -1] if first > 1 else frames[1::-1]
    (found,) = match(replace(capture, frames=tuple(frames))).connections
    assert found.conforms
    assert [s.frame for s in found.segments] == [1, 2, 3, 4, 5, 6, 7]


def test_a_clock_that_was_set_back_puts_nothing_in_another_order() -> None:
    capture = captured(*OPEN, peer(PSH | ACK, 1, 1, 5), stack(ACK, 1, 6))
    frames = [replace(f, time=f.time - 3600 * 10**9) if f.number > 2 else f for f in capture.frames]
    (found,) = match(replace(capture, frames=tuple(frames))).connections
    assert [s.frame for s in found.segments] == [1, 2, 3, 4, 5]


# Multipath TCP


MULTIPATH = Options(mss=1460, multipath=True)
SIGNAL = Options(multipath=True)


@pytest.mark.parametrize("answer", [MULTIPATH, Options(mss=1460)], ids=["agreed", "refused"])
@pytest.mark.parametrize("options", [SIGNAL, Options()], ids=["with an option", "bare"])
def test_an_ack_may_go_out_for_nothing_but_an_option_of_multipath_tcp(answer: Options, options: Options) -> None:
    opened = (peer(SYN, 0, options=MULTIPATH), stack(SYN | ACK, 0, 1, options=answer), peer(ACK, 1, 1, options=SIGNAL))
    told = (peer(PSH | ACK, 1, 1, 5), stack(ACK, 1, 6), stack(ACK, 1, 6, window=65000, options=options))
    # anything else must have been asked for, by what nobody saw
    assert only(*opened, *told).lost == (0 if answer.multipath and options.multipath else 1)


def test_resets_that_are_all_alike_are_no_frames_captured_twice() -> None:
    """Each answers another segment; that a capture doubles its frames, all of them show."""
    text = [stack(ACK, 1 + 100 * n, 2, 100) for n in range(9)]
    story = captured(*OPEN, peer(FIN | ACK, 1, 1), *text, *[peer(RST, 2)] * 9)
    frames = [replace(f, time=f.number, data=b"reset" if f.segment and f.segment.rst else f.data) for f in story.frames]
    (found,) = match(replace(story, frames=tuple(frames))).connections
    assert [s.kind for s in found.segments if s.kind == "duplicate-frame"] == []
    twice = [replace(f, number=2 * f.number + n, time=2 * f.time + n) for f in frames for n in range(2)]
    (found,) = match(replace(story, frames=tuple(twice))).connections
    assert [s.kind == "duplicate-frame" for s in found.segments] == [False, True] * len(frames)


def test_who_closes_behind_text_that_the_window_does_not_take_resets_what_comes() -> None:
    """The FIN waits, and nobody sees it: the reset tells of it, for it lies behind what its sender has sent."""
    full = (peer(SYN, 0), stack(SYN | ACK, 0, 1, window=500), peer(ACK, 1, 1), peer(PSH | ACK, 1, 1, 500))
    story = (*full, stack(PSH | ACK, 1, 1, 5), stack(ACK, 6, 501, window=0), peer(RST, 1))
    assert states("client", *story)[-3:] == ["ESTABLISHED", "FIN-WAIT-1", "CLOSED"]
    assert canonical_calls(only(*story), "client") == ["connect", "send 500", "close"]


# Flags of no segment


@pytest.mark.parametrize("flags", [0, FIN | ACK, RST, RST | ACK, SYN | FIN, FIN | SYN | RST | PSH | ACK | URG])
@pytest.mark.parametrize("wrong", range(1, 8))
def test_whatever_stands_in_the_flags_of_one_segment_nobody_else_is_blamed(wrong: int, flags: int) -> None:
    story = [*OPEN, peer(PSH | ACK, 1, 1, 50), stack(PSH | ACK, 1, 51, 70), peer(FIN | ACK, 51, 71), stack(ACK, 71, 52)]
    story += [stack(FIN | ACK, 71, 52), peer(ACK, 52, 72)]
    story[wrong - 1] = story[wrong - 1]._replace(flags=flags)
    assert len([s for s in only(*story).segments if s.verdict == "violation"]) <= 1


# A scripted peer; whatever it says, Linux 6.18 answered so


@pytest.mark.parametrize(
    "story",
    [
        (*OPEN, peer(ACK, 1, -99), stack(ACK, 1, 1)),
        (*OPEN, stack(FIN | ACK, 1, 1), peer(ACK, 1, 0), stack(ACK, 2, 1)),
        (*OPEN[:2], peer(ACK, 70000, 900), stack(RST, 900)),
        (*OPEN[:2], peer(SYN | FIN, 101), stack(RST | ACK, -7000, 103)),
        (stack(SYN, 0), peer(SYN | FIN | ACK, 0, 1), stack(ACK, 1, 1)),
        (*OPEN, stack(FIN | ACK, 1, 1), peer(FIN | ACK, 30001, 1), stack(RST, 1)),
    ],
    ids=[
        "before the first octet",
        "in FIN-WAIT-1",
        "the ACK first",
        "SYN,FIN in SYN-RECEIVED",
        "FIN on the SYN,ACK",
        "a FIN behind text",
    ],
)
def test_a_kernel_s_answers_to_nonsense_are_not_blamed(story: tuple[Said, ...]) -> None:
    side: Side = "server" if story[0].by == PEER else "client"
    assert [s.frame for c in match(captured(*story), side).connections for s in c.violations] == []


@pytest.mark.parametrize("before", [OPEN, (*OPEN, stack(FIN | ACK, 1, 1))], ids=["open", "closing"])
def test_a_syn_that_is_a_reset_too_opens_nothing(before: tuple[Said, ...]) -> None:
    found = only(*before, peer(SYN | RST, 900))
    assert [s.frame for s in found.violations] == [len(before) + 1]


# Captures that begin too late


def test_what_was_under_way_when_the_capture_began_is_acknowledged() -> None:
    story = (peer(ACK, 1, 1), peer(ACK, 1, 1429), peer(ACK, 1, 2857), peer(PSH | ACK, 1, 2857, 9), stack(ACK, 2857, 10))
    found = only(*story)
    assert (found.conforms, found.lost) == (True, 0)


def test_and_so_is_what_lies_before_the_text_that_the_capture_began_with() -> None:
    acks = (stack(ACK, 1, -2895), stack(ACK, 1, -1447), stack(ACK, 1, 1), stack(ACK, 1, 657))
    found = only(peer(PSH | ACK, 1, 1, 656), *acks)
    assert (found.conforms, found.lost) == (True, 0)


def test_but_once_the_peer_was_heard_what_is_acknowledged_beyond_it_was_lost_by_the_capture() -> None:
    story = (peer(ACK, 1, 1), stack(PSH | ACK, 1, 1, 100), peer(ACK, 1, 101), peer(ACK, 1, 201))
    assert only(*story).lost == 1


def test_a_window_that_opens_where_the_capture_did_not_see_how_far_it_was_open_before() -> None:
    story = (peer(ACK, 1, 1, window=100), peer(ACK, 1, 1, window=9000), stack(PSH | ACK, 1, 1, 5000))
    found = only(*story)
    assert (found.conforms, found.lost) == (True, 0)
    assert [s.kind for s in found.segments] == ["new", "window-update", "new"]


def test_a_simultaneous_open_of_which_the_first_syn_is_missing() -> None:
    story = (stack(SYN, 0), peer(SYN | ACK, 0, 1), stack(SYN | ACK, 0, 1), peer(ACK, 1, 1), stack(PSH | ACK, 1, 1, 5))
    found = only(*story, peer(ACK, 1, 6))
    assert (found.conforms, found.lost) == (True, 1)
    assert [(s.kind, s.origin) for s in found.segments][2] == ("inferred", "server")


# Lossy lines, captured at one end


@pytest.mark.parametrize("block", [(1, 1001), (501, 1001), (201, 401)])
def test_a_copy_that_nobody_saw_is_one_of_what_had_arrived(block: tuple[int, int]) -> None:
    """The network has made it, of all or of a part of what was captured before it was cut up (offload).

    The ACK that answers it (RFC 2883) comes before those of what follows.
    """
    offer = Options(mss=1460, sack_permitted=True)
    copy = Options(sack=((add(ISS[PEER], block[0]), add(ISS[PEER], block[1])),))
    opened = (peer(SYN, 0, options=offer), stack(SYN | ACK, 0, 1, options=offer), peer(ACK, 1, 1))
    sent = (peer(PSH | ACK, 1, 1, 1000), peer(PSH | ACK, 1001, 1, 500), peer(FIN | ACK, 1501, 1))
    answers = (stack(ACK, 1, 1001), stack(ACK, 1, 1001, options=copy), stack(ACK, 1, 1501), stack(ACK, 1, 1502))
    found = only(*opened, *sent, *answers)
    assert (found.conforms, found.lost) == (True, 1)


@pytest.mark.parametrize("again", [(501, 1001), (501, 901)])
def test_a_copy_beyond_a_gap_is_told_of_within_the_second_block(again: tuple[int, int]) -> None:
    """RFC 2883 section 4.2: the first block is what came twice, and the second holds it."""
    offer = Options(mss=1460, sack_permitted=True)
    low, high = (add(ISS[PEER], number) for number in again)
    held = (add(ISS[PEER], 501), add(ISS[PEER], 1001))
    story = (
        peer(SYN, 0, options=offer),
        stack(SYN | ACK, 0, 1, options=offer),
        peer(ACK, 1, 1),
        peer(ACK, 1, 1, 500),
        peer(ACK, 501, 1, 500),
        stack(ACK, 1, 1, options=Options(sack=(held,))),
        stack(ACK, 1, 1, options=Options(sack=((low, high), held))),
        peer(ACK, 1, 1, 500),
        stack(ACK, 1, 1001),
    )
    assert blamed(*story) == []
    beyond = (low, add(high, 500))
    told = story[6]._replace(options=Options(sack=(beyond, held)))
    assert blamed(*story[:6], told, *story[7:]) == [7], "what was never sent did not come twice"


def test_a_segment_that_a_reset_overtook_was_sent_before_it() -> None:
    story = [at(said, 1000, 1000) for said in OPEN]
    story += [at(peer(PSH | ACK, 1, 1, 100), 1005, 1000), at(peer(PSH | ACK, 101, 1, 50), 1006, 1000)]
    story += [peer(RST | ACK, 151, 1), at(peer(PSH | ACK, 1, 1, 100), 1004, 1000)]
    assert [s.frame for s in only(*story).violations] == []
    story[-1] = at(peer(PSH | ACK, 1, 9, 100), 1004, 1000)
    assert [s.frame for s in only(*story).violations] == [7]
