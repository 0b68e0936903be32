"""The oracle over everything we can draw: no text touches what it must not, and none is too small to read."""

from __future__ import annotations

from typing import Any

import pytest
from connections import CONNECTIONS, WITH_STATES, by_hand, sent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from overlaps import overlaps

from tcpviz import draw
from tcpviz.draw import BLANKS, DETAILS
from tcpviz.draw.drawing import LEAST_SIZE, Drawing, Line, Polygon, Rect, Role, Slide, Text, arrowhead, cross
from tcpviz.draw.page import SIZES, Page
from tcpviz.draw.theme import PRINT, dress
from tcpviz.exchange import library
from tcpviz.exchange.exchange import Connection
from tcpviz.exchange.numbers import Numbers
from tcpviz.exchange.simulate import simulate
from tcpviz.language import LANGUAGES
from tcpviz.model.segment import ACK, FIN, PSH, RST, SYN


def drawn(connection: Connection, **options: Any) -> Drawing:
    return draw.sequence(connection, title="A title", **options)


IN_ANY_LANGUAGE: tuple[dict[str, Any], ...] = (
    {},
    {"clocks": 1, "numbers": "absolute"},
    {"scale": "even"},
    {"scale": "linear"},
    {"show": DETAILS},
)
OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"clocks": 1, "numbers": "absolute"},
    {"numbers": "symbolic", "scale": "even"},
    {"scale": "linear"},
    {"show": DETAILS},
    {"show": ()},
    {"quiz": BLANKS},
    {"slide": SIZES["4:3"]},
    {"slide": Page(*SIZES["A4"]).slide},
)


def legible(drawing: Drawing) -> None:
    """Nothing touches, and none is too small to read; nor in print, the theme that adds lines."""
    assert overlaps(drawing) == []
    assert overlaps(dress(drawing, PRINT)) == []
    assert [text for text in drawing.texts() if text.size < LEAST_SIZE] == []


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", CONNECTIONS)
def test_nothing_touches(name: str, options: dict[str, Any]) -> None:
    legible(drawn(CONNECTIONS[name], **options))


@pytest.mark.parametrize("language", ["zh", "both"])
@pytest.mark.parametrize("options", IN_ANY_LANGUAGE, ids=str)
@pytest.mark.parametrize("name", CONNECTIONS)
def test_nothing_touches_in_any_language(name: str, options: dict[str, Any], language: str) -> None:
    legible(drawn(CONNECTIONS[name], words=draw.words_in(LANGUAGES[language]), **options))


UPRIGHT = Slide(960, 1300)
STEEP: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("library half-close", "both", {"slide": SIZES["4:3"], "scale": "linear", "numbers": "absolute", "show": DETAILS}),
    ("burst", "zh", {"slide": UPRIGHT, "show": DETAILS}),
    ("bulk", "en", {"slide": UPRIGHT, "scale": "linear", "show": DETAILS}),
    ("library tw-reuse", "en", {"slide": UPRIGHT, "scale": "linear", "numbers": "absolute", "quiz": ["states"]}),
    ("library abort-by-server", "zh", {"slide": UPRIGHT, "scale": "linear", "show": ["states"], "quiz": ["flags"]}),
    ("crossing bursts", "en", {"show": ["states", "times"], "quiz": ["numbers"]}),
)


@pytest.mark.parametrize(("name", "language", "options"), STEEP, ids=str)
def test_text_has_its_room_along_steep_arrows_too(name: str, language: str, options: dict[str, Any]) -> None:
    legible(drawn(CONNECTIONS[name], words=draw.words_in(LANGUAGES[language]), **options))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_longest_footer_touches_no_bracket(language: str, size: str) -> None:
    asked: dict[str, Any] = {"clocks": 1, "numbers": "symbolic", "scale": "linear"}
    words, slide = draw.words_in(LANGUAGES[language]), Page(*SIZES[size]).slide
    legible(drawn(CONNECTIONS["violation on loopback"], words=words, slide=slide, **asked))


@pytest.mark.parametrize("numbers", ["relative", "absolute"])
@pytest.mark.parametrize("name", ["long with losses", "many losses", "bulk", "library zero-window"])
def test_nothing_touches_on_any_page(name: str, numbers: Numbers) -> None:
    drawings = draw.slides(CONNECTIONS[name], title="A title", pages=4, numbers=numbers)
    assert len(drawings) > 1
    for drawing in drawings:
        legible(drawing)


@pytest.mark.parametrize("name", ["library normal", "library fin-timeout", "long", "violation"])
def test_nothing_touches_at_any_step(name: str) -> None:
    for drawing in draw.steps(CONNECTIONS[name], title="A title"):
        legible(drawing)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", WITH_STATES)
def test_nothing_touches_side_by_side(name: str, language: str) -> None:
    exchange, words = simulate(library.load(name)), draw.words_in(LANGUAGES[language])
    names = words.title(exchange.title), words.title("normal")
    legible(draw.pair(exchange, simulate(library.load("normal")), names=names, title=" · ".join(names), words=words))
    if len(exchange.connections) > 1:
        legible(draw.pair(exchange, words=words))


FLAGS = (SYN, SYN | ACK, ACK, PSH | ACK, FIN | ACK, RST, RST | ACK, 0)
SEGMENTS = st.lists(
    st.builds(
        sent,
        st.sampled_from(["client", "server"]),
        st.sampled_from(FLAGS),
        st.integers(0, 2**32 - 1),
        st.integers(0, 2**32 - 1),
        st.sampled_from([0, 1, 1460]),
        st.integers(0, 60),
    ),
    max_size=30,
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(SEGMENTS, st.sampled_from([1, 2]))
def test_whatever_comes_is_drawn_on_the_slide(segments: list[Any], clocks: int) -> None:
    """Nonsense from a wire: any order of anything is a picture, and stays on it."""
    drawing = drawn(by_hand(*sorted(segments, key=lambda s: s.sent)), clocks=clocks)
    assert not [found for found in overlaps(drawing) if "leaves" in found]


def test_the_oracle_sees() -> None:
    """What it is there to find, found."""
    one = Text(100, 100, "one", 14, 40)
    beside = Text(141, 100, "two", 14, 40)
    on_top = Text(120, 105, "two", 14, 40)
    through = Line(((90, 95), (200, 96)), Role.SYN)
    half = Rect(110, 50, 200, 100, Role.BAND_CLOSED)
    whole = Rect(50, 50, 200, 100, Role.BAND_CLOSED)
    outside = Text(950, 100, "three", 14, 40)
    turned = Text(100, 92, "up", 14, 60, angle=60)

    def found(*shapes: Any) -> int:
        return len(overlaps(Drawing(shapes, "")))

    assert [found(one, beside), found(one, on_top), found(one, through), found(half, one)] == [0, 1, 1, 1]
    assert [found(whole, one), found(outside), found(one, turned), found(through, whole, one)] == [0, 1, 1, 0]
    assert found(one, whole) == 1, "what is painted over a text hides it"


def test_the_oracle_sees_signs() -> None:
    def arrow(number: int, y: float) -> tuple[Line, Polygon]:
        tail, head, part = (100.0, y), (400.0, y + 20), f"segment-{number}"
        return Line((tail, head), Role.ACK, part=part), arrowhead(head, tail, 10, Role.ACK, part)

    def clear(*shapes: Any) -> bool:
        return not overlaps(Drawing(shapes, ""))

    broken = Line(((395, 96), (405, 90)), Role.FRAME, part="break-1")
    timer = Line(((400, 50), (400, 150)), Role.MUTED, part="timer-client-3")
    lost = cross((250, 90), 6, Role.LOST, "segment-7")
    assert clear(*arrow(1, 50), *arrow(2, 90), broken, *lost)
    assert not clear(*arrow(1, 50), *arrow(2, 53))
    assert not clear(*arrow(1, 74), broken)
    assert not clear(*arrow(1, 80), *lost)
    assert clear(timer, broken)
    assert not clear(timer, *arrow(1, 60))
