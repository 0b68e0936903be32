"""The segments travel: what a moving picture shows when; that it is small, endless and ends on the whole picture."""

from __future__ import annotations

import io
from itertools import pairwise

import pytest
from connections import CONNECTIONS, of_library
from overlaps import overlaps
from PIL import Image, ImageChops

from tcpviz import draw
from tcpviz.draw.drawing import Drawing, Line, Polygon, Rect, Text
from tcpviz.draw.page import Page
from tcpviz.draw.pixels import Pixels
from tcpviz.draw.theme import dress
from tcpviz.draw.to_png import painted, repainted
from tcpviz.draw.travelling import Frame, frames
from tcpviz.exchange import library
from tcpviz.exchange.simulate import simulate
from tcpviz.value import replace

SMALL = Page(dpi=48)


def drawn(name: str) -> Drawing:
    return draw.sequence(of_library(name), title=name)


def moving(drawing: Drawing) -> list[Frame]:
    return list(frames(drawing))


def said(drawing: Drawing) -> set[str]:
    return {text.text for text in drawing.texts()}


def test_it_begins_with_nothing_and_ends_with_everything() -> None:
    whole = drawn("normal")
    first, *_, last = moving(whole)
    assert last.drawing == whole
    assert not [shape for shape in first.drawing.shapes if shape.part.startswith(("segment-", "timer-", "phase-"))]
    assert said(first.drawing) & {"CLOSED", "LISTEN", "SYN-SENT"} == {"CLOSED", "LISTEN"}


@pytest.mark.parametrize("name", CONNECTIONS)
def test_what_has_come_stays_and_every_segment_arrives(name: str) -> None:
    whole = draw.sequence(CONNECTIONS[name], title=name)
    seen: set[str] = set()
    for frame in moving(whole):
        parts = {shape.part for shape in frame.drawing.shapes}
        assert seen <= parts
        seen = parts
    assert {shape.part for shape in whole.shapes} <= seen


def test_a_segment_is_on_its_way_before_it_arrives() -> None:
    """Its head moves from one lifeline to the other, and only then the other end changes its state."""
    tips = []
    for frame in moving(drawn("normal")):
        heads = [shape for shape in frame.drawing.of("segment-0") if isinstance(shape, Polygon)]
        if not heads or "SYN-RECEIVED" in said(frame.drawing):
            continue
        tips.append(heads[0].points[0][0])
    assert len(tips) >= 5
    assert tips == sorted(tips)


def test_what_is_held_is_every_arrival() -> None:
    held = [frame for frame in moving(drawn("normal")) if frame.milliseconds >= 1000]
    assert len(held) == 1 + len(of_library("normal").segments) + 1
    states = [
        {text for text in said(frame.drawing) if text.isupper() and "-" in text and "ACK " not in text}
        for frame in held
    ]
    assert all(earlier <= later for earlier, later in pairwise(states))


def test_a_lost_segment_is_crossed_out_when_it_is_lost() -> None:
    flying = [
        frame.drawing
        for frame in moving(drawn("syn-lost"))
        if frame.drawing.of("segment-0") and "lost" not in said(frame.drawing)
    ]
    assert flying
    for drawing in flying:
        assert len([shape for shape in drawing.of("segment-0") if isinstance(shape, Line)]) == 1


@pytest.mark.parametrize("name", ["normal", "simultaneous-close", "fin-timeout", "zero-window"])
def test_no_text_touches_another_on_the_way(name: str) -> None:
    """Bands grow around their names; an arrowhead may pass below its own label."""
    for frame in moving(drawn(name)):
        held = [shape for shape in frame.drawing.shapes if isinstance(shape, Text | Rect)]
        assert overlaps(replace(frame.drawing, shapes=tuple(held))) == []


@pytest.mark.parametrize(("name", "theme"), [("fin-timeout", draw.LIGHT), ("zero-window", draw.PRINT)])
def test_what_changes_is_all_that_changes(name: str, theme: draw.Theme) -> None:
    """Frames put together from their changes are those that are painted whole, pixel by pixel."""
    page = replace(SMALL, height=400)
    drawings = [dress(frame.drawing, theme) for frame in moving(drawn(name))]
    frame = Image.new("RGBA", page.pixels)
    for drawing, parts in zip(drawings, repainted(drawings, theme, page), strict=True):
        for part in parts:
            frame.paste(_image(part), (part.left, part.top))
        assert frame.tobytes() == painted(drawing, theme, page).rgba


def _image(pixels: Pixels) -> Image.Image:
    return Image.frombytes("RGBA", (pixels.width, pixels.height), pixels.rgba)


def test_the_file() -> None:
    data = draw.gif(drawn("normal"), page=SMALL)
    image = Image.open(io.BytesIO(data))
    assert image.size == (640, 360)
    assert image.info["loop"] == 0, "for ever"
    times = []
    for number in range(image.n_frames):
        image.seek(number)
        times.append(image.info["duration"])
    assert 10_000 < sum(times) < 40_000
    assert times[-1] >= 4000, "the whole picture stands still"
    last = image.convert("RGB")
    assert last.getpixel((1, 1)) == (255, 255, 255)
    png = Image.open(io.BytesIO(draw.png(drawn("normal"), page=SMALL))).convert("RGB")
    furthest = ImageChops.difference(last, png).getextrema()
    assert max(high for _, high in furthest) < 96, "only edges are blended more coarsely"
    assert len(data) < 300_000
    assert data == draw.gif(drawn("normal"), page=SMALL)


def test_two_at_once_udp_and_nothing() -> None:
    two = draw.pair(simulate(library.load("two-connections")))
    flow = draw.flow(simulate(library.load("tutorial-udp-one-way")).flows[0], title="x")
    for whole in (two, flow):
        found = moving(whole)
        assert found[-1].drawing == whole
        assert len(found) > 10
    empty = draw.sequence(replace(of_library("normal"), segments=()), title="x")
    assert [frame.drawing for frame in moving(empty)] == [empty]
