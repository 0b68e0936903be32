"""A fault that looks right where it stands shows in how both ends go on: the frame is blamed, and nobody after it."""

from __future__ import annotations

import pytest
from wire import ISS, PEER, Change, Said, captured, normal, only, peer, stack, tapped

from tcpviz.exchange import library
from tcpviz.exchange.exchange import Connection
from tcpviz.exchange.match import match
from tcpviz.exchange.policy import POLICIES
from tcpviz.exchange.simulate import simulate
from tcpviz.model.segment import ACK, FIN, PSH, RST, SYN, Options, Segment
from tcpviz.model.sequence import add
from tcpviz.model.transitions import State
from tcpviz.value import replace

Blames = list[tuple[int | None, str | None]]


def blames(connection: Connection) -> Blames:
    return [(sent.frame, sent.expected.field if sent.expected else None) for sent in connection.violations]


def falsified(frame: int, **fields: int) -> Blames:
    """Of the exchange that everybody knows, with one field of one frame changed: 4 and 6 have text, 8 and 10 a FIN."""

    def change(segment: Segment) -> Segment:
        return replace(segment, **fields)

    (connection,) = match(tapped(normal(), change={frame: change})).connections
    return blames(connection)


@pytest.mark.parametrize(("frame", "lengths"), [(4, (2, 4, 6, 100)), (6, (0, 1, 2, 4, 100)), (8, (1, 100))])
def test_the_length_is_the_one_that_both_go_on_with(frame: int, lengths: tuple[int, ...]) -> None:
    """More than three octets less, and the rest may be in a frame that the capture lacks."""
    for length in lengths:
        assert falsified(frame, length=length) == [(frame, "length")]


@pytest.mark.parametrize("frame", [9, 10])
@pytest.mark.parametrize("length", [1, 5])
def test_text_that_neither_end_counts_was_not_there(frame: int, length: int) -> None:
    """Of the last that an end says, nothing that follows tells but what is acknowledged."""
    assert falsified(frame, length=length) == [(frame, "length")]


def test_after_text_that_was_not_there_both_go_on_as_if_it_had_not_been() -> None:
    def change(segment: Segment) -> Segment:
        return replace(segment, length=1)

    (connection,) = match(tapped(normal(), change={9: change})).connections
    assert connection.client.states[-1].state is State.TIME_WAIT


def test_a_syn_has_as_much_text_as_both_go_on_with() -> None:
    assert falsified(1, length=1) == [(1, "length")]


def test_a_syn_after_which_text_begins_at_once_had_none() -> None:
    story = OPEN[0], OPEN[1], peer(ACK, 2, 1), peer(PSH | ACK, 1, 1, 1), peer(PSH | ACK, 2, 1, 1), stack(ACK, 1, 2)
    assert blames(only(*story, stack(ACK, 1, 3))) == [(3, "seq")]


@pytest.mark.parametrize("length", [1, 5])
def test_text_on_a_syn_that_came_again_without_it_was_not_there(length: int) -> None:
    story = peer(SYN, 0, length=length), peer(SYN, 0), *OPEN[1:], *TALK, *CLOSE
    assert blames(only(*story)) == [(1, "length")]


@pytest.mark.parametrize("frame", [4, 6])
def test_a_fin_that_comes_later_was_not_on_text(frame: int) -> None:
    assert falsified(frame, flags=ACK | PSH | FIN) == [(frame, "flags")]


OPEN = (peer(SYN, 0), stack(SYN | ACK, 0, 1), peer(ACK, 1, 1))
TALK = (peer(PSH | ACK, 1, 1, 1000), stack(ACK, 1, 1001), peer(PSH | ACK, 1001, 1, 1000), stack(ACK, 1, 2001))
CLOSE = (peer(FIN | ACK, 2001, 1), stack(FIN | ACK, 1, 2002), peer(ACK, 2002, 2))


def told(*story: Said, change: dict[int, Said]) -> Blames:
    return blames(only(*(change.get(number, said) for number, said in enumerate(story, 1))))


def test_a_reset_is_the_last_that_its_sender_says_and_has_no_text() -> None:
    assert blames(only(*OPEN, *TALK, peer(RST | ACK, 2001, 1, 7))) == [(8, "length")]
    # whoever goes on has not reset
    assert told(*OPEN, *TALK, *CLOSE, change={6: peer(RST | PSH | ACK, 1001, 1, 1000)}) == [(6, "flags")]


def test_an_ack_that_was_due_had_no_reset_on_it() -> None:
    connection = only(*OPEN[:2], peer(RST | ACK, 1, 1), *TALK, *CLOSE)
    assert [sent.expected and (sent.expected.field, sent.expected.allowed) for sent in connection.violations] == [
        ("flags", "ACK")
    ]


def test_a_syn_in_an_ends_name_is_forged_if_it_goes_on_to_answer_what_comes() -> None:
    forged = stack(SYN, 5000)
    story = *OPEN, stack(FIN | ACK, 1, 1), forged, peer(FIN | ACK, 1, 2), stack(ACK, 2, 2)
    assert blames(only(*story)) == [(5, "flags")]


FORGED = {
    "FIN": (peer(FIN | ACK, 1001, 1), stack(FIN | ACK, 1, 1001)),
    "text": (peer(PSH | ACK, 1001, 1, 13), stack(PSH | ACK, 1, 1001, 13)),
    "reset": (peer(RST | ACK, 1001, 1), stack(RST | ACK, 1, 1001)),
}
ECHOED = (peer(PSH | ACK, 1001, 1, 9), stack(PSH | ACK, 1, 1010, 9), peer(ACK, 1010, 10), stack(PSH | ACK, 10, 1010, 9))
ENDED = (peer(FIN | ACK, 1010, 19), stack(FIN | ACK, 19, 1011), peer(ACK, 1011, 20))


@pytest.mark.parametrize(
    ("what", "by", "place"),
    [
        *(("reset", by, place) for by in (0, 1) for place in (5, 6, 8, 9, 10)),
        *(("text", 0, place) for place in (5, 6, 8, 9, 10)),
        *(("text", 1, place) for place in (8, 9, 10)),
        # a FIN that is followed by the true one is the same, sent again
        *(("FIN", by, place) for by in (0, 1) for place in (5, 6)),
    ],
)
def test_what_somebody_else_has_sent_is_blamed_and_nobody_who_goes_on_as_if_it_had_not_been(
    what: str, by: int, place: int
) -> None:
    """Both ends' numbers until then, a third party may have seen."""
    before = [*OPEN, *TALK[:2], *ECHOED, *ENDED][:place]
    sent = {said.by: said.seq + said.length + bool(said.flags & (SYN | FIN)) for said in before}
    forged = FORGED[what][by]
    (other,) = sent.keys() - {forged.by}
    forged = forged._replace(seq=sent[forged.by], ack=sent[other])
    story = *before, forged, *(*OPEN, *TALK[:2], *ECHOED, *ENDED)[place:]
    assert [frame for frame, _ in blames(only(*story))] == [place + 1]


def test_a_window_that_was_taken_for_larger_was_larger() -> None:
    story = *OPEN, *TALK, *CLOSE
    assert told(*story, change={}) == []
    assert told(*story, change={2: replace_window(story[1], 0)}) == [(2, "window")]
    # text that nobody acknowledges is its sender's fault
    assert told(*OPEN, TALK[0], change={2: replace_window(story[1], 0)}) == [(4, "flags")]


def replace_window(said: Said, window: int) -> Said:
    return said._replace(window=window)


def needing_a_scale() -> list[Said]:
    """So much text that only windows which are scaled take it."""
    scaled = Options(window_scale=7)
    story = [
        said._replace(options=scaled) if said.flags & SYN else said._replace(window=100) for said in (*OPEN, *TALK)
    ]
    story[3] = story[3]._replace(length=60000, ack=1)
    story[4] = story[4]._replace(ack=60001)
    story[5] = story[5]._replace(seq=60001, length=10000)
    story[6] = story[6]._replace(ack=70001)
    return story


@pytest.mark.parametrize("scale", [None, 1])
@pytest.mark.parametrize("frame", [1, 2])
def test_a_scale_with_which_all_windows_are_too_small_was_larger(frame: int, scale: int | None) -> None:
    wrong, story = Options(window_scale=scale), needing_a_scale()
    assert blames(only(*story)) == []
    story[frame - 1] = story[frame - 1]._replace(options=wrong)
    # the sender's own scale says nothing of how much it may send
    assert blames(only(*story)) == ([(frame, "window scale")] if frame == 2 or scale is None else [])


def test_no_scale_makes_more_of_a_window_of_nothing() -> None:
    scaled = Options(window_scale=0)
    more = peer(PSH | ACK, 2001, 1, 1000), stack(ACK, 1, 3001)
    story = [said._replace(options=scaled) if said.flags & SYN else said for said in (*OPEN, *TALK, *more)]
    for number, window in ((1, 1000), (4, 1000), (6, 0)):
        story[number] = story[number]._replace(window=window)
    assert blames(only(*story)) == [(7, "window")]


def test_a_window_was_as_small_as_it_said_where_text_beyond_it_was_refused() -> None:
    offered, refused = stack(SYN | ACK, 0, 1, window=6000), stack(ACK, 1, 1, window=6000)
    too_much = peer(PSH | ACK, 1, 1, 9000)
    story = OPEN[0], offered, OPEN[2], too_much, refused, too_much, stack(ACK, 1, 9001, window=0)
    assert blames(only(*story)) == [(4, "flags")]


@pytest.mark.parametrize(("rest", "wrong"), [(9, 2), (5, 1)])
def test_text_on_a_syn_of_which_the_rest_goes_again_was_all_there(rest: int, wrong: int) -> None:
    asked = peer(SYN, 0, length=18)._replace(options=Options(fast_open=b"12345678"))
    story = asked, stack(SYN | ACK, 0, 10), peer(PSH | ACK, 10, 1, rest), stack(ACK, 1, 10 + rest)
    assert [frame for frame, _ in blames(only(*story))] == [wrong]


def much(frame: int, change: Change) -> Blames:
    """Of an exchange of much text, more than is looked at again in the end."""
    plan = library.conversation(library.load("normal"), [("client", 200_000), ("server", 200_000)], "client")
    (connection,) = match(tapped(simulate(plan).connections[0], change={frame: change})).connections
    assert len(connection.segments) == 559
    return blames(connection)


@pytest.mark.parametrize("frame", [60, 61, 90, 93])
@pytest.mark.parametrize("flag", [FIN, SYN, RST])
def test_a_wrong_flag_in_the_midst_of_much_text_is_blamed_alone(frame: int, flag: int) -> None:
    """Long before the end of the connection, and though everything after it looks wrong at first."""
    found = much(frame, lambda segment: replace(segment, flags=segment.flags | flag))
    assert [blamed for blamed, _ in found] == [frame]


@pytest.mark.parametrize("flags", [SYN | ACK, ACK, 0])
def test_a_wrong_flag_in_the_first_segment_hides_who_the_client_is(flags: int) -> None:
    assert much(1, lambda segment: replace(segment, flags=flags)) == [(1, "flags")]


@pytest.mark.parametrize("frame", [557, 558])
def test_a_wrong_length_at_the_end_of_much_text(frame: int) -> None:
    assert much(frame, lambda segment: replace(segment, length=5)) == [(frame, "length")]


@pytest.mark.parametrize(("less", "every"), [(1, 2), (1, 40), (2, 1), (2, 2), (2, 40), (3, 1), (3, 2), (3, 40)])
def test_a_few_octets_less_than_follow_it_in_much_text(less: int, every: int) -> None:
    """However seldom the peer acknowledges; that they were in a frame of their own is no likelier."""
    story = [*OPEN]
    for number in range(200):
        story.append(peer(ACK, 1 + 1000 * number, 1, 1000))
        if number % every == every - 1:
            story.append(stack(ACK, 1, 1001 + 1000 * number))
    assert blames(only(*story)) == []
    at = next(n for n, said in enumerate(story) if said.seq == 50_001)
    story[at] = story[at]._replace(length=1000 - less)
    assert blames(only(*story)) == [(at + 1, "length")]


@pytest.mark.parametrize("off", [-5000, -1000, -5, 5])
def test_what_arrived_behind_a_gap_tells_where_text_was(off: int) -> None:
    """Long before all of it is acknowledged, and though some of it goes again at once."""
    allowed = Options(sack_permitted=True)
    story = [peer(SYN, 0, options=allowed), stack(SYN | ACK, 0, 1, options=allowed), peer(ACK, 1, 1, 1000)]
    for number in range(1, 60):
        story += [peer(ACK, 1 + 1000 * number, 1, 1000), stack(ACK, 1, 1, options=told_of(1001, 1001 + 1000 * number))]
    again = 2 * 30 + 2
    story[again:again] = [peer(ACK, 1, 1, 1000)]
    story += [peer(ACK, 1, 1, 1000), stack(ACK, 1, 60001), peer(ACK, 60001, 1, 1000), stack(ACK, 1, 61001)]
    assert blames(only(*story)) == []
    wrong = again - 3
    story[wrong] = story[wrong]._replace(seq=story[wrong].seq + off)
    assert [frame for frame, _ in blames(only(*story))] == [wrong + 1]


def told_of(low: int, high: int) -> Options:
    return Options(sack=((add(ISS[PEER], low), add(ISS[PEER], high)),))


@pytest.mark.parametrize("frame", [1, 2])
def test_options_that_were_taken_for_text_may_have_had_a_scale(frame: int) -> None:
    """Where the header ends nowhere, and where it ends one word too soon."""
    story = needing_a_scale()
    story[frame - 1] = story[frame - 1]._replace(options=Options(), length=4)
    assert blames(only(*story)) == [(frame, "length")]
    capture = captured(*story)
    frames = [replace(f, offset=4) if f.number == frame else f for f in capture.frames]
    (connection,) = match(replace(capture, frames=tuple(frames))).connections
    assert blames(connection) == [(frame, "data offset")]


@pytest.mark.parametrize(
    ("name", "frame", "by", "allowed"),
    [
        ("data-after-close", 7, 1, "2"),
        ("rfc9293-figure-11", 3, -1, "1"),
        ("simultaneous-close", 8, -1, "2"),
        ("simultaneous-close", 9, -1, "7"),
        ("rfc9293-figure-13", 4, -1, "2"),
    ],
)
def test_a_wrong_number_is_named_before_flags_that_nothing_calls_for(
    name: str, frame: int, by: int, allowed: str
) -> None:
    """A reset, or an acknowledgement that was due, with one number wrong; not something else altogether."""

    def change(segment: Segment) -> Segment:
        return replace(segment, seq=add(segment.seq, by))

    (connection,) = match(tapped(*simulate(library.load(name)).connections, change={frame: change})).connections
    assert blames(connection) == [(frame, "seq")]
    assert [sent.expected.allowed for sent in connection.violations if sent.expected] == [allowed]


@pytest.mark.parametrize("by", [1, -1])
def test_of_several_numbers_that_would_do_the_nearest_is_expected(by: int) -> None:
    """The SYN,ACK and three octets behind it are on their way: 1 and 4 may be acknowledged."""

    def change(segment: Segment) -> Segment:
        return replace(segment, ack=add(segment.ack, by))

    played = simulate(library.load("fast-open-second")).connections
    (*_, connection) = match(tapped(*played, change={4: change})).connections
    (sent,) = connection.violations
    assert (sent.frame, sent.expected and sent.expected.allowed) == (4, "1")


def test_a_copy_of_what_was_sent_before_it_was_changed_is_a_copy() -> None:
    """In `late-duplicate` the network keeps a copy of frame 6 and delivers it in TIME-WAIT."""

    def change(segment: Segment) -> Segment:
        return replace(segment, ack=add(segment.ack, 1))

    played = simulate(library.load("late-duplicate")).connections
    (connection,) = match(tapped(*played, change={6: change})).connections
    assert blames(connection) == [(6, "ack")]
    assert [sent.kind for sent in connection.segments if sent.frame == 12] == ["duplicate"]


@pytest.mark.parametrize("flag", [SYN, ACK])
def test_the_first_segment_of_a_capture_may_be_the_wrong_one(flag: int) -> None:
    """It decides where the story starts: Figure 13 begins with a FIN."""

    def change(segment: Segment) -> Segment:
        return replace(segment, flags=segment.flags ^ flag)

    played = simulate(library.load("rfc9293-figure-13")).connections
    (connection,) = match(tapped(*played, change={1: change})).connections
    assert blames(connection) == [(1, "flags")]


@pytest.mark.parametrize(("frame", "sender"), [(4, "server"), (5, "server"), (5, "client")])
def test_who_was_reset_acknowledges_nothing_that_was_said_since(frame: int, sender: str) -> None:
    """A reset with the right numbers, and both ends go on: it was nobody's, whatever else might explain it."""
    said = [peer(SYN, 0), stack(SYN | ACK, 0, 1), peer(ACK, 1, 1), peer(PSH | ACK, 1, 1, 5), stack(ACK, 1, 6)]
    said += [stack(PSH | ACK, 1, 6, 3), peer(ACK, 6, 4), peer(PSH | ACK, 6, 4, 7), stack(ACK, 4, 13)]
    said += [peer(FIN | ACK, 13, 4), stack(FIN | ACK, 4, 14), peer(ACK, 14, 5)]
    before = said[: frame - 1]
    number = 1 if frame == 4 or sender == "server" else 6
    forged = stack(RST | ACK, number, 6 if frame == 5 else 1) if sender == "server" else peer(RST | ACK, number, 1)
    assert [at for at, _ in blames(only(*before, forged, *said[frame - 1 :]))] == [frame]


def test_of_two_that_may_have_lost_their_fin_the_one_that_nothing_explains_is_blamed() -> None:
    """Frame 9 acknowledges the peer's FIN; frame 10 would be its FIN, and a forged reset comes later."""

    def change(segment: Segment) -> Segment:
        return replace(segment, flags=segment.flags & ~FIN)

    played = simulate(library.load("time-wait-rst"), POLICIES["linux"]).connections
    (connection,) = match(tapped(*played, change={10: change})).connections
    assert blames(connection) == [(10, "flags")]
