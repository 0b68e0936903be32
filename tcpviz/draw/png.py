"""Drawing -> PNG. The only place that imports matplotlib, and of it only the Agg renderer: no figure, no pyplot.

Knows nothing of TCP. Same drawing, same bytes, whatever the user's matplotlibrc says. matplotlib is imported
when the first picture is painted, so that importing this module costs nothing.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

from tcpviz.draw.drawing import Circle, Drawing, Line, Point, Polygon, Rect, Role, Shape, Text
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
_MOVE, _TO, _CURVE, _CLOSE = 1, 2, 3, 79
"""matplotlib's path codes."""

_Outline = tuple[list[Point], list[int]]


def render(drawing: Drawing, theme: Theme, size: tuple[int, int]) -> bytes:
    """The drawing as large as it fits into `size` pixels, centred on the theme's background."""
    import matplotlib

    with matplotlib.rc_context(_STABLE):
        canvas = _Canvas(drawing, theme, size)
        for shape in drawing.shapes:
            canvas.paint(shape)
        return canvas.png()


class _Canvas:
    def __init__(self, drawing: Drawing, theme: Theme, size: tuple[int, int]) -> None:
        from matplotlib.backends.backend_agg import RendererAgg
        from matplotlib.path import Path
        from matplotlib.transforms import Affine2D

        self._width, self._height = size
        scale = min(self._width / drawing.width, self._height / drawing.height)
        left = (self._width - scale * drawing.width) / 2
        top = (self._height - scale * drawing.height) / 2
        # matplotlib leaves its renderer untyped
        self._renderer: Any = _untyped(RendererAgg)(self._width, self._height, 72 * scale)
        # Agg's y axis points upwards
        self._place = Affine2D().scale(scale, -scale).translate(left, self._height - top)
        self._theme = theme
        self._fonts: dict[tuple[float, bool], FontProperties] = {}
        self._make = Path
        self._circle = Path.circle
        self._renderer.clear()
        whole = Path([(0, 0), (self._width, 0), (self._width, self._height), (0, self._height), (0, 0)])
        gc = self._renderer.new_gc()
        gc.set_linewidth(0)
        self._renderer.draw_path(gc, whole, Affine2D(), rgb(theme.background))

    def paint(self, shape: Shape) -> None:
        match shape:
            case Line():
                path = self._make(*_polyline(shape.points, shape.radius))
                self._path(path, stroke=shape.role, width=shape.width, dash=shape.dash)
            case Polygon():
                self._path(self._make([*shape.points, shape.points[0]], closed=True), fill=shape.role)
            case Rect():
                path = self._make(*_rounded(shape))
                self._path(path, fill=shape.role, stroke=shape.outline, width=shape.stroke)
            case Circle():
                path = self._circle((shape.x, shape.y), shape.radius)
                self._path(path, fill=shape.role)
            case Text():
                self._text(shape)

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
        font = self._font(text.size, text.bold)
        gc = self._renderer.new_gc()
        gc.set_foreground(self._theme.colours[text.role])
        x, y = self._place.transform(text.corners(0, 0)[0])
        self._renderer.draw_text(gc, x, self._height - y, text.text, font, -text.angle)

    def _font(self, size: float, bold: bool) -> FontProperties:
        if (size, bold) not in self._fonts:
            import matplotlib
            from matplotlib.font_manager import FontProperties

            name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
            file = File(matplotlib.get_data_path()) / "fonts" / "ttf" / name
            self._fonts[size, bold] = FontProperties(fname=str(file), size=size)
        return self._fonts[size, bold]

    def png(self) -> bytes:
        from PIL import Image

        image = Image.frombuffer("RGBA", (self._width, self._height), self._renderer.buffer_rgba())
        out = io.BytesIO()
        image.convert("RGB").save(out, "PNG", compress_level=6)
        return out.getvalue()


def _untyped(value: Any) -> Any:
    return value


def _polyline(points: Sequence[Point], radius: float) -> _Outline:
    """Straight pieces, their corners rounded by quadratic curves."""
    vertices, codes = [points[0]], [_MOVE]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        if radius:
            vertices += [_towards(corner, before, radius), corner, _towards(corner, after, radius)]
            codes += [_TO, _CURVE, _CURVE]
        else:
            vertices.append(corner)
            codes.append(_TO)
    return [*vertices, points[-1]], [*codes, _TO]


def _towards(start: Point, end: Point, length: float) -> Point:
    dx, dy = end[0] - start[0], end[1] - start[1]
    whole = max((dx * dx + dy * dy) ** 0.5, 1e-9)
    part = min(length / whole, 0.5)
    return start[0] + part * dx, start[1] + part * dy


def _rounded(rect: Rect) -> _Outline:
    x, y, right, bottom, r = rect.x, rect.y, rect.x + rect.width, rect.y + rect.height, rect.radius
    if not r:
        return [(x, y), (right, y), (right, bottom), (x, bottom), (x, y)], [_MOVE, _TO, _TO, _TO, _CLOSE]
    vertices = [
        (x + r, y), (right - r, y), (right, y), (right, y + r), (right, bottom - r), (right, bottom),
        (right - r, bottom), (x + r, bottom), (x, bottom), (x, bottom - r), (x, y + r), (x, y), (x + r, y), (x + r, y),
    ]  # fmt: skip
    corner = [_TO, _CURVE, _CURVE]
    return vertices, [_MOVE, *corner * 4, _CLOSE]
