"""The matcher: what TCP may do conforms, what no TCP would do is blamed at its frame and field."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from wire import normal, played, renumbered, tapped

from tcpviz.exchange import library
from tcpviz.exchange.capture import Capture
from tcpviz.exchange.document import canonical_calls, match_document
from tcpviz.exchange.exchange import Connection
from tcpviz.exchange.match import explanation, match
from tcpviz.exchange.simulate import simulate
from tcpviz.model.segment import ACK, FIN, PSH, RST, SYN, Options, Segment
from tcpviz.model.sequence import add
from tcpviz.model.transitions import State
from tcpviz.value import replace

STORIES = {
    "normal": lambda: normal(),
    "server closes first": lambda: played(["connect", "recv end", "close"], ["listen", "accept", "close"]),
    "both close": lambda: played(["connect", "at 1 s", "close"], ["listen", "accept", "at 1 s", "close"]),
    "refused": lambda: played(["connect"], []),
    "abort": lambda: played(["connect", "send 5", "abort"], ["listen", "accept", "recv 9"]),
    "half-close": lambda: played(
        ["connect", "shutdown", "recv end", "close"], ["listen", "accept", "recv end", "send 3000", "close"]
    ),
    "zero window": lambda: simulate(library.load("zero-window")).connections[0],
    "much data both ways": lambda: played(
        ["connect", "send 20000", "recv 30000", "close"],
        ["listen", "accept", "recv 20000", "send 30000", "recv end", "close"],
    ),
}


def only(capture: Capture) -> Connection:
    (connection,) = match(capture).connections
    return connection


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_what_the_model_plays_conforms_with_the_same_states_and_calls(story: Callable[[], Connection]) -> None:
    played = story()
    matched = only(tapped(played))
    assert matched.conforms, matched.violations
    assert matched.outcome == played.outcome
    last = max(s.arrived or s.sent for s in played.segments)
    for side in ("client", "server"):
        then = [c.state for c in played.party(side).states if c.time <= last]
        assert [c.state for c in matched.party(side).states] == then
    assert [s.why for s in matched.segments][:2] == [s.why for s in played.segments][:2]


def test_calls_are_inferred() -> None:
    matched = only(tapped(normal()))
    assert canonical_calls(matched, "client") == ["connect", "send 5", "close"]
    assert canonical_calls(matched, "server") == ["send 3", "close"]


def test_a_three_segment_close() -> None:
    capture = tapped(normal())
    # the ACK of the client's FIN never stood alone
    three = replace(capture, frames=tuple(f for f in capture.frames if f.number != 9))
    matched = only(three)
    assert matched.conforms
    assert matched.outcome == "closed"
    assert [str(c.state) for c in matched.client.states][-3:] == ["ESTABLISHED", "FIN-WAIT-1", "TIME-WAIT"]
    assert [str(c.state) for c in matched.server.states][-3:] == ["CLOSE-WAIT", "LAST-ACK", "CLOSED"]


@pytest.mark.parametrize("field", ["seq", "ack"])
@pytest.mark.parametrize("by", [1, -1])
@pytest.mark.parametrize("frame", range(1, 12))
def test_a_number_off_by_one_is_blamed_once_at_its_frame(frame: int, field: str, by: int) -> None:
    """Any ISN will do, but the one that a SYN says is the one from which both ends go on to count."""
    if (frame, field) == (1, "ack"):
        return  # a SYN has none

    def falsify(segment: Segment) -> Segment:
        return replace(segment, **{field: add(getattr(segment, field), by)})

    matched = only(tapped(normal(), change={frame: falsify}))
    (fault,) = matched.violations
    assert (fault.frame, fault.expected and fault.expected.field) == (frame, field)


def test_the_blame_says_what_was_expected() -> None:
    matched = only(tapped(normal(), change={5: lambda s: replace(s, ack=s.ack + 1)}))
    (fault,) = matched.violations
    assert fault.frame == 5
    assert fault.expected
    assert (fault.expected.field, fault.expected.observed, fault.expected.allowed) == ("ack", 7, "6")
    assert fault.expected.section == "RFC 9293 3.10.7.4"


@pytest.mark.parametrize(
    ("frame", "change"),
    [
        (2, lambda s: replace(s, flags=SYN)),
        (2, lambda s: replace(s, flags=ACK)),
        (4, lambda s: replace(s, flags=s.flags | SYN)),
        (8, lambda s: replace(s, flags=ACK, window=s.window - 10)),
        (9, lambda s: replace(s, flags=s.flags | FIN, seq=s.seq + 9)),
        (4, lambda s: replace(s, length=s.length + 70_000)),
    ],
)
def test_wrong_flags_and_lengths_are_blamed(frame: int, change: Callable[[Segment], Segment]) -> None:
    matched = only(tapped(normal(), change={frame: change}))
    assert not matched.conforms
    assert matched.violations[0].frame in (frame, frame + 1)


def test_two_connections_at_once_are_told_apart() -> None:
    both = match(tapped(normal(), renumbered(normal(), 50001)))
    assert [str(c.client.address) for c in both.connections] == ["10.0.0.1:50000", "10.0.0.1:50001"]
    assert all(c.conforms and c.outcome == "closed" for c in both.connections)


def test_the_same_ports_again_are_a_new_connection() -> None:
    first = tapped(normal())
    again = tuple(
        replace(
            f,
            number=f.number + 11,
            time=f.time + 10**12,
            segment=replace(f.segment, seq=add(f.segment.seq, 70000), ack=add(f.segment.ack, 70000)),
        )
        for f in first.frames
        if f.segment
    )
    exchange = match(replace(first, frames=first.frames + again))
    assert [c.outcome for c in exchange.connections] == ["closed", "closed"]
    assert exchange.conforms


def test_frames_captured_twice_are_not_retransmissions() -> None:
    capture = tapped(normal())
    doubled = tuple(copy for f in capture.frames for copy in (f, replace(f, time=f.time + 900)))
    matched = only(replace(capture, frames=doubled))
    assert matched.conforms
    assert [s.kind for s in matched.segments[:2]] == ["new", "duplicate-frame"]


def test_a_capture_that_starts_in_the_middle() -> None:
    capture = tapped(normal())
    matched = only(replace(capture, frames=capture.frames[3:]))
    assert matched.conforms
    assert (matched.saw_start, matched.saw_end) == (False, True)
    assert matched.relative(matched.segments[0]) == (1, 1)


def test_a_capture_that_starts_with_the_syn_ack() -> None:
    capture = tapped(normal())
    matched = only(replace(capture, frames=capture.frames[1:]))
    assert matched.conforms
    assert not matched.saw_start
    assert str(matched.client.address) == "10.0.0.1:50000"


@pytest.mark.parametrize("flags", [0, SYN | FIN, SYN | RST, FIN | RST | SYN, 0xFF])
def test_nonsense_is_judged_and_never_crashes(flags: int) -> None:
    for frame in range(1, 12):
        for state in (match(tapped(normal(), change={frame: lambda s: replace(s, flags=flags)})),):
            assert not state.conforms


def test_a_reset_from_a_real_stack_may_carry_ack() -> None:
    def with_ack(segment: Segment) -> Segment:
        return replace(segment, flags=RST | ACK, ack=5001)

    story = played(["connect", "send 5", "wait 1 s", "abort"], ["listen", "accept", "recv 9"])
    assert story.segments[-1].segment.rst
    matched = only(tapped(story, change={len(story.segments): with_ack}))
    assert matched.conforms
    assert matched.outcome == "reset"


# What the capture lacks


def without(capture: Capture, *numbers: int) -> Capture:
    return replace(capture, frames=tuple(f for f in capture.frames if f.number not in numbers))


@pytest.mark.parametrize("frame", range(2, 12))
def test_a_frame_that_the_capture_lacks_is_nobodys_fault(frame: int) -> None:
    matched = only(without(tapped(normal()), frame))
    assert matched.conforms, matched.violations
    assert matched.client.states[-1].state is State.TIME_WAIT or frame == 11


@pytest.mark.parametrize(("frame", "flags"), [(2, SYN | ACK), (4, ACK | PSH), (6, ACK | PSH), (8, FIN | ACK)])
def test_what_must_have_existed_is_inferred_and_marked(frame: int, flags: int) -> None:
    matched = only(without(tapped(normal()), frame))
    (inferred,) = [sent for sent in matched.segments if sent.kind == "inferred"]
    assert inferred.frame is None
    assert inferred.segment.flags & ~PSH == flags & ~PSH
    assert inferred.verdict == "ok"
    assert matched.lost == 1
    assert matched.outcome == "closed"


def test_only_one_end_was_captured() -> None:
    capture = tapped(normal())
    client = capture.frames[0].source
    for keeps_client in (True, False):
        frames = tuple(f for f in capture.frames if (f.source == client) == keeps_client)
        assert only(replace(capture, frames=frames)).conforms


def test_two_frames_that_tie_may_stand_in_either_order() -> None:
    capture = tapped(normal())
    frames = list(capture.frames)
    # the ACK of the data, before the data
    frames[3], frames[4] = replace(frames[4], time=frames[3].time), frames[3]
    matched = only(replace(capture, frames=tuple(frames)))
    assert matched.conforms, matched.violations
    assert matched.lost == 0


def test_a_blamed_neighbour_is_found_in_hindsight() -> None:
    # a SYN,ACK without its ACK looks like a SYN that crossed, and then nothing after it fits
    matched = only(tapped(normal(), change={2: lambda s: replace(s, flags=SYN)}))
    assert [(f.frame, f.expected and f.expected.field) for f in matched.violations] == [(2, "flags")]


# One end judged alone, and oddities


def test_a_hostile_peer_is_no_fault_of_the_end_that_is_judged() -> None:
    wrong = tapped(normal(), change={8: lambda s: replace(s, flags=SYN | FIN, seq=add(s.seq, 77))})
    assert not match(wrong).conforms
    (alone,) = match(wrong, "server").connections
    assert [sent.frame for sent in alone.violations if sent.origin == "client"] == []


def test_an_end_judged_alone_is_blamed_for_what_it_sent() -> None:
    wrong = tapped(normal(), change={5: lambda s: replace(s, ack=s.ack + 1)})
    assert match(wrong, "client").conforms
    (alone,) = match(wrong, "server").connections
    assert [sent.frame for sent in alone.violations] == [5]


def test_a_window_scale_that_nobody_offered_is_a_warning() -> None:
    odd = tapped(normal(), change={2: lambda s: replace(s, options=replace(s.options, window_scale=7))})
    first = replace(odd.frames[0].segment or Segment(0, 0, 0), options=Options(mss=1460))
    odd = replace(odd, frames=(replace(odd.frames[0], segment=first), *odd.frames[1:]))
    matched = only(odd)
    assert matched.conforms
    warned = [sent for sent in matched.segments if sent.verdict == "warning"]
    assert [(w.frame, w.expected and w.expected.field) for w in warned] == [(2, "window scale")]


def test_a_verdict_can_be_traced() -> None:
    wrong = tapped(normal(), change={9: lambda s: replace(s, ack=s.ack + 1)})
    lines = explanation(wrong, 9)
    assert lines
    assert lines[0].startswith("frame 9: ACK from the server")
    assert any("dies: would have sent ack=7, not 8" in line for line in lines)
    assert explanation(wrong, 99) is None


def traced(capture: Capture, frame: int) -> str:
    return "\n".join(explanation(capture, frame) or ())


def test_the_trace_of_a_plain_segment_says_each_thing_once() -> None:
    assert traced(tapped(normal()), 8).splitlines() == [
        "frame 8: FIN,ACK from the client, seq=6 ack=4 len=0",
        "  before it, 1 account of the connection:",
        "  1. nothing is wrong and nothing is missing (cost 0)",
        "     client in ESTABLISHED, SND.NXT=6 RCV.NXT=4",
        "       sends it: close() sends FIN, after close (RFC 9293 3.10.4)",
        "  after it, 1 account of the connection:",
        "  1. nothing is wrong and nothing is missing (cost 0)",
        "  verdict: ok; close() sends FIN (RFC 9293 3.10.4)",
    ]


def test_the_trace_of_the_first_segment_has_no_numbers_that_nobody_has_chosen() -> None:
    assert "\n     client in CLOSED\n" in traced(tapped(normal()), 1)
    assert "\n     client in SYN-SENT, SND.NXT=1, frame 2 still under way\n" in traced(tapped(normal()), 3)


def test_the_trace_says_who_is_left_and_what_the_rest_decided() -> None:
    """Whether another sent the reset, or its sender what was not captured and then the reset, only the FIN tells."""
    spoiled = tapped(normal(), change={6: lambda s: replace(s, flags=RST, seq=add(s.seq, 500), length=0)})
    told = traced(spoiled, 6)
    before, after = told.split("after it, ")
    assert "dies: " in before
    assert "from the server was not captured (cost" in after
    assert "frame 6 breaks the rules: " in after
    whole = tapped(normal())
    lost = replace(whole, frames=tuple(frame for frame in whole.frames if frame.number != 4))
    assert "1. ACK with 5 octets from the client was not captured (cost" in traced(lost, 5).split("after it, ")[1]


def test_the_trace_of_what_only_hindsight_blames() -> None:
    """Text that a run explains, and that both ends go on as if it had not been."""
    told = traced(tapped(*simulate(library.load("paws")).connections), 6)
    assert "sends it: send() of 5 octets" in told
    shown = "both ends go on as if it had not been"
    assert f"in the end, by all that came since: frame 6 breaks the rules: {shown}" in told
    assert f"verdict: violation; no ACK expected: {shown}" in told


def test_of_an_end_that_is_not_judged_nothing_is_explained() -> None:
    assert explanation(tapped(normal()), 4, "server") == [
        "frame 4: PSH,ACK from the client, seq=1 ack=1 len=5",
        "  the client is not judged: what it sent is what arrived",
    ]


def test_a_segment_without_flags_is_called_so() -> None:
    wrong = tapped(normal(), change={7: lambda s: replace(s, flags=0)})
    told = [str(sent.expected and sent.expected.sentence) for sent in only(wrong).violations]
    assert told == ["expected flags=ACK, not none"] or told[0].startswith("no segment without flags expected: ")


def test_the_json_tells_when_each_call_was_made() -> None:
    connection = match_document([(tapped(normal()), match(tapped(normal())))])["captures"][0]["connections"][0]
    times = {segment["frame"]: segment["time"] for segment in connection["segments"]}
    assert connection["calls"]["client"] == ["connect", "send 5", "close"]
    assert connection["call_times"]["client"] == [times[1], times[4], times[8]]
    assert len(connection["call_times"]["server"]) == len(connection["calls"]["server"])
