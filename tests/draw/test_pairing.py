"""Two connections side by side: what belongs together stands at one height, and is said to be alike or not."""

from __future__ import annotations

import pytest
from connections import long, of_library, played, violated

from tcpviz import draw
from tcpviz.draw.compare import Match, aligned
from tcpviz.draw.drawing import WIDE, Drawing, Line, Slide, Text
from tcpviz.draw.words import ENGLISH
from tcpviz.exchange import library
from tcpviz.exchange.exchange import Connection, Exchange
from tcpviz.exchange.simulate import simulate
from tcpviz.language import LANGUAGES
from tcpviz.value import replace

NORMAL = of_library("normal")


def without(connection: Connection, index: int) -> Connection:
    return replace(connection, segments=connection.segments[:index] + connection.segments[index + 1 :])


def tail(drawing: Drawing, part: str) -> float:
    return next(s.points[0][1] for s in drawing.of(part) if isinstance(s, Line))


def marks(drawing: Drawing) -> str:
    return "".join(s.text for s in drawing.texts() if s.part.startswith("mark-"))


def pair(one: Connection, two: Connection) -> Drawing:
    return draw.pair(Exchange("one", (one,)), Exchange("two", (two,)))


def test_a_story_is_aligned_with_itself_whatever_its_clock_and_numbers() -> None:
    shifted = replace(NORMAL, segments=tuple(replace(s, sent=s.sent + 5) for s in NORMAL.segments))
    assert aligned(NORMAL, shifted) == tuple(Match(i, i) for i in range(11))


def test_what_one_side_lacks_is_only_on_the_other() -> None:
    found = aligned(NORMAL, without(NORMAL, 8))
    assert [m for m in found if not m.same] == [Match(8, None)]
    assert found[-1] == Match(10, 9)


def test_a_field_that_differs_is_named() -> None:
    segments = list(NORMAL.segments)
    segments[4] = replace(segments[4], segment=replace(segments[4].segment, ack=segments[4].segment.ack + 1))
    assert [m for m in aligned(NORMAL, replace(NORMAL, segments=tuple(segments))) if not m.same] == [
        Match(4, 4, ("ack",))
    ]


def test_interleaving_is_no_difference() -> None:
    segments = list(NORMAL.segments)
    segments[4], segments[5] = segments[5], segments[4]
    other = replace(NORMAL, segments=tuple(segments))
    assert all(match.same or match.moved for match in aligned(NORMAL, other))
    assert marks(pair(NORMAL, other)).count("↕") == 2


def test_what_belongs_together_stands_level() -> None:
    drawing = pair(NORMAL, replace(NORMAL, segments=tuple(replace(s, sent=s.sent + 5) for s in NORMAL.segments)))
    for index in range(11):
        assert tail(drawing, f"left/segment-{index}") == pytest.approx(tail(drawing, f"right/segment-{index}"), abs=0.5)
    assert marks(drawing) == "=" * 11


def test_states_that_are_the_same_are_drawn_once() -> None:
    drawing = pair(NORMAL, NORMAL)
    bands = {shape.part.rsplit("-", 1)[0] for shape in drawing.shapes if "/band-" in shape.part}
    assert bands == {"left/band-client", "right/band-server"}
    other = pair(NORMAL, of_library("server-closes-first"))
    bands = {shape.part.rsplit("-", 1)[0] for shape in other.shapes if "/band-" in shape.part}
    assert len(bands) == 4


def test_what_differs_stays_in_sight() -> None:
    drawing = pair(of_library("three-segment-close"), NORMAL)
    assert "▶" in marks(drawing)
    assert drawing.of("right/segment-8"), "the ACK that a close in three segments saves"


def again() -> Connection:
    """The normal connection, but for one segment that was sent again."""
    copy = replace(NORMAL.segments[3], kind="retransmission")
    return replace(NORMAL, segments=(*NORMAL.segments[:4], copy, *NORMAL.segments[4:]))


def test_a_retransmission_is_not_its_original() -> None:
    assert [m for m in aligned(again(), NORMAL) if not m.same] == [Match(4, None)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_retransmission_stays_in_sight_and_what_it_repeats(language: str) -> None:
    """Also where states have two names, and there is no room for all segments."""
    words = draw.words_in(LANGUAGES[language])
    drawing = draw.pair(Exchange("one", (again(),)), Exchange("two", (NORMAL,)), words=words)
    assert "◀" in marks(drawing)
    assert drawing.of("left/segment-3")
    assert drawing.of("left/segment-4")


def test_stories_of_other_lengths_are_aligned_by_what_their_segments_do() -> None:
    """Not with the first that is somehow alike: opening with opening, close with close."""
    talks = "connect, send 6, at 400 ms, send 5, close"
    found = aligned(played(talks, "listen, accept, recv 6, recv 5, recv end, close"), NORMAL)
    pairs = {m.one: m.two for m in found if m.one is not None and m.two is not None}
    assert [pairs[i] for i in range(4)] == [0, 1, 2, 3], "the handshake, and what it is followed by"
    assert (pairs[6], pairs[9], pairs[10]) == (7, 9, 10), "both FINs, and the last ACK"


def test_long_stretches_that_are_not_alike_are_aligned_at_once() -> None:
    one = long(2000)
    other = replace(one, segments=tuple(replace(s, segment=replace(s.segment, length=7)) for s in one.segments))
    found = aligned(one, other)
    assert [m.one for m in found if m.one is not None] == list(range(len(one.segments)))
    assert [m.two for m in found if m.two is not None] == list(range(len(one.segments)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_fault_is_told_in_full(language: str) -> None:
    """Where it is, what was expected, and the section; in one language, as whole sentences are."""
    words = draw.words_in(LANGUAGES[language])
    drawing = draw.pair(Exchange("one", (violated(NORMAL, 4),)), Exchange("two", (NORMAL,)), words=words)
    fault = " ".join(text.text for text in drawing.texts() if text.part == "left/segment-4/note")
    english = language == "en"
    said = "expected ack=6, observed 7 (RFC 9293 3.10.7.4)" if english else "应为 ack=6，实际 7 (RFC 9293 3.10.7.4)"
    assert fault == said


def test_a_title_that_only_names_both_is_not_written_again() -> None:
    both = Exchange("one", (NORMAL,)), Exchange("two", (NORMAL,))
    assert not draw.pair(*both, title="one · two").of("title")
    assert draw.pair(*both, title="one · two").title == "one · two"
    assert draw.pair(*both, title="Compared").of("title")


def test_names_stand_above_their_halves_however_high_the_slide() -> None:
    for slide in (WIDE, Slide(960, 1360)):
        drawing = draw.pair(Exchange("one", (NORMAL,)), Exchange("two", (NORMAL,)), slide=slide)
        [name], [end] = (drawing.of(part) for part in ("left/name", "left/name-client"))
        assert isinstance(name, Text)
        assert isinstance(end, Text)
        assert end.y - name.y < 2 * name.size


def foot(drawing: Drawing) -> str:
    return next(text.text for text in drawing.texts() if text.part == "footer")


def test_two_connections_share_one_time() -> None:
    exchange = simulate(library.load("two-connections"))
    drawing = draw.pair(exchange)
    assert ENGLISH.own_time not in foot(drawing)
    placed = [
        (sent.sent, tail(drawing, f"{side}/segment-{index}"))
        for side, connection in zip(("left", "right"), exchange.connections, strict=True)
        for index, sent in enumerate(connection.segments)
        if drawing.of(f"{side}/segment-{index}")
    ]
    for time, y in placed:
        assert all(y <= below + 0.5 for later, below in placed if later > time)


@pytest.mark.parametrize("name", ["address-in-use-reuseaddr", "backlog-full", "crash-and-restart", "time-wait-reuse"])
def test_rather_than_leave_something_out_each_has_its_own_time(name: str) -> None:
    exchange = simulate(library.load(name))
    drawing = draw.pair(exchange)
    assert ENGLISH.own_time in foot(drawing)
    for side, connection in zip(("left", "right"), exchange.connections, strict=True):
        assert all(drawing.of(f"{side}/segment-{index}") for index in range(len(connection.segments)))


def test_half_a_slide_has_no_calls_but_tells_of_a_crash() -> None:
    drawing = draw.pair(simulate(library.load("crash-and-restart")))
    assert [text.text for text in drawing.texts() if "crash" in text.text and text.part != "title"] == ["crash, 80 ms"]
