"""Drawing -> pixels, and PNG. The only place that imports matplotlib, and of it only Agg: no figure, no pyplot.

Knows nothing of TCP. Same drawing, same bytes, whatever the user's matplotlibrc says. matplotlib is imported
when the first picture is painted, so that importing this module costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tcpviz.draw import faces
from tcpviz.draw.drawing import Circle, Drawing, Line, Polygon, Rect, Role, Shape, Text
from tcpviz.draw.page import Page
from tcpviz.draw.paths import extent, outline
from tcpviz.draw.pixels import Pixels, png
from tcpviz.draw.theme import Theme, rgb

if TYPE_CHECKING:
    from matplotlib.font_manager import FontProperties
    from matplotlib.path import Path

_STABLE: Any = {
    "text.hinting": "none",
    "text.antialiased": True,
    "path.simplify": False,
    "agg.path.chunksize": 0,
}
_SOFT = 2
"""Pixels that a blended edge may reach beyond a shape."""
_CODES = {"M": (1,), "L": (2,), "Q": (3, 3), "Z": (79,)}
"""matplotlib's path codes, one for each point."""


def render(drawing: Drawing, theme: Theme, page: Page) -> bytes:
    """The drawing as large as it fits on the page, in its pixels. OutputError when no font has its language."""
    return png(painted(drawing, theme, page), page.dpi, page.transparent)


def painted(drawing: Drawing, theme: Theme, page: Page) -> Pixels:
    """The same before it is a file."""
    [[whole]] = repainted((drawing,), theme, page)
    return whole


def repainted(drawings: Sequence[Drawing], theme: Theme, page: Page) -> list[list[Pixels]]:
    """The first drawing, and of each further one the parts of the page in which it differs from the one before."""
    import matplotlib

    faces.lack(drawings[-1])
    found: list[list[Pixels]] = []
    with matplotlib.rc_context(_STABLE):
        canvas = _Canvas(drawings[0], theme, page)
        before: frozenset[Shape] = frozenset()
        for drawing in drawings:
            shapes = frozenset(drawing.shapes)
            boxes = [canvas.bounds(shape) for shape in before ^ shapes] if found else [(0, 0, *page.pixels)]
            canvas.clear()
            for shape in drawing.shapes:
                bounds = canvas.bounds(shape)
                if any(_meet(box, bounds) for box in boxes):
                    canvas.paint(shape)
            found.append([canvas.pixels(box) for box in boxes])
            before = shapes
    return found


Box = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels; the latter two are outside."""


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


class _Canvas:
    def __init__(self, drawing: Drawing, theme: Theme, page: Page) -> None:
        from matplotlib.backends.backend_agg import RendererAgg
        from matplotlib.path import Path
        from matplotlib.transforms import Affine2D

        self._width, self._height = page.pixels
        finer = page.dpi / 72
        scale = page.scale(drawing) * finer
        left, top = (margin * finer for margin in page.margins(drawing))
        # matplotlib leaves its renderer untyped
        self._renderer: Any = _untyped(RendererAgg)(self._width, self._height, 72 * scale)
        # Agg's y axis points upwards
        self._place = Affine2D().scale(scale, -scale).translate(left, self._height - top)
        self._still = Affine2D()
        self._theme = theme
        self._fonts: dict[tuple[faces.Face, float], FontProperties] = {}
        self._bounds: dict[Shape, Box] = {}
        self._make = Path
        self._circle = Path.circle
        self._background = None if page.transparent else rgb(theme.background)

    def clear(self) -> None:
        """Nothing but the background."""
        self._renderer.clear()
        if self._background:
            corners = [(0, 0), (self._width, 0), (self._width, self._height), (0, self._height), (0, 0)]
            gc = self._renderer.new_gc()
            gc.set_linewidth(0)
            self._renderer.draw_path(gc, self._make(corners), self._still, self._background)

    def bounds(self, shape: Shape) -> Box:
        """A box outside of which the shape leaves everything as it is."""
        if shape not in self._bounds:
            left, top, right, bottom = extent(shape)
            (left, low), (right, high) = self._place.transform([(left, bottom), (right, top)])
            self._bounds[shape] = (
                max(math.floor(left) - _SOFT, 0),
                max(math.floor(self._height - high) - _SOFT, 0),
                min(math.ceil(right) + _SOFT, self._width),
                min(math.ceil(self._height - low) + _SOFT, self._height),
            )
        return self._bounds[shape]

    def paint(self, shape: Shape) -> None:
        match shape:
            case Line():
                self._path(self._outline(shape), stroke=shape.role, width=shape.width, dash=shape.dash)
            case Polygon():
                self._path(self._outline(shape), fill=shape.role)
            case Rect():
                self._path(self._outline(shape), fill=shape.role, stroke=shape.outline, width=shape.stroke)
            case Circle():
                self._path(self._circle((shape.x, shape.y), shape.radius), fill=shape.role)
            case Text():
                self._text(shape)

    def _outline(self, shape: Line | Polygon | Rect) -> Path:
        steps = list(outline(shape))
        vertices = [point for _, points in steps for point in points or [(0.0, 0.0)]]
        return self._make(vertices, [code for letter, _ in steps for code in _CODES[letter]])

    def _path(
        self,
        path: Path,
        *,
        fill: Role | None = None,
        stroke: Role | None = None,
        width: float = 0.0,
        dash: Sequence[float] = (),
    ) -> None:
        gc = self._renderer.new_gc()
        gc.set_linewidth(width if stroke else 0)
        if stroke:
            gc.set_foreground(self._theme.colours[stroke])
        gc.set_capstyle("butt")
        gc.set_joinstyle("round")
        if dash:
            gc.set_dashes(0, list(dash))
        self._renderer.draw_path(gc, path, self._place, rgb(self._theme.colours[fill]) if fill else None)

    def _text(self, text: Text) -> None:
        gc = self._renderer.new_gc()
        gc.set_foreground(self._theme.colours[text.role])
        x, y = text.begin()
        cos, sin = math.cos(math.radians(text.angle)), math.sin(math.radians(text.angle))
        for run in faces.runs(text):
            left, low = self._place.transform((x + run.offset * cos, y + run.offset * sin))
            font = self._font(run.face, text.size)
            self._renderer.draw_text(gc, left, self._height - low, run.text, font, -text.angle)

    def _font(self, face: faces.Face, size: float) -> FontProperties:
        if (face, size) not in self._fonts:
            from matplotlib import font_manager

            # before 3.11 matplotlib knows only the first face of a collection
            collected = getattr(font_manager, "FontPath", None)
            file = collected(str(face.file), face.index) if collected else str(face.file)
            self._fonts[face, size] = font_manager.FontProperties(fname=file, size=size)
        return self._fonts[face, size]

    def pixels(self, part: Box) -> Pixels:
        left, top, right, bottom = part
        flat = memoryview(self._renderer.buffer_rgba()).cast("B")
        rows = (4 * self._width * y for y in range(top, bottom))
        rgba = b"".join(flat[row + 4 * left : row + 4 * right] for row in rows)
        return Pixels(right - left, bottom - top, rgba, left, top)


def _untyped(value: Any) -> Any:
    return value
