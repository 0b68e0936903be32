"""What decides nothing is warned at the segment that stands out, and at none that goes back to what was before."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from wire import ISS, PEER, Said, captured, normal, peer, stack, tapped

from tcpviz.exchange.capture import OFFSET, OPTIONS, Capture, Checksum, Flaw
from tcpviz.exchange.exchange import Transmission
from tcpviz.exchange.match import match
from tcpviz.model.segment import ACK, FIN, PSH, SYN, URG, Options, Segment
from tcpviz.model.sequence import add
from tcpviz.value import Value, replace

LINES = [
    peer(SYN, 0),
    stack(SYN | ACK, 0, 1),
    peer(ACK, 1, 1),
    peer(PSH | ACK, 1, 1, 5),
    stack(ACK, 1, 6),
    stack(PSH | ACK, 1, 6, 3),
    peer(ACK, 6, 4),
    peer(FIN | ACK, 6, 4),
    stack(FIN | ACK, 4, 7),
    peer(ACK, 7, 5),
]


def timed() -> list[Said]:
    """A tick from one to the next; each echoes what came last."""
    newest = {True: 0, False: 0}
    story = []
    for clock, said in enumerate(LINES, 1000):
        ours = said.by == LINES[0].by
        scale = 7 if said.flags & SYN else None
        newest[ours] = clock
        stamps = (clock, newest[not ours])
        story.append(said._replace(window=500, options=Options(timestamps=stamps, window_scale=scale)))
    return story


def found(capture: Capture) -> tuple[list[tuple[int | None, str]], list[tuple[int | None, str]]]:
    """What was warned, and what was blamed."""
    (connection,) = match(capture).connections

    def fields(verdict: str) -> list[tuple[int | None, str]]:
        told: Sequence[Transmission] = connection.segments
        return [(sent.frame, sent.expected.field) for sent in told if sent.verdict == verdict and sent.expected]

    return fields("warning"), fields("violation")


def story_with(number: int, **fields: object) -> Capture:
    story = timed()
    story[number - 1] = story[number - 1]._replace(**fields)
    return captured(*story)


def stamped(number: int, value: int) -> Capture:
    options = timed()[number - 1].options
    assert options.timestamps
    return story_with(number, options=replace(options, timestamps=(value, options.timestamps[1])))


def test_the_story_is_right() -> None:
    assert found(captured(*timed())) == ([], [])


@pytest.mark.parametrize("number", range(1, 8))
@pytest.mark.parametrize("value", [1, 10**6])
def test_a_clock_that_was_wrong_once(number: int, value: int) -> None:
    warned, blamed = found(stamped(number, value))
    assert (warned, blamed) == ([(number, "timestamp")], [])


def at_once() -> list[Said]:
    """Within one tick of both clocks from the third segment on, as on a fast line."""
    story, newest = timed(), {True: 1000, False: 1001}
    for index, said in enumerate(story[2:], 2):
        ours = said.by == LINES[0].by
        story[index] = said._replace(options=replace(said.options, timestamps=(1100, newest[not ours])))
        newest[ours] = 1100
    return story


@pytest.mark.parametrize("number", [4, 6])
def test_a_clock_that_was_ahead_by_one_where_the_peer_echoes_what_it_goes_back_to(number: int) -> None:
    story = at_once()
    ours, echo = story[number - 1].options.timestamps or (0, 0)
    assert found(captured(*story))[0] == []
    wrong = replace(story[number - 1].options, timestamps=(ours + 1, echo))
    story[number - 1] = story[number - 1]._replace(options=wrong)
    assert found(captured(*story))[0] == [(number, "timestamp")]


def test_what_echoes_a_clock_that_was_not_told_is_right() -> None:
    for stamps in (None, (500, 1008)):
        story = timed()
        story[8] = story[8]._replace(options=replace(story[8].options, timestamps=stamps))
        assert found(captured(*story)) == ([(9, "timestamps" if stamps is None else "timestamp")], [])


@pytest.mark.parametrize("place", [3, 5, 7])
@pytest.mark.parametrize("forged", [peer(SYN, 90000), stack(SYN, 90000), stack(SYN | ACK, 90000, 4000)])
def test_a_stranger_s_syn_changes_nothing_of_what_both_had_agreed(place: int, forged: Said) -> None:
    story = timed()
    warned, blamed = found(captured(*story[:place], forged, *story[place:]))
    assert (warned, [number for number, _ in blamed]) == ([], [place + 1])


def test_a_syn_without_what_both_ends_go_on_with() -> None:
    scaled, permitted = Options(window_scale=7), Options(sack_permitted=True)
    story = [line._replace(options=scaled if line.flags & SYN else Options(), window=500) for line in LINES]
    story[0] = story[0]._replace(window=64240)
    assert found(captured(*story))[0] == []
    story[0] = story[0]._replace(options=Options())
    assert found(captured(*story))[0] == [(1, "window scale")]
    beyond = stack(ACK, 1, 1, options=Options(sack=((add(ISS[PEER], 6), add(ISS[PEER], 11)),)))
    talk = [peer(PSH | ACK, 6, 1, 5), beyond, peer(PSH | ACK, 1, 1, 5), stack(ACK, 1, 11)]
    story = [line._replace(options=permitted if line.flags & SYN else Options()) for line in LINES[:3]] + talk
    assert found(captured(*story))[0] == []
    story[0] = story[0]._replace(options=Options())
    assert found(captured(*story))[0] == [(1, "SACK permitted")]


@pytest.mark.parametrize("number", [2, 3, 4, 6, 8])
@pytest.mark.parametrize("echo", [0, 990, 5000])
def test_an_echo_is_no_older_than_the_peer_s_syn_nor_newer_than_what_it_has_sent(number: int, echo: int) -> None:
    options = timed()[number - 1].options
    assert options.timestamps
    wrong = replace(options, timestamps=(options.timestamps[0], echo))
    assert found(story_with(number, options=wrong)) == ([(number, "timestamp echo")], [])


@pytest.mark.parametrize("number", [1, 2, 3, 4, 6, 8])
def test_timestamps_that_lack_once(number: int) -> None:
    options = replace(timed()[number - 1].options, timestamps=None)
    assert found(story_with(number, options=options)) == ([(number, "timestamps")], [])


@pytest.mark.parametrize("number", [3, 5, 6, 7])
def test_a_window_that_was_too_large_once(number: int) -> None:
    assert found(story_with(number, window=60000)) == ([(number, "window")], [])


def test_windows_that_stay_smaller_were_taken_back() -> None:
    story = timed()
    for index in (7, 9):
        story[index] = story[index]._replace(window=100)
    assert found(captured(*story))[0] == [(8, "window")]


def frame_with(number: int, **fields: object) -> Capture:
    """The exchange that everybody knows, its checksums filled in; one frame is otherwise."""
    capture = tapped(normal())
    frames = [replace(frame, checksum=Checksum(7, 7)) for frame in capture.frames]
    frames[number - 1] = replace(frames[number - 1], **fields)
    return replace(capture, frames=tuple(frames))


@pytest.mark.parametrize("number", [1, 2, 6, 11])
def test_who_fills_in_checksums_leaves_none_to_the_network_card(number: int) -> None:
    assert found(frame_with(number, checksum=Checksum(0, None))) == ([(number, "checksum")], [])
    assert found(frame_with(number, checksum=Checksum(3, 7))) == ([(number, "checksum")], [])


def test_a_part_of_the_sum_is_what_linux_leaves_on_a_loopback_though_it_fills_in_some_resets() -> None:
    assert found(frame_with(6, checksum=Checksum(0xFE28, None))) == ([], [])


@pytest.mark.parametrize(("number", "ticks"), [(9, 2**24), (10, 2**24), (9, 200_000), (10, 150_000)])
def test_a_clock_that_leaps_ahead_at_the_end(number: int, ticks: int) -> None:
    """Some count microseconds."""
    options = timed()[number - 1].options
    assert options.timestamps
    value, echo = options.timestamps
    leapt = story_with(number, options=replace(options, timestamps=(value + ticks, echo)))
    assert found(leapt)[0] == ([(number, "timestamp")] if ticks == 2**24 else [])


@pytest.mark.parametrize("minutes", [10, 30, 60, 120])
def test_a_clock_after_a_long_silence_has_not_leapt(minutes: int) -> None:
    """In half an hour the fastest clock goes around: nothing can be said."""
    capture = captured(*timed()[:9])
    last, silence = capture.frames[8], minutes * 60 * 10**9
    assert last.segment
    assert last.segment.options.timestamps
    value, echo = last.segment.options.timestamps
    now = replace(last.segment, options=replace(last.segment.options, timestamps=(value + silence // 10**6, echo)))
    late = replace(last, time=last.time + silence, segment=now)
    assert found(replace(capture, frames=(*capture.frames[:8], late))) == ([], [])


def test_a_clock_that_goes_back_and_returns_has_not_leapt() -> None:
    options = timed()[7].options
    assert options.timestamps
    value, echo = options.timestamps
    assert found(story_with(8, options=replace(options, timestamps=(value - 2**24, echo))))[0] == [(8, "timestamp")]


def test_a_clock_that_leaps_ahead_as_it_wraps_around() -> None:
    """What the other end echoes lies before the leap."""
    story = timed()
    for number, said in enumerate(story):
        now, heard = said.options.timestamps or (0, 0)
        now, heard = add(now, -1005 + 2**24 * (number == 8)), add(heard, -1005) if heard else 0
        story[number] = said._replace(options=replace(said.options, timestamps=(now, heard)))
    assert found(captured(*story))[0] == [(9, "timestamp")]


def test_what_was_overtaken_has_an_older_clock_and_the_newer_one_is_right() -> None:
    """A few ticks are no jump."""
    story = timed()
    third = story[3].options.timestamps
    assert third
    story[3] = story[3]._replace(options=replace(story[3].options, timestamps=(third[0] + 6, third[1])))
    assert found(captured(*story))[0] == [(7, "timestamp")]


def test_who_fills_in_none_leaves_all_to_it() -> None:
    capture = tapped(normal())
    left = tuple(replace(frame, checksum=Checksum(0, None)) for frame in capture.frames)
    assert found(replace(capture, frames=left)) == ([], [])


@pytest.mark.parametrize("number", [1, 2, 6, 11])
def test_who_leaves_a_part_of_the_sum_leaves_none_at_zero(number: int) -> None:
    capture = frame_with(number)
    frames = [replace(frame, checksum=Checksum(0xFE28, None)) for frame in capture.frames]
    assert found(replace(capture, frames=tuple(frames))) == ([], [])
    frames[number - 1] = replace(frames[number - 1], checksum=Checksum(0, None))
    assert found(replace(capture, frames=tuple(frames))) == ([(number, "checksum")], [])


@pytest.mark.parametrize("number", range(1, 12))
def test_an_ip_header_that_leaves_no_room_for_the_header_is_blamed_for_the_length(number: int) -> None:
    assert found(frame_with(number, offset=8, held=0, segment=shortened(number))) == ([], [(number, "length")])


@pytest.mark.parametrize(("host", "section"), [("10.0.0.{}", "RFC 791 3.1"), ("fd00::{}", "RFC 8200 3")])
def test_the_length_of_an_ip_header_is_the_affair_of_its_version(host: str, section: str) -> None:
    whole = frame_with(4, offset=8, held=0, segment=shortened(4))
    first = whole.frames[0].source
    frames = tuple(
        replace(
            frame,
            source=replace(frame.source, host=host.format(1 + (frame.source != first))),
            destination=replace(frame.destination, host=host.format(1 + (frame.destination != first))),
        )
        for frame in whole.frames
    )
    (connection,) = match(replace(whole, frames=frames)).connections
    (told,) = [sent.expected for sent in connection.violations]
    assert told
    assert (f"{told.sentence}", told.section) == ("expected length=0, not below zero", section)


def shortened(number: int) -> Segment:
    segment = tapped(normal()).frames[number - 1].segment
    assert segment
    return replace(segment, length=0)


@pytest.mark.parametrize("number", range(1, 12))
@pytest.mark.parametrize("offset", [0, 4, 15])
def test_a_header_that_ends_nowhere_is_blamed_and_taken_for_what_it_was(number: int, offset: int) -> None:
    assert found(frame_with(number, offset=offset)) == ([], [(number, "data offset")])


@pytest.mark.parametrize("offset", [0, 4, 15])
def test_a_header_that_ends_nowhere_behind_text_that_the_capture_lacks(offset: int) -> None:
    """Nor may TCP have sent it with the length that is left once the usual options are taken off."""
    story = captured(
        *LINES[:3],
        peer(PSH | ACK, 1461, 1, 1460),
        stack(ACK, 1, 1),
        peer(ACK, 1, 1, 1460),
        stack(ACK, 1, 2921),
    )
    frames = [replace(frame, offset=offset) if frame.number == 4 else frame for frame in story.frames]
    assert found(replace(story, frames=tuple(frames)))[1] == [(4, "data offset")]


def test_an_urgent_pointer_to_what_was_never_sent() -> None:
    """One to what comes later may be right, and while the sender may go on, nobody knows."""
    for number, urgent, warned in (
        (4, 5, []),
        (3, 5, []),
        (3, 200, [(3, "urgent pointer")]),
        (8, 9, [(8, "urgent pointer")]),
    ):
        story = tapped(normal(), change={number: lambda segment: pointing(segment, urgent)})  # noqa: B023
        assert found(story) == (warned, [])
    open_ended = captured(*LINES[:4])
    last = open_ended.frames[3]
    assert last.segment
    pointed = replace(last, segment=pointing(last.segment, 9))
    assert found(replace(open_ended, frames=(*open_ended.frames[:3], pointed))) == ([], [])


def pointing(segment: Segment, urgent: int) -> Segment:
    return replace(segment, flags=segment.flags | URG, urgent=urgent)


def test_text_on_a_syn_that_nobody_has_taken_is_odd() -> None:
    again = [peer(SYN, 0, length=length) for length in (0, 5, 0)]
    assert found(captured(*again)) == ([(2, "length")], [])
    asked = peer(SYN, 0, length=5, options=Options(fast_open=b"12345678"))
    assert found(captured(asked, stack(SYN | ACK, 0, 1))) == ([], [])
    assert found(captured(peer(SYN, 0, length=5), stack(SYN | ACK, 0, 6), peer(ACK, 6, 1))) == ([], [])


@pytest.mark.parametrize("number", [1, 2, 4, 9])
def test_options_that_cannot_be_read_speak_against_nobody_else(number: int) -> None:
    flaw = Flaw(OPTIONS, 39, "option 2 of 4 octets", "RFC 9293 3.2")
    story = captured(*timed())
    wrong = story.frames[number - 1]
    assert wrong.segment
    unread = replace(wrong, flaw=flaw, segment=replace(wrong.segment, options=Options()))
    frames: tuple[Value, ...] = tuple(unread if frame is wrong else frame for frame in story.frames)
    assert found(replace(story, frames=frames)) == ([(number, "options")], [])


@pytest.mark.parametrize("number", [3, 4, 8, 10])
def test_a_header_that_ends_too_early_is_blamed_for_its_end(number: int) -> None:
    segment = tapped(normal()).frames[number - 1].segment
    assert segment
    longer = replace(segment, length=segment.length + 4)
    flaw = Flaw(OFFSET, 7, "8", "RFC 9293 3.1")
    assert found(frame_with(number, segment=longer, flaw=flaw)) == ([], [(number, "data offset")])


def test_the_text_that_the_record_has_tells_that_the_length_is_wrong() -> None:
    """The length of 40 octets that IP says would have to be acknowledged."""
    frame = tapped(normal()).frames[9]
    assert frame.segment
    lied = replace(frame.segment, length=40)
    assert found(frame_with(10, segment=lied, held=0, length=40)) == ([], [(10, "length")])
