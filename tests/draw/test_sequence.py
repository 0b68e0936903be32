"""What a sequence diagram says, read off the Drawing."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from itertools import pairwise, product

import pytest
from connections import CONNECTIONS, WITH_STATES, long, of_library

from tcpviz import draw
from tcpviz.draw import Scale, elide
from tcpviz.draw.drawing import Drawing, Line, Polygon, Rect, Role, Text
from tcpviz.draw.metrics import default
from tcpviz.draw.page import SIZES, Page
from tcpviz.draw.words import ENGLISH, words_in
from tcpviz.exchange import library
from tcpviz.exchange.capture import Address
from tcpviz.exchange.exchange import SIDES, Connection
from tcpviz.exchange.numbers import time_text
from tcpviz.exchange.policy import RFC
from tcpviz.exchange.scenario_file import parse
from tcpviz.exchange.simulate import simulate
from tcpviz.language import LANGUAGES
from tcpviz.value import replace


def drawn(name: str, **options: object) -> Drawing:
    return draw.sequence(CONNECTIONS[name], title=name, **options)


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
    calls = [said(drawing.of(f"call-client-{i}"))[0] for i in range(4)]
    assert calls == ["connect()", "send(5)", "recv() →\u00a03", "close()"]
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


def test_what_was_not_captured_is_muted_and_says_so() -> None:
    """Dashed and without the colour of a SYN: nobody saw it."""
    normal = of_library("normal")
    inferred = replace(normal.segments[1], kind="inferred", frame=None)
    drawing = draw.sequence(replace(normal, segments=(normal.segments[0], inferred, *normal.segments[2:])), title="")
    [line] = [s for s in drawing.of("segment-1") if isinstance(s, Line)]
    assert (line.role, bool(line.dash)) == (Role.MUTED, True)
    assert " ".join(said(drawing.of("segment-1/label"))) == "SYN,ACK (not captured) seq=0 ack=1"


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


def tails_and_heads(drawing: Drawing, connection: Connection) -> list[tuple[int, float]]:
    """(time, height) of everything that leaves or arrives, at its lifeline, even if its arrow begins elsewhere."""
    found = []
    lines = [s for side in SIDES for s in drawing.of(f"lifeline-{side}") if isinstance(s, Line)]
    lifelines = dict(zip(SIDES, (line.points[0][0] for line in lines), strict=True))
    for index, sent in enumerate(connection.segments):
        shapes = drawing.of(f"segment-{index}")
        line = next((s for s in shapes if isinstance(s, Line)), None)
        if line is None:
            continue
        (x0, y0), (x1, y1) = line.points
        found.append((sent.sent, y0 + (y1 - y0) / (x1 - x0) * (lifelines[sent.origin] - x0)))
        heads = [s for s in shapes if isinstance(s, Polygon) and s.part == f"segment-{index}"]
        if sent.arrived is not None:
            found.append((sent.arrived, heads[0].points[0][1]))
    return found


@pytest.mark.parametrize("scale", ["log", "linear"])
@pytest.mark.parametrize("name", WITH_STATES)
def test_what_happens_later_is_not_drawn_higher(name: str, scale: Scale) -> None:
    """At neither end, and whichever end it happens at."""
    connection = of_library(name)
    events = tails_and_heads(draw.sequence(connection, title=name, scale=scale), connection)
    for moment, y in events:
        assert all(y <= below + 1 for later, below in events if later > moment)


def test_a_linear_scale_is_one() -> None:
    """Waits of 1, 2, 4 and 8 seconds, as high as they are long."""
    plan = library.load("syn-timeout")
    plan = replace(plan, client=replace(plan.client, user_timeout=20 * 10**9))
    connection = simulate(plan).connections[0]
    heights = [y for _, y in tails_and_heads(draw.sequence(connection, title="", scale="linear"), connection)]
    gaps = [below - above for above, below in pairwise(heights)]
    times = [later.sent - sent.sent for sent, later in pairwise(connection.segments)]
    assert gaps[3] == pytest.approx(2 * gaps[2], rel=0.05)
    assert all(gap >= gaps[3] * time / times[3] - 0.5 for gap, time in zip(gaps, times, strict=True))


def test_the_details_that_are_asked_for() -> None:
    plain = " ".join(said(drawn("library all-options", show=()).shapes))
    assert not re.search("win=|mss=|connect|ESTABLISHED|20 ms", plain)
    shown = " ".join(said(drawn("library all-options", show=("window", "options", "why")).shapes))
    for detail in ("win=65535", "win=511×128", "mss=1460 wscale=7", "tsval=10\u00a0tsecr=0", "connect() sends SYN"):
        assert detail in shown


def test_sack_blocks_are_numbered_as_the_acknowledgement_is() -> None:
    told = """
        client = {sack = true, calls = ["connect", "send 3000", "close"]}
        server = {sack = true, calls = ["listen", "accept", "recv 3000", "recv end", "close"]}
        network = {lose = ["client data 1"]}
    """
    (connection,) = simulate(parse(told, "told", where="told")).connections
    for numbers, block in (("relative", "sack=1461–3001"), ("symbolic", "sack=x+1461–x+3001")):
        drawings = draw.slides(connection, title="", pages=2, show=("options",), numbers=numbers)
        assert block in [text for drawing in drawings for text in said(drawing.shapes)]


def test_a_closed_window_is_always_told() -> None:
    assert "win=0" in " ".join(said(drawn("library zero-window").shapes))


@pytest.mark.parametrize("name", WITH_STATES)
def test_no_sequence_number_is_negative(name: str) -> None:
    assert not re.search(r"=-\d", " ".join(said(drawn(f"library {name}").shapes)))


TOO_MUCH = ("zero-window", "zh")
"""States that have two names leave no room for all of it on one slide."""


@pytest.mark.parametrize(
    ("name", "language"), [pair for pair in product(WITH_STATES, ["en", "zh"]) if pair != TOO_MUCH]
)
def test_every_landmark_stays_in_sight(name: str, language: str) -> None:
    segments = of_library(name).segments
    drawing = drawn(f"library {name}", words=words_in(LANGUAGES[language]))
    for index in elide.landmarks(segments):
        assert drawing.of(f"segment-{index}"), (index, segments[index].kind)
    assert drawing.of("segment-0")
    assert drawing.of(f"segment-{len(segments) - 1}")


def test_the_names_of_a_state_stand_abreast_before_anything_is_left_out() -> None:
    chinese = words_in(LANGUAGES["zh"])
    roomy, full = (drawn(f"library {name}", words=chinese) for name in ("normal", "last-ack-lost"))
    assert said(roomy.of("band-client-0/name")) == ["CLOSED", "关闭"]
    assert said(full.of("band-client-0/name")) == ["CLOSED 关闭"]
    assert not [shape for shape in full.shapes if shape.part.startswith("gap-")]


def test_a_state_that_a_timeout_ends_lasts_until_then() -> None:
    drawing = drawn("library fin-timeout")
    last = next(s.points[0][1] for s in drawing.of("segment-5") if isinstance(s, Line))
    [closed] = [s for s in drawing.shapes if s.part == "band-client-4" and isinstance(s, Rect)]
    assert closed.y > last + 14
    assert "USER TIMEOUT, 5.02 s" in said(drawing.shapes)


@pytest.mark.parametrize(
    ("name", "what"), [("tw-reuse", "1.48 s"), ("time-wait-rst", "340 ms"), ("late-duplicate", "360 ms")]
)
def test_a_time_wait_that_something_ended_is_not_told_as_2msl(name: str, what: str) -> None:
    """A connect() of its own end, or a reset."""
    shapes = draw.sequence(of_library(name), title=name).shapes
    assert f"2MSL cut after {what}" in " ".join(said(s for s in shapes if s.part.startswith("timer-")))


@pytest.mark.parametrize("name", WITH_STATES)
def test_only_what_lasted_2msl_is_told_so(name: str) -> None:
    for connection in simulate(library.load(name)).connections:
        told = said(draw.sequence(connection, title=name).shapes)
        assert {text for text in told if "2MSL =" in text} <= {f"2MSL = {time_text(2 * RFC.msl)}"}


def test_a_recv_of_some_octets_says_how_many_as_others_do() -> None:
    for language in ("en", "zh"):
        drawing = draw.sequence(of_library("two-sends-one-recv"), title="", words=words_in(LANGUAGES[language]))
        assert "recv() →\u00a010" in said(drawing.shapes)


def test_who_is_both_ends_leaves_a_state_at_one_height() -> None:
    drawing = draw.sequence(of_library("self-connect"), title="")
    [one], [two] = ([s for s in drawing.shapes if s.part == f"band-{side}-4" and isinstance(s, Rect)] for side in SIDES)
    assert one.y == pytest.approx(two.y)


def test_a_capture_ties_what_is_sent_again_to_what_was_sent_before() -> None:
    """No timer is known there, but how long it took."""
    lost = CONNECTIONS["lost data"]
    captured = replace(lost, client=replace(lost.client, timers=()), server=replace(lost.server, timers=()))
    assert "+1 s" in said(draw.sequence(captured, title="", clocks=1).shapes)


def test_a_long_title_is_set_smaller_and_ends_after_a_word() -> None:
    for name in WITH_STATES:
        [title] = draw.sequence(of_library(name), title=simulate(library.load(name)).title).of("title")
        assert isinstance(title, Text)
        assert "…" not in title.text
    [title] = draw.sequence(of_library("normal"), title="some words " * 30).of("title")
    assert isinstance(title, Text)
    assert title.text.endswith("words …")


def test_a_violation_shows_what_was_expected() -> None:
    drawing = drawn("violation", clocks=1)
    fault = drawing.of("segment-4/note")
    assert " ".join(said(fault)) == "expected ack=6, observed 7 (RFC 9293 3.10.7.4)"
    verdicts = [s for s in drawing.texts() if s.part.endswith("/verdict")]
    assert [s.text for s in verdicts] == [*"✓✓✓✓✗✓✓✓✓✓✓"]
    assert {s.role for s in (*fault, verdicts[4])} == {Role.VIOLATION}


def test_what_nobody_has_judged_has_no_mark() -> None:
    violation = CONNECTIONS["violation"]
    for side in SIDES:
        drawing = draw.sequence(replace(violation, judged=(side,)), title="one end", clocks=1)
        marked = {shape.part.split("/")[0] for shape in drawing.texts() if shape.part.endswith("/verdict")}
        sent = {f"segment-{n}" for n, sent in enumerate(violation.segments) if sent.origin == side}
        assert marked == sent


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


@pytest.mark.parametrize("lang", ["en", "zh", "both"])
def test_what_was_overtaken_arrives_below_what_overtook_it(lang: str) -> None:
    drawing = drawn("library reordered-fin", words=draw.words_in(LANGUAGES[lang]))

    def arrow(index: int) -> tuple[float, float]:
        line = next(s for s in drawing.of(f"segment-{index}") if isinstance(s, Line))
        return line.points[0][1], line.points[-1][1]

    (data_leaves, data_comes), (fin_leaves, fin_comes) = arrow(3), arrow(4)
    assert data_leaves < fin_leaves
    assert fin_comes < data_comes
    read = next(s for s in drawing.shapes if isinstance(s, Text) and s.text.startswith("recv()"))
    assert abs(read.y - data_comes) < read.size, "the stream ends when nothing before the FIN is missing"


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
    assert time.process_time() - start < 3, "about 0.2 s where this was written"


def test_what_fills_a_window_is_shown_before_it_closes() -> None:
    """Once both FINs and all that becomes of the window are there: on a slide that is wide, they leave no room."""
    drawing = drawn("library zero-window", slide=Page(*SIZES["A4"]).slide)
    labels = [" ".join(said(drawing.of(f"segment-{i}/label"))) for i in range(16)]
    assert labels[4] == "ACK seq=1001 ack=1 len=1000"
    assert labels[6].endswith("win=0")
    assert "ACK (window probe) seq=2001 ack=1 len=1" in labels


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


def test_of_an_end_that_nobody_judges_nobody_knows_states_and_calls() -> None:
    normal = CONNECTIONS["library normal"]
    for side in SIDES:
        drawing = draw.sequence(replace(normal, judged=(side,)), title="one end", clocks=1)
        parts = [part for part in (shape.part for shape in drawing.texts()) if part.startswith(("band-", "call-"))]
        assert {part.split("-")[1] for part in parts} == {side}
        assert not [shape.part for shape in drawing.texts() if shape.part.startswith("phase-")]
        waits = "CLOSE-WAIT" if side == "client" else "FIN-WAIT"
        assert waits not in drawing.description
