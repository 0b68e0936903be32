"""Drawing -> SVG, by the standard library's XML writer alone.

Text stays text: its font may differ from viewer to viewer, so `textLength` holds each label to the width that the
layout gave it. Title and description are what a screen reader says. Same drawing, same bytes.
"""

from __future__ import annotations

import math
from itertools import groupby
from xml.etree import ElementTree

from tcpviz.draw.drawing import Circle, Drawing, Line, Polygon, Rect, Shape, Text
from tcpviz.draw.page import Page
from tcpviz.draw.paths import outline
from tcpviz.draw.theme import Theme

_FAMILIES = (
    "'DejaVu Sans', Verdana, 'Noto Sans CJK SC', 'Noto Sans SC', 'Source Han Sans SC', 'PingFang SC', "
    "'Microsoft YaHei', 'WenQuanYi Zen Hei', sans-serif"
)
"""The layout's own font, one of the same widths, and those that have Chinese."""
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
Element = ElementTree.Element


def render(drawing: Drawing, theme: Theme, page: Page) -> bytes:
    text: str = ElementTree.tostring(tree(drawing, theme, page), encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def tree(drawing: Drawing, theme: Theme, page: Page) -> Element:
    """The drawing on its page; its shape's margins belong to the view, so that coordinates stay the layout's."""
    left, top = (margin / page.scale(drawing) for margin in page.margins(drawing))
    view = -left, -top, drawing.slide.width + 2 * left, drawing.slide.height + 2 * top
    root = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": f"{_number(page.width)}pt",
            "height": f"{_number(page.height)}pt",
            "viewBox": " ".join(map(_number, view)),
            "role": "img",
            "aria-labelledby": "title desc",
            "font-family": _FAMILIES,
            "stroke-linejoin": "round",
            _XML_LANG: drawing.language,
        },
    )
    ElementTree.SubElement(root, "title", id="title").text = drawing.title
    ElementTree.SubElement(root, "desc", id="desc").text = drawing.description or drawing.title
    if not page.transparent:
        x, y, width, height = map(_number, view)
        ElementTree.SubElement(root, "rect", x=x, y=y, width=width, height=height, fill=theme.background)
    # one group for each run of shapes that show the same thing, for who styles or animates them
    for part, shapes in groupby(drawing.shapes, lambda shape: shape.part.partition("/")[0]):
        group = ElementTree.SubElement(root, "g", {"class": part} if part else {})
        group.extend(_element(shape, theme) for shape in shapes)
    return root


def _element(shape: Shape, theme: Theme) -> Element:
    colours = theme.colours
    match shape:
        case Line():
            attributes = {"d": _path(shape), "fill": "none", "stroke": colours[shape.role]}
            attributes["stroke-width"] = _number(shape.width)
            if shape.dash:
                attributes["stroke-dasharray"] = " ".join(map(_number, shape.dash))
            return Element("path", attributes)
        case Polygon():
            return Element("path", {"d": _path(shape), "fill": colours[shape.role]})
        case Rect():
            attributes = {
                "x": _number(shape.x), "y": _number(shape.y),
                "width": _number(shape.width), "height": _number(shape.height), "fill": colours[shape.role],
            }  # fmt: skip
            if shape.radius:
                attributes["rx"] = _number(shape.radius)
            if shape.outline:
                attributes |= {"stroke": colours[shape.outline], "stroke-width": _number(shape.stroke)}
            return Element("rect", attributes)
        case Circle():
            place = {"cx": _number(shape.x), "cy": _number(shape.y), "r": _number(shape.radius)}
            return Element("circle", {**place, "fill": colours[shape.role]})
        case Text():
            return _text(shape, theme)


def _text(text: Text, theme: Theme) -> Element:
    # where it begins, whatever its anchor: the width is given, so nothing is left to the viewer
    x, y = text.begin()
    attributes = {"x": _number(x), "y": _number(y), "font-size": _number(text.size), "fill": theme.colours[text.role]}
    if text.bold:
        attributes["font-weight"] = "bold"
    if not math.isclose(text.angle, 0, abs_tol=0.005):
        attributes["transform"] = f"rotate({_number(text.angle)} {_number(x)} {_number(y)})"
    if text.text:
        attributes |= {"textLength": _number(text.width), "lengthAdjust": "spacingAndGlyphs"}
    element = Element("text", attributes)
    # viewers make one of several spaces
    element.text = text.text.replace("  ", " \u00a0")
    return element


def _path(shape: Line | Polygon) -> str:
    return "".join(
        letter + " ".join(f"{_number(x)} {_number(y)}" for x, y in points) for letter, points in outline(shape)
    )


def _number(value: float) -> str:
    """Hundredths of a point are finer than any screen."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
