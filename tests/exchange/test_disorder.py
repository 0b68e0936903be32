"""What a network does around the place of capture is nobody's fault: frames come late, again, or not at all."""

from __future__ import annotations

import pytest
from wire import Said, captured, normal, peer, played, scenario, stack, tapped

from tcpviz.exchange import library
from tcpviz.exchange.capture import Capture, Frame
from tcpviz.exchange.exchange import Connection
from tcpviz.exchange.match import match
from tcpviz.exchange.notation import segment_name
from tcpviz.exchange.simulate import simulate
from tcpviz.frames import Record, record_of
from tcpviz.frames.building import frames_of
from tcpviz.frames.decoding import decode
from tcpviz.model.segment import ACK, FIN, PSH, RST, SYN, Options, Segment
from tcpviz.model.sequence import add
from tcpviz.value import replace

MS = 10**6


def only(capture: Capture) -> Connection:
    (connection,) = match(capture).connections
    return connection


def in_this_order(capture: Capture, *numbers: int) -> Capture:
    """The frames with those numbers, captured in that order, 30 ms apart where the order is not theirs."""
    frames = [capture.frames[number - 1] for number in numbers]
    latest = 0
    moved: list[Frame] = []
    for place, frame in enumerate(frames, 1):
        latest = frame.time if frame.time > latest else latest + 30 * MS
        moved.append(replace(frame, number=place, time=latest))
    return replace(capture, frames=tuple(moved))


def stamped() -> Capture:
    told = scenario(["connect", "send 5", "recv 3", "close"], ["listen", "accept", "recv 5", "send 3", "close"])
    ends = {side: replace(getattr(told, side), timestamps=True) for side in ("client", "server")}
    return tapped(simulate(replace(told, **ends)).connections[0])


def test_an_ack_that_was_overtaken_is_older_by_its_sender_s_clock() -> None:
    capture = stamped()
    third, text = capture.frames[2:4]
    assert third.segment
    assert text.segment
    assert (third.segment.flags, text.segment.length) == (ACK, 5)
    late = in_this_order(capture, 1, 2, 4, 5, 3, *range(6, len(capture.frames) + 1))
    found = only(late)
    assert found.conforms, found.violations
    assert [s.kind for s in found.segments if s.frame == 5] == ["out-of-order"]


def test_a_copy_has_the_clock_of_when_it_was_sent() -> None:
    capture = stamped()
    counted = [replace(frame, identification=100 + frame.number) for frame in capture.frames]
    text, later = counted[3], counted[7]
    frames = [*counted[: later.number], replace(text, time=later.time + MS), *counted[later.number :]]
    found = only(replace(capture, frames=tuple(replace(frame, number=n) for n, frame in enumerate(frames, 1))))
    assert [(s.kind, s.verdict) for s in found.segments if s.frame == later.number + 1] == [("duplicate", "ok")]


def test_without_clocks_an_older_ack_is_one_that_its_sender_would_have_sent_then() -> None:
    capture = tapped(normal())
    late = in_this_order(capture, 1, 2, 4, 5, 6, 3, *range(7, 12))
    assert [(s.frame, s.kind) for s in only(late).segments if s.kind == "out-of-order"] == [(6, "out-of-order")]
    assert only(late).conforms
    for field in ("seq", "ack"):
        wrong = replace(late.frames[5], segment=falsified(late.frames[5].segment, field))
        found = only(replace(late, frames=(*late.frames[:5], wrong, *late.frames[6:])))
        assert [s.frame for s in found.violations] == [6], field


@pytest.mark.parametrize(("length", "blames"), [(9, []), (8, [7])])
def test_text_that_a_reset_overtook_is_just_what_was_missing(length: int, blames: list[int]) -> None:
    opened = (peer(SYN, 0), stack(SYN | ACK, 0, 1), peer(ACK, 1, 1))
    story = captured(*opened, peer(PSH | ACK, 10, 1, 5), peer(RST, 15), stack(ACK, 1, 1), peer(PSH | ACK, 1, 1, length))
    assert [sent.frame for sent in only(story).violations] == blames


def falsified(segment: Segment | None, field: str) -> Segment:
    assert segment
    return replace(segment, **{field: getattr(segment, field) + 2})


@pytest.mark.parametrize(
    ("text", "blames"),
    [(peer(PSH | ACK, 1, 1, 1), []), (peer(PSH | ACK, 1, 4, 1), [5]), (peer(PSH | ACK, 2, 1, 1), [6])],
)
def test_text_that_an_ack_beyond_it_overtook_acknowledges_less(text: Said, blames: list[int]) -> None:
    """A stack lets acknowledgements pass text that waits, and its text has no clock."""
    opened = (peer(SYN, 0), stack(SYN | ACK, 0, 1), peer(ACK, 1, 1), stack(PSH | ACK, 1, 1, 3))
    story = captured(*opened, peer(ACK, 2, 4), text, stack(PSH | ACK, 4, 2, 3), peer(ACK, 2, 7), pause=10)
    assert [sent.frame for sent in only(story).violations] == blames


def test_text_goes_again_without_the_fin_that_followed_it() -> None:
    capture = tapped(played(["connect", "send 5", "close"], ["listen", "accept", "recv 9", "close"]))
    flags = [frame.segment.flags & FIN for frame in capture.frames if frame.segment]
    text, fin = next(f for f in capture.frames if f.segment and f.segment.length), capture.frames[flags.index(FIN)]
    assert text.segment
    assert fin.segment
    assert text.segment.end == fin.segment.seq
    again = replace(text, time=fin.time + MS)
    frames = [*capture.frames[: fin.number], again, *capture.frames[fin.number :]]
    found = only(replace(capture, frames=tuple(replace(f, number=n) for n, f in enumerate(frames, 1))))
    assert found.conforms, found.violations
    assert found.segments[fin.number].kind == "retransmission"


def test_a_copy_that_nobody_is_left_to_take_is_reset() -> None:
    capture = tapped(normal())
    fin = next(f.segment for f in capture.frames if f.segment and f.segment.fin)
    last = capture.frames[-1]
    reset = Segment(fin.ack, 0, RST)
    server = capture.frames[1].source
    answer = Frame(len(capture.frames) + 1, last.time + 50 * MS, server, last.source, reset, b"", 0, b"reset")
    found = only(replace(capture, frames=(*capture.frames, answer)))
    assert found.conforms, found.violations
    assert [s.segment for s in found.segments if s.kind == "inferred"] == [fin]


def test_who_goes_on_after_a_reset_had_not_sent_it() -> None:
    capture = tapped(normal())
    fins = [f for f in capture.frames if f.segment and f.segment.fin]
    first = fins[0]
    assert first.segment
    forged = Frame(
        0, first.time - MS, first.source, first.destination, Segment(first.segment.seq, 0, RST), b"", 0, b"x"
    )
    frames = [*capture.frames[: first.number - 1], forged, *capture.frames[first.number - 1 :]]
    found = only(replace(capture, frames=tuple(replace(f, number=n) for n, f in enumerate(frames, 1))))
    assert [s.frame for s in found.violations] == [first.number]


def test_two_alike_within_a_millisecond_are_two_where_the_rest_is_not_doubled() -> None:
    capture = tapped(normal())
    twice = [replace(frame, number=0) for frame in capture.frames for _ in (0, 1)]
    doubled = replace(capture, frames=tuple(replace(f, number=n) for n, f in enumerate(twice, 1)))
    assert [s.kind for s in only(doubled).segments][1::2] == ["duplicate-frame"] * len(capture.frames)
    # one segment, and after it the same once more
    frames = [*capture.frames[:9], *(replace(f, time=f.time + MS // 2) for f in capture.frames[8:])]
    found = only(replace(capture, frames=tuple(replace(f, number=n) for n, f in enumerate(frames, 1))))
    assert "duplicate-frame" not in [s.kind for s in found.segments]


def test_an_end_lags_behind_by_as_much_as_a_window_holds() -> None:
    """Near the sender of a long path, a whole window of text is captured before the first ACK of it."""
    _, answer, third, *_ = capture = tapped(normal()).frames
    assert third.segment
    began = third.segment
    count, octets = 60, 1000
    text = [
        replace(third, segment=replace(began, seq=add(began.seq, n * octets), length=octets), length=octets)
        for n in range(count)
    ]
    acks = [
        replace(answer, segment=Segment(began.ack, add(began.seq, (n + 1) * octets), ACK, window=65535))
        for n in range(count)
    ]
    frames = tuple(
        replace(frame, number=n, time=third.time + n * MS, data=b"%d" % n)
        for n, frame in enumerate((*capture[:3], *text, *acks), 1)
    )
    found = only(Capture("window.pcap", frames, len(frames)))
    assert found.conforms, found.violations[:3]
    assert not [s for s in found.segments if s.kind == "inferred"]


def upload(count: int, *answers: tuple[int, tuple[tuple[int, int], ...]]) -> Capture:
    """So many segments of 1000 octets, then ACKs: of how many, and which blocks of others they tell of."""
    told = scenario(["connect", "send 5", "close"], ["listen", "accept", "recv 5", "close"])
    ends = {side: replace(getattr(told, side), sack=True) for side in ("client", "server")}
    _, answer, third, *_ = opened = tapped(simulate(replace(told, **ends)).connections[0]).frames
    assert third.segment
    began = third.segment

    def number(segments: int) -> int:
        return add(began.seq, 1000 * segments)

    text = [replace(third, segment=replace(began, seq=number(n), length=1000), length=1000) for n in range(count)]
    acks = [
        replace(
            answer,
            segment=Segment(
                began.ack,
                number(acked),
                ACK,
                window=65535,
                options=Options(sack=tuple((number(low), number(high)) for low, high in blocks)),
            ),
        )
        for acked, blocks in answers
    ]
    frames = tuple(
        replace(frame, number=n, time=third.time + n * MS, data=b"%d" % n)
        for n, frame in enumerate((*opened[:3], *text, *acks), 1)
    )
    return Capture("upload.pcap", frames, len(frames))


def test_a_burst_that_was_lost_is_skipped_whatever_its_length() -> None:
    """More than are remembered of what came late, and one ACK for a burst: offload and compressed ACKs."""
    found = only(upload(60, (2, ((4, 6),)), (2, ((50, 56), (4, 6))), (2, ((50, 60), (4, 6)))))
    assert found.conforms, found.violations[:3]
    assert not found.lost


def test_pieces_that_a_receiver_no_longer_tells_of_are_no_contradiction() -> None:
    """A header has room for three blocks, and Linux remembers four."""
    pieces = ((18, 19), (12, 13), (9, 10))
    found = only(upload(30, (2, ((9, 10),)), (2, ((12, 13), (9, 10))), (2, pieces), (2, ((25, 26), (18, 19)))))
    assert found.conforms, found.violations[:3]


def test_a_piece_that_a_receiver_has_forgotten_it_does_not_join_to_the_next() -> None:
    """Of five it remembers four; what then comes beside the fifth is a piece of its own."""
    told = [((n, n + 1), *((m, m + 1) for m in range(n - 3, 8, -3)))[:3] for n in range(9, 24, 3)]
    beside = ((10, 11), (21, 22), (18, 19))
    found = only(upload(30, *((2, blocks) for blocks in (*told, beside)), (14, ((21, 22),))))
    assert found.conforms, found.violations[:3]


def test_of_a_receiver_s_two_words_the_one_that_tells_less_was_first() -> None:
    capture = stamped_upload()
    found = only(capture)
    assert found.conforms, found.violations[:3]
    assert [s.kind for s in found.segments][-1] == "out-of-order"


def stamped_upload() -> Capture:
    """Two ACKs of one millisecond, the later captured first."""
    plain = upload(14, (2, ((9, 10), (4, 6))), (2, ((4, 6),)))
    told = scenario(["connect", "send 5", "close"], ["listen", "accept", "recv 5", "close"])
    ends = {side: replace(getattr(told, side), sack=True, timestamps=True) for side in ("client", "server")}
    opened = tapped(simulate(replace(told, **ends)).connections[0]).frames[:3]
    assert opened[1].segment
    assert opened[2].segment
    clocks = {frame.source: frame.segment.options.timestamps for frame in opened[1:] if frame.segment}
    frames = [
        replace(f, segment=replace(f.segment, options=replace(f.segment.options, timestamps=clocks[f.source])))
        for f in plain.frames[3:]
        if f.segment
    ]
    return replace(plain, frames=(*opened, *frames))


SNAPPED = scenario(
    ["connect", "send 200000", "recv 3", "close"], ["listen", "accept", "recv 200000", "send 3", "close"]
)
ALL_OPTIONS = {"window_scale": 7, "sack": True, "timestamps": True}


@pytest.mark.parametrize("snap", [54, 60, 66, 68, 74])
def test_options_that_the_snap_length_cut_off_are_not_missed(snap: int) -> None:
    """14 + 20 + 20 octets are the least of a segment; these SYNs have 20 more, and what follows them 12."""
    ends = {side: replace(getattr(SNAPPED, side), **ALL_OPTIONS, window=2**20) for side in ("client", "server")}
    records = [record_of(frame) for frame in frames_of(simulate(replace(SNAPPED, **ends)))]
    cut = [Record(r.time, r.data[:snap], r.link, len(r.data)) for r in records]
    frames = tuple(frame for n, r in enumerate(cut, 1) if isinstance(frame := decode(r, n), Frame))
    assert any(frame.cut for frame in frames) == (snap < 74)
    found = only(Capture("snapped.pcap", frames, len(frames)))
    assert found.conforms, found.violations[:3]
    assert not [s for s in found.segments if s.verdict == "warning"]
    assert [s.segment for s in found.segments] == [frame.segment for frame in frames]


@pytest.mark.parametrize("seen", ["both before and after the loss", "only behind the loss"])
@pytest.mark.parametrize("stamps", [False, True])
@pytest.mark.parametrize(
    "lose",
    [
        ["client data 1"],
        ["client data 2"],
        ["client data 2", "client data 4"],
        ["client data 1", "client data 3", "client data 5", "client data 7", "client data 9"],
        ["server data 1"],
        ["client FIN 1"],
    ],
    ids=str,
)
def test_what_sack_tells_of_a_simulated_loss_is_understood(lose: list[str], stamps: bool, seen: str) -> None:
    client = ["connect", "send 14600", "recv 3", "close"]
    told = scenario(client, ["listen", "accept", "recv 14600", "send 3", "recv end", "close"], lose)
    ends = {side: replace(getattr(told, side), sack=True, timestamps=stamps) for side in ("client", "server")}
    exchange = simulate(replace(told, **ends))
    frames = frames_of(exchange) if seen.startswith("both") else tapped(exchange.connections[0]).frames
    found = only(Capture("lossy.pcap", frames, len(frames)))
    assert found.conforms, found.violations[:3]


@pytest.mark.parametrize("unseen", ["client SYN 1", "server SYN 1", "client data 1", "client data 2", "server FIN 1"])
def test_what_was_lost_before_the_place_of_capture_is_inferred_or_shows_no_trace(unseen: str) -> None:
    """What is sent again later, and never showed, might as well have been sent then for the first time."""
    told = library.load("lost-before-capture")
    exchange = simulate(replace(told, network=replace(told.network, lose_unseen=(segment_name(unseen),))))
    (played,) = exchange.connections
    (lost,) = [sent for sent in played.segments if sent.arrived is None]
    assert lost.fate == "unseen"
    frames = frames_of(exchange)
    assert [frame.segment for frame in frames] == [sent.segment for sent in played.segments if sent is not lost]
    found = only(Capture("unseen.pcap", frames, len(frames)))
    assert found.conforms, found.violations
    inferred = [(s.segment.seq, s.segment.length, s.arrived, s.before) for s in found.segments if s.kind == "inferred"]
    shows = unseen == "client data 1"  # before it comes again, an answer tells of it
    assert inferred == ([(lost.segment.seq, lost.segment.length, None, lost.before)] if shows else [])


@pytest.mark.parametrize("seen", ["both before and after the loss", "only behind the loss"])
@pytest.mark.parametrize("lost", [(2,), (2, 4), (1, 3, 5), (3, 4, 8), (2, 10), (1, 2, 9), (2, 4, 6, 8)], ids=str)
def test_without_sack_only_later_acks_tell_which_were_lost(lost: tuple[int, ...], seen: str) -> None:
    """Each that came beyond the gap is answered by the same ACK."""
    lose = [f"client data {n}" for n in lost]
    client = ["connect", "send 14600", "recv 3", "close"]
    exchange = simulate(scenario(client, ["listen", "accept", "recv 14600", "send 3", "recv end", "close"], lose))
    frames = frames_of(exchange) if seen.startswith("both") else tapped(exchange.connections[0]).frames
    found = only(Capture("lossy.pcap", frames, len(frames)))
    assert found.conforms, found.violations[:3]


@pytest.mark.parametrize(
    ("answer", "blames"), [(peer(ACK, 41, 1), []), (peer(ACK, 41, 2), []), (peer(ACK, 41, 3), [7])]
)
def test_a_reset_behind_a_fin_that_was_lost_is_challenged(answer: Said, blames: list[int]) -> None:
    """A server has closed, and resets text that comes: the client has not heard of its FIN."""
    opened = (peer(SYN, 0), stack(SYN | ACK, 0, 1), peer(ACK, 1, 1), stack(FIN | ACK, 1, 1))
    text = peer(PSH | ACK, 1, 1, 40)
    found = only(captured(*opened, text, stack(RST | ACK, 2, 41), answer))
    assert [sent.frame for sent in found.violations] == blames
    if answer.ack == 1:
        assert [sent.kind for sent in found.segments][-1] == "challenge"
