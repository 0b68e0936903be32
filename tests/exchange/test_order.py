"""What a sender's own count of IP packets tells of the order in which it sent, whatever order was captured."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from wire import captured, normal, peer, played, tapped

from tcpviz.exchange.capture import Capture, Frame
from tcpviz.exchange.exchange import Connection
from tcpviz.exchange.match import match
from tcpviz.exchange.matching import account
from tcpviz.exchange.matching.guess import NOT_CAPTURED, UNLIKELY
from tcpviz.exchange.matching.observation import Observation
from tcpviz.exchange.matching.order import Order, Place
from tcpviz.model.commands import Emit
from tcpviz.model.segment import ACK, Options, Segment
from tcpviz.model.sentence import Sentence
from tcpviz.model.sequence import add
from tcpviz.value import replace

MS = 10**6
MSS = 1000


def placed(*counts: int, lengths: dict[int, int] | None = None) -> list[Place | None]:
    """Where an end's frames stand that carry these identifications."""
    order, frame = Order(), tapped(normal()).frames[2]
    assert frame.segment
    found = []
    for count in counts:
        length = (lengths or {}).get(count, 0)
        segment = replace(frame.segment, seq=add(frame.segment.seq, count), length=length)
        found.append(order.place(replace(frame, identification=count, segment=segment, length=length)))
    return found


def test_who_counts_says_what_was_captured_late_what_twice_and_where_something_is_missing() -> None:
    assert placed(7, 8, 9, 12, 10, 12, 13) == [
        None,
        Place(0, adjoins=True),
        Place(0, adjoins=True),
        Place(0, skipped=2),
        Place(2),
        Place(0, copied=True),
        Place(0, adjoins=True),
    ]


def test_one_step_that_is_no_next_might_be_chance() -> None:
    assert placed(7, 10, 12) == [None, None, Place(0, skipped=1)]


def test_one_step_back_is_no_chance() -> None:
    assert placed(8, 7, 9, 10) == [None, Place(1), Place(0, adjoins=True), Place(0, adjoins=True)]
    assert placed(8, 6, 9) == [None, None, None]


def test_the_count_goes_round() -> None:
    assert placed(65533, 65534, 65535, 1, 65535)[2:] == [
        Place(0, adjoins=True),
        Place(0, skipped=1),
        Place(2, copied=True),
    ]


@pytest.mark.parametrize("counts", [(0, 0, 0, 0), (1, 1, 1, 1), (40000, 123, 9000, 61000, 22222)])
def test_of_numbers_that_do_not_count_nothing_is_said(counts: tuple[int, ...]) -> None:
    assert all(place is None or not (place.behind or place.skipped) for place in placed(*counts))


def test_a_frame_of_several_packets_counts_for_several() -> None:
    lengths = {10: 1000, 11: 1000, 12: 4000}
    assert placed(10, 11, 12, 16, 17, lengths=lengths)[3:] == [Place(0), Place(0, adjoins=True)]


def counted(capture: Capture, order: Iterable[int]) -> Capture:
    """Each end counts its packets as it sends; the frames are captured in `order`, well apart, without clocks."""
    counts = dict.fromkeys({frame.source for frame in capture.frames}, 100)
    numbered: list[Frame] = []
    for frame in capture.frames:
        counts[frame.source] += 1
        numbered.append(replace(frame, identification=counts[frame.source]))
    moved = [replace(numbered[n - 1], number=at, time=at * 30 * MS) for at, n in enumerate(order, 1)]
    return replace(capture, frames=tuple(moved))


def only(capture: Capture) -> Connection:
    (connection,) = match(capture).connections
    return connection


def test_an_ack_that_its_sender_s_text_overtook_is_no_fault() -> None:
    """`test_without_clocks_an_older_ack_is_blamed` has the same frames without a count."""
    capture = tapped(normal())
    late = counted(capture, [1, 2, 4, 5, 6, 3, *range(7, 12)])
    found = only(late)
    assert found.conforms, found.violations
    assert [s.kind for s in found.segments if s.frame == 6] == ["out-of-order"]


def test_text_that_was_overtaken_is_waited_for_and_not_inferred() -> None:
    capture = tapped(played(["connect", *["send 900"] * 6, "close"], ["listen", "accept", "recv 5400", "close"]))
    text = [frame.number for frame in capture.frames if frame.segment and frame.segment.length]
    order = [frame.number for frame in capture.frames]
    order.remove(text[3])
    order.insert(order.index(text[4]) + 1, text[3])
    found = only(counted(capture, order))
    assert found.conforms, found.violations
    assert [s.kind for s in found.segments].count("out-of-order") == 1
    assert "inferred" not in [s.kind for s in found.segments]


def test_a_wrong_number_is_wrong_whatever_its_count() -> None:
    capture = tapped(played(["connect", *["send 900"] * 6, "close"], ["listen", "accept", "recv 5400", "close"]))
    text = [frame for frame in capture.frames if frame.segment and frame.segment.length][3]
    assert text.segment
    wrong = replace(text, segment=replace(text.segment, seq=add(text.segment.seq, 1)))
    frames = tuple(wrong if frame is text else frame for frame in capture.frames)
    found = only(counted(replace(capture, frames=frames), range(1, len(frames) + 1)))
    assert [(s.frame, s.expected and s.expected.field) for s in found.violations] == [(text.number, "seq")]


SENT = played(["connect", *["send 900"] * 3, "close"], ["listen", "accept", "recv 2700", "close"])


def changed(connection: Connection, number: int, **fields: int) -> Capture:
    """Its frames counted by their senders, with other numbers in one."""
    capture = tapped(connection, change={number: lambda segment: replace(segment, **fields)})
    return counted(capture, range(1, len(capture.frames) + 1))


@pytest.mark.parametrize("name", ["seq", "ack"])
def test_nothing_is_missing_where_the_count_has_no_hole(name: str) -> None:
    """A number that is too great by a frame's text looks as if that text had been lost before the capture."""
    wrong = tapped(SENT).frames[5]
    assert wrong.segment
    assert wrong.segment.length
    found = only(changed(SENT, wrong.number, **{name: add(getattr(wrong.segment, name), 900)}))
    assert [(s.frame, s.expected and s.expected.field) for s in found.violations] == [(wrong.number, name)]


def test_a_lone_fin_is_missing_where_the_count_has_a_hole_for_it() -> None:
    capture = counted(tapped(SENT), range(1, len(tapped(SENT).frames) + 1))
    fin = next(frame for frame in capture.frames if frame.segment and frame.segment.fin)
    assert fin.segment
    rest = tuple(frame for frame in capture.frames if frame is not fin)
    found = only(replace(capture, frames=rest))
    assert found.conforms, found.violations
    assert [s.kind for s in found.segments].count("inferred") == 1
    unmarked = replace(fin, segment=replace(fin.segment, flags=ACK))
    found = only(replace(capture, frames=tuple(unmarked if frame is fin else frame for frame in capture.frames)))
    assert [s.frame for s in found.violations] == [fin.number]


def test_a_copy_that_the_network_made_has_no_number_of_its_own() -> None:
    """The client answers its peer's text twice: it came twice, which is not counted."""
    capture = counted(tapped(normal()), range(1, 12))
    answer = capture.frames[6]
    assert answer.segment
    assert answer.segment.has_ack
    frames = [*capture.frames[:7], replace(answer, time=answer.time + MS, data=b"again"), *capture.frames[7:]]
    count = dict.fromkeys({frame.source for frame in frames}, 0)
    for number, frame in enumerate(frames, 1):
        count[frame.source] += 1
        frames[number - 1] = replace(frame, number=number, identification=100 + count[frame.source])
    found = only(replace(capture, frames=tuple(frames)))
    assert found.conforms, found.violations


def window(lost: set[int], segments: int, *, stamps: bool = False) -> Capture:
    """Near its sender: a whole window of text, of which some is lost behind the capture, and its recovery (no SACK)."""
    _, answer, third, *_ = capture = tapped(normal()).frames
    assert third.segment
    start, acked, clock, frames = third.segment, 0, 10, []
    arrived: set[int] = set()

    def segment(source: Frame, seq: int, ack: int, length: int) -> None:
        nonlocal clock
        clock += 1
        options = Options(timestamps=(clock, 1)) if stamps else Options()
        sent = Segment(seq, ack, ACK, length, 65535, options)
        frames.append(replace(source, segment=sent, length=length))

    def text(n: int) -> None:
        segment(third, add(start.seq, n * MSS), start.ack, MSS)

    def arrives(n: int) -> None:
        nonlocal acked
        arrived.add(n)
        while acked in arrived:
            acked += 1
        segment(answer, start.ack, add(start.seq, acked * MSS), 0)

    for n in range(segments):
        text(n)
    for n in range(segments):
        if n not in lost:
            arrives(n)
    for n in sorted(lost):
        text(n)
        arrives(n)
    frames = [*capture[:3], *frames]
    told = (replace(f, number=n, time=third.time + n * MS, data=b"%d" % n) for n, f in enumerate(frames, 1))
    return Capture("window.pcap", tuple(told), len(frames))


@pytest.mark.parametrize("stamps", [False, True])
def test_a_dozen_losses_in_a_window_need_no_sack_to_be_understood(stamps: bool) -> None:
    """What came beyond the first gap came before what filled it, so the newer clock of that is nothing against it."""
    found = only(window({3, 4, 9, 17, 18, 19, 25, 33, 40, 41, 50, 58}, 60, stamps=stamps))
    assert found.conforms, found.violations


def test_an_answer_for_each_that_brought_nothing_in_order_and_what_is_more_are_copies() -> None:
    capture = window({3}, 10)
    again = [f for f in capture.frames if f.segment and f.segment.length and f.source == capture.frames[2].source][-1]
    repeated = capture.frames[again.number - 2]
    assert repeated.segment
    assert not repeated.segment.length
    front, back = capture.frames[: again.number - 1], capture.frames[again.number - 1 :]
    frames = (*front, replace(repeated, data=b"more"), replace(repeated, data=b"still more"), *back)
    later = tuple(replace(f, number=n, time=f.time + n * MS) for n, f in enumerate(frames, 1))
    assert [sent.frame for sent in only(capture).segments if sent.kind == "duplicate"] == []
    copies = [sent.frame for sent in only(replace(capture, frames=later)).segments if sent.kind == "duplicate"]
    assert copies == [again.number, again.number + 1]


def test_what_is_missing_was_sent_before_what_went_again_if_the_count_has_its_hole_there() -> None:
    """Two thousand octets, the first of them again, and text that leaves out a thousand."""
    said = [peer(ACK, 1, 1, 2000), peer(ACK, 1, 1, MSS), peer(ACK, 3001, 1, MSS)]
    lost = Emit(captured(peer(ACK, 2001, 1, MSS)).frames[0].segment or Segment(0, 0, 0), Sentence("sent"), "3.10")
    next_to, behind_a_hole = Place(0, adjoins=True), Place(0, skipped=1)
    for again, last, cost in ((next_to, next_to, UNLIKELY), (behind_a_hole, next_to, 5), (next_to, behind_a_hole, 5)):
        seen: list[Observation] = []
        for index, frame in enumerate(captured(*said).frames):
            place = (next_to, again, last)[index]
            assert frame.segment
            seen.append(Observation(index, frame, frame.segment, "client", "server", place=place, earlier=seen))
        assert account.counted(seen[-1], lost, NOT_CAPTURED) == cost
