"""Further slides and steps: nothing is told twice, nothing is lost, and states go on where they were."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from connections import CONNECTIONS, of_library

from tcpviz import draw
from tcpviz.draw.drawing import Drawing, Rect, Text


def segments(drawing: Drawing) -> set[int]:
    return {int(m[1]) for s in drawing.shapes if (m := re.match(r"segment-(\d+)", s.part))}


def names(drawing: Drawing, side: str) -> list[str]:
    return [s.text for s in drawing.texts() if re.fullmatch(rf"band-{side}-\d+/name", s.part)]


def slides(name: str, pages: int, **options: Any) -> tuple[Drawing, ...]:
    return draw.slides(CONNECTIONS[name], title="Title", pages=pages, **options)


def test_what_fits_is_one_slide_whatever_is_allowed() -> None:
    [drawing] = slides("library normal", 5)
    assert drawing == draw.sequence(of_library("normal"), title="Title")


def test_all_segments_once() -> None:
    drawings = slides("library zero-window", 3)
    shown = Counter(index for drawing in drawings for index in segments(drawing))
    assert shown == dict.fromkeys(range(16), 1)
    assert [drawing.title for drawing in drawings] == [f"Title ({n}/{len(drawings)})" for n in (1, 2)]


def test_a_page_begins_in_the_states_in_which_the_one_before_ended() -> None:
    for name in ("library zero-window", "long with losses", "bulk"):
        drawings = slides(name, 4)
        for before, after in pairwise(drawings):
            for side in ("client", "server"):
                assert names(before, side)[-1] == names(after, side)[0]


def test_states_are_told_as_often_as_on_one_slide() -> None:
    whole = of_library("zero-window")
    told: list[str] = []
    for drawing in slides("library zero-window", 3):
        shown = names(drawing, "server")
        told += shown[1:] if told else shown
    assert told == [str(change.state) for change in whole.server.states]


def test_no_more_slides_than_allowed_and_the_rest_summed_up() -> None:
    drawings = slides("long with losses", 2)
    assert len(drawings) == 2
    assert any("segments" in s.text for drawing in drawings for s in drawing.texts() if s.part.startswith("gap-"))
    sizes = {s.size for drawing in drawings for s in drawing.texts() if s.part.endswith("/label")}
    assert len(sizes) == 1, "all in one text size"


@pytest.mark.parametrize("name", ["library normal", "library fin-timeout", "long"])
def test_steps_add_up(name: str) -> None:
    connection = CONNECTIONS[name]
    whole = draw.sequence(connection, title="Title")
    drawings = draw.steps(connection, title="Title")
    assert drawings[-1] == whole
    for before, after in pairwise(drawings):
        assert segments(before) <= segments(after)
        gone = [s for s in before.texts() if s.text not in {t.text for t in after.texts()}]
        assert gone == []
    assert segments(drawings[0]) == {0}


def test_a_step_leaves_no_ghost_of_what_comes() -> None:
    first = draw.steps(of_library("normal"), title="Title")[0]
    lowest = max(s.y + s.height for s in first.shapes if isinstance(s, Rect))
    assert lowest < 150, "states last only as far as the story has come"
    assert names(first, "client") == ["CLOSED", "SYN-SENT"]
    assert names(first, "server") == ["LISTEN", "SYN-RECEIVED"]
    calls = [s.text for s in first.shapes if isinstance(s, Text) and s.part.startswith("call-")]
    assert calls == ["connect()", "listen()"]
