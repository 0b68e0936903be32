"""What a sequence diagram says, read off the Drawing."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

import pytest
from connections import CONNECTIONS, long, of_library

from tcpviz import draw
from tcpviz.draw import elide
from tcpviz.draw.drawing import Drawing, Line, Rect, Role, Text
from tcpviz.draw.metrics import default
from tcpviz.draw.words import ENGLISH
from tcpviz.exchange.capture import Address


def drawn(name: str, **options: object) -> Drawing:
    return draw.sequence(CONNECTIONS[name], title=name, **options)  # type: ignore[arg-type]


def said(shapes: Iterable[object]) -> list[str]:
    return [shape.text for shape in shapes if isinstance(shape, Text)]


def texts(drawing: Drawing, ending: str) -> list[str]:
    return said(shape for shape in drawing.shapes if shape.part.endswith(ending))


def phases(drawing: Drawing) -> list[str]:
    """The names along the brackets; their lines are set from the bracket outwards."""
    parts = dict.fromkeys(s.part.partition("/")[0] for s in drawing.shapes if s.part.startswith("phase-"))
    return [" ".join(reversed(said(drawing.of(part)))) for part in parts]


def test_the_normal_connection_in_words() -> None:
    drawing = drawn("library normal")
    labels = [" ".join(said(drawing.of(f"segment-{i}/label"))) for i in range(11)]
    assert labels[:4] == ["SYN seq=0", "SYN,ACK seq=0 ack=1", "ACK seq=1 ack=1", "PSH,ACK seq=1 ack=1 len=5"]
    assert texts(drawing, "/time")[:3] == ["0 s", "10 ms", "20 ms"]
    assert phases(drawing) == ["Three-way handshake", "Data transfer", "Four-way close"]
    names = [said(drawing.of(f"band-client-{i}/name"))[0] for i in range(7)]
    assert names == ["CLOSED", "SYN-SENT", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED"]
    calls = [said(drawing.of(f"call-client-{i}"))[0] for i in range(3)]
    assert calls == ["connect()", "send(5)", "close()"]
    assert "2MSL = 240 s" in said(drawing.shapes)


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("library normal", "Four-way close"),
        ("one clock", "Four-way close"),
        ("library half-close", "Half-close"),
        ("library abort", "Reset"),
        ("library refused", "Refused"),
        ("simultaneous close", "Simultaneous close"),
        ("burst", "Four-way close"),
        ("long", "Four-way close"),
    ],
)
def test_the_end_is_called_what_it_was(name: str, last: str) -> None:
    assert phases(drawn(name))[-1] == last


def test_a_close_in_three_segments_is_called_so() -> None:
    """The second FIN is the first to acknowledge the first one."""
    normal = of_library("normal")
    three = replace(normal, segments=(*normal.segments[:8], *normal.segments[9:]))
    assert phases(draw.sequence(three, title=""))[-1] == "Three-segment close"


def test_only_pure_acks_are_dashed() -> None:
    drawing = drawn("library normal")
    lines = {s.part: s.dash for s in drawing.shapes if isinstance(s, Line) and s.part.startswith("segment-")}
    dashed = {int(part.removeprefix("segment-")) for part, dash in lines.items() if dash}
    pure = {i for i, s in enumerate(CONNECTIONS["library normal"].segments) if s.segment.span == 0}
    assert dashed == pure


def test_a_lost_segment_ends_short_of_the_other_side_and_comes_again() -> None:
    drawing = drawn("lost data")
    lost = next(i for i, s in enumerate(CONNECTIONS["lost data"].segments) if s.fate == "lost")
    line = next(s for s in drawing.of(f"segment-{lost}") if isinstance(s, Line))
    right = next(s for s in drawing.of("lifeline-server") if isinstance(s, Line)).points[0][0]
    left = next(s for s in drawing.of("lifeline-client") if isinstance(s, Line)).points[0][0]
    assert line.points[-1][0] < left + 0.9 * (right - left)
    assert said(drawing.of(f"segment-{lost}/lost")) == ["lost"]
    assert any("(again)" in text for text in said(drawing.shapes))
    assert "RTO 1 s" in said(drawing.shapes)


def test_a_violation_shows_what_was_expected() -> None:
    fault = drawn("violation").of("segment-4/fault")
    assert said(fault) == ["expected ack=6"]
    assert {s.role for s in fault if isinstance(s, Line)} == {Role.VIOLATION}


def test_the_footer_says_what_the_numbers_are_and_what_the_slant_is() -> None:
    assert ENGLISH.one_clock in texts(drawn("one clock", clocks=1), "footer")[0]
    assert ENGLISH.one_clock not in texts(drawn("library normal"), "footer")[0]
    assert ENGLISH.symbolic in texts(drawn("library normal", numbers="symbolic"), "footer")[0]


def test_states_change_where_the_segment_arrives() -> None:
    drawing = drawn("library normal")
    arrow = next(s for s in drawing.of("segment-1") if isinstance(s, Line))
    bands = {s.part: s for s in drawing.shapes if isinstance(s, Rect)}
    established = bands["band-client-2"]
    tilt = arrow.points[-1][1] - arrow.points[0][1]
    assert established.y == pytest.approx(arrow.points[-1][1], abs=2)
    assert tilt > 0, "an arrow arrives below where it left"


def test_what_does_not_fit_is_summed_up() -> None:
    drawing = drawn("long")
    shown = {s.part.split("/")[0] for s in drawing.shapes if s.part.startswith("segment-")}
    count = len(CONNECTIONS["long"].segments)
    [summary] = [text for text in said(drawing.shapes) if text.startswith("…")]
    assert summary == f"… {count - len(shown):,} segments, 1.4 MB …".replace(",", "\u00a0", 1)
    assert {"segment-0", "segment-1", "segment-2", f"segment-{count - 1}"} <= shown


def test_an_anomaly_stays_in_sight() -> None:
    segments = CONNECTIONS["long with losses"].segments
    lost = next(i for i, s in enumerate(segments) if s.fate == "lost")
    assert drawn("long with losses").of(f"segment-{lost}")
    violated = list(segments)
    violated[500] = replace(violated[500], verdict="violation")
    assert 500 in elide.by_importance(violated, 8)


def test_fifty_thousand_segments_are_laid_out_in_about_a_second() -> None:
    connection = long(25_000)
    start = time.process_time()
    draw.sequence(connection, title="")
    assert time.process_time() - start < 3, "about 0.4 s where this was written"


def test_hostile_text_comes_out_inert() -> None:
    normal = of_library("normal")
    nasty = "\x1b[31m\u202e" + "x" * 10_000
    party = replace(normal.client, address=Address("\x1b]0;owned\x07", 1))
    drawing = draw.sequence(replace(normal, client=party), title=nasty)
    written = "".join(said(drawing.shapes))
    assert not set(written) & set("\x1b\x07\u202e")
    [title] = drawing.of("title")
    assert isinstance(title, Text)
    assert default().width(title.text, title.size, True) <= 940


def test_the_same_connection_is_the_same_drawing() -> None:
    assert drawn("simultaneous data") == drawn("simultaneous data")
