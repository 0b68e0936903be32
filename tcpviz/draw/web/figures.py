"""Drawings -> the figures of the page: the same SVG as everywhere, made to be stepped through, clicked and spoken of.

Colours become the page's own (`var(--syn)`), so that it follows the reader's theme. Knows shapes and parts; which
step brings which part is told to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree

from tcpviz.draw import to_svg
from tcpviz.draw.drawing import Circle, Drawing, Rect, Role, Shape, Text
from tcpviz.draw.metrics import Metrics
from tcpviz.draw.page import Page
from tcpviz.draw.theme import Theme, dress
from tcpviz.value import replace

Element = ElementTree.Element
_CHOSEN = ("segment-", "datagram-")
_TOKEN = 12.0
_STAGE, _MACHINE = "0 40 960 500", "24 40 912 488"
"""What is seen of a slide: it begins below its title, and the state machine without its margins."""


def coloured(theme: Theme) -> Theme:
    """The theme with its colours left to the style sheet."""
    return replace(theme, colours={role: f"var(--{role.value})" for role in Role})


def variables(theme: Theme) -> str:
    """What the style sheet says instead."""
    return "".join(f"--{role.value}:{theme.colours[role]};" for role in Role)


def stepped(
    drawing: Drawing,
    theme: Theme,
    since: Mapping[str, int],
    until: Mapping[str, int],
    labels: Mapping[str, str],
    label: str,
) -> Element:
    """A sequence diagram. `since` says by part at which step it comes into sight, `until` when an arrow is at its end;
    `labels` name those that can be chosen."""
    root = _tree(drawing, theme, label, "group", _STAGE)
    for group in root.iter("g"):
        part = group.get("class", "")
        owner = part.partition("/")[0]
        kind = owner.partition("-")[0]
        group.set("class", kind)
        step = since.get(part, since.get(owner))
        if step:
            group.set("data-since", str(step))
        if owner in labels:
            group.set("class", f"{kind} {part.partition('/')[2]}".strip())
            group.set("data-segment", owner.partition("-")[2])
        if part in labels:
            group.set("class", f"{kind} arrow {_way(group)}")
            group.set("data-until", str(until[part]))
            group.attrib |= {"role": "button", "tabindex": "0", "aria-label": labels[part], "aria-pressed": "false"}
            # a line of two points is hard to hit
            line = group.find("path")
            assert line is not None
            group.insert(0, Element("path", {"d": line.get("d", ""), "class": "reach"}))
        else:
            group.set("aria-hidden", "true")
    return root


def _way(group: Element) -> str:
    """Whether an arrow goes to the right or to the left."""
    line = group.find("path")
    assert line is not None
    corners = line.get("d", "").replace("M", " ").replace("L", " ").split()
    return "rightwards" if float(corners[0]) < float(corners[2]) else "leftwards"


def machine(drawing: Drawing, theme: Theme, letters: tuple[str, str], metrics: Metrics, label: str) -> Element:
    """The state machine, with a token for each end that the page moves about: a disc and a square."""
    tokens: tuple[Shape, ...] = (
        Circle(0, 0, _TOKEN, Role.CLIENT, "token-client"),
        Rect(-_TOKEN, -_TOKEN, 2 * _TOKEN, 2 * _TOKEN, Role.SERVER, 2.5, part="token-server"),
    )
    shapes = list(drawing.shapes)
    for token, letter in zip(tokens, letters, strict=True):
        width = metrics.width(letter, 14, True)
        shapes += [token, Text(0, 5, letter, 14, width, Role.ON_BADGE, True, "middle", part=token.part)]
    root = _tree(replace(drawing, shapes=tuple(shapes)), theme, label, "img", _MACHINE)
    for group in root.iter("g"):
        part = group.get("class", "").partition("/")[0]
        group.set("class", part.partition("-")[0])
        if part:
            group.set("data-part", part)
    return root


def _own(part: str) -> str:
    """The group of a part of what can be chosen; an arrow is what its label belongs to."""
    return part.removesuffix("/arrow").removesuffix("/head").replace("/", _SLASH)


def _tree(drawing: Drawing, theme: Theme, label: str, role: str, view: str) -> Element:
    """What can be chosen comes in a group for each run of shapes of one part; the page has a title already."""
    shapes = tuple(shape for shape in dress(drawing, theme).shapes if shape.part != "title")
    named = tuple(
        replace(shape, part=_own(shape.part)) if shape.part.startswith(_CHOSEN) else shape for shape in shapes
    )
    root = to_svg.tree(replace(drawing, shapes=named), coloured(theme), Page(transparent=True))
    for group in root.iter("g"):
        group.set("class", group.get("class", "").replace(_SLASH, "/"))
    for unwanted in ("title", "desc"):
        found = root.find(unwanted)
        assert found is not None
        root.remove(found)
    for attribute in ("width", "height", "aria-labelledby"):
        del root.attrib[attribute]
    root.attrib |= {"role": role, "aria-label": label, "viewBox": view}
    return root


_SLASH = "\x1f"
"""Stands for the slash of a part, where the SVG would make one group of what is below it."""
