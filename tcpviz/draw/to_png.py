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
from tcpviz.draw.paths import outline
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
_CODES = {"M": (1,), "L": (2,), "Q": (3, 3), "Z": (79,)}
"""matplotlib's path codes, one for each point."""


def render(drawing: Drawing, theme: Theme, page: Page) -> bytes:
    """The drawing as large as it fits on the page, in its pixels. OutputError when no font has its language."""
    return png(painted(drawing, theme, page), page.dpi, page.transparent)


def painted(drawing: Drawing, theme: Theme, page: Page) -> Pixels:
    """The same before it is a file."""
    import matplotlib

    faces.lack(drawing)
    with matplotlib.rc_context(_STABLE):
        canvas = _Canvas(drawing, theme, page)
        for shape in drawing.shapes:
            canvas.paint(shape)
        return canvas.pixels()


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
        self._theme = theme
        self._fonts: dict[tuple[faces.Face, float], FontProperties] = {}
        self._make = Path
        self._circle = Path.circle
        self._renderer.clear()
        if not page.transparent:
            whole = Path([(0, 0), (self._width, 0), (self._width, self._height), (0, self._height), (0, 0)])
            gc = self._renderer.new_gc()
            gc.set_linewidth(0)
            self._renderer.draw_path(gc, whole, Affine2D(), rgb(theme.background))

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

    def pixels(self) -> Pixels:
        return Pixels(self._width, self._height, bytes(self._renderer.buffer_rgba()))


def _untyped(value: Any) -> Any:
    return value
