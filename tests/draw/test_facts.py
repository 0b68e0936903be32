"""What a sequence diagram says by its positions, held against what happened: over everything we can draw."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest
from connections import CONNECTIONS, of_library, one_clock, violated

from tcpviz import draw
from tcpviz.draw import SCALES, Scale
from tcpviz.draw.drawing import Drawing, Line, Polygon, Rect, Slide, Text
from tcpviz.exchange.exchange import SIDES, Connection, Side
from tcpviz.exchange.numbers import Numbers
from tcpviz.language import LANGUAGES
from tcpviz.model.commands import Kind
from tcpviz.model.segment import RST
from tcpviz.model.transitions import Reply
from tcpviz.value import replace


def drawn(name: str, **options: object) -> Drawing:
    return draw.sequence(CONNECTIONS[name], title=name, **options)


def test_every_kind_has_a_name() -> None:
    """What a capture alone can show, too: a frame that was captured late."""
    kinds = [kind for kind in get_args(Kind) if kind != "new"]
    names = [draw.ENGLISH.kind(kind) for kind in kinds]
    shown = " ".join(text.text for text in drawn("every kind", slide=Slide(960, 1200)).texts())
    assert [name for name in names if f"({name})" not in shown] == []
    assert len(set(names)) == len(kinds)


def phases(connection: Connection) -> list[str]:
    drawing = draw.sequence(connection, title="")
    names = [s for s in drawing.texts() if s.part.startswith("phase-")]
    parts = dict.fromkeys(text.part for text in names)
    return [" ".join(text.text for text in reversed(names) if text.part == part) for part in parts]


def tail(drawing: Drawing, index: int) -> float | None:
    return next((s.points[0][1] for s in drawing.of(f"segment-{index}") if isinstance(s, Line)), None)


def head(drawing: Drawing, index: int) -> float | None:
    return next((s.points[0][1] for s in drawing.of(f"segment-{index}") if isinstance(s, Polygon)), None)


def calls(drawing: Drawing, side: Side) -> list[tuple[str, float]]:
    """Each call, and the height that its line leads to."""
    shapes = [s for s in drawing.shapes if s.part.startswith(f"call-{side}-")]
    ends = {s.part: s.points[-1][1] for s in shapes if isinstance(s, Line)}
    return [(s.text, ends[s.part.removesuffix("/label")]) for s in shapes if isinstance(s, Text)]


@pytest.mark.parametrize("name", CONNECTIONS)
def test_what_is_answered_at_once_has_arrived(name: str) -> None:
    """A challenge does not acknowledge what it answers; it comes below it nevertheless."""
    connection, drawing = CONNECTIONS[name], drawn(name)
    for index, sent in enumerate(connection.segments):
        if not any(row.reply in (Reply.SND_ACK_NOW, Reply.SND_RST) for row in sent.rows):
            continue
        later = enumerate(connection.segments[index + 1 :], index + 1)
        answer = next((i for i, s in later if s.origin != sent.origin and s.sent == sent.arrived), None)
        if answer is not None:
            arrives, leaves = head(drawing, index), tail(drawing, answer)
            assert arrives is None or leaves is None or arrives < leaves


@pytest.mark.parametrize("name", ["rfc9293-figure-7", "rfc9293-figure-13", "simultaneous-open", "simultaneous-close"])
def test_both_ends_of_what_is_simultaneous_look_alike(name: str) -> None:
    """A state begins where the segment arrives that made it so, at either end."""
    connection, drawing = CONNECTIONS[f"library {name}"], drawn(f"library {name}")
    for side in SIDES:
        heads = [head(drawing, i) for i, sent in enumerate(connection.segments) if sent.origin != side]
        for number, change in enumerate(connection.party(side).states):
            arrived = [i for i, s in enumerate(connection.segments) if s.origin != side and s.after is change.state]
            if change.row is not None and "rcv" in str(change.row.stimulus) and arrived:
                (band,) = (s for s in drawing.of(f"band-{side}-{number}") if isinstance(s, Rect))
                assert any(y is not None and abs(y - band.y) < 2 for y in heads)


@pytest.mark.parametrize("name", [name for name in CONNECTIONS if name.startswith("library ")])
@pytest.mark.parametrize("scale", ["log", "linear"])
def test_an_axis_is_broken_after_all_that_came_before(name: str, scale: Scale) -> None:
    drawing = drawn(name, scale=scale)
    for part in dict.fromkeys(s.part for s in drawing.shapes if s.part.startswith("break-")):
        strokes = [s for s in drawing.of(part) if isinstance(s, Line)]
        low, high = (best(y for s in strokes for _, y in s.points) for best in (min, max))
        xs = {sum(x for x, _ in s.points) / 2 for s in strokes}
        lifelines = [s for s in drawing.shapes if isinstance(s, Line) and s.part.startswith("lifeline-")]
        assert xs >= {s.points[0][0] for s in lifelines}
        for s in drawing.shapes:
            if isinstance(s, (Line, Polygon)) and s.part.startswith(("segment-", "gap-")):
                points = s.points if "mask" not in s.part else ()
                assert not any(low < y < high for x, y in points if any(abs(x - at) < 6 for at in xs))


def test_a_time_wait_is_broken_where_only_it_goes_on() -> None:
    drawing = drawn("library time-wait-rst-ignored")
    strokes = [s for s in drawing.shapes if s.part.startswith("break-") and isinstance(s, Line)]
    reset = next(i for i, s in enumerate(CONNECTIONS["library time-wait-rst-ignored"].segments) if s.segment.rst)
    arrives = head(drawing, reset)
    assert strokes
    assert arrives is not None
    assert all(y > arrives for s in strokes for _, y in s.points)


@pytest.mark.parametrize("name", ["two-sends-one-recv", "urgent"])
def test_each_send_stands_beside_what_it_sent(name: str) -> None:
    connection, drawing = CONNECTIONS[f"library {name}"], drawn(f"library {name}")
    data = [i for i, s in enumerate(connection.segments) if s.origin == "client" and s.segment.length]
    sends = [y for text, y in calls(drawing, "client") if text.startswith("send")]
    assert len(sends) == 2
    assert sends == pytest.approx([tail(drawing, i) for i in data], abs=0.1)


def test_calls_are_written_as_in_programs() -> None:
    assert "send(3, MSG_OOB)" in [text for text, _ in calls(drawn("library urgent"), "client")]
    assert "crash" in [text for text, _ in calls(drawn("library crash-client-opens"), "client")]


def test_brackets_say_what_it_was() -> None:
    assert phases(of_library("crash-server-sends")) == ["Three-way handshake", "Half-open", "Reset"]
    opened = ["Three-way handshake", "Half-open", "Reset", "Three-way handshake"]
    assert phases(of_library("crash-client-opens")) == opened
    assert phases(of_library("rfc9293-figure-9")) == ["Half-open", "Refused"]
    assert phases(of_library("rfc9293-figure-10")) == ["Half-open", "Reset"]
    assert phases(of_library("self-connect")) == ["Simultaneous open", "Reset"]
    assert phases(of_library("fast-open-second")) == ["Three-way handshake", "Data transfer", "Four-way close"]


def test_a_reset_that_is_blamed_and_not_believed_closes_nothing() -> None:
    blind = of_library("blind-rst")
    reset = next(i for i, sent in enumerate(blind.segments) if sent.segment.flags == RST)
    blamed = violated(blind, reset)
    assert phases(blamed) == phases(blind) == ["Three-way handshake", "Data transfer", "Four-way close"]


def test_a_close_is_named_by_its_answers_though_its_fin_is_blamed() -> None:
    """Nobody acknowledges the number that it should not have had."""
    normal = of_library("normal")
    fin = next(i for i, sent in enumerate(normal.segments) if sent.segment.fin)
    segments = list(violated(normal, fin).segments)
    segments[fin] = replace(segments[fin], segment=replace(segments[fin].segment, seq=segments[fin].segment.seq + 3))
    assert phases(replace(normal, segments=tuple(segments)))[-1] == "Four-way close"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_footer_says_all_of_it(lang: str) -> None:
    """What the numbers count, what a slant means where there is one clock, and how time runs: whatever is chosen."""
    connection = one_clock(of_library("normal"))
    words = draw.words_in(LANGUAGES[lang])
    for clocks, numbers, scale in product((1, 2), get_args(Numbers), SCALES):
        drawing = draw.sequence(connection, title="", words=words, clocks=clocks, numbers=numbers, scale=scale)
        (foot,) = (text.text for text in drawing.texts() if text.part == "footer")
        counted = {"relative": words.relative, "symbolic": words.symbolic, "absolute": words.absolute}[numbers]
        timed = {"even": words.not_to_scale, "log": words.log_scale, "linear": words.linear_scale}[scale]
        assert foot.split("  ") == [counted, *([words.one_clock] if clocks == 1 else []), timed]


@pytest.mark.parametrize("name", ["library blind-rst", "library duplicated-syn", "library late-duplicate"])
def test_what_an_end_did_not_send_does_not_begin_at_its_lifeline(name: str) -> None:
    connection, drawing = CONNECTIONS[name], drawn(name)
    lifelines = {
        s.part: s.points[0][0] for s in drawing.shapes if isinstance(s, Line) and s.part.startswith("lifeline")
    }
    found = 0
    for index, sent in enumerate(connection.segments):
        for line in (s for s in drawing.of(f"segment-{index}")[:2] if isinstance(s, Line)):
            off = abs(line.points[0][0] - lifelines[f"lifeline-{sent.origin}"])
            assert (off > 20) == (sent.kind in ("injected", "duplicate"))
            found += off > 20
    assert found == 1


@pytest.mark.parametrize("name", ["library keep-alive-dead", "library fin-timeout", "library syn-timeout"])
def test_lost_segments_run_parallel(name: str) -> None:
    lines = [
        next(s for s in drawn(name).of(f"segment-{index}") if isinstance(s, Line))
        for index, sent in enumerate(CONNECTIONS[name].segments)
        if sent.arrived is None
    ]
    slopes = [(y1 - y0) / (x1 - x0) for (x0, y0), (x1, y1) in (line.points for line in lines)]
    assert len(slopes) > 2
    assert max(slopes) - min(slopes) < 0.01
