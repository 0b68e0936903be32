"""Contrast, by computation: every text against what it stands on, in pictures that use every role."""

from __future__ import annotations

import pytest
from connections import CONNECTIONS
from overlaps import holds

from tcpviz import draw, graph
from tcpviz.draw.drawing import Drawing, Role, Text
from tcpviz.draw.theme import LIGHT, contrast
from tcpviz.model.transitions import TABLE

NAMES = ("library normal", "library abort", "lost data", "violation", "long")
DRAWINGS = {
    **{
        name: draw.sequence(CONNECTIONS[name], title=name)
        for name in ("library normal", "lost data", "violation", "long")
    },
    "abort": draw.sequence(CONNECTIONS["library abort"], title="abort"),
    "machine": draw.machine(graph.edges()),
    "walk": draw.machine(graph.edges(), {"client": [r for r in TABLE if r.figure][:4], "server": TABLE[:1]}),
}


def test_every_role_has_a_colour() -> None:
    assert set(LIGHT.colours) == set(Role)


@pytest.mark.parametrize("name", DRAWINGS)
def test_text_contrast(name: str) -> None:
    drawing = DRAWINGS[name]
    for text in drawing.texts():
        assert contrast(LIGHT.colours[text.role], below(drawing, text)) >= 4.5, text


def below(drawing: Drawing, text: Text) -> str:
    """The colour of what a text stands on."""
    shapes = drawing.shapes[: drawing.shapes.index(text)]
    holders = [s for s in shapes if not isinstance(s, Text) and holds(s, text.corners())]
    return LIGHT.colours[holders[-1].role] if holders else LIGHT.background


def test_contrast_is_the_known_one() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)
