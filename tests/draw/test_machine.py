"""The state diagram: all of Figure 5, nothing crossing, nothing touching, whatever way is lit up."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from connections import CONNECTIONS
from overlaps import overlaps

from tcpviz import draw, graph
from tcpviz.draw.drawing import LEAST_SIZE, Circle, Drawing, Line, Rect, Text
from tcpviz.draw.machine_places import BOX_HEIGHT, BOX_WIDTH, ROUTES, STATES
from tcpviz.draw.page import SIZES, Page
from tcpviz.draw.theme import PRINT, dress
from tcpviz.exchange.exchange import Connection, Side
from tcpviz.language import LANGUAGES
from tcpviz.model.transitions import Row, State

Walks = dict[Side, tuple[Row, ...]]


def walked(connection: Connection) -> Walks:
    ends: tuple[Side, Side] = ("client", "server")
    return {side: tuple(c.row for c in connection.party(side).states if c.row) for side in ends}


def drawn(walks: Walks | None = None, language: str = "en") -> Drawing:
    return draw.machine(graph.edges(), walks, words=draw.words_in(LANGUAGES[language]))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [None, *CONNECTIONS])
def test_nothing_touches(name: str | None, language: str) -> None:
    drawing = drawn(walked(CONNECTIONS[name]) if name else None, language)
    assert overlaps(drawing) == []
    assert overlaps(dress(drawing, PRINT)) == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [None, "library normal", "library simultaneous-close"])
def test_nothing_touches_on_any_slide(name: str | None, language: str, size: str) -> None:
    slide = Page(*SIZES[size]).slide
    walks = walked(CONNECTIONS[name]) if name else None
    drawing = draw.machine(graph.edges(), walks, words=draw.words_in(LANGUAGES[language]), slide=slide)
    assert drawing.slide == slide
    assert overlaps(drawing) == []
    assert min(text.size for text in drawing.texts()) >= LEAST_SIZE


def test_nothing_touches_when_both_ends_go_every_way() -> None:
    rows = tuple(row for edge in graph.edges() for row in edge.rows)
    for row in rows:
        both: Walks = {"client": (row,), "server": (row,)}
        for language in LANGUAGES:
            assert overlaps(drawn(both, language)) == [], (row, language)


def test_every_edge_of_the_figure_has_a_place_and_no_other() -> None:
    routed = {(edge.source, edge.target) for edge in graph.edges() if not edge.reset}
    assert routed == set(ROUTES)
    assert set(STATES) == set(State)


def test_no_edge_crosses_another_or_a_state() -> None:
    segments = [(key, piece) for key, route in ROUTES.items() for piece in pairwise(route.points)]
    for (one, a), (other, b) in combinations(segments, 2):
        assert one == other or not meet(a, b), (one, other)
    for (source, target), (start, end) in segments:
        for state, (x, y) in STATES.items():
            if state not in (source, target):
                within_x = min(start[0], end[0]) < x + BOX_WIDTH / 2 and max(start[0], end[0]) > x - BOX_WIDTH / 2
                within_y = min(start[1], end[1]) < y + BOX_HEIGHT / 2 and max(start[1], end[1]) > y - BOX_HEIGHT / 2
                assert not (within_x and within_y), (source, target, state)


def meet(a: tuple[tuple[float, float], ...], b: tuple[tuple[float, float], ...]) -> bool:
    """Whether two level or upright pieces share a point."""
    return all(
        max(min(a[0][i], a[1][i]), min(b[0][i], b[1][i])) <= min(max(a[0][i], a[1][i]), max(b[0][i], b[1][i]))
        for i in (0, 1)
    )


def test_each_route_starts_and_ends_at_its_states() -> None:
    for (source, target), route in ROUTES.items():
        for state, (px, py) in ((source, route.points[0]), (target, route.points[-1])):
            x, y = STATES[state]
            on_side = abs(abs(px - x) - BOX_WIDTH / 2) <= 1 and abs(py - y) <= BOX_HEIGHT / 2
            on_edge = abs(abs(py - y) - BOX_HEIGHT / 2) <= 1 and abs(px - x) <= BOX_WIDTH / 2
            assert on_side or on_edge, (source, target, state)


def test_note_3_is_a_tag_on_every_state_that_a_reset_closes() -> None:
    tagged = {
        s.part.removeprefix("reset-") for s in drawn().shapes if isinstance(s, Rect) and s.part.startswith("reset-")
    }
    assert tagged == {str(state) for state in State} - {"CLOSED", "LISTEN"}


def test_ends_differ_by_shape_and_dash_too() -> None:
    drawing = drawn(walked(CONNECTIONS["library normal"]))
    badge = drawing.of("edge-SYN-SENT-ESTABLISHED/badge")
    assert [type(s) for s in badge] == [Circle, Text]
    assert badge[1].text == "2"
    server = drawing.of("edge-ESTABLISHED-CLOSE-WAIT")
    assert any(isinstance(s, Rect) for s in server)
    assert all(s.dash for s in server if isinstance(s, Line))
    assert not any(s.dash for s in drawing.of("edge-SYN-SENT-ESTABLISHED") if isinstance(s, Line))


def test_a_step_beyond_the_figure_is_told_in_words() -> None:
    legend = [s.text for s in drawn(walked(CONNECTIONS["library abort"])).of("legend") if isinstance(s, Text)]
    assert "Client 3: ABORT → CLOSED (not in Figure 5)" in legend
