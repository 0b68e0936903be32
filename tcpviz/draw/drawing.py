"""A Drawing: positioned primitives, and nothing about how they are painted.

Coordinates are points on a slide, of 960 by 540 unless said otherwise, x to the right, y downwards. Colours are
roles, which a theme resolves. `part` says what of the exchange a primitive shows (`segment-3`, `band-client-2`), for
renderers that step, link or describe.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import Enum
from typing import Literal, NamedTuple
from unicodedata import east_asian_width

from tcpviz.value import Value, replace


class Slide(NamedTuple):
    """What a layout has to fill, in points."""

    width: float = 960.0
    height: float = 540.0

    def shaped(self) -> Slide:
        """The least one of the same shape that is nowhere smaller than the usual one."""
        scale = max(WIDE.width / self.width, WIDE.height / self.height)
        # rounded, so that this one's own shaped() is itself
        return Slide(round(self.width * scale, 2), round(self.height * scale, 2))


WIDE = Slide()
LEAST_SIZE = 14.0
"""Of text: what can be read from the last row of a lecture hall."""
Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]
_LEVEL = frozenset("ABCDEFGHIKLMNOPRSTUVWXYZ0123456789-. ")
"""Characters that do not reach below the baseline. Chinese ones do, a little."""


class Role(Enum):
    """What a colour means; the only thing a layout knows about colours."""

    TEXT = "text"
    MUTED = "muted"
    """Times, footers, helping lines."""
    FRAME = "frame"
    """Lifelines, brackets and outlines."""
    FAINT = "faint"
    """Lines that step back; never text."""
    HALO = "halo"
    """Whatever covers a line to make room: the background."""
    SYN = "syn"
    DATA = "data"
    ACK = "ack"
    FIN = "fin"
    RESET = "reset"
    LOST = "lost"
    WARNING = "warning"
    VIOLATION = "violation"
    CLIENT = "client"
    SERVER = "server"
    ON_BADGE = "on-badge"
    BAND_CLOSED = "band-closed"
    BAND_LISTEN = "band-listen"
    BAND_OPENING = "band-opening"
    BAND_ESTABLISHED = "band-established"
    BAND_CLOSING = "band-closing"
    BAND_TIME_WAIT = "band-time-wait"


class Line(Value):
    """A stroke through `points`; corners are rounded with `radius`."""

    points: tuple[Point, ...]
    role: Role
    width: float = 1.0
    dash: tuple[float, ...] = ()
    radius: float = 0.0
    part: str = ""


class Polygon(Value):
    """A filled shape, such as an arrowhead."""

    points: tuple[Point, ...]
    role: Role
    part: str = ""


class Rect(Value):
    """A filled rectangle, (x, y) its upper left corner; `outline` strokes its edge."""

    x: float
    y: float
    width: float
    height: float
    role: Role
    radius: float = 0.0
    outline: Role | None = None
    stroke: float = 1.0
    part: str = ""


class Circle(Value):
    x: float
    y: float
    radius: float
    role: Role
    part: str = ""


class Text(Value):
    """One line of text. (x, y) lies on the baseline at the anchor; `angle` turns clockwise about it, in degrees."""

    x: float
    y: float
    text: str
    size: float
    width: float
    """As measured by the layout, so that a renderer with another font can make it fit."""
    role: Role = Role.TEXT
    bold: bool = False
    anchor: Anchor = "start"
    angle: float = 0.0
    part: str = ""

    def begin(self) -> Point:
        """Where its baseline begins."""
        return self.box(0, 0)[0]

    def corners(self) -> tuple[Point, Point, Point, Point]:
        """The box that its glyphs may fill, turned as the text is."""
        wide = any(east_asian_width(char) in "WF" for char in self.text)
        level = all(char in _LEVEL or "\u4e00" <= char <= "\u9fff" for char in self.text)
        return self.box(0.88 if wide else 0.76, 0.24 if not level else 0.12 if wide else 0.02)

    def box(self, ascent: float, descent: float) -> tuple[Point, Point, Point, Point]:
        """So far above and below its baseline, in em."""
        left = {"start": 0.0, "middle": -self.width / 2, "end": -self.width}[self.anchor]
        up, down = -ascent * self.size, descent * self.size
        cos, sin = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))

        def turned(x: float, y: float) -> Point:
            return self.x + x * cos - y * sin, self.y + x * sin + y * cos

        right = left + self.width
        return turned(left, up), turned(right, up), turned(right, down), turned(left, down)


Shape = Line | Polygon | Rect | Circle | Text


class Drawing(Value):
    """Shapes in painting order. `description` says in words what they show, `language` (BCP 47) in which."""

    shapes: tuple[Shape, ...]
    title: str
    description: str = ""
    language: str = "en"
    slide: Slide = WIDE

    def texts(self) -> Iterator[Text]:
        return (shape for shape in self.shapes if isinstance(shape, Text))

    def of(self, prefix: str) -> tuple[Shape, ...]:
        """The shapes whose part is `prefix` or lies below it (`segment-3` also finds `segment-3/label`)."""
        return tuple(s for s in self.shapes if s.part == prefix or s.part.startswith(f"{prefix}/"))


def arrowhead(tip: Point, tail: Point, size: float, role: Role, part: str = "") -> Polygon:
    """A triangle that ends at `tip`, coming from `tail`."""
    dx, dy = tip[0] - tail[0], tip[1] - tail[1]
    length = math.hypot(dx, dy) or 1.0
    ux, uy = dx / length, dy / length
    bx, by = tip[0] - size * ux, tip[1] - size * uy
    half = 0.42 * size
    return Polygon((tip, (bx - half * uy, by + half * ux), (bx + half * uy, by - half * ux)), role, part)


def cross(centre: Point, size: float, role: Role, part: str = "") -> tuple[Line, Line]:
    """Two strokes that say no."""
    x, y = centre
    falling = Line(((x - size, y - size), (x + size, y + size)), role, 2.6, part=part)
    return falling, replace(falling, points=((x - size, y + size), (x + size, y - size)))
