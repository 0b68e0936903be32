"""What comes sooner than any timer runs out, and unasked: a number is wrong, there or before it."""

from __future__ import annotations

import pytest
from wire import Said, captured, peer, stack

from tcpviz.exchange.capture import Capture
from tcpviz.exchange.match import match
from tcpviz.model.segment import ACK, FIN, PSH, RST, SYN, Options
from tcpviz.value import replace

OPEN = (peer(SYN, 0), stack(SYN | ACK, 0, 1), peer(ACK, 1, 1))
BULK = tuple(peer(ACK, 1 + 1000 * n, 1, 1000) for n in range(9))
REST = (
    stack(ACK, 1, 9001),
    peer(PSH | ACK, 9001, 1, 10),
    stack(ACK, 1, 9011),
    peer(FIN | ACK, 9011, 1),
    stack(FIN | ACK, 1, 9012),
    peer(ACK, 9012, 2),
)
STORY = (*OPEN, *BULK, *REST)


def shortly(*story: Said, apart: int = 10_000) -> Capture:
    """So many nanoseconds from one to the next."""
    capture = captured(*story)
    frames = [replace(frame, time=frame.number * apart) for frame in capture.frames]
    return replace(capture, frames=tuple(frames))


def blamed(number: int, apart: int = 10_000, **fields: object) -> list[tuple[int | None, str]]:
    story = [*STORY]
    story[number - 1] = story[number - 1]._replace(**fields)
    (connection,) = match(shortly(*story, apart=apart)).connections
    return [(sent.frame, sent.expected.field if sent.expected else "") for sent in connection.violations]


def test_the_story_is_right() -> None:
    assert match(shortly(*STORY)).conforms


def test_a_few_octets_on_an_ack_that_the_text_behind_it_has_again_were_not_there() -> None:
    for length in (1, 2, 5, 999):
        assert blamed(3, length=length) == [(3, "length")]


def test_who_had_waited_may_have_sent_them_and_gathered_more() -> None:
    assert blamed(3, apart=300_000_000, length=2) == []


def test_a_few_octets_that_nobody_pushed_were_not_there_however_late_text_with_push_begins_at_the_same_number() -> None:
    """MUST-61: what ends all that there is to send has PSH. But a closed window is asked with an octet."""
    text = peer(PSH | ACK, 1, 1, 10), stack(ACK, 1, 11)
    for number in (1, 9, 10):
        (connection,) = match(shortly(*OPEN[:2], peer(ACK, 1, 1, number), *text, apart=300_000_000)).connections
        assert [sent.frame for sent in connection.violations] == [3]


def test_a_window_that_is_closed_is_asked_with_an_octet_that_nobody_pushes() -> None:
    story = (
        *(OPEN[0], OPEN[1]._replace(window=0), OPEN[2]),
        stack(PSH | ACK, 1, 1, 5, window=0),
        peer(ACK, 1, 6, 1),
        stack(PSH | ACK, 6, 1, 5),
        peer(PSH | ACK, 1, 11, 10),
        stack(ACK, 11, 11),
    )
    assert match(shortly(*story, apart=300_000_000)).conforms


def test_the_last_packet_of_several_may_go_again_alone() -> None:
    """A probe for a lost tail (RFC 8985 section 7) needs no timer that has run out."""
    again = peer(PSH | ACK, 8501, 1, 500)
    assert match(shortly(*OPEN, *BULK, again, *REST)).conforms


def test_what_was_pushed_may_go_again_with_more_behind_it() -> None:
    assert blamed(3, flags=PSH | ACK, length=2) == []


def test_text_does_not_reach_into_what_comes_next() -> None:
    for length in (1001, 1002, 1005, 1500):
        assert blamed(7, length=length) == [(7, "length")]


def test_text_does_not_go_back_into_what_was_sent() -> None:
    for off in (-2, -5, -300, -1700, -3300):
        assert blamed(9, seq=5001 + off) == [(9, "seq")]


def test_text_does_not_lie_across_what_comes_after_it() -> None:
    for off in (2, 5, 300, 1700):
        assert blamed(9, seq=5001 + off) == [(9, "seq")]


def test_an_ack_does_not_tell_of_text_that_comes_in_one_piece_with_more() -> None:
    assert blamed(3, seq=6) == [(3, "seq")]


def test_whose_clock_has_gone_on_has_waited_though_the_network_brings_both_at_once() -> None:
    def clocked(tick: int) -> Options:
        return Options(timestamps=(tick, 5))

    first = peer(ACK, 1, 1, 300, options=clocked(100))
    for tick, blames in ((300, 0), (101, 1)):
        story = (
            OPEN[0]._replace(options=clocked(99)),
            OPEN[1]._replace(options=Options(timestamps=(5, 99))),
            first,
            first._replace(length=1000, options=clocked(tick)),
            stack(ACK, 1, 1001, options=Options(timestamps=(6, tick))),
        )
        (connection,) = match(shortly(*story)).connections
        assert len(connection.violations) == blames


def test_who_lacks_text_is_given_it_at_once() -> None:
    """Three ACKs ask for it; it is cut otherwise than at first."""
    again = peer(ACK, 2001, 1, 1500)
    asking = stack(ACK, 1, 2001)
    (connection,) = match(shortly(*OPEN, *BULK, asking, asking, asking, asking, again, *REST)).connections
    assert connection.conforms


# A keep-alive waits for silence: what looks like one, where an answer is due, is that answer

ASKING = {
    "text beyond a gap": peer(PSH | ACK, 1001, 1, 1000),
    "text that was there": peer(PSH | ACK, 1, 1, 5),
    "a SYN": peer(SYN, 6),
    "a reset": peer(RST, 7),
    "an ACK of what was never sent": peer(ACK, 6, 900),
    "a keep-alive": peer(ACK, 5, 1),
}
HEARD = (*OPEN, peer(PSH | ACK, 1, 1, 5), stack(ACK, 1, 6))


@pytest.mark.parametrize("asking", ASKING.values(), ids=ASKING)
def test_an_answer_with_a_number_too_low_is_no_keep_alive(asking: Said) -> None:
    for seq, wrong in ((1, []), (0, [7])):
        (connection,) = match(shortly(*HEARD, asking, stack(ACK, seq, 6)), "server").connections
        assert [sent.frame for sent in connection.violations] == wrong


def test_where_nothing_asks_for_an_answer_it_is_one_however_soon() -> None:
    assert match(shortly(*HEARD, stack(ACK, 0, 6), peer(ACK, 6, 1))).conforms


def test_both_ends_may_break_a_silence_at_once() -> None:
    story = shortly(*HEARD, ASKING["a keep-alive"], stack(ACK, 0, 6))
    for silence, wrong in ((1_000_000_000, 0), (0, 1)):
        frames = [replace(f, time=f.time + silence * (f.number > len(HEARD))) for f in story.frames]
        (connection,) = match(replace(story, frames=tuple(frames)), "server").connections
        assert len(connection.violations) == wrong


def test_what_is_too_big_for_a_network_is_sent_again_at_once_in_smaller_pieces() -> None:
    pieces = tuple(peer(ACK, 1 + 750 * n, 1, 750) for n in range(4))
    story = (*OPEN, *BULK[:3], *pieces, stack(ACK, 1, 3001), peer(PSH | ACK, 3001, 1, 9), stack(ACK, 1, 3010))
    whole = shortly(*story)
    (connection,) = match(whole).connections
    assert not connection.conforms
    lost = whole.frames[len(OPEN)]
    assert lost.segment
    told = replace(lost, number=99, time=whole.frames[len(OPEN) + 2].time, segment=None, undelivered=lost.segment.seq)
    (connection,) = match(replace(whole, frames=(*whole.frames[:6], told, *whole.frames[6:]))).connections
    assert connection.conforms
